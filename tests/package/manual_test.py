"""packaging/coppice.1 has the options that each command's --help has, with the same defaults and words, and no other."""

import os
import re
import subprocess
import sys

PAGE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "packaging", "coppice.1")


def squeezed(text):
    return " ".join(text.split())


def plain(roff):
    """The words of a manual page without its markup."""
    text = re.sub(r"(?m)^\.(?:BI|BR|RI|B|I)\s+", "", roff)
    text = re.sub(r"(?m)^\.[A-Z]+.*$", "", text)
    return squeezed(text.replace("\\-", "-").replace('"', ""))


def of_the_page(text, title):
    """Options of a section: name to what stands there."""
    section = text.split(f".SH {title}\n")[1].split("\n.SH ")[0]
    entries = [entry.split("\n", 1) for entry in section.split(".TP\n")[1:]]
    return {re.search(r"--[a-z-]+", head.replace("\\-", "-"))[0]: plain(body) for head, body in entries}


def of_the_help(text):
    """Options of a help text, whose second column is the 31st: name to (default or None, what it does)."""
    found = {}
    for entry in re.split(r"(?m)^  (?=-)", text.split("Options:\n")[1])[1:]:
        line, below = entry.split("\n", 1)
        head, words = (line, below) if below.strip() else (line[:28], line[28:])
        default = re.search(r"=(\S+)$", head.strip())
        found[re.search(r"--[a-z-]+", head)[0]] = (default[1] if default else None, squeezed(words))
    return found


def check(program, command, page, at_least):
    """Gives the options of a command, all of which the page says."""
    said = subprocess.run([program, command, "--help"], capture_output=True, text=True, check=True).stdout
    options = of_the_help(said)
    assert len(options) >= at_least, f"too few options were read:\n{said}"
    for name, (default, words) in options.items():
        if name == "--help":
            continue
        assert name in page, f"{command} {name} is not on the page"
        for word in words.split():
            assert word.strip(".,;:") in page[name], f"{name}: the page does not say '{word}' but '{page[name]}'"
        if default is not None:
            assert f"Default: {default}." in page[name], f"{name}: the page has not the default {default}"
    return options.keys()


def main(program):
    with open(PAGE, encoding="utf-8") as file:
        text = file.read()
    questions = ("ping", "call", "cast", "nodes", "ps", "tree")
    sections = (
        ("OPTIONS", ("run",), 6, {"--version"}),
        ("OPTIONS OF NODE", ("node",), 6, {"--help"}),
        ("OPTIONS OF PING, CALL, CAST, NODES, PS AND TREE", questions, 4, {"--help"}),
    )
    for title, commands, at_least, apart in sections:
        page = of_the_page(text, title)
        known = set().union(*(check(program, command, page, at_least) for command in commands))
        assert known ^ apart == page.keys(), f"{title}: help: {sorted(known)}, page: {sorted(page)}"


if __name__ == "__main__":
    main(sys.argv[1])
