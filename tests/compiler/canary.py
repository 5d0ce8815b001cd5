"""Builds and runs one shape of co_await with both compilers: canary.py FILE.

The plain shape must work with Clang 19 and fail with GCC 12; the SAFE spelling of the same thing must work with both.
When GCC's plain shape starts to work, that compiler is mended: look at docs/coroutines.md and lint/coroutines.py again."""

import os
import subprocess
import sys
import tempfile

# compiler, macro, does it have to work
ROUNDS = [
    ("clang++-19", "PLAIN", True),
    ("clang++-19", "SAFE", True),
    ("g++-12", "SAFE", True),
    ("g++-12", "PLAIN", False),
]
SECONDS_TO_RUN = 20
ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


def outcome(compiler, macro, shape, folder):
    """'works', or in what way it does not."""
    program = os.path.join(folder, f"{compiler}-{macro}")
    built = subprocess.run([compiler, "-std=c++23", "-O0", "-I", ROOT, f"-D{macro}", shape, "-o", program],
                           capture_output=True, text=True, check=False)
    if built.returncode:
        return "does not compile: " + (built.stderr.strip().splitlines() or ["no message"])[0]
    try:
        code = subprocess.run([program], capture_output=True, timeout=SECONDS_TO_RUN, check=False).returncode
    except subprocess.TimeoutExpired:
        return "does not end"
    if code == 0:
        return "works"
    return f"is killed by signal {-code}" if code < 0 else "gives a wrong result"


def main():
    shape = sys.argv[1]
    unexpected = 0
    with tempfile.TemporaryDirectory() as folder:
        for compiler, macro, must_work in ROUNDS:
            found = outcome(compiler, macro, shape, folder)
            expected = (found == "works") == must_work
            unexpected += not expected
            print(f"{os.path.basename(shape)} {compiler} {macro}: {found}{'' if expected else '  <- not expected'}")
    return 1 if unexpected else 0


if __name__ == "__main__":
    sys.exit(main())
