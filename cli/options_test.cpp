#include "cli/options.hpp"

#include <gtest/gtest.h>

namespace coppice::cli {
namespace {

using arguments = std::vector<std::string>;

run_options options(arguments a) {
  auto parsed = parse_command_line(std::move(a));
  if (auto* said = std::get_if<just_say>(&parsed)) ADD_FAILURE() << said->text;
  return std::get<run_options>(parsed);
}

just_say said(arguments a) {
  auto parsed = parse_command_line(std::move(a));
  if (std::holds_alternative<run_options>(parsed)) ADD_FAILURE() << "taken";
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

} // namespace
} // namespace coppice::cli
