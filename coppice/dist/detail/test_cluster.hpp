// Nodes of ours in one program that know each other: for tests of what nodes do together.
#pragma once

#include "coppice/dist/distribution.hpp"
#include "coppice/net/detail/net_test.hpp"
#include "coppice/net/detail/test_port.hpp"
#include "coppice/runtime/timer.hpp"

#include <future>
#include <gtest/gtest.h>
#include <memory>
#include <string>
#include <utility>

namespace coppice::dist {

/// A port that was free a moment ago, for a port mapper of the test's own.
inline std::uint16_t port_for_mapper() { return net::testing::unused_port(); }

/// A distributed node named `name@127.0.0.1`.
class test_member {
public:
  test_member(const std::string& name, std::uint16_t epmd_port, bool published, options how = {})
      : node_(net::testing::with_sockets()) {
    how.name = name + "@127.0.0.1";
    how.cookie = "c";
    how.epmd_port = epmd_port;
    how.published = published;
    std::promise<std::string> started;
    std::future<std::string> outcome = started.get_future();
    node_.spawn(&keep, std::make_unique<std::promise<std::string>>(std::move(started)), std::move(how));
    EXPECT_EQ(outcome.get(), "");
  }
  /// Runs it in a process of the node, and waits for its end.
  template <class F, class... Args>
  auto run(F body, Args&&... args) {
    return node_.run(body, std::forward<Args>(args)...);
  }
  /// Starts a process of the node.
  template <class F, class... Args>
  void spawn(F body, Args&&... args) {
    node_.spawn(body, std::forward<Args>(args)...);
  }

private:
  static process keep(self, std::unique_ptr<std::promise<std::string>> started, options how) {
    auto net = co_await start(std::move(how));
    started->set_value(net ? "" : net.error().to_string());
    co_await idle_for(infinity);
  }
  node node_;
};

} // namespace coppice::dist
