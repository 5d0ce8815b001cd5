"""The rules of the house that a text can be checked for. Each rule yields (line, message) for one file."""

import os
import re
import sys

import source

FUNCTION_LINES = 70
FILE_LINES = 800
TEST_FILE_LINES = 1200

CPP = (".cpp", ".hpp")
CODE = CPP + (".py", ".js", ".mjs", ".css", ".html", ".sh")
BINARY = (".png", ".ico", ".woff2")

# What each floor may include, itself aside. Folders that are not here may include anything.
FLOORS = {
    "coppice/term": set(),
    "coppice/runtime": {"coppice/term"},
    "coppice/otp": {"coppice/term", "coppice/runtime"},
    "coppice/net": {"coppice/term", "coppice/runtime"},
}
for _floor in ("coppice/http", "coppice/dist", "coppice/store"):
    FLOORS[_floor] = {"coppice/term", "coppice/runtime", "coppice/otp", "coppice/net"}
FLOORS["coppice/sim"] = {f for f in FLOORS}
FLOORS["servers"] = {f for f in FLOORS} | {"coppice"}
FLOORS["cli"] = {f for f in FLOORS} | {"coppice"}
FLOORS["coppice"] = {"coppice/term", "coppice/runtime", "coppice/otp"}
LIBRARY = {f for f in FLOORS if f.startswith("coppice")}
TOP = ("coppice/", "servers/", "cli/", "examples/", "bench/", "tests/")

# The one public header that brings Asio, and says so.
ASIO_HEADERS = {"coppice/net/use_process.hpp"}


class File:
    """A file as the rules see it: text, code without comments and literals, and where it stands."""

    def __init__(self, path, text):
        self.path, self.text = path, text
        self.lines = source.Lines(text)
        self.cpp = path.endswith(CPP)
        self.code = source.mask(text) if self.cpp else text
        self.test = path.startswith("tests/") or re.search(r"_test\.\w+$", path) is not None
        self.lint = path.startswith("lint/")

    def find(self, pattern, message, text=None):
        for match in re.finditer(pattern, self.code if text is None else text):
            yield self.lines.at(match.start()), message.format(*match.groups())


def floor_of(path):
    parts = path.split("/")
    if parts[0] == "coppice":
        return "/".join(parts[:2]) if len(parts) > 2 else "coppice"
    return parts[0]


def file_length(file):
    """Files are read as a whole: 800 lines at most, tests 1200."""
    limit = TEST_FILE_LINES if file.test else FILE_LINES
    count = file.text.count("\n")
    if file.path.endswith(CODE) and count > limit:
        yield limit + 1, f"{count} lines, {limit} at most: split it along a concept"


def function_length(file):
    """Functions are 70 lines at most."""
    if not file.cpp:
        return
    for function in source.functions(file.code):
        first, last = file.lines.at(function.start), file.lines.at(function.close)
        if last - first + 1 > FUNCTION_LINES:
            yield first, f"a function of {last - first + 1} lines, {FUNCTION_LINES} at most: give its steps names"


def includes_downwards(file):
    """A floor includes itself and what it stands on; its tests may use all of the library."""
    if not file.cpp:
        return
    floor = floor_of(file.path)
    allowed = FLOORS.get(floor)
    if allowed is not None and file.test and floor in LIBRARY:
        allowed = LIBRARY
    for match in re.finditer(r'(?m)^\s*#\s*include\s*(["<])([^">]+)[">]', source.mask(file.text, keep_strings=True)):
        quote, target = match.groups()
        line = file.lines.at(match.start())
        if quote == '"' and not target.startswith(TOP):
            yield line, f'"{target}": includes are written from the root of the repository'
        elif target.startswith(TOP) and allowed is not None:
            other = floor_of(target)
            if other != floor and other not in allowed:
                yield line, f"{floor} may not include {other}: includes go down only"


def boost_out_of_sight(file):
    """Asio stays in coppice/net; a public header brings no Boost."""
    if not file.cpp:
        return
    hidden = file.path.endswith(".cpp") or "/detail/" in file.path or file.path in ASIO_HEADERS
    for match in re.finditer(r'(?m)^\s*#\s*include\s*["<](boost/[^">]+)[">]', file.text):
        line = file.lines.at(match.start())
        if match.group(1).startswith("boost/asio") and not file.path.startswith(("coppice/net/", "tests/docs/net")):
            yield line, "Boost.Asio is included in coppice/net only"
        elif not hidden and file.path.startswith(("coppice/", "servers/")):
            yield line, "a public header shows no Boost: move it to the .cpp or to detail/"


