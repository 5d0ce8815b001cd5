"""C++ shown to learners is C++ that compiles: each block of the papers below stands in a file that the tests build, a
program of examples/ or a page of tests/docs/.

A block is found if it stands in one file there, as it is; spaces, line breaks and comments do not count. A line `// ...`
in a block is a gap: what follows it stands later in the same file."""

import fnmatch
import re
import sys

import source

PAPERS = ("README.md", "docs/*.md", "coppice/*/README.md", "servers/*/README.md", "CONTRIBUTING.md")
PROGRAMS = ("examples/", "tests/docs/")
GAP = "// ..."


def blocks(text):
    """The C++ blocks of a paper: (line of the opening fence, lines)."""
    lines = source.Lines(text)
    for match in re.finditer(r"(?ms)^```cpp[^\n]*\n(.*?)^```$", text):
        yield lines.at(match.start()), match.group(1).splitlines()


def squeezed(text):
    """The text without comments and space. A comment stands at the start of its line or behind a space."""
    return re.sub(r"\s+", "", re.sub(r"(?m)(^|\s)//.*$", "", text))


def stands_in(block, program):
    at, part = 0, []
    for line in block + [GAP]:
        if line.strip() != GAP:
            part.append(line)
            continue
        wanted = squeezed("\n".join(part))
        found = program.find(wanted, at)
        if found < 0:
            return False
        at, part = found + len(wanted), []
    return True


def check(path, text, programs):
    """What is wrong with one paper: (path, line, message). `programs` are texts."""
    known = [squeezed(program) for program in programs]
    return [(path, line, f"a C++ block that no file of {' and '.join(PROGRAMS)} has")
            for line, block in blocks(text) if not any(stands_in(block, program) for program in known)]


def main():
    programs = [source.read(p) for p in source.files((".cpp", ".hpp")) if p.startswith(PROGRAMS)]
    failures = []
    for path in source.files((".md",)):
        if any(fnmatch.fnmatch(path, pattern) for pattern in PAPERS):
            failures += check(path, source.read(path), programs)
    return source.report(failures)


if __name__ == "__main__":
    sys.exit(main())
