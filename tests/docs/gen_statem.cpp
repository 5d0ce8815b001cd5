// docs/gen_statem.md
#include "coppice/otp/gen_statem.hpp"

using namespace coppice;
using namespace std::chrono_literals;

enum class door { locked, open };
struct button {
  int digit;
};
struct relock {};

class code_lock : public coppice::gen_statem {
public:
  using state = door;
  using protocol = coppice::protocol<coppice::casts<button>, coppice::events<relock>>;
  explicit code_lock(int code) : code_(code) {}

  door init() { return door::locked; }
  next<door> handle_event(door now, button b) {
    if (now == door::open) return keep_state().postpone();
    if (b.digit != code_) return keep_state();
    return next_state(door::open).state_timeout(10s, relock{});
  }
  next<door> handle_event(door, relock) { return door::locked; }

private:
  int code_;
};

struct status {};
struct knock {};
class bell : public coppice::gen_statem {
public:
  using state = door;
  using protocol = coppice::protocol<calls<status, std::string>, calls<knock, ok>>;
  door init() { return door::locked; }
  std::string handle_event(door now, status);
  next<door> handle_event(door now, knock, reply_to<ok>& who) {
    if (now == door::locked) return keep_state().postpone();
    return keep_state().reply(who, ok());
  }
};
std::string bell::handle_event(door now, status) { return now == door::open ? "open" : "locked"; }

task<> use() {
  auto lock = co_await start_link<code_lock>(4);
  auto front = co_await start_link<bell>();
}
