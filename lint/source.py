"""What the code rules share: which files are ours, and reading C++ as text without being misled by it.

As a program: prints our files with the given suffixes, one a line."""

import bisect
import os
import re
import subprocess
import sys
from dataclasses import dataclass

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
NOT_OURS = {".git", ".cache", "build", "node_modules"}


def files(suffixes=("",), root=ROOT):
    """Our files, as paths from the root: what git tracks or would track, or all there are where git cannot say."""
    listed = subprocess.run(
        ["git", "-C", root, "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        capture_output=True, check=False)
    if listed.returncode == 0:
        paths = [p for p in listed.stdout.decode().split("\0") if p]
    else:
        paths = []
        for folder, folders, names in os.walk(root):
            folders[:] = [f for f in folders if f not in NOT_OURS]
            paths += [os.path.relpath(os.path.join(folder, name), root) for name in names]
    return sorted(p for p in set(paths) if p.endswith(tuple(suffixes)) and os.path.isfile(os.path.join(root, p)))


def read(path, root=ROOT):
    """The text of a file, or None if it is not text."""
    with open(os.path.join(root, path), "rb") as file:
        data = file.read()
    try:
        return None if b"\0" in data else data.decode("utf-8")
    except UnicodeDecodeError:
        return None


_OPAQUE = re.compile(
    r"""(?P<comment>//[^\n]*|/\*.*?\*/)"""
    r"""|(?P<raw>\b(?:u8|[uUL])?R"(?P<delimiter>[^\s()\\]{0,16})\(.*?\)(?P=delimiter)")"""
    r"""|(?P<string>"(?:\\.|[^"\\\n])*")"""
    r"""|(?P<char>(?<![0-9a-zA-Z_])(?:u8|[uUL])?'(?:\\.|[^'\\\n])+')""",
    re.DOTALL | re.VERBOSE)


def mask(text, keep_strings=False):
    """C++ text with comments and the inside of literals as spaces: same length, same lines."""

    def blank(match):
        found = match.group(0)
        if keep_strings and not match.group("comment"):
            return found
        spaces = re.sub(r"[^\n]", " ", found)
        if match.group("comment"):
            return spaces
        return '"' + spaces[1:-1] + '"' if len(found) > 1 else found

    return _OPAQUE.sub(blank, text)


class Lines:
    """Turns an offset in a text into its line number."""

    def __init__(self, text):
        self._starts = [0] + [m.end() for m in re.finditer("\n", text)]

    def at(self, offset):
        return bisect.bisect_right(self._starts, offset)


@dataclass
class Block:
    """A brace block of code: `head` is the text from `start` to its opening brace."""
    head: str
    start: int
    open: int
    close: int


PAIRS = {")": "(", "]": "[", "}": "{"}


def matching(code, offset):
    """The offset of the bracket that closes the one at `offset`, or the end of the code."""
    depth = 0
    for at in range(offset, len(code)):
        if code[at] in "([{":
            depth += 1
        elif code[at] in ")]}":
            depth -= 1
            if depth == 0:
                return at
    return len(code) - 1


_SCOPE = re.compile(r"^(?:inline\s+|export\s+)?(?:namespace\b|extern\s*\"|class\b|struct\b|union\b|enum\b|concept\b)")
_TEMPLATE = re.compile(r"^(?:template\s*<.*?>\s*(?=(?:class|struct|union|requires)\b)|requires\b.*?(?=\b(?:class|struct)\b))",
                       re.DOTALL)


_ACCESS = re.compile(r"\s*(?:(?:public|private|protected)\s*:\s*)*")


def _is_scope(head):
    """Does this head open a namespace or a type, in which functions stand?"""
    previous, head = None, head.strip()
    while previous != head:
        previous, head = head, _TEMPLATE.sub("", head).strip()
    return bool(_SCOPE.match(head)) and not re.search(r"\)\s*(?:const|noexcept|override|final|->.*)?\s*$", head)


def functions(code):
    """The bodies that stand in a namespace or type of masked, formatted code: functions, and tests by macro."""
    code = re.sub(r"(?m)^[ \t]*#(?:[^\n]*\\\n)*[^\n]*", lambda m: re.sub(r"[^\n]", " ", m.group(0)), code)
    found = []

    def scan(at, end):
        start = at
        while at < end:
            char = code[at]
            if char == ";":
                start = at + 1
            elif char in "([":
                at = matching(code, at)
            elif char == "{":
                close = matching(code, at)
                head = code[start:at]
                lead = _ACCESS.match(head).end()
                if _is_scope(head[lead:]):
                    scan(at + 1, close)
                    start = close + 1
                elif code[at - 1].isspace() and "(" in head and not re.search(r"(?:=|,|\()\s*$", head):
                    found.append(Block(head[lead:], start + lead, at, close))
                    start = close + 1
                at = close
            elif char == "}":
                start = at + 1
            at += 1

    scan(0, len(code))
    return found


def report(failures):
    """Prints `path:line: message` rows and gives the exit code."""
    for path, line, message in failures:
        print(f"{path}:{line}: {message}")
    return 1 if failures else 0


if __name__ == "__main__":
    print("\n".join(files(tuple(sys.argv[1:]) or ("",))))
