// `coppice ping`, `call`, `cast`, `nodes`, `ps` and `tree` as they are run by people: of a real node and of
// `coppice node`, which are the same to them.
#include <fstream>
#include <gtest/gtest.h>
#include <memory>
#include <regex>
#include <string>
#include <vector>

#include "coppice/net/detail/test_port.hpp"
#include "tests/erlang/heard_process.hpp"
#include "tests/erlang/terms.hpp"

namespace coppice {
namespace {

const char* const secret = "a_SECRET_of_twenty_bytes";
const char* const theirs = "t@127.0.0.1";
const char* const ours = "cpp@127.0.0.1";

/// A server that does what it is called with.
const char* const server = "register(echo, spawn(fun F() -> receive "
                           "{'$gen_call', C, {apply, M, N, A}} -> gen_server:reply(C, apply(M, N, A)), F(); "
                           "{'$gen_call', C, {ask, W, T}} -> R = make_ref(), W ! {self(), R, T}, "
                           "receive {R, V} -> gen_server:reply(C, V) end, F(); "
                           "{'$gen_call', C, last} -> gen_server:reply(C, get(last)), F(); "
                           "{'$gen_call', _, silence} -> F(); "
                           "{'$gen_call', _, die} -> exit(why); "
                           "{'$gen_call', C, T} -> gen_server:reply(C, T), F(); "
                           "{'$gen_cast', T} -> put(last, T), F() end end))";

/// Both nodes, for all tests: ours serves the port mapper.
class nodes {
public:
  nodes() {
    write("cookie", secret, fs::perms::owner_read);
    ours_ = std::make_unique<heard_process>(
        COPPICE_PROGRAM, std::vector<std::string>{"node", "--name", ours, "--cookie-file", file("cookie"),
                                                  "--epmd-port", epmd(), "--published"});
    says_ = ours_->line();
    erlang_ = std::make_unique<erlang_node>(epmd_port_, secret, server);
  }

  void write(const char* name, const std::string& text, fs::perms mode) const {
    std::ofstream(scratch_.path / name) << text << '\n';
    fs::permissions(scratch_.path / name, mode);
  }
  [[nodiscard]] std::string file(const char* name) const { return scratch_.path / name; }
  [[nodiscard]] std::string epmd() const { return std::to_string(epmd_port_); }
  [[nodiscard]] bool up() const { return !says_.empty() && erlang_->up(); }
  [[nodiscard]] const std::string& says() const { return says_; }

private:
  static std::uint16_t free_port() { return net::testing::unused_port(); }

  scratch scratch_;
  std::uint16_t epmd_port_ = free_port();
  std::unique_ptr<heard_process> ours_;
  std::string says_;
  std::unique_ptr<erlang_node> erlang_;
};

class cli : public testing::TestWithParam<const char*> {
protected:
  static void SetUpTestSuite() { nodes_ = std::make_unique<nodes>(); }
  static void TearDownTestSuite() { nodes_.reset(); }
  void SetUp() override { ASSERT_TRUE(nodes_->up()); }

