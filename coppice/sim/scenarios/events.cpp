// gen_event: every handler sees every event once, in order, while it is there; a supervised handler goes with
// its owner, and each is terminated once.
#include "coppice/otp/gen_event.hpp"
#include "coppice/sim/scenario.hpp"

#include <fmt/format.h>

namespace coppice::sim {
namespace {

struct happened {
  int number;
  token alive;
};
struct count {};

struct book {
  int published = 0; ///< how many events have been sent
  int added = 0;
  int terminated = 0;
};

class observer : public event_handler {
public:
  using protocol = coppice::protocol<events<happened>, calls<count, int>>;
  observer(in_world w, held<book> b) : world_(w), book_(b) {}

  void init() { ++book_->added; }
  void handle_event(const happened& e) {
    world_->expect(last_ == 0 || e.number == last_ + 1, "an event is missing, double, or out of order");
    last_ = e.number;
    ++seen_;
  }
  int handle_call(count) const { return seen_; }
  term terminate(const term&) {
    world_->expect(!ended_, "a handler was terminated twice");
    ended_ = true;
    ++book_->terminated;
    return atom("done");
  }

private:
  in_world world_;
  held<book> book_;
  token alive_ = world_->make_token();
  int last_ = 0;
  int seen_ = 0;
  bool ended_ = false;
};

/// Adds a handler under its own name, and ends or is killed: then the handler goes.
process owner(self me, in_world w, held<book> b, server_ref<gen_event> manager, int number) {
  w->killable(me.id());
  auto added = co_await add_sup_handler<observer>(manager, with_id(number), w, b);
  w->expect(added.has_value(), "a handler could not be added");
  co_await idle_for(std::chrono::microseconds(w->choices().between(0, 6000)));
}

task<> publish(in_world w, held<book> b, server_ref<gen_event> manager) {
  token alive = w->make_token();
  int number = ++b->published;
  if (w->choices().chance(300)) {
    atom done = co_await sync_notify<happened>(manager, number, alive);
    w->note(done.name().size());
  } else {
    notify<happened>(manager, number, alive);
  }
}

task<> main_process(self me, in_world w, held<book> b) {
  trap_exit(true);
  start_result<gen_event> started = co_await start_link<gen_event>();
  server_ref<gen_event> manager = *started;
  auto own = co_await add_handler<observer>(manager, w, b);
  std::vector<pid> owners;
  for (int n = w->choices().between(1, 5); n > 0; --n) owners.push_back(spawn(&owner, w, b, manager, n));
  for (int n = w->choices().between(1, 25); n > 0; --n) {
    co_await publish(w, b, manager);
    if (w->choices().chance(300)) co_await idle_for(std::chrono::microseconds(w->choices().between(0, 1500)));
  }
  within any_time(infinity); // the clock may jump
  int seen = co_await call<count>(*own, any_time);
  w->expect(seen == b->published, fmt::format("a handler saw {} of {} events", seen, b->published));
  for (pid o : owners) co_await end_of(me, o);
  w->hurry(); // the manager hears of their ends
  co_await idle_for(std::chrono::milliseconds(10));
  std::expected<std::vector<handler_id>, exit_reason> left = co_await which_handlers(manager);
  w->expect(left.has_value() && left->size() == 1, "a handler outlives its owner");
  w->expect(b->terminated == b->added - 1, "handlers that have gone were not all terminated");
  std::expected<ok, exit_reason> stopped = co_await stop(manager.name());
  w->expect(stopped.has_value(), "the manager does not stop");
  w->expect(b->terminated == b->added, "a handler was not terminated");
}

} // namespace

void play_events(world& w) {
  book b;
  w.run(&main_process, held<book>(b));
}

} // namespace coppice::sim
