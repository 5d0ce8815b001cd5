// gen_statem: a postponed call is answered or its caller told; a time-out of a state that was left never
// comes.
#include "coppice/otp/gen_statem.hpp"
#include "coppice/otp/supervisor.hpp"
#include "coppice/sim/scenario.hpp"

namespace coppice::sim {
namespace {

enum class door { closed, open };
struct open_up {};
struct slam {};
struct enter {
  int number;
  token alive;
};
struct shut {};
constexpr auto open_for = std::chrono::milliseconds(5);

class gate : public gen_statem {
public:
  using state = door;
  using protocol = coppice::protocol<casts<open_up>, casts<slam>, calls<enter, int>, events<shut>>;
  explicit gate(in_world w) : world_(w) {}

  door init() {
    world_->killable(self_pid());
    return door::closed;
  }
  next<door> handle_event(door at, open_up) {
    if (at == door::open) return keep_state();
    since_ = now();
    return next_state(door::open).state_timeout(open_for, shut());
  }
  next<door> handle_event(door, slam) { return door::closed; }
  next<door> handle_event(door at, const enter& m, reply_to<int>& who) {
    if (at == door::closed) return keep_state().postpone();
    return keep_state().reply(who, m.number);
  }
  next<door> handle_event(door at, shut) {
    world_->expect(at == door::open, "a time-out of a state that was left");
    world_->expect(now() - since_ >= open_for, "a state time-out came early, or for an earlier stay");
    return door::closed;
  }

private:
  in_world world_;
  time_point since_{};
};

process visitor(self me, in_world w, server_ref<gate> to, token) {
  for (int n = w->choices().between(1, 8); n > 0; --n) {
    request_id<int> waiting = send_request<enter>(to, n, w->make_token());
    if (w->choices().chance(200)) cast<slam>(to);
    if (w->choices().chance(300)) co_await idle_for(std::chrono::microseconds(w->choices().between(0, 9000)));
    cast<open_up>(to);
    if (w->choices().chance(300)) cast<slam>(to);
    std::optional<std::expected<int, exit_reason>> a = co_await receive_response(waiting, infinity);
    w->expect(a.has_value(), "a call without a time limit has no outcome");
    if (a && a->has_value()) w->expect(**a == n, "an answer to another question");
    w->note(a && a->has_value() ? 1 : 0);
  }
  std::optional<term> stray = co_await me.receive<term>(std::chrono::milliseconds(10));
  w->expect(!stray.has_value(), "a second answer came as a message");
}

task<> main_process(self me, in_world w) {
  trap_exit(true);
  std::vector<child_spec> specs{child<gate>("gate", local("sim_gate"), w)};
  supervisor_flags often{.strategy = strategy::one_for_one, .intensity = 1000};
  start_result<plain_supervisor> sup = co_await start_link<plain_supervisor>(often, specs);
  w->expect(sup.has_value(), "the supervisor does not start");
  if (!sup) co_return;
  server_ref<gate> to{server_name("sim_gate")};
  std::vector<pid> visitors;
  for (int n = w->choices().between(1, 5); n > 0; --n) {
    visitors.push_back(spawn(&visitor, w, to, w->make_token()));
    if (w->choices().chance(150)) w->killable(visitors.back());
  }
  for (pid v : visitors) {
    exit_reason why = co_await end_of(me, v);
    w->expect(why.is_normal() || why.is("noproc") || w->was_killed(v), "a visitor ended badly");
  }
  std::expected<ok, exit_reason> stopped = co_await stop(sup->name(), exit_reason::shutdown());
  w->expect(stopped.has_value(), "the supervisor does not stop");
}

} // namespace

void play_machines(world& w) { w.run(&main_process); }

} // namespace coppice::sim