  /// Runs the program with the cookie, unless told of another.
  static said run(std::vector<std::string> arguments, const char* cookie = "cookie") {
    if (arguments[0] != "nodes")
      arguments.insert(arguments.begin() + 1, {"--cookie-file", nodes_->file(cookie)});
    said s = run_program(COPPICE_PROGRAM, std::move(arguments), {"ERL_EPMD_PORT=" + nodes_->epmd()});
    EXPECT_EQ((s.out + s.errors).find("SECRET"), std::string::npos);
    return s;
  }
  /// What it prints when all is well.
  static std::string output(std::vector<std::string> arguments) {
    said s = run(std::move(arguments));
    EXPECT_EQ(s.status, 0) << s.errors;
    EXPECT_EQ(s.errors, "");
    return s.out;
  }
  /// What it complains of.
  static std::string error(std::vector<std::string> arguments, const char* cookie = "cookie") {
    said s = run(std::move(arguments), cookie);
    EXPECT_EQ(s.status, 1) << s.out;
    EXPECT_EQ(s.out, "");
    return s.errors;
  }
  static const nodes& both() { return *nodes_; }

private:
  static std::unique_ptr<nodes> nodes_;
};

std::unique_ptr<nodes> cli::nodes_;

bool has(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

TEST_P(cli, pings) {
  EXPECT_EQ(output({"ping", GetParam()}), "pong\n");
  EXPECT_EQ(output({"ping", GetParam(), "--json"}),
            std::string("{\"node\":\"") + GetParam() + "\",\"answer\":\"pong\"}\n");
}

TEST_P(cli, calls) {
  EXPECT_EQ(output({"call", GetParam(), "echo", "{a,\"b\",<<\"c\">>,1.5,#{k=>[1|2]}}"}),
            "{a,\"b\",<<\"c\">>,1.5,#{k => [1|2]}}\n");
  EXPECT_TRUE(
      has(output({"call", GetParam(), "echo", "[]", "--json"}), "\"name\":\"echo\",\"reply\":\"[]\""));
  const std::string wrong = error({"call", GetParam(), "nobody", "x"});
  EXPECT_TRUE(has(wrong, "registered there as nobody")) << wrong;
}

TEST_P(cli, casts) {
  EXPECT_EQ(output({"cast", GetParam(), "echo", "{told,1}"}), "ok\n");
  const std::string last = GetParam() == theirs ? "last" : "{apply,sys,get_state,[{echo,'cpp@127.0.0.1'}]}";
  EXPECT_EQ(output({"call", theirs, "echo", last}), "{told,1}\n");
  const std::string wrong = error({"cast", GetParam(), "nobody", "x"});
  EXPECT_TRUE(has(wrong, "registered there as nobody")) << wrong;
}

TEST_P(cli, lists_processes_as_the_node_itself_names_them) {
  const std::string text = output({"ps", GetParam()});
  EXPECT_TRUE(text.starts_with("PID ")) << text;
  const std::string json = output({"ps", GetParam(), "--json"});
  for (const std::string name : {"net_kernel", "echo"}) {
    const std::string pid =
        output({"call", theirs, "echo",
                std::string("{apply,rpc,call,['") + GetParam() + "',erlang,whereis,[" + name + "]]}"});
    // of another node: <Number.Id.Serial>
    const std::string own = "<0" + pid.substr(pid.find('.'), pid.size() - pid.find('.') - 1);
    EXPECT_TRUE(std::regex_search(text, std::regex(own + " +" + name + " +waiting +[0-9]+ +0 +[0-9]+\n")))
        << text;
    EXPECT_TRUE(has(json, "{\"pid\":\"" + own + "\",\"name\":\"" + name + "\",")) << json;
  }
}

TEST_P(cli, needs_the_cookie) {
  both().write("other", "another", fs::perms::owner_read);
  const std::string wrong = error({"ping", GetParam()}, "other");
  EXPECT_TRUE(has(wrong, GetParam())) << wrong;
  EXPECT_TRUE(has(wrong, "cookie must be the same")) << wrong;
}

INSTANTIATE_TEST_SUITE_P(of, cli, testing::Values(theirs, ours),
                         [](const auto& p) { return p.param == theirs ? "erlang" : "coppice"; });

class cli_apart : public cli {};

TEST_P(cli_apart, shows_the_trees_of_coppice) {
  const std::string plain = std::regex_replace(output({"tree", ours}), std::regex("<[0-9.]+>"), "PID");
  EXPECT_EQ(plain, "root_sup PID supervisor\n  net_sup PID net_kernel\n  echo PID\n");
}

TEST_P(cli_apart, shows_the_trees_of_erlang) {
  const std::string plain = std::regex_replace(output({"tree", theirs}), std::regex("<[0-9.]+>"), "PID");
  EXPECT_TRUE(plain.starts_with("kernel_sup PID supervisor\n  code_server PID\n")) << plain;
  EXPECT_TRUE(has(plain, "  net_sup PID supervisor\n    erl_epmd PID\n    auth PID\n    net_kernel PID\n"))
      << plain;
  EXPECT_TRUE(has(output({"tree", theirs, "--json"}), "\"name\":\"kernel_sup\",\"type\":\"supervisor\""));
}

TEST_P(cli_apart, lists_what_started_the_processes_of_erlang) {
  EXPECT_TRUE(std::regex_search(output({"ps", theirs}), std::regex(" application_master:init/4 +waiting ")));
}

TEST_P(cli_apart, lists_the_nodes_of_a_host) {
  const std::string text = output({"nodes"});
  EXPECT_TRUE(std::regex_match(text, std::regex("(cpp|t) at port [0-9]+\n(cpp|t) at port [0-9]+\n"))) << text;
  EXPECT_TRUE(
      has(output({"nodes", "localhost", "--json"}), "{\"host\":\"localhost\",\"nodes\":[{\"name\":\""));
}

TEST_P(cli_apart, the_node_says_where_it_listens) {
  EXPECT_TRUE(
      std::regex_match(both().says(), std::regex("coppice: cpp@127.0.0.1 listens at 127.0.0.1:[1-9][0-9]*; "
                                                 "epmd at 127.0.0.1:" +
                                                 both().epmd())))
      << both().says();
}

TEST_P(cli_apart, the_node_answers_plain_messages) {
  EXPECT_EQ(output({"call", theirs, "echo", "{ask,{echo,'cpp@127.0.0.1'},hello}"}), "hello\n");
}

TEST_P(cli_apart, says_what_is_wrong) {
  std::string wrong = error({"ping", "gone@127.0.0.1"});
  EXPECT_TRUE(has(wrong, "coppice ping: gone@127.0.0.1: epmd at 127.0.0.1:" + both().epmd())) << wrong;
  EXPECT_TRUE(has(wrong, "coppice nodes 127.0.0.1")) << wrong;
  wrong = error({"call", theirs, "echo", "silence", "--timeout", "1"});
  EXPECT_TRUE(has(wrong, "echo has not replied within 1 s")) << wrong;
  wrong = error({"nodes", "--epmd-port", "1"});
  EXPECT_TRUE(has(wrong, "127.0.0.1:1") && has(wrong, "--epmd-port")) << wrong;
  wrong = error({"ping", theirs}, "none");
  EXPECT_TRUE(has(wrong, both().file("none")) && has(wrong, "--cookie-file")) << wrong;
}

TEST_P(cli_apart, takes_no_cookie_that_others_can_read) {
  both().write("open", secret, fs::perms::owner_read | fs::perms::group_read);
  EXPECT_TRUE(has(error({"ping", ours}, "open"), "chmod 600"));
  EXPECT_TRUE(has(error({"node", "--name", "x@127.0.0.1"}, "open"), "chmod 600"));
}

TEST_P(cli_apart, a_second_node_of_the_name_is_refused) {
  const std::string wrong = error({"node", "--name", ours});
  EXPECT_TRUE(has(wrong, "coppice node: ")) << wrong;
}

INSTANTIATE_TEST_SUITE_P(of, cli_apart, testing::Values(""), [](const auto&) { return "both"; });

TEST(cli_node, ends_when_it_is_told) {
  const scratch folder;
  const fs::path cookie = folder.path / "cookie";
  std::ofstream(cookie) << secret;
  fs::permissions(cookie, fs::perms::owner_read);
  const std::uint16_t port = net::testing::unused_port();
  heard_process lone(COPPICE_PROGRAM, {"node", "--name", "lone@127.0.0.1", "--cookie-file", cookie.string(),
                                       "--epmd-port", std::to_string(port)});
  EXPECT_TRUE(has(lone.line(), "lone@127.0.0.1"));
  lone.terminate();
  EXPECT_EQ(lone.wait(), 0);
}

/// What programs do with the chat, from an Erlang shell.
TEST_F(cli, the_chat_is_a_server_like_any_other) {
  heard_process chat(COPPICE_PROGRAM, std::vector<std::string>{
                                          "run", "--port", "0", "--name", "chat@127.0.0.1", "--cookie-file",
                                          both().file("cookie"), "--epmd-port", both().epmd()});
  ASSERT_TRUE(chat.line().starts_with("coppice: http://"));
  EXPECT_EQ(output({"ping", "chat@127.0.0.1"}), "pong\n");
  const std::string at = "[{chat_server,'chat@127.0.0.1'},";
  const std::string cast = output(
      {"call", theirs, "echo", "{apply,gen_server,cast," + at + "{send_message,<<\"bob\">>,<<\"hi\">>}]}"});
  EXPECT_EQ(cast, "ok\n");
  EXPECT_EQ(output({"call", theirs, "echo", "{apply,gen_server,call," + at + "{get_messages,<<\"bob\">>}]}"}),
            "[<<\"hi\">>]\n");
  EXPECT_TRUE(has(output({"tree", "chat@127.0.0.1"}), "chat_sup"));
}

} // namespace
} // namespace coppice
