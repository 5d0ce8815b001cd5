#include "cli/config_file.hpp"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sstream>
#include <unistd.h>

namespace coppice::cli {
namespace {

using testing::HasSubstr;

/// A file of that text, while it lives.
class written {
public:
  explicit written(std::string_view text) {
    std::string name = (std::filesystem::temp_directory_path() / "coppice_config_XXXXXX").string();
    const int fd = mkstemp(name.data());
    if (fd >= 0) close(fd);
    path = name;
    std::ofstream(path) << text;
  }
  ~written() { std::filesystem::remove(path); }
  written(const written&) = delete;
  written& operator=(const written&) = delete;
  std::string path;
};

std::string contents(const std::string& path) {
  std::ostringstream all;
  all << std::ifstream(path).rdbuf();
  return all.str();
}

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

const char* const house =
    R"(node: {listen: "127.0.0.1:81", served_as: [Chat.Example], log_level: error, cores: 2}
messaging:
  domain: example.org
  data: /var/chat
  listen: 127.0.0.1:1
  listen_https: 127.0.0.1:3
  origins: ["https://a.example"]
  limits: {stanza: 64KiB, sessions: 3}
)";

TEST(config_file, says_what_the_command_line_does_not) {
  const written file(house);
  const run_options o = options({"run", "--config", file.path});
  EXPECT_EQ(o.listen, net::endpoint::loopback(81));
  EXPECT_EQ(o.served_as, (arguments{"chat.example"}));
  EXPECT_EQ(o.level, severity::error);
  EXPECT_EQ(o.cores, 2U);
  ASSERT_TRUE(o.messaging);
  EXPECT_EQ(o.messaging->how.domain, "example.org");
  EXPECT_EQ(o.messaging->folder, "/var/chat");
  EXPECT_EQ(o.messaging->starttls, net::endpoint::loopback(1));
  EXPECT_EQ(o.messaging->tls, net::endpoint::loopback(5223));
  EXPECT_EQ(o.messaging->https, net::endpoint::loopback(3));
  EXPECT_EQ(o.messaging->how.limits.stanza, 64U << 10);
  EXPECT_EQ(o.messaging->how.sessions_per_user, 3U);
}

TEST(config_file, the_command_line_comes_before_it) {
  const written file(house);
  const run_options o = options({"run", "--port=82", "--config=" + file.path, "--domain", "b.example",
                                 "--xmpp", "127.0.0.1:2", "--xmpp-https", "127.0.0.1:4", "--xmpp-origin",
                                 "https://b.example", "--served-as", "b.example", "--log-level", "debug"});
  EXPECT_EQ(o.listen, net::endpoint::loopback(82));
  EXPECT_EQ(o.served_as, (arguments{"b.example"}));
  EXPECT_EQ(o.level, severity::debug);
  EXPECT_EQ(o.messaging->how.domain, "b.example");
  EXPECT_EQ(o.messaging->starttls, net::endpoint::loopback(2));
  EXPECT_EQ(o.messaging->https, net::endpoint::loopback(4));
  EXPECT_EQ(o.messaging->origins, (arguments{"https://b.example"}));
  EXPECT_EQ(o.messaging->folder, "/var/chat");
}

TEST(config_file, is_for_the_administration_of_users_too) {
  const written file(house);
  auto parsed = parse_command_line({"messaging", "user", "list", "--config", file.path});
  EXPECT_EQ(std::get<user_options>(parsed).server.folder, "/var/chat");
  EXPECT_EQ(std::get<user_options>(parsed).server.how.domain, "example.org");
}

TEST(config_file, says_where_it_is_wrong) {
  const written file("messaging:\n  domian: x\n  limits: {stanza: 5KB}\n");
  const just_say no = said({"run", "--config", file.path});
  EXPECT_EQ(no.status, status_usage);
  EXPECT_THAT(no.text, HasSubstr(file.path + ":2:3: there is no key 'domian' in 'messaging'; did you mean "
                                             "'domain'?\n"));
  EXPECT_THAT(no.text, HasSubstr(file.path + ":3:20: messaging.limits.stanza: '5KB' is no size"));
  EXPECT_THAT(said({"run", "--config", "/nowhere/x"}).text, HasSubstr("/nowhere/x: No such file"));
}

TEST(config_file, other_addresses_must_be_meant) {
  const written file("messaging: {data: /d, listen: '0.0.0.0:5222'}\n");
  EXPECT_THAT(said({"run", "--config", file.path}).text, HasSubstr("allow_remote: yes"));
  const written web("messaging: {data: /d, listen_https: '0.0.0.0:5443'}\n");
  EXPECT_THAT(said({"run", "--config", web.path}).text, HasSubstr("allow_remote: yes"));
  const written meant("node: {allow_remote: yes}\nmessaging: {data: /d, listen: '0.0.0.0:5222'}\n");
  EXPECT_EQ(options({"run", "--config", meant.path}).messaging->starttls.to_string(), "0.0.0.0:5222");
}

TEST(config_file, what_is_shown_is_what_holds) {
  const written file(house);
  const just_say shown = said({"run", "--config", file.path, "--domain", "b.example", "--show-config"});
  EXPECT_EQ(shown.status, 0);
  const written again(shown.text);
  const run_options o = options({"run", "--config", again.path});
  EXPECT_EQ(o.messaging->how.domain, "b.example");
  EXPECT_EQ(o.messaging->how.sessions_per_user, 3U);
  EXPECT_EQ(o.served_as, (arguments{"chat.example"}));
}

TEST(config_file, what_may_change_is_what_a_server_takes_up_while_it_runs) {
  const written file(R"(
messaging:
  domain: b.example
  data: /d
  iterations: 5000
  limits: {stanza: 32KiB, depth: 9, attributes: 17, parts: 101, negotiation: 2s, resumption: 1s, sessions: 2, contacts: 3,
    bytes_per_second: 1KiB, address_bytes_per_second: 2KiB, address_connections: 4, write: 5s}
  sign_in: {failures_by_address: 1, failures_by_account: 2, period: 3s, scram_sha_256: no, scram_sha_1: no,
    plain: no}
  uploads: {max_file_size: 1MiB, bytes_per_day: 2MiB, files_per_day: 3, days_kept: 4, public_url: "https://b.example"}
  storage: {offline_messages: 5, offline: 6KiB, private_xml: 7KiB, nodes: 8KiB}
  registration: {open: yes, per_day: 6, own_account: yes}
  drain: {see_other_host: "c.example:5222", see_other_uri: "wss://c.example/x"}
)");
  file_options before;
  file_options after = as_file(options({"run", "--config", file.path}));
  file_options reloaded = before;
  reloaded.messaging.how = messaging::reloaded(before.messaging.how, after.messaging.how);
  std::size_t live = 0;
  const auto taken = config::differences(described(before), described(reloaded));
  for (const config::difference& one : config::differences(described(before), described(after))) {
    const bool is_taken = std::ranges::find(taken, one.path, &config::difference::path) != taken.end();
    EXPECT_EQ(is_taken, one.takes == config::change::live) << one.path;
    live += is_taken ? 1U : 0U;
  }
  EXPECT_EQ(live, taken.size());
  const auto all = described(before).all();
  EXPECT_EQ(static_cast<std::ptrdiff_t>(live),
            std::ranges::count(all, config::change::live, &config::key::takes))
      << "the test changes them all";
}

TEST(config_file, the_packaged_example_has_all_keys_with_their_defaults) {
  EXPECT_EQ(contents(COPPICE_SOURCE "/packaging/coppice.yaml"), config_text({}))
      << "write it anew: coppice run --show-config";
}

TEST(config_file, the_guide_has_the_table_of_the_keys) {
  file_options defaults;
  EXPECT_THAT(contents(COPPICE_SOURCE "/docs/messaging.md"), HasSubstr(config::table(described(defaults))));
}

} // namespace
} // namespace coppice::cli
