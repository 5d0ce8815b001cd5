"""lint/docs_code.py finds blocks that no program has, and only those."""

import unittest

import docs_code

PROGRAM = "int f() {\n  int a = 1;\n\n  return a;\n}\n\nint main() { return f(); }\n"


def paper(code):
    return f"Text.\n\n```cpp\n{code}```\n\n```sh\nnothing of ours\n```\n"


class DocsCodeTest(unittest.TestCase):

    def accepted(self, code):
        self.assertEqual(docs_code.check("docs/a.md", paper(code), ["other\n", PROGRAM]), [])

    def refused(self, code):
        found = docs_code.check("docs/a.md", paper(code), ["other\n", PROGRAM])
        self.assertEqual([(path, line) for path, line, _ in found], [("docs/a.md", 3)])

    def test_lines_in_a_row(self):
        self.accepted("int f() {\n  int a = 1;\n")
        self.refused("int f() {\n  int b = 1;\n")
        self.refused("int a = 1;\nint f() {\n")

    def test_space_and_comments_do_not_count(self):
        self.accepted("    int a = 1;\nreturn a;\n")
        self.accepted("int a  =\n1; // one\n// returns it:\nreturn a;\n")
        self.refused("int a = 2; // int a = 1;\n")
        self.refused('url("https://a");\n')

    def test_a_gap_leaves_lines_out_but_keeps_the_order(self):
        self.accepted("int f() {\n  // ...\n}\n// ...\nint main() { return f(); }\n")
        self.refused("int main() { return f(); }\n// ...\nint f() {\n")
        self.refused("int f() {\nreturn a;\n")

    def test_a_block_stands_in_one_program(self):
        self.refused("other\n// ...\nint f() {\n")

    def test_every_block_is_looked_at(self):
        text = paper("int f() {\n") + paper("int g() {\n") + paper("int h() {\n")
        self.assertEqual(len(docs_code.check("docs/a.md", text, [PROGRAM])), 2)


if __name__ == "__main__":
    unittest.main()
