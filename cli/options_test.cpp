#include "cli/options.hpp"

#include <gtest/gtest.h>

namespace coppice::cli {
namespace {

run_options options(arguments a) {
  auto parsed = parse_command_line(std::move(a));
  if (auto* said = std::get_if<just_say>(&parsed)) ADD_FAILURE() << said->text;
  return std::get<run_options>(parsed);
}

just_say said(arguments a) {
  auto parsed = parse_command_line(std::move(a));
  if (!std::holds_alternative<just_say>(parsed)) ADD_FAILURE() << "taken";
  return std::get<just_say>(parsed);
}

TEST(command_line, run_is_on_loopback_unless_told) {
  run_options o = options({"run"});
  EXPECT_EQ(o.listen, net::endpoint::loopback(default_port));
  EXPECT_FALSE(o.remote);
  EXPECT_TRUE(o.served_as.empty());
}

TEST(command_line, takes_address_and_port) {
  EXPECT_EQ(options({"run", "--port", "0", "--host", "localhost"}).listen, net::endpoint::loopback(0));
  EXPECT_EQ(options({"run", "--port=81", "--host=::1"}).listen.to_string(), "[::1]:81");
}

TEST(command_line, another_address_must_be_meant) {
  just_say no = said({"run", "--host", "0.0.0.0"});
  EXPECT_EQ(no.status, status_usage);
  EXPECT_NE(no.text.find("--host 0.0.0.0"), std::string::npos);
  EXPECT_NE(no.text.find("--allow-remote"), std::string::npos);
  run_options o = options({"run", "--host", "192.0.2.7", "--allow-remote", "--served-as", "Chat.Example"});
  EXPECT_TRUE(o.remote);
  EXPECT_EQ(o.served_as, (arguments{"chat.example", "192.0.2.7"}));
}

TEST(command_line, names_what_is_wrong) {
  EXPECT_NE(said({"run", "--host", "nowhere"}).text.find("--host nowhere"), std::string::npos);
  EXPECT_NE(said({"run", "--port", "70000"}).text.find("--port"), std::string::npos);
  EXPECT_NE(said({"run", "--log-format", "xml"}).text.find("'xml' is none of text, json"), std::string::npos);
  EXPECT_NE(said({"run", "--served-as", "a b"}).text.find("'a b'"), std::string::npos);
  for (const arguments& a :
       {arguments{}, arguments{"walk"}, arguments{"run", "--fast"}, arguments{"run", "more"}}) {
    EXPECT_EQ(said(a).status, status_usage);
  }
}

TEST(command_line, log_options) {
  run_options o = options({"run", "--log-format", "json", "--log-level", "debug"});
  EXPECT_EQ(o.format, log_format::json);
  EXPECT_EQ(o.level, severity::debug);
}

TEST(command_line, the_console_shows_states_unless_others_reach_it_or_it_is_told) {
  EXPECT_TRUE(options({"run"}).console_state);
  EXPECT_FALSE(options({"run", "--console-state", "no"}).console_state);
  EXPECT_FALSE(options({"run", "--host", "192.0.2.7", "--allow-remote"}).console_state);
  EXPECT_FALSE(options({"run", "--served-as", "chat.example:443"}).console_state);
  EXPECT_TRUE(options({"run", "--served-as", "chat.example:443", "--console-state", "yes"}).console_state);
  EXPECT_EQ(said({"run", "--console-state", "maybe"}).status, status_usage);
}

TEST(command_line, help_and_version_end_well) {
  just_say help = said({"run", "--help"});
  EXPECT_EQ(help.status, 0);
  EXPECT_NE(help.text.find("--allow-remote"), std::string::npos);
  EXPECT_EQ(said({"--help"}).status, 0);
  just_say version = said({"--version"});
  EXPECT_EQ(version.status, 0);
  EXPECT_TRUE(version.text.starts_with("coppice "));
}

remote_options asked(arguments a) {
  auto parsed = parse_command_line(std::move(a));
  if (auto* said = std::get_if<just_say>(&parsed)) ADD_FAILURE() << said->text;
  return std::get<remote_options>(parsed);
}

TEST(command_line, node) {
  auto parsed = parse_command_line({"node", "--name", "cpp@127.0.0.1", "--cookie-file", "F", "--published",
                                    "--epmd-port", "1", "--listen-port", "2", "--net-ticktime", "8"});
  const auto& o = std::get<membership_options>(parsed);
  EXPECT_EQ(o.name, "cpp@127.0.0.1");
  EXPECT_EQ(o.cookie_file, "F");
  EXPECT_TRUE(o.published);
  EXPECT_EQ(o.epmd_port, 1);
  EXPECT_EQ(o.listen_port, 2);
  EXPECT_EQ(o.net_ticktime, 8U);
  EXPECT_NE(said({"node"}).text.find("--name"), std::string::npos);
  EXPECT_NE(said({"node", "--name", "cpp"}).text.find("'cpp'"), std::string::npos);
}

TEST(command_line, nodes_that_share_the_chat) {
  EXPECT_TRUE(options({"run"}).join.empty());
  const run_options o = options({"run", "--name", "a@h", "--join", "b@h", "--join", "c@h"});
  EXPECT_EQ(o.join, (std::vector<std::string>{"b@h", "c@h"}));
  EXPECT_NE(said({"run", "--join", "b@h"}).text.find("--name"), std::string::npos);
  EXPECT_NE(said({"run", "--name", "a@h", "--join", "b"}).text.find("'b'"), std::string::npos);
}

TEST(command_line, questions) {
  const remote_options ping = asked({"ping", "e@h"});
  EXPECT_EQ(ping.what, question::ping);
  EXPECT_EQ(ping.node, "e@h");
  EXPECT_EQ(ping.timeout, std::chrono::seconds(5));
  EXPECT_FALSE(ping.json);
  const remote_options ps =
      asked({"ps", "e@h", "--json", "--timeout", "60", "--name", "me@h", "--epmd-port", "9"});
  EXPECT_EQ(ps.what, question::ps);
  EXPECT_TRUE(ps.json);
  EXPECT_EQ(ps.timeout, std::chrono::seconds(60));
  EXPECT_EQ(ps.name, "me@h");
  EXPECT_EQ(ps.epmd_port, 9);
  EXPECT_EQ(asked({"tree", "e@h"}).what, question::tree);
  EXPECT_EQ(asked({"nodes"}).node, "127.0.0.1");
  EXPECT_EQ(asked({"nodes", "h"}).node, "h");
}

TEST(command_line, terms_to_tell) {
  const remote_options call = asked({"call", "e@h", "chat_server", "{get_messages,<<\"bob\">>}"});
  EXPECT_EQ(call.what, question::call);
  EXPECT_EQ(call.server, "chat_server");
  EXPECT_EQ(call.message, term::tuple(atom("get_messages"), "bob"));
  EXPECT_EQ(asked({"cast", "e@h", "x", "[1,2]"}).message, term::list(1, 2));
  EXPECT_EQ(asked({"cast", "e@h", "x", "[]"}).message, term());
  EXPECT_EQ(asked({"cast", "e@h", "x", "--", "-5"}).message, term(-5));
  EXPECT_NE(said({"call", "e@h", "x", "{a,"}).text.find("1:4: expected a term"), std::string::npos);
  EXPECT_EQ(said({"call", "e@h", std::string(256, 'x'), "a"}).status, status_usage);
}

TEST(command_line, nodes_have_full_names) {
  for (const char* name : {"e", "@h", "e@", "e@h@i"}) {
    EXPECT_NE(said({"ping", name}).text.find(std::string("'") + name + "'"), std::string::npos);
    EXPECT_NE(said({"ping", "e@h", "--name", name}).text.find(std::string("'") + name + "'"),
              std::string::npos);
  }
  EXPECT_NE(said({"ping"}).text.find("NODE"), std::string::npos);
  EXPECT_NE(said({"ping", "e@h", "--epmd-port", "0"}).text.find("coppice ping --help"), std::string::npos);
}

TEST(command_line, the_port_mapper_is_that_of_the_environment) {
  setenv("ERL_EPMD_PORT", "24369", 1);
  EXPECT_EQ(asked({"ping", "e@h"}).epmd_port, 24369);
  EXPECT_EQ(asked({"ping", "e@h", "--epmd-port", "7"}).epmd_port, 7);
  for (const char* bad : {"", "x", "0", "65536", "1x"}) {
    setenv("ERL_EPMD_PORT", bad, 1);
    EXPECT_NE(said({"ping", "e@h"}).text.find("ERL_EPMD_PORT"), std::string::npos) << bad;
    EXPECT_EQ(options({"run"}).listen.port(), default_port);
  }
  unsetenv("ERL_EPMD_PORT");
  EXPECT_EQ(asked({"ping", "e@h"}).epmd_port, 4369);
}

} // namespace
} // namespace coppice::cli
