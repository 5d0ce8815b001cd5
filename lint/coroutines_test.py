"""The coroutine lint refuses the shapes that GCC 12 breaks (G1 to G7, G10) and lets the safe ones stand."""

import unittest

import coroutines


def messages(text, path="coppice/otp/a.cpp"):
    return [message for _, _, message in coroutines.check(path, text)]


def inside(*lines):
    return "process f(self me) {\n" + "".join(f"  {line}\n" for line in lines) + "}\n"


class AwaitTest(unittest.TestCase):

    def refused(self, statement, word):
        found = messages(inside(statement))
        self.assertTrue(any(word in message for message in found), f"'{statement}': no '{word}' in {found}")

    def accepted(self, *lines):
        self.assertEqual(messages(inside(*lines)), [])

    def test_the_three_forms(self):
        self.accepted("auto m = co_await me.receive<job, stop>(5s);")
        self.accepted("co_await g();")
        self.accepted("co_return co_await g(a, std::move(b));")
        self.accepted("const std::vector<std::pair<int, a::b>> m = co_await g();")
        self.accepted("std::expected<term, exit_reason> m = co_await g();", "int& n = co_await h();")
        self.accepted("const auto* p = co_await g();", "[[maybe_unused]] bool b = co_await g();")

    def test_the_three_forms_on_the_same_path_as_a_head(self):
        self.accepted("if (a && b) co_await g();", "else co_return co_await h();")
        self.accepted("for (int i = 0; i < 3; ++i) co_await g(i);", "while (a || b) co_await g();")
        self.accepted("switch (a) {", "case job::one: co_await g();", "default: co_await h();", "}")
        self.accepted("if (a) {", "auto m = co_await g();", "}", "do co_await g();", "while (a);")

    def test_other_forms_are_refused(self):
        self.refused("m = co_await g();", "stands only as")
        self.refused("auto [a, b] = co_await g();", "stands only as")
        self.refused("(void)co_await g();", "stands only as")
        self.refused("auto m{co_await g()};", "name the result first")
        self.refused("f(co_await g());", "name the result first")
        self.refused("EXPECT_EQ(co_await g(), 1);", "name the result first")
        self.refused("auto m = !co_await g();", "stands only as")
        self.refused("auto m = 1 + co_await g();", "stands only as")
        self.refused("bool r = a && co_await b();", "stands only as")
        self.refused("co_return f(co_await g());", "name the result first")
        self.refused("co_await g(co_await h());", "name the result first")

    def test_g1_no_await_in_a_head(self):
        self.refused("if (co_await g()) co_return;", "head of `if`")
        self.refused("if (auto m = co_await g(); m.ok()) co_return;", "head of `if`")
        self.refused("if (int a = 1; co_await g(a)) co_return;", "name the result first")
        self.refused("while (co_await g()) {", "head of `while`")
        self.refused("switch (co_await g()) {", "head of `switch`")
        self.refused("for (auto x : co_await g()) h(x);", "head of `for`")

    def test_g2_no_capturing_lambda(self):
        self.refused("co_await g([a] { return a; });", "capturing lambda")
        self.refused("auto m = co_await g([=](int b) { return a + b; });", "capturing lambda")

    def test_g3_g4_g7_no_braces(self):
        self.refused("co_await f(message{a});", "braces")
        self.refused("co_await f({a, b});", "braces")
        self.refused("co_await awaiter{a};", "braces")
        self.refused("auto m = co_await f(options{.limit = 1});", "braces")

    def test_g5_no_conditional(self):
        self.refused("auto t = c ? co_await a() : d;", "stands only as")
        self.refused("co_return c ? co_await a() : d;", "stands only as")
        self.refused("co_await (c ? a() : b());", "?: in")
        self.refused("auto m = co_await f(a || b);", "&& or ||")

    def test_g6_no_await_in_braces(self):
        self.refused("auto p = point{co_await a(), co_await b()};", "name the result first")
        self.refused("co_return point{.x = co_await a()};", "name the result first")

    def test_text_does_not_mislead(self):
        self.accepted('co_await g("if (a ? b : c) {");', "// if (co_await g())", "co_await h();  // f(co_await x)")
        self.assertEqual(messages("auto operator co_await() const { return awaiter(*this); }\n"), [])

    def test_the_place_is_named(self):
        self.assertEqual([(path, line) for path, line, _ in coroutines.check("a.cpp", inside("g();", "f(co_await g());"))],
                         [("a.cpp", 3)])

    def test_broken_on_purpose(self):
        self.assertEqual(messages(inside("if (co_await g()) co_return;"), "tests/compiler/g1.cpp"), [])


class LambdaTest(unittest.TestCase):

    def test_a_coroutine_lambda_captures_nothing(self):
        for capture in ("a", "&", "this", "=, &b"):
            text = inside(f"auto f = [{capture}](self me) -> process {{ co_await me.g(); }};")
            self.assertTrue(any("captures nothing" in m for m in messages(text)), capture)
        self.assertEqual(messages(inside("auto f = [](self me) -> process { co_await me.g(); };")), [])

    def test_a_plain_lambda_may_capture(self):
        self.assertEqual(messages(inside("auto f = [a](int b) { return a[b]; };", "co_await g();")), [])
        self.assertEqual(messages(inside("auto f = [&] { spawn([](self me) -> process { co_await me.g(); }); };")), [])


class AlignmentTest(unittest.TestCase):

    def test_g10_no_overaligned_local(self):
        for size in ("64", "32", "cache_line"):
            text = inside(f"alignas({size}) int a;", "co_await g();")
            self.assertTrue(any("alignas" in m for m in messages(text)), size)
        self.assertEqual(messages(inside("alignas(16) int a;", "co_await g();")), [])
        self.assertEqual(messages("void f() {\n  alignas(64) int a;\n}\n" + inside("co_await g();")), [])
        self.assertEqual(messages("struct alignas(64) a {\n  int b;\n};\n" + inside("co_await g();")), [])


if __name__ == "__main__":
    unittest.main()
