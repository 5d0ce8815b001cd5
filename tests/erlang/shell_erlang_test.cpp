// A shell on our node from the terminal of a real one.
#include "coppice/dist/process_items.hpp"
#include "tests/erlang/cluster.hpp"
#include "tests/erlang/terminal.hpp"

namespace coppice::dist {
namespace {

/// Those that run on this node.
std::vector<pid> shells() {
  std::vector<pid> all;
  for (const pid& each : live_processes()) {
    const std::optional<process_summary> seen = this_node().summary(each);
    if (seen && seen->label == "shell") all.push_back(each);
  }
  return all;
}

class remote_shell : public testing::Test {
protected:
  [[nodiscard]] std::string answer_to(std::string_view line) {
    at_.type(std::string(line) + "\r");
    const std::string shown = at_.read_until("\r\n(cpp@127.0.0.1)");
    const std::size_t echoed = shown.find(line);
    return echoed == std::string::npos ? "not echoed: " + shown : shown.substr(echoed + line.size());
  }

  cluster ours_;
  terminal at_{erlang_program("erl"),
               {"-remsh", "cpp@127.0.0.1", "-name", "r@127.0.0.1", "-setcookie", "c", "-start_epmd", "false"},
               {"ERL_EPMD_PORT=" + std::to_string(ours_.epmd_port), "ERL_EPMD_ADDRESS=127.0.0.1"}};
};

TEST_F(remote_shell, prompts_answers_and_is_left) {
  EXPECT_NE(at_.read_until("(cpp@127.0.0.1)1> ").find("Coppice"), std::string::npos);
  EXPECT_EQ(answer_to("node()."), "\r\n'cpp@127.0.0.1'");
  EXPECT_EQ(answer_to("gen_server:call(echo, {a, \"b\"})."), "\r\n{a,\"b\"}");
  EXPECT_EQ(answer_to("X = whereis(nobody)."), "\r\nundefined");
  EXPECT_EQ(answer_to("no:no(X)."), "\r\n** exception error: undefined function no:no/1");
  EXPECT_EQ(answer_to("{a,})."), "\r\n* 1:4: expected a term, got '}'");
  at_.type("erl\t"); // is completed
  at_.read_until("erlang:");
  EXPECT_EQ(answer_to("node()."), "\r\n'cpp@127.0.0.1'");
  at_.type("\x07");
  at_.read_until(" --> ");
  at_.type("q\r");
  EXPECT_EQ(at_.wait(), 0);
}

TEST_F(remote_shell, is_interrupted_and_goes_on) {
  at_.read_until("(cpp@127.0.0.1)1> ");
  at_.type("gen_server:call(echo, never_reply, infinity).\r");
  at_.read_until("infinity).\r\n");
  at_.type("\x07");
  at_.read_until(" --> ");
  at_.type("i\r");
  at_.read_until(" --> ");
  at_.type("c\r");
  EXPECT_NE(at_.read_until("(cpp@127.0.0.1)2> ").find("** exception exit: killed"), std::string::npos);
  EXPECT_EQ(answer_to("node()."), "\r\n'cpp@127.0.0.1'");
}

TEST_F(remote_shell, goes_with_the_node_that_has_the_terminal) {
  at_.read_until("(cpp@127.0.0.1)1> ");
  EXPECT_NE(answer_to("Me = self().").find("<"), std::string::npos);
  at_.type("\x07");
  at_.read_until(" --> ");
  at_.type("q\r");
  EXPECT_EQ(at_.wait(), 0);
  const std::size_t left = ours_.home().run([](self me) -> task<std::size_t> {
    for (const pid& shell : shells()) {
      monitor(shell);
      co_await me.receive<down>();
    }
    co_return shells().size();
  });
  EXPECT_EQ(left, 0U);
}

} // namespace
} // namespace coppice::dist
