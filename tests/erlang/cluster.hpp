// A node of ours for real ones to talk to: with a port mapper of its own, and a server `echo`.
#pragma once

#include <future>
#include <gtest/gtest.h>
#include <memory>
#include <string>
#include <utility>

#include "coppice/dist/distribution.hpp"
#include "coppice/net/detail/net_test.hpp"
#include "coppice/otp/gen_server.hpp"
#include "coppice/runtime/timer.hpp"
#include "tests/erlang/real_nodes.hpp"

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

/// A node of ours, with a port mapper of its own.
class cluster : public real_nodes {
public:
  explicit cluster(options more = {}, std::uint16_t mapper = free_port())
      : real_nodes(mapper), node_(net::testing::with_sockets()) {
    if (more.name.empty()) more.name = "cpp@127.0.0.1";
    more.cookie = "c";
    more.epmd_port = epmd_port;
    std::promise<std::string> started;
    std::future<std::string> outcome = started.get_future();
    node_.spawn(&keep, std::make_unique<std::promise<std::string>>(std::move(started)), std::move(more));
    EXPECT_EQ(outcome.get(), "");
  }

  node& home() { return node_; }

private:
  static process keep(self, std::unique_ptr<std::promise<std::string>> started, options how) {
    auto net = co_await start(std::move(how));
    auto server = co_await coppice::start<echo>(local("echo"));
    started->set_value(net ? "" : net.error().to_string());
    co_await idle_for(infinity);
  }
  node node_;
};

} // namespace coppice::dist
