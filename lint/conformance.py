"""docs/otp-conformance.md names tests that exist, explains every other case, and counts itself right.

With --write it brings the table of figures up to date."""

import os
import re
import sys

import source

TABLE = "docs/otp-conformance.md"
OWED = "**owed**"
LEAST = 0.9  # of the applicable cases, over all suites

_TEST = re.compile(r"^TEST(?:_F|_P)?\(\s*(\w+)\s*,\s*(\w+)\s*\)", re.MULTILINE)
_NAME = re.compile(r"`(\w+\.\w+)`")


def tests_in(text):
    return {f"{suite}.{name}" for suite, name in _TEST.findall(text)}


def rows(text):
    """(suite, line number, case, covered by, why not) of each case."""
    suite = None
    for number, line in enumerate(text.split("\n"), 1):
        if line.startswith("## "):
            suite = line[3:].strip()
        cells = [cell.strip() for cell in line.split("|")[1:-1]]
        if suite is None or len(cells) != 3 or cells[0] == "case" or set(cells[0]) == {"-"}:
            continue
        yield suite, number, *cells


def figures(text):
    """By suite: how many cases apply, and how many of them are covered."""
    counts = {}
    for suite, _, _, covered, why_not in rows(text):
        count = counts.setdefault(suite, [0, 0])
        count[0] += not why_not
        count[1] += not why_not and covered != OWED
    return counts


def figure_lines(counts):
    lines = ["| suite | applicable | covered |", "|---|---|---|"]
    lines += [f"| {suite} | {applicable} | {covered} |" for suite, (applicable, covered) in counts.items()]
    lines.append(f"| all | {sum(c[0] for c in counts.values())} | {sum(c[1] for c in counts.values())} |")
    return lines


def check(text, tests):
    """(line number, message) of each fault."""
    seen = set()
    for suite, number, case, covered, why_not in rows(text):
        if (suite, case) in seen:
            yield number, f"{case} stands there twice"
        seen.add((suite, case))
        names = _NAME.findall(covered)
        for name in names:
            if name not in tests:
                yield number, f"there is no test {name}"
        if bool(names) + (covered == OWED) + bool(why_not) != 1:
            yield number, f"{case} needs tests, a reason why it does not apply, or {OWED}: one of the three"
    counts = figures(text)
    applicable, covered = (sum(count[i] for count in counts.values()) for i in (0, 1))
    if covered < LEAST * applicable:
        yield 1, f"{covered} of {applicable} applicable cases are covered: less than {LEAST:.0%}"
    if "\n".join(figure_lines(counts)) not in text:
        yield 1, "the figures are not those of the tables: run lint/conformance.py --write"


def write():
    path = os.path.join(source.ROOT, TABLE)
    text = source.read(TABLE)
    old = re.search(r"\| suite \| applicable \| covered \|\n\|---\|---\|---\|\n(?:\|[^\n]*\n)*", text).group(0)
    text = text.replace(old, "\n".join(figure_lines(figures(text))) + "\n")
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)


def main():
    if "--write" in sys.argv[1:]:
        write()
    tests = set()
    for path in source.files(("_test.cpp",)):
        tests |= tests_in(source.read(path) or "")
    faults = list(check(source.read(TABLE), tests))
    for number, message in faults:
        print(f"{TABLE}:{number}: {message}")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
