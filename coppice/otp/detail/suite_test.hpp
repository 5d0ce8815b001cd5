// What OTP's suites ask of several behaviours alike.
#pragma once

#include "coppice/otp/detail/test_node.hpp"
#include "coppice/otp/gen_server.hpp"
#include "coppice/otp/sys.hpp"
#include "coppice/runtime/info.hpp"
#include "coppice/term/text.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <map>
#include <optional>
#include <string>

namespace coppice::test {

/// A registry of the user's own.
class book : public via_registry {
public:
  bool register_name(const term& name, pid process) override {
    return names_.emplace(to_string(name), process).second;
  }
  void unregister_name(const term& name) override { names_.erase(to_string(name)); }
  std::optional<pid> whereis_name(const term& name) override {
    auto found = names_.find(to_string(name));
    return found == names_.end() ? std::nullopt : std::optional(found->second);
  }

private:
  std::map<std::string, pid> names_;
};

/// It ends with the reason that `stop` gives.
template <class Server>
task<> stops_with(self me, exit_reason reason) {
  start_result<Server> s = co_await start<Server>();
  monitor(*s->resolve());
  std::expected<ok, exit_reason> done = co_await stop(s->name(), reason);
  EXPECT_TRUE(done.has_value());
  down gone = co_await me.receive<down>();
  EXPECT_EQ(gone.reason, reason);
}

/// Stopped by its name, it frees that name.
template <class Server>
task<> stops_by_name(self) {
  for (int twice = 0; twice < 2; ++twice) {
    start_result<Server> s = co_await start<Server>(local("to_stop"));
    EXPECT_TRUE(s.has_value());
    std::expected<ok, exit_reason> done = co_await stop("to_stop");
    EXPECT_TRUE(done.has_value());
    EXPECT_FALSE(is_process_alive(*s->resolve()));
    EXPECT_FALSE(whereis(atom("to_stop")).has_value());
    std::expected<ok, exit_reason> again = co_await stop("to_stop");
    EXPECT_TRUE(again.error().is("noproc"));
  }
}

inline bool hibernates(pid p) { return this_node().summary(p)->status == run_status::hibernating; }

/// It hibernates 100 ms after whatever it did last, no sooner; a system message leaves it as it was.
inline task<> hibernates_in_a_tenth(pid p, int round) {
  co_await idle_for(std::chrono::milliseconds(99));
  EXPECT_FALSE(hibernates(p)) << round;
  co_await idle_for(std::chrono::milliseconds(2));
  EXPECT_TRUE(hibernates(p)) << round;
  const server_name whom(p);
  std::expected<term, exit_reason> state = co_await sys::get_state(whom);
  EXPECT_TRUE(state.has_value());
  co_await yield();
  EXPECT_TRUE(hibernates(p)) << round;
}

} // namespace coppice::test