def no_sleeps_in_tests(file):
    """A test waits for what it wants to see, or uses simulated time."""
    if file.test and not file.lint:
        yield from file.find(r"\b(sleep_for|sleep_until|usleep|nanosleep|sleep|waitForTimeout)\s*\(",
                             "{0} in a test: wait for the event, or use simulated time")


def no_fences(file):
    """ThreadSanitizer cannot see a fence: orderings stand on atomics."""
    if file.cpp:
        yield from file.find(r"\b(atomic_thread_fence|atomic_signal_fence|__sync_synchronize)\b",
                             "{0}: put the ordering on an atomic; ThreadSanitizer cannot see a fence")


def nothing_left_for_later(file):
    """No markers of unfinished work."""
    if not file.lint:
        yield from file.find(r"\b(TODO|FIXME|XXX|HACK)\b", "{0}: finish it, or say it in the docs", file.text)


def no_test_switched_off(file):
    """A test that cannot run is mended or removed."""
    if not file.lint:
        yield from file.find(r"\b(DISABLED_|GTEST_SKIP|(?:test|it|describe)\.skip)", "{0}: a test switched off")


def pragma_once(file):
    """Every header guards itself, before anything else it does."""
    if file.path.endswith(".hpp"):
        first = re.search(r"(?m)^\s*(\S.*)$", file.code)
        if not first or first.group(1).strip() != "#pragma once":
            yield 1, "a header starts with #pragma once"


def clean_whitespace(file):
    """No tabs, no space at a line's end, one newline at the end of a file."""
    yield from file.find(r"\t", "a tab", file.text)
    yield from file.find(r"[ \r]+(?=\n)", "space at the end of the line", file.text)
    if file.text and not re.search(r"[^\n]\n\Z", file.text):
        yield file.lines.at(len(file.text)), "a file ends with one newline"


def no_place_of_one_machine(file):
    """No path of one machine and no host of a package registry."""
    yield from file.find(r"(?<![\w.}])(/(?:wor[k]|tm[p]|hom[e])/)\w", "{0}: a path of one machine", file.text)
    yield from file.find(r"((?:registry|registry-1)[.](?:npmjs|docker)[.]\w+|(?:deb|security)[.]debian[.]org)",
                         "{0}: the host of a package registry", file.text)


def links_lead_somewhere(file, exists=os.path.exists):
    """A link from one paper to a file of ours leads to it."""
    if file.path.endswith(".md"):
        for match in re.finditer(r"\]\((?!\w+:|#)([^)#\s]+)(?:#[^)\s]*)?\)", file.text):
            target = os.path.normpath(os.path.join(source.ROOT, os.path.dirname(file.path), match.group(1)))
            if not exists(target):
                yield file.lines.at(match.start()), f"a link to {match.group(1)}, which is not there"


def plain_std(file):
    """Names keep their std::, and a newline is '\\n'."""
    if file.cpp:
        yield from file.find(r"\busing\s+namespace\s+std\s*;", "using namespace std: write std:: where it is used")
        yield from file.find(r"\bstd::endl\b", r"std::endl flushes: write '\n'")


def catch_all_has_a_reason(file):
    """Ending a process is an exception that catch (...) must let pass, or say why not."""
    if not file.cpp or file.test or not file.path.startswith(("coppice/", "servers/", "cli/")):
        return
    for match in re.finditer(r"\bcatch\s*\(\s*\.\.\.\s*\)\s*\{", file.code):
        close = source.matching(file.code, match.end() - 1)
        line_start = file.text.rfind("\n", 0, match.start()) + 1
        above = file.text.rfind("\n", 0, max(line_start - 1, 0)) + 1
        marked = re.search(r"// catch-all: \S", file.text[above:close])
        if not re.search(r"\bthrow\s*;", file.code[match.end():close]) and not marked:
            yield file.lines.at(match.start()), "catch (...) must rethrow, or carry `// catch-all: why`"


RULES = [
    file_length, function_length, includes_downwards, boost_out_of_sight, no_sleeps_in_tests, no_fences,
    nothing_left_for_later, no_test_switched_off, pragma_once, clean_whitespace, no_place_of_one_machine,
    links_lead_somewhere, plain_std, catch_all_has_a_reason,
]


def check(path, text):
    """All that is wrong with one file: (path, line, message)."""
    file = File(path, text)
    return sorted((path, line, message) for rule in RULES for line, message in rule(file))


def main():
    failures = []
    for path in source.files():
        text = None if path.endswith(BINARY) else source.read(path)
        if text is not None:
            failures += check(path, text)
    return source.report(failures)


if __name__ == "__main__":
    sys.exit(main())
