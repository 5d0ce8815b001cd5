// A node of ours for real ones to talk to: with a port mapper of its own, and a server `echo`.
#pragma once

#include <algorithm>
#include <chrono>
#include <fstream>
#include <functional>
#include <future>
#include <gtest/gtest.h>
#include <memory>
#include <sstream>
#include <string>
#include <vector>

#include "coppice/dist/distribution.hpp"
#include "coppice/net/detail/net_test.hpp"
#include "coppice/otp/gen_server.hpp"
#include "coppice/runtime/timer.hpp"
#include "tests/erlang/os_process.hpp"
#include "tests/erlang/terms.hpp"

namespace coppice::dist {

/// Answers a call with its request, and can be told to do other things.
class echo : public gen_server {
public:
  using protocol = coppice::protocol<>;
  result<term> handle_call(const term& request, from who) {
    if (request.is_atom(atom("never_reply"))) {
      kept_ = std::move(who);
    } else {
      who.reply(request);
    }
    return {};
  }
  void handle_cast(const term& message) {
    if (message.is_tagged(atom("send_to"), 3)) send(*message.elements()[1].as_pid(), message.elements()[2]);
    if (message.is_atom(atom("crash"))) exit(exit_reason(atom("crash_reason")));
  }
  void handle_info(const term& message) {
    if (!message.is_tuple(3)) return;
    const auto from = message.elements()[0].as_pid();
    if (from) send(*from, term::tuple(message.elements()[1], message.elements()[2]));
  }

private:
  from kept_;
};

inline std::uint16_t free_port() {
  auto taken = net::listen_socket::open(net::endpoint::loopback(0));
  return taken->local()->port();
}

/// A node of ours, with a port mapper of its own.
class cluster {
public:
  explicit cluster(options more = {}) : node_(net::testing::with_sockets()) {
    more.name = "cpp@127.0.0.1";
    more.cookie = "c";
    more.epmd_port = epmd_port;
    std::promise<std::string> started;
    std::future<std::string> outcome = started.get_future();
    node_.spawn(&keep, std::make_unique<std::promise<std::string>>(std::move(started)), std::move(more));
    EXPECT_EQ(outcome.get(), "");
  }

  /// What `erl` prints that runs this as a node called t@127.0.0.1, within 30 s; `meanwhile` is called when
  /// it has been started.
  std::string erl(const std::string& code, std::vector<std::string> flags = {},
                  const std::string& cookie = "c", const std::function<void()>& meanwhile = {}) {
    std::vector<std::string> all{erlang_program("erl").string(), "-noshell", "-setcookie", cookie};
    if (std::ranges::find(flags, "-name") == flags.end()) flags.insert(flags.end(), {"-name", "t@127.0.0.1"});
    all.insert(all.end(), flags.begin(), flags.end());
    all.emplace_back("-eval");
    all.push_back("{ok, Out} = file:open(\"" + out().string() + "\", [write]), group_leader(Out, self()), " +
                  code + ", file:close(Out), halt().");
    return what_is_written_by(std::move(all), meanwhile);
  }
  /// What Elixir makes of an expression, as a node called e@127.0.0.1.
  std::string elixir(const std::string& expression) {
    return what_is_written_by({erlang_program("elixir").string(), "--name", "e@127.0.0.1", "--cookie", "c",
                               "-e", "File.write!(\"" + out().string() + "\", inspect(" + expression + "))"},
                              {});
  }
  node& home() { return node_; }

  const std::uint16_t epmd_port = free_port();

private:
  [[nodiscard]] fs::path out() const { return scratch_.path / "out"; }

  std::string what_is_written_by(std::vector<std::string> command, const std::function<void()>& meanwhile) {
    const std::string said = command.back();
    command.insert(command.begin(), "30");
    os_process program("/usr/bin/timeout", std::move(command),
                       {"ERL_EPMD_PORT=" + std::to_string(epmd_port), "ERL_EPMD_ADDRESS=127.0.0.1",
                        "ERL_CRASH_DUMP_BYTES=0"});
    if (meanwhile) meanwhile();
    EXPECT_EQ(program.wait(), 0) << said;
    std::ifstream in(out());
    std::stringstream text;
    text << in.rdbuf();
    return text.str();
  }

  static process keep(self, std::unique_ptr<std::promise<std::string>> started, options how) {
    auto net = co_await start(std::move(how));
    auto server = co_await coppice::start<echo>(local("echo"));
    started->set_value(net ? "" : net.error().to_string());
    co_await idle_for(infinity);
  }
  scratch scratch_;
  node node_;
};

} // namespace coppice::dist
