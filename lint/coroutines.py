"""The coroutine lint: only shapes of co_await that every compiler we build with translates correctly.

docs/coroutines.md says why; tests/compiler/ shows each broken shape breaking. The check reads text, so it asks for a
little more than the bugs do: a shape that it cannot tell from a broken one is refused too."""

import re
import sys

import source

CPP = (".cpp", ".hpp")
# Here the broken shapes are written on purpose, each to see whether a compiler still breaks it.
BROKEN_ON_PURPOSE = "tests/compiler/"

FORMS = "co_await stands only as `T x = co_await e;`, `co_await e;` or `co_return co_await e;`"
AWAIT = re.compile(r"\bco_await\b")
COROUTINE = re.compile(r"\bco_(?:await|return|yield)\b")
# What may stand before a statement on the same path: heads without braces, and labels.
LEAD = re.compile(r"^(?:else\b|do\b|(?:case\b[^?;{}]*?|default|[A-Za-z_]\w*)\s*:(?!:))\s*")
HEAD = re.compile(r"^(?:if(?:\s+constexpr)?|for|while|switch)\s*\(")
DECLARATION = re.compile(
    r"^(?:\[\[\w+\]\]\s*)?(?:const\s+)?[A-Za-z_:][\w:]*(?:<[\w\s:<>,*&()]*>)?(?:::\w+)*(?:\s+const)?[\s*&]+[A-Za-z_]\w*\s*=$")


def statement_start(code, at):
    """Goes back from `at` to the start of its statement. Gives (offset, the word before an open bracket or None)."""
    depth = 0
    while at > 0:
        at -= 1
        char = code[at]
        if char in ")]":
            depth += 1
        elif char in "([":
            if depth == 0:
                word = re.search(r"(\w*)\s*(?:constexpr\s*)?$", code[:at])
                return at + 1, word.group(1) or "("
            depth -= 1
        elif char in ";{}" and depth == 0:
            break
    else:
        return 0, None
    return at + 1, None


def statement_end(code, at):
    """Goes on from `at` to the `;` of its statement, or to the bracket that ends it otherwise."""
    depth = 0
    for end in range(at, len(code)):
        if code[end] in "([{":
            depth += 1
        elif code[end] in ")]}":
            if depth == 0:
                return end
            depth -= 1
        elif code[end] == ";" and depth == 0:
            return end
    return len(code) - 1


def without_leads(prefix):
    """A statement's text without what only leads to it: `if (x)`, `else`, `case 1:`."""
    while True:
        prefix = prefix.strip()
        head = HEAD.match(prefix)
        lead = LEAD.match(prefix)
        if head:
            prefix = prefix[source.matching(prefix, head.end() - 1) + 1:]
        elif lead:
            prefix = prefix[lead.end():]
        else:
            return prefix


def wrong_with_operand(operand):
    """What makes the awaited expression itself unsafe, or None."""
    if re.search(r"\[[^\[\]]+\]\s*[({]", operand) and "{" in operand:
        return "a capturing lambda in an awaited expression: name it one line earlier"
    if "{" in operand:
        return "braces in an awaited expression: build the value one line earlier and move it in"
    if "?" in operand:
        return "?: in an awaited expression: decide one line earlier"
    if "&&" in operand or "||" in operand:
        return "&& or || in an awaited expression: decide one line earlier"
    return None


def awaits(code):
    """What is wrong with each co_await: (offset, message)."""
    for match in AWAIT.finditer(code):
        line = code[code.rfind("\n", 0, match.start()) + 1:match.start()]
        if re.search(r"\boperator\s*$", line) or line.lstrip().startswith("#"):
            continue
        start, bracket = statement_start(code, match.start())
        end = statement_end(code, match.end())
        prefix = without_leads(code[start:match.start()])
        if bracket in ("if", "while", "for", "switch"):
            yield match.start(), f"co_await in the head of `{bracket}`: name the result first"
        elif bracket or code[end] != ";":
            yield match.start(), FORMS + ": name the result first"
        elif prefix not in ("", "co_return") and not DECLARATION.match(prefix):
            yield match.start(), FORMS
        else:
            message = wrong_with_operand(code[match.end():end])
            if message:
                yield match.start(), message


def lambdas(code):
    """The lambdas of a text as (offset of `[`, capture, offset of `{`, offset of `}`)."""
    for match in re.finditer(r"(?<![\w\])\[])\s*\[([^\[\]]*)\]", code):
        at = match.end()
        while at < len(code) and code[at] not in "{;,)}=":
            at = source.matching(code, at) + 1 if code[at] in "([" else at + 1
        if at < len(code) and code[at] == "{":
            yield match.end() - 1, match.group(1).strip(), at, source.matching(code, at)


def capturing_coroutines(code):
    """A coroutine lambda's captures live in the lambda, which is often gone when the coroutine goes on."""
    found = list(lambdas(code))
    for offset, capture, begin, end in found:
        if not capture:
            continue
        body = code[begin:end]
        for _, _, inner, inner_end in found:
            if begin < inner and inner_end < end:
                body = body[:inner - begin] + " " * (inner_end - inner) + body[inner_end - begin:]
        if COROUTINE.search(body):
            yield offset, "a coroutine lambda captures nothing: pass what it needs as parameters by value"


def overaligned_locals(code):
    """GCC 12 does not align a coroutine's frame to more than 16."""
    for function in source.functions(code):
        body = code[function.open:function.close]
        if not COROUTINE.search(body):
            continue
        for match in re.finditer(r"\balignas\s*\(([^)]*)\)", function.head + body):
            size = match.group(1).strip()
            if not (size.isdigit() and int(size) <= 16):
                offset = function.open + match.start() - len(function.head)
                yield max(offset, function.start), "alignas over 16 in a coroutine: keep such data on the heap"


def check(path, text):
    """All that is wrong with the coroutines of one file: (path, line, message)."""
    code = source.mask(text)
    if path.startswith(BROKEN_ON_PURPOSE) or not COROUTINE.search(code):
        return []
    lines = source.Lines(text)
    found = [*awaits(code), *capturing_coroutines(code), *overaligned_locals(code)]
    return sorted((path, lines.at(offset), message) for offset, message in found)


def main():
    failures = []
    for path in source.files(CPP):
        text = source.read(path)
        if text is None:
            failures.append((path, 1, "not UTF-8 text"))
        else:
            failures += check(path, text)
    return source.report(failures)


if __name__ == "__main__":
    sys.exit(main())
