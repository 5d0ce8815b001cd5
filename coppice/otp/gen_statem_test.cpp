// gen_statem on a stepped node; the cases are named after those of OTP's gen_statem_SUITE where there is one.
#include "coppice/otp/gen_statem.hpp"

#include "coppice/runtime/node.hpp"

#include <gtest/gtest.h>

namespace coppice {
namespace {

using namespace std::chrono_literals;
using namespace literals;

node_options quiet() {
  node_options o = stepped();
  o.on_report = [](const report&) {};
  return o;
}

enum class door { locked, open };
struct button {
  int digit;
};
struct relock {};
struct knock {};
struct status {};

class code_lock : public gen_statem {
public:
  using state = door;
  using protocol =
      coppice::protocol<casts<button>, calls<knock, ok>, calls<status, std::string>, events<relock>>;
  explicit code_lock(int code) : code_(code) {}

  door init() { return door::locked; }
  next<door> handle_event(door now, button b) {
    if (now == door::open) return keep_state().postpone();
    if (b.digit != code_) return keep_state();
    return next_state(door::open).state_timeout(10s, relock{});
  }
  next<door> handle_event(door, relock) { return door::locked; }
  next<door> handle_event(door now, knock, reply_to<ok>& who) {
    if (now == door::locked) return keep_state().postpone();
    return keep_state().reply(who, ok());
  }
  std::string handle_event(door now, status) { return now == door::open ? "open" : "locked"; }

private:
  int code_;
};

TEST(gen_statem, code_lock) {
  node n(quiet());
  n.run([](self) -> task<> {
    start_result<code_lock> s = co_await start_link<code_lock>(local("lock"), 7);
    cast<button>(*s, 3);
    std::string now = co_await call<status>(*s);
    EXPECT_EQ(now, "locked");
    cast<button>(*s, 7);
    std::string now2 = co_await call<status>(*s);
    EXPECT_EQ(now2, "open");
    co_await idle_for(9999ms);
    std::string now3 = co_await call<status>(*s);
    EXPECT_EQ(now3, "open");
    co_await idle_for(2ms);
    std::string now4 = co_await call<status>(*s);
    EXPECT_EQ(now4, "locked");
  });
}

} // namespace
} // namespace coppice
