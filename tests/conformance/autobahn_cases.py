"""Loads the case definitions of a checkout of the Autobahn test suite, which are Python 2, into Python 3.

Strings of Python 2 are bytes. Here they are texts whose characters are bytes (Latin-1), so that everything a case
does with them means the same; what leaves for the network or comes from it is converted at the border (`octets`,
`text`). Nothing is written anywhere, and nothing of the checkout is changed.
"""

import ast
import binascii
import hashlib
import importlib.abc
import importlib.util
import os
import re
import sys
import types


def octets(value):
    """To the network."""
    return value.encode("latin-1") if isinstance(value, str) else value


def text(value):
    """From the network."""
    return value.decode("latin-1") if isinstance(value, (bytes, bytearray)) else value


class _Hash:
    def __init__(self):
        self._hash = hashlib.sha1()

    def update(self, value):
        self._hash.update(octets(value))

    def digest(self):
        return text(self._hash.digest())


class _Validator:
    """autobahn's own, for texts."""

    def __init__(self):
        from autobahn.websocket.utf8validator import Utf8Validator

        self._validator = Utf8Validator()

    def reset(self):
        self._validator.reset()

    def validate(self, value):
        return self._validator.validate(octets(value))


def _module(name, **names):
    module = types.ModuleType(name)
    module.__dict__.update(names)
    return module


def _hex(value):
    return text(binascii.b2a_hex(octets(value)))


def _renamed(name):
    if not re.fullmatch("(accept|request)(NoContextTakeover|MaxWindowBits)", name):
        return name
    return re.sub("([A-Z])", lambda found: "_" + found[1].lower(), name)


class _Modernised(ast.NodeTransformer):
    """What a syntax tree of Python 2 would mean otherwise in Python 3."""

    def visit_Call(self, node):
        self.generic_visit(node)
        if isinstance(node.func, ast.Attribute) and node.func.attr in ("encode", "decode"):
            name = ast.Name("__" + node.func.attr, ast.Load())
            return ast.copy_location(ast.Call(name, [node.func.value], []), node)
        return node

    def visit_BinOp(self, node):
        self.generic_visit(node)
        if isinstance(node.op, ast.Div):
            node.op = ast.FloorDiv()
        return node

    def visit_Attribute(self, node):
        """What autobahn for Python calls otherwise since."""
        self.generic_visit(node)
        node.attr = _renamed(node.attr)
        return node

    def visit_keyword(self, node):
        self.generic_visit(node)
        node.arg = node.arg and _renamed(node.arg)
        return node

    def visit_Tuple(self, node):
        """Bases of classes: there are no old ones any more, so `object` comes last by itself."""
        self.generic_visit(node)
        node.elts = [e for e in node.elts if not (isinstance(e, ast.Name) and e.id == "object")]
        return node


class _Loader(importlib.abc.SourceLoader):
    def __init__(self, path, data):
        self._path = path
        self._data = data

    def get_filename(self, fullname):
        return self._path

    def get_data(self, path):
        with open(path, "rb") as file:
            return file.read()

    def source_to_code(self, data, path="<string>", **_):
        source = re.sub(r"(?m)^(\s*)print (.+)$", r"\1print(\2)", data.decode("latin-1"))
        tree = _Modernised().visit(ast.parse(source, path))
        return compile(ast.fix_missing_locations(tree), path, "exec", dont_inherit=True)

    def exec_module(self, module):
        stand_ins = {
            "binascii": _module("binascii", b2a_hex=_hex, hexlify=_hex),
            "hashlib": _module("hashlib", sha1=_Hash),
            # Compared as texts of pickles; the values themselves say the same.
            "pickle": _module("pickle", dumps=lambda value: value),
            "pkg_resources": _module("pkg_resources", resource_filename=lambda _, name: os.path.join(self._data, name)),
            "zope.interface": _module("zope.interface", implements=lambda *_: None),
            "autobahn.websocket.utf8validator": _module("utf8validator", Utf8Validator=_Validator),
        }

        def import_(name, *arguments, **named):
            return stand_ins.get(name) or __import__(name, *arguments, **named)

        builtins = dict(vars(__import__("builtins")), __import__=import_)
        module.__dict__.update(
            __builtins__=builtins,
            xrange=range,
            unichr=chr,
            open=lambda path, _: open(path, encoding="latin-1", newline=""),
            __encode=lambda value: text(value.encode("utf-8")),
            __decode=lambda value: octets(value).decode("utf-8"),
        )
        super().exec_module(module)

    def path_stats(self, path):
        raise OSError  # no cache of the compiled code in the checkout


class _Finder(importlib.abc.MetaPathFinder):
    """Imports between the cases are relative without saying so."""

    def __init__(self, folder, data):
        self._folder = folder
        self._data = data

    def find_spec(self, fullname, path, target=None):
        name = "__init__" if fullname == "autobahn_suite" else fullname
        file = os.path.join(self._folder, name + ".py")
        if not re.fullmatch(r"__init__|case[0-9A-Za-z_]*", name) or not os.path.exists(file):
            return None
        return importlib.util.spec_from_loader(fullname, _Loader(file, self._data), origin=file)


def load(checkout):
    """The suite's list of case classes."""
    for inner in ("autobahntestsuite/autobahntestsuite", "autobahntestsuite", "."):
        folder = os.path.join(checkout, inner)
        if os.path.exists(os.path.join(folder, "case", "__init__.py")):
            sys.meta_path.insert(0, _Finder(os.path.join(folder, "case"), folder))
            return importlib.import_module("autobahn_suite").Cases
    raise SystemExit(f"autobahn: no checkout of the Autobahn test suite in {checkout}: it has no folder case/")


def case_id(case):
    return case.__name__[len("Case") :].replace("_", ".")
