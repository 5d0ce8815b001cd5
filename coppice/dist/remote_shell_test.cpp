// The shell with a test in the place of the terminal.
#include "coppice/dist/remote_shell.hpp"

#include "coppice/dist/detail/io_text.hpp"
#include "coppice/dist/detail/test_cluster.hpp"
#include "coppice/term/text.hpp"

#include <deque>

namespace coppice::dist {
namespace {

using namespace literals;

/// Runs a function of the table that other nodes would run, with the caller as group leader.
task<term> ask_node(self me, std::string_view module, std::string_view name, std::vector<term> arguments) {
  std::shared_ptr<const function_table> table = safe_functions();
  function_call call({atom(module), atom(name), 0}, std::move(arguments), me.id(), me.id());
  function_call asked(
      {"erpc"_atom, "execute_call"_atom, 0},
      {"r"_atom, call.function.module, call.function.function, term::list_from(std::move(call.arguments))},
      me.id(), me.id());
  const monitored m = spawn_monitor(&run_spawned, std::move(table), std::move(asked));
  auto ours = [ref = m.ref](const down& d) { return d.ref == ref; };
  down gone = co_await me.receive_if<down>(ours);
  co_return gone.reason.value().elements()[2];
}

/// Types those lines, and gives what the shell has printed behind each prompt when it has ended.
task<std::string> typed(self me, std::vector<std::string> lines) {
  std::vector<term> nothing;
  term started = co_await ask_node(me, "shell", "start", std::move(nothing));
  const reference watch = monitor(*started.as_pid());
  std::deque<std::string> left(lines.begin(), lines.end());
  std::string shown;
  for (;;) {
    std::variant<down, term> got = co_await me.receive<down, term>();
    if (const auto* gone = std::get_if<down>(&got)) {
      EXPECT_EQ(gone->ref, watch);
      co_return shown + to_string(gone->reason.value());
    }
    const term& message = std::get<term>(got);
    if (!message.is_tagged("io_request"_atom, 4)) {
      shown += "heard " + to_string(message) + "\n";
      continue;
    }
    const term what = message.elements()[3];
    term answer = "ok"_atom;
    if (what.is_tagged("put_chars"_atom, 3)) {
      EXPECT_TRUE(detail::append_text(what.elements()[2], shown));
    } else {
      answer = "eof"_atom;
      if (!left.empty()) {
        answer = left.front() == "^C" ? term::tuple("error"_atom, "interrupted"_atom)
                                      : term::charlist(left.front());
        left.pop_front();
      }
    }
    send(*message.elements()[1].as_pid(), term::tuple("io_reply"_atom, message.elements()[2], answer));
  }
}

class remote_shell : public testing::Test {
protected:
  std::string shown_for(std::vector<std::string> lines) {
    std::string all = member_.run(&typed, std::move(lines));
    return all.substr(all.find('\n') + 1); // behind the greeting
  }
  test_member member_{"a", port_for_mapper(), false};
};

TEST_F(remote_shell, evaluates_line_after_line_to_the_end) {
  EXPECT_EQ(shown_for({"{a,\n", "b}.\n", "node().\n", "lists:seq(1, 3).\n"}),
            "{a,b}\n'a@127.0.0.1'\n[1,2,3]\nnormal");
}

TEST_F(remote_shell, keeps_what_is_given_a_name) {
  EXPECT_EQ(shown_for({"X = lists:seq(1, 2).\n", "Y = X.\n", "lists:seq(X, 2).\n", "b().\n", "Z.\n"}),
            "[1,2]\n[1,2]\n** exception error: badarg\nX = [1,2]\nY = [1,2]\nok\n** variable 'Z' is "
            "unbound\nnormal");
}

TEST_F(remote_shell, sends_calls_and_ends_processes) {
  EXPECT_EQ(shown_for({"gen_server:call(net_kernel, nodename).\n", "gen_server:call(nobody, x).\n",
                       "gen_server:call(net_kernel, nodename, soon).\n", "gen_server:cast(nobody, x).\n",
                       "exit(self(), kill).\n"}),
            "'a@127.0.0.1'\n** exception exit: {noproc,{gen_server,call,[nobody,x]}}\n"
            "** exception error: badarg\nok\nkilled");
}

TEST_F(remote_shell, says_what_went_wrong_and_goes_on) {
  EXPECT_EQ(
      shown_for({"f(.\n", "^C", "throw(ball).\n", "exit(why).\n", "no:no().\n", "M = help().\n"}),
      "* 1:3: expected a term, got the end of the text\n** exception throw: ball\n** exception exit: why\n"
      "** exception error: undefined function no:no/0\n"
      "** exception error: undefined function erlang:help/0\nnormal");
}

TEST_F(remote_shell, shows_what_is_here) {
  EXPECT_EQ(shown_for({"m(lists).\n", "m(nothing).\n", "q().\n", "node().\n"}),
            "lists:seq/2\nthere is no function of nothing here\nok\nnormal");
  EXPECT_NE(shown_for({"i().\n"}).find("net_kernel"), std::string::npos);
  EXPECT_NE(shown_for({"help().\n"}).find("gen_server:call"), std::string::npos);
}

TEST_F(remote_shell, does_not_take_lines_without_end) {
  EXPECT_EQ(shown_for({std::string((1 << 20) - 1, 'a'), "aa", "1.\n"}),
            "** a line has at most a mebibyte\n1\nnormal");
}

TEST_F(remote_shell, completes_names) {
  const auto completed = [this](std::string_view before) {
    const std::string backwards(before.rbegin(), before.rend());
    return to_string(member_.run(
        [](self me, std::string text) -> task<term> {
          std::vector<term> before_cursor{term::charlist(text)};
          term answer = co_await ask_node(me, "edlin_expand", "expand", std::move(before_cursor));
          co_return answer;
        },
        backwards));
  };
  EXPECT_EQ(completed("supervisor:which"), "{yes,\"_children(\",[]}");
  EXPECT_EQ(completed("f(gen_ser"), "{yes,\"ver:\",[]}");
  EXPECT_EQ(completed("zz"), "{no,[],[]}");
  EXPECT_EQ(completed(""), "{no,[],[]}");
}

} // namespace
} // namespace coppice::dist
