// Supervisors: after every storm the tree is whole, or it ended because it had to; children start in order.
#include "coppice/otp/gen_server.hpp"
#include "coppice/otp/supervisor.hpp"
#include "coppice/sim/scenario.hpp"

#include <algorithm>
#include <fmt/format.h>

namespace coppice::sim {
namespace {

struct crash {};

struct book {
  std::vector<std::uint64_t> started; ///< by child: which of all starts its last one was
  std::uint64_t starts = 0;
  std::uint64_t crashes = 0; ///< asked for
};

class unit : public gen_server {
public:
  using protocol = coppice::protocol<casts<crash>>;
  unit(in_world w, held<book> b, std::size_t index) : world_(w), book_(b), index_(index) {}

  void init() {
    book_->started[index_] = ++book_->starts;
    world_->killable(self_pid());
    if (world_->choices().chance(300)) trap_exit(true);
  }
  void handle_cast(crash) { throw std::runtime_error("as told"); }

private:
  in_world world_;
  held<book> book_;
  token alive_ = world_->make_token();
  std::size_t index_;
};

/// The shape of the tree that is played.
struct plan {
  supervisor_flags flags;
  std::vector<child_spec> specs;
  bool nested = false;
};

plan draw(in_world w, held<book> b) {
  constexpr strategy kinds[] = {strategy::one_for_one, strategy::one_for_all, strategy::rest_for_one};
  plan p;
  p.flags.strategy = kinds[w->choices().below(3)];
  p.flags.intensity = w->choices().chance(500) ? 1000 : w->choices().between(0, 4);
  p.flags.period = std::chrono::hours(24 * 30); // longer than any run: then every restart counts
  int units = w->choices().between(1, 5);
  p.nested = w->choices().chance(400);
  b->started.resize(static_cast<std::size_t>(units) + 2);
  for (int i = 0; i < units; ++i) {
    auto index = static_cast<std::size_t>(i);
    p.specs.push_back(child<unit>(i, local(fmt::format("sim_unit_{}", i)), w, b, index));
  }
  if (p.nested) {
    auto next = static_cast<std::size_t>(units);
    supervisor_flags inner{.strategy = strategy::one_for_all, .intensity = 2, .period = p.flags.period};
    std::vector<child_spec> below{child<unit>("x", w, b, next), child<unit>("y", w, b, next + 1)};
    p.specs.push_back(child<plain_supervisor>("inner", local("sim_inner"), inner, below));
  }
  return p;
}

task<> storm(in_world w, held<book> b, std::size_t units) {
  for (int n = w->choices().between(2, 10); n > 0; --n) {
    co_await idle_for(std::chrono::microseconds(w->choices().between(0, 5000)));
    if (w->choices().chance(300)) {
      server_ref<unit> one{server_name(atom(fmt::format("sim_unit_{}", w->choices().below(units))))};
      if (one.resolve()) {
        ++b->crashes;
        cast<crash>(one);
      }
    }
    std::optional<pid> inner = whereis(atom("sim_inner"));
    if (inner && w->choices().chance(100)) {
      ++b->crashes;
      exit(*inner, exit_reason::kill());
    }
  }
}

task<> check_whole(in_world w, held<book> b, server_name sup, held<plan> p) {
  std::expected<std::vector<child_info>, child_error> all = co_await which_children(sup);
  w->expect(all.has_value(), "a supervisor that lives does not answer");
  if (!all) co_return;
  w->expect(all->size() == p->specs.size(), "a permanent child is missing");
  for (const child_info& c : *all) {
    w->expect(!c.restarting && c.pid && is_process_alive(c.pid), "a permanent child does not run");
  }
  std::size_t units = p->specs.size() - (p->nested ? 1 : 0);
  auto begin = b->started.begin();
  bool in_order = std::is_sorted(begin, begin + static_cast<std::ptrdiff_t>(units));
  if (p->flags.strategy != strategy::one_for_one)
    w->expect(in_order, "children were not started in their order");
  if (p->flags.strategy == strategy::one_for_one && !p->nested) {
    auto restarts = static_cast<std::int64_t>(b->starts - units);
    w->expect(restarts <= p->flags.intensity,
              fmt::format("{} restarts under intensity {}", restarts, p->flags.intensity));
  }
}

task<> main_process(self me, in_world w, held<book> b) {
  trap_exit(true);
  plan own = draw(w, b);
  held<plan> p(own);
  supervisor_flags flags = own.flags;
  std::vector<child_spec> specs = own.specs;
  start_result<plain_supervisor> sup = co_await start_link<plain_supervisor>(flags, specs);
  if (!sup) { // a child may have been killed before it said that it was ready
    w->expect(w->kills() > 0, "the supervisor does not start");
    co_return;
  }
  pid top = *sup->resolve();
  std::size_t units = own.specs.size() - (own.nested ? 1 : 0);
  co_await storm(w, b, units);
  w->calm();
  co_await idle_for(std::chrono::seconds(30));
  if (is_process_alive(top)) {
    co_await check_whole(w, b, server_name(top), p);
    std::expected<ok, exit_reason> stopped = co_await stop(server_name(top), exit_reason::shutdown());
    w->expect(stopped.has_value(), "the supervisor does not stop");
    co_return;
  }
  exit_signal end = co_await me.receive<exit_signal>();
  w->expect(end.reason.is("shutdown"), "a supervisor that gives up ends with shutdown");
  auto deaths = static_cast<std::int64_t>(w->kills() + b->crashes);
  w->expect(deaths > own.flags.intensity, fmt::format("it gave up after {} deaths", deaths));
}

} // namespace

void play_supervisors(world& w) {
  book b;
  w.run(&main_process, held<book>(b));
}

} // namespace coppice::sim
