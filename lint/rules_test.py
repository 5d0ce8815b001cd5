"""Each rule of lint/rules.py refuses what it should, and lets stand what it should."""

import unittest

import rules
import source


def messages(path, text):
    return [message for _, _, message in rules.check(path, text)]


def body(lines):
    return "".join(f"  step({n});\n" for n in range(lines))


class RulesTest(unittest.TestCase):

    def refused(self, path, text, word):
        found = messages(path, text)
        self.assertTrue(any(word in message for message in found), f"{path}: no '{word}' in {found}")

    def accepted(self, path, text):
        self.assertEqual(messages(path, text), [])

    def test_file_length(self):
        self.refused("coppice/term/a.cpp", "int a;\n" * 801, "lines, 800 at most")
        self.refused("coppice/term/a_test.cpp", "int a;\n" * 1201, "lines, 1200 at most")
        self.accepted("coppice/term/a.cpp", "int a;\n" * 800)
        self.accepted("coppice/term/a_test.cpp", "int a;\n" * 1200)
        self.accepted("docs/a.md", "a\n" * 2000)

    def test_function_length(self):
        self.refused("coppice/term/a.cpp", "void f() {\n" + body(69) + "}\n", "a function of 71 lines")
        self.accepted("coppice/term/a.cpp", "void f() {\n" + body(68) + "}\n")

    def test_function_length_looks_into_namespaces_and_classes(self):
        long = "namespace coppice {\ntemplate <class T>\nclass a : public b<T> {\npublic:\n"
        long += "  auto f(int x) const -> int {\n" + body(80) + "  }\n};\n}\n"
        self.refused("coppice/term/a.cpp", long, "a function of 82 lines")
        self.refused("coppice/term/a_test.cpp", "TEST(a, b) {\n" + body(80) + "}\n", "a function of 82 lines")

    def test_function_length_knows_what_is_no_function(self):
        self.accepted("coppice/term/a.cpp", "constexpr int table[] = {\n" + "  f(1),\n" * 80 + "};\n")
        self.accepted("coppice/term/a.cpp", "namespace a {\n" + "int f() { return 1; }\n" * 80 + "}\n")
        self.accepted("coppice/term/a.hpp", "#pragma once\nstruct a {\n" + "  int b = f(1);\n" * 80 + "};\n")
        self.accepted("coppice/term/a.cpp", "a::a() : b_{1}, c_{2} {\n}\nvoid g() {\n" + body(60) + "}\n")

    def test_function_length_is_not_misled_by_text(self):
        self.accepted("coppice/term/a.cpp", 'auto a = "{(";  // {{{ (\nauto b = R"(}}{)";\nchar c = \'{\';\nint d = 1\'000;\n'
                      + "void f() {\n" + body(60) + "}\n" + "void g() {\n" + body(60) + "}\n")

    def test_includes_go_down(self):
        self.refused("coppice/term/a.hpp", '#pragma once\n#include "coppice/runtime/b.hpp"\n', "includes go down only")
        self.refused("coppice/net/a.cpp", '#include "coppice/otp/b.hpp"\n', "coppice/net may not include coppice/otp")
        self.refused("coppice/http/a.cpp", '#include <servers/messaging/b.hpp>\n', "may not include servers")
        self.refused("servers/messaging/a.cpp", '#include "cli/b.hpp"\n', "servers may not include cli")
        self.refused("coppice/http/a_test.cpp", '#include "servers/messaging/b.hpp"\n', "may not include servers")
        self.accepted("coppice/otp/a.cpp", '#include "coppice/otp/a.hpp"\n#include "coppice/term/b.hpp"\n#include <vector>\n')
        self.accepted("coppice/net/a_test.cpp", '#include "coppice/otp/b.hpp"\n')
        self.accepted("coppice/sim/a.cpp", '#include "coppice/otp/b.hpp"\n')
        self.accepted("cli/a.cpp", '#include "servers/messaging/b.hpp"\n#include "coppice/coppice.hpp"\n')
        self.accepted("examples/a.cpp", '#include "coppice/coppice.hpp"\n')
        self.accepted("coppice/term/a.cpp", '// #include "coppice/runtime/b.hpp"\n')

    def test_includes_are_written_from_the_root(self):
        self.refused("coppice/term/a.cpp", '#include "a.hpp"\n', "from the root")
        self.refused("examples/a.cpp", '#include "../coppice/b.hpp"\n', "from the root")

    def test_boost_stays_out_of_sight(self):
        self.refused("coppice/http/a.cpp", "#include <boost/asio/ip/tcp.hpp>\n", "in coppice/net only")
        self.refused("coppice/net/a.hpp", "#pragma once\n#include <boost/asio.hpp>\n", "shows no Boost")
        self.refused("coppice/runtime/a.hpp", "#pragma once\n#include <boost/container/small_vector.hpp>\n", "shows no Boost")
        self.accepted("coppice/net/a.cpp", "#include <boost/asio.hpp>\n")
        self.accepted("coppice/net/detail/a.hpp", "#pragma once\n#include <boost/asio.hpp>\n")
        self.accepted("coppice/runtime/a.cpp", "#include <boost/stacktrace.hpp>\n")

    def test_no_sleeps_in_tests(self):
        self.refused("coppice/term/a_test.cpp", "void f() { std::this_thread::sleep_for(1s); }\n", "sleep_for in a test")
        self.refused("tests/browser/a.mjs", "await page.waitForTimeout(100);\n", "waitForTimeout in a test")
        self.accepted("coppice/runtime/a.cpp", "void f() { std::this_thread::sleep_for(1s); }\n")
        self.accepted("coppice/term/a_test.cpp", "// no sleep_for(1s) here\n")

    def test_no_fences(self):
        self.refused("coppice/runtime/a.cpp", "void f() { std::atomic_thread_fence(o); }\n", "atomic_thread_fence")
        self.accepted("coppice/runtime/a.cpp", "void f() { a.load(std::memory_order_acquire); }\n")

    def test_nothing_left_for_later(self):
        for marker in ("TODO", "FIXME", "XXX", "HACK"):
            self.refused("docs/a.md", f"{marker}: mend this\n", marker)
        self.accepted("coppice/term/a.cpp", 'auto a = "ab-XXXXXX";\n')

    def test_no_test_switched_off(self):
        self.refused("coppice/term/a_test.cpp", "TEST(a, DISABLED_b) {}\n", "switched off")
        self.refused("coppice/term/a_test.cpp", "TEST(a, b) { GTEST_SKIP(); }\n", "switched off")
        self.refused("tests/browser/a.mjs", "test.skip('a', f);\n", "switched off")
        self.accepted("coppice/term/a_test.cpp", "TEST(a, skips) {}\n")

    def test_pragma_once(self):
        self.refused("coppice/term/a.hpp", "#include <vector>\n#pragma once\n", "#pragma once")
        self.refused("coppice/term/a.hpp", "", "#pragma once")
        self.accepted("coppice/term/a.hpp", "// What it is.\n#pragma once\n")

    def test_clean_whitespace(self):
        self.refused("coppice/term/a.cpp", "\tint a;\n", "a tab")
        self.refused("docs/a.md", "a  \n", "space at the end")
        self.refused("docs/a.md", "a\r\n", "space at the end")
        self.refused("docs/a.md", "a", "ends with one newline")
        self.refused("docs/a.md", "a\n\n", "ends with one newline")
        self.accepted("docs/a.md", "a\n\nb\n")

    def test_no_place_of_one_machine(self):
        for folder in ("work", "tmp", "home"):
            self.refused("docs/a.md", f"see /{folder}/me/a\n", "a path of one machine")
            self.accepted("docs/a.md", f"a/{folder}/b, https://example.org/{folder}/a\n")
        self.refused("docs/a.md", "https://registry" + ".npmjs.org/a\n", "package registry")
        self.refused("dev", "http://deb" + ".debian.org\n", "package registry")

    def test_links_lead_somewhere(self):
        self.refused("docs/a.md", "[a](no-such-file.md)\n", "which is not there")
        self.accepted("lint/a.md", "[a](rules.py), [b](../lint/source.py#files), [c](https://example.org/), [d](#here)\n")

    def test_plain_std(self):
        self.refused("coppice/term/a.cpp", "using namespace std;\n", "using namespace std")
        self.refused("coppice/term/a.cpp", "void f() { out << std::endl; }\n", "std::endl")
        self.accepted("coppice/term/a.cpp", "using namespace std::chrono_literals;\n")

    def test_catch_all_has_a_reason(self):
        self.refused("coppice/term/a.cpp", "void f() {\n  try {\n    g();\n  } catch (...) {\n    h();\n  }\n}\n", "must rethrow")
        self.accepted("coppice/term/a.cpp", "void f() {\n  try {\n    g();\n  } catch (...) {\n    h();\n    throw;\n  }\n}\n")
        self.accepted("coppice/term/a.cpp", "void f() {\n  try {\n    g();\n  } catch (...) { // catch-all: kept as the exit reason\n"
                      "    h();\n  }\n}\n")
        self.accepted("coppice/term/a_test.cpp", "void f() {\n  try {\n    g();\n  } catch (...) {\n  }\n}\n")


class SourceTest(unittest.TestCase):

    def test_mask_keeps_length_and_lines(self):
        text = 'int a; // x{\n/* {\n} */ auto s = "a\\"{"; char c = \'"\'; auto r = R"x({")")x"; int n = 1\'0;\n'
        masked = source.mask(text)
        self.assertEqual(len(masked), len(text))
        self.assertEqual(masked.count("\n"), text.count("\n"))
        self.assertNotIn("{", masked)
        self.assertIn("int n = 1'0;", masked)

    def test_lines(self):
        lines = source.Lines("a\nbc\n\nd")
        self.assertEqual([lines.at(n) for n in (0, 1, 2, 5, 6)], [1, 1, 2, 3, 4])


if __name__ == "__main__":
    unittest.main()
