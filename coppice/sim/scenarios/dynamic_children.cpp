// simple_one_for_one: the children are those that were started and live, whoever dies meanwhile.
#include "coppice/otp/gen_server.hpp"
#include "coppice/otp/supervisor.hpp"
#include "coppice/sim/scenario.hpp"

#include <algorithm>

namespace coppice::sim {
namespace {

class session : public gen_server {
public:
  session(in_world w, int number) : world_(w), number_(number) {}
  void init() {
    if (world_->choices().chance(700)) world_->killable(self_pid());
    world_->note(static_cast<std::uint64_t>(number_));
  }

private:
  in_world world_;
  token alive_ = world_->make_token();
  int number_;
};

/// The live processes that the supervisor knows of.
task<std::vector<pid>> children_of(in_world w, server_name sup) {
  std::vector<pid> live;
  std::expected<std::vector<child_info>, child_error> all = co_await which_children(sup);
  w->expect(all.has_value(), "the supervisor does not answer");
  if (!all) co_return live;
  for (const child_info& c : *all) {
    w->expect(c.pid && is_process_alive(c.pid), "a child is listed that does not live");
    live.push_back(c.pid);
  }
  co_return live;
}

/// Starts and ends children; gives those that were told to end.
task<std::vector<pid>> stir(in_world w, server_name sup, held<std::vector<pid>> started) {
  std::vector<pid> ended;
  for (int n = w->choices().between(3, 20); n > 0; --n) {
    if (started->empty() || w->choices().chance(650)) {
      std::expected<pid, child_error> one = co_await start_child(sup, n);
      if (one) started->push_back(*one);
      w->expect(one.has_value() || w->kills() > 0, "a child does not start");
    } else {
      pid one = (*started)[w->choices().below(started->size())];
      std::expected<ok, child_error> done = co_await terminate_child(sup, term(one));
      if (done) {
        w->expect(!is_process_alive(one), "a child lives on after terminate_child");
        ended.push_back(one);
      }
    }
    if (w->choices().chance(200)) co_await idle_for(std::chrono::milliseconds(w->choices().between(0, 3)));
  }
  co_return ended;
}

/// When all is calm the figures are exact.
task<> end_one(in_world w, server_name sup, std::vector<pid> live) {
  if (live.empty()) co_return;
  std::expected<ok, child_error> done = co_await terminate_child(sup, term(live[0]));
  w->expect(done.has_value(), "a child cannot be ended");
  std::vector<pid> left = co_await children_of(w, sup);
  live.erase(live.begin());
  std::ranges::sort(live);
  std::ranges::sort(left);
  w->expect(left == live, "ending one child changed others");
}

task<> main_process(self, in_world w) {
  trap_exit(true);
  bool permanent = w->choices().chance(500);
  child_description kind = child_template<session, int>("session", w);
  std::vector<child_spec> specs;
  if (permanent) {
    specs.push_back(std::move(kind).permanent());
  } else {
    specs.push_back(std::move(kind).temporary());
  }
  supervisor_flags flags{.strategy = strategy::simple_one_for_one, .intensity = 1000};
  start_result<plain_supervisor> sup = co_await start_link<plain_supervisor>(flags, specs);
  server_name top = sup->name();
  std::vector<pid> started;
  held<std::vector<pid>> shared(started);
  std::vector<pid> ended = co_await stir(w, top, shared);
  w->calm();
  co_await idle_for(std::chrono::seconds(30));
  std::vector<pid> live = co_await children_of(w, top);
  std::expected<child_counts, child_error> counts = co_await count_children(top);
  w->expect(counts && counts->active == live.size(), "count_children and which_children disagree");
  if (permanent) {
    // One that was dead when it was told to end has been started again, under another pid, as in OTP.
    w->expect(live.size() <= started.size() && live.size() + ended.size() >= started.size(),
              "permanent children are missing, or too many");
    co_await end_one(w, top, live);
  } else {
    auto expected = std::ranges::count_if(started, [](pid p) { return is_process_alive(p); });
    w->expect(live.size() == static_cast<std::size_t>(expected), "a temporary child is missing or too many");
    for (pid p : started) {
      bool told = std::ranges::find(ended, p) != ended.end();
      w->expect(is_process_alive(p) || told || w->was_killed(p), "a child ended of itself");
    }
  }
  std::expected<ok, exit_reason> stopped = co_await stop(top, exit_reason::shutdown());
  w->expect(stopped.has_value(), "the supervisor does not stop");
}

} // namespace

void play_dynamic_children(world& w) { w.run(&main_process); }

} // namespace coppice::sim
