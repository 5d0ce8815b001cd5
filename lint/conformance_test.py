"""lint/conformance.py refuses what it should, and lets stand what it should."""

import unittest

import conformance

HEAD = "| case | covered by | why not |\n|---|---|---|\n"


def table(*lines, figures=None):
    body = "## a_SUITE\n" + HEAD + "".join(line + "\n" for line in lines)
    counted = figures or conformance.figure_lines(conformance.figures(body))
    return "\n".join(counted) + "\n\n" + body


class ConformanceTest(unittest.TestCase):

    TESTS = {"a.one", "a.two"}

    def messages(self, text):
        return [message for _, message in conformance.check(text, self.TESTS)]

    def refused(self, text, word):
        found = self.messages(text)
        self.assertTrue(any(word in message for message in found), found)

    def test_finds_tests_of_every_kind(self):
        text = "TEST(a, one) {\n}\nTEST_F(b, two) {}\nTEST_P(c, three) {}\n// TEST(d, four)\n"
        self.assertEqual(conformance.tests_in(text), {"a.one", "b.two", "c.three"})

    def test_accepts_tests_and_reasons(self):
        self.assertEqual(self.messages(table("| x | `a.one`, `a.two` | |", "| y | | distribution |")), [])

    def test_names_must_exist(self):
        self.refused(table("| x | `a.one`, `a.gone` | |"), "no test a.gone")

    def test_every_case_needs_one_answer(self):
        self.refused(table("| x | | |"), "one of the three")
        self.refused(table("| x | `a.one` | a reason, too |"), "one of the three")
        self.refused(table("| x | somehow | |"), "one of the three")

    def test_no_case_twice(self):
        self.refused(table("| x | `a.one` | |", "| x | `a.two` | |"), "twice")

    def test_nine_in_ten(self):
        rows = [f"| c{n} | `a.one` | |" for n in range(8)]
        self.refused(table(*rows, "| x | **owed** | |"), "8 of 9 applicable")
        rows.append("| c9 | `a.two` | |")
        self.assertEqual(self.messages(table(*rows, "| x | **owed** | |", "| y | | types |")), [])

    def test_figures_are_counted(self):
        self.refused(table("| x | `a.one` | |", figures=["| all | 2 | 2 |"]), "figures")


if __name__ == "__main__":
    unittest.main()
