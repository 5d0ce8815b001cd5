"""C++ shown to learners is C++ that compiles: each block of the papers below stands in a program of examples/.

A block is found if its lines stand one after the other in one file there; indentation and blank lines do not count. A
line `// ...` in a block is a gap: what follows it stands later in the same file."""

import re
import sys

import source

PAPERS = ("README.md", "docs/tutorial.md")
PROGRAMS = "examples/"
GAP = "// ..."


def blocks(text):
    """The C++ blocks of a paper: (line of the opening fence, lines)."""
    lines = source.Lines(text)
    for match in re.finditer(r"(?ms)^```cpp[^\n]*\n(.*?)^```$", text):
        yield lines.at(match.start()), match.group(1).splitlines()


def squeezed(lines):
    return [line.strip() for line in lines if line.strip()]


def find(part, lines, start):
    """Where `part` ends in `lines` from `start` on, or None."""
    for at in range(start, len(lines) - len(part) + 1):
        if lines[at:at + len(part)] == part:
            return at + len(part)
    return None


def stands_in(block, lines):
    at, part = 0, []
    for line in squeezed(block) + [GAP]:
        if line != GAP:
            part.append(line)
            continue
        at = find(part, lines, at)
        if at is None:
            return False
        part = []
    return True


def check(path, text, programs):
    """What is wrong with one paper: (path, line, message). `programs` are texts."""
    known = [squeezed(program.splitlines()) for program in programs]
    return [(path, line, f"a C++ block that no program of {PROGRAMS} has")
            for line, block in blocks(text) if not any(stands_in(block, lines) for lines in known)]


def main():
    programs = [source.read(p) for p in source.files((".cpp", ".hpp")) if p.startswith(PROGRAMS)]
    failures = []
    for path in PAPERS:
        failures += check(path, source.read(path), programs)
    return source.report(failures)


if __name__ == "__main__":
    sys.exit(main())
