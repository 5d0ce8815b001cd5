// A node whose workers run on virtual threads: what the tests here share.
#pragma once

#include "tests/interleaving/fibers.hpp"

#include "coppice/runtime/detail/machine.hpp"
#include "coppice/runtime/node.hpp"
#include "coppice/runtime/timer.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <memory>
#include <string>
#include <vector>

namespace coppice::interleaving {

/// What one run is about; its processes share it, all on one thread.
struct facts {
  std::vector<std::string> wrong;
  sim::random choices{0};

  void expect(bool holds, const char* what) {
    if (!holds && wrong.size() < 5) wrong.emplace_back(what);
  }
};
/// A message of one of several senders, who count theirs.
struct numbered {
  int sender;
  int number;
};
/// Notes one in `next`, what is to come of each sender.
inline void take_in_order(facts& f, std::vector<int>& next, const numbered& m) {
  int& expected = next[static_cast<std::size_t>(m.sender)];
  f.expect(m.number == expected, "a message came out of order, twice or not at all");
  expected = m.number + 1;
}

struct in_run {
  facts* all;
  facts* operator->() const { return all; }
};

} // namespace coppice::interleaving

template <>
struct coppice::enable_sendable<coppice::interleaving::in_run> {
  static constexpr bool value = true;
};

namespace coppice::interleaving {

/// A stepped node whose workers the test runs itself; its schedule only gives it several cores.
class no_choice final : public schedule_source {
public:
  void between_slices() override {}
  unsigned next_core(unsigned) override { return 0; }
  bool looks_at_timers(unsigned) override { return true; }
  std::uint32_t reductions(unsigned, pid) override { return 1000; }
};

struct run_result {
  std::vector<std::string> wrong;
  std::uint64_t trace = 0;
  std::uint64_t switches = 0;
  std::uint64_t taken = 0; ///< cores, from workers in user code
};

/// What a thread that is no worker does meanwhile, for the first process.
using outsider = void (*)(node& n, pid first, facts& f);

struct run_options {
  outsider outside = nullptr;
  bool revokes = false; ///< a monitor takes cores from whoever is in user code
};

/// The node's workers, and those who take their places.
class crew {
public:
  crew(detail::machine& m, fibers& virtual_threads) : machine_(m), threads_(virtual_threads) {
    for (const auto& c : m.cores) hire(*c);
  }
  void hire(detail::core& c) {
    workers_.push_back(std::make_unique<detail::worker>());
    detail::worker& w = *workers_.back();
    w.on = &c;
    w.first_core = c.index;
    threads_.add([this, &w] {
      detail::bound_thread bound(machine_, w);
      machine_.workers.run_core(w);
    });
  }
  /// What the monitor thread does, without waiting for anybody to be stuck.
  void watch(sim::random& choices) {
    for (int looks = 200; looks > 0 && !machine_.stopping.load(); --looks) {
      for (int pause = choices.between(0, 40); pause > 0; --pause) detail::yield_point();
      detail::worker& w = *workers_[choices.below(workers_.size())];
      if (w.revoked.load()) {
        detail::worker_pool::end_zombie_of(w);
      } else if (detail::core* freed = detail::worker_pool::take_core_of(w).freed) {
        ++taken_;
        hire(*freed);
      }
    }
  }
  [[nodiscard]] std::uint64_t taken() const noexcept { return taken_; }

private:
  detail::machine& machine_;
  fibers& threads_;
  std::vector<std::unique_ptr<detail::worker>> workers_;
  std::uint64_t taken_ = 0;
};

/// Ends the run when all have slept and nobody is left; lets time pass when somebody waits for it.
inline bool all_asleep(detail::machine& m, manual_clock& time, facts& f) {
  bool over = m.owner.statistics().processes == 0;
  f.expect(!m.work_waits(), "all cores rest while something is queued");
  std::optional<time_point> due = m.next_due();
  bool naps = std::ranges::any_of(m.cores, [](const auto& c) { return c->napping(); });
  constexpr auto nap = std::chrono::milliseconds(1);
  if (naps && (!due || *due > time.now() + nap)) due = time.now() + nap;
  if (!over && due) {
    time.advance_to(*due);
    return true;
  }
  f.expect(over, "all cores sleep, and processes wait for what never comes: a message or a wake-up is lost");
  m.stopping.store(true);
  for (const auto& c : m.cores) c->wake();
  return true;
}

template <class F>
run_result play(std::uint64_t seed, F main, const run_options& how) {
  auto time = std::make_shared<manual_clock>();
  fibers virtual_threads(seed, time);
  facts f;
  f.choices = sim::random(seed ^ 0xfac75ULL);
  node_options options = stepped();
  options.cores = static_cast<unsigned>(virtual_threads.choices().between(2, 4));
  options.schedule = std::make_shared<no_choice>();
  options.time = time;
  options.on_report = [](const report&) {};
  options.make_poller = [&virtual_threads] { return std::make_unique<fiber_poller>(virtual_threads); };
  node n(std::move(options));
  pid first = n.spawn(main, in_run{&f});
  detail::machine& m = n.internals();
  crew all(m, virtual_threads);
  if (how.outside != nullptr) virtual_threads.add([&] { how.outside(n, first, f); });
  if (how.revokes) virtual_threads.add([&] { all.watch(virtual_threads.choices()); });
  virtual_threads.run([&] { return all_asleep(m, *time, f); });
  f.expect(n.statistics().processes == 0, "processes are left");
  return {f.wrong, virtual_threads.trace(), virtual_threads.switches(), all.taken()};
}

template <class F>
void hold(F main, std::uint64_t seeds, const run_options& how = {}) {
  std::uint64_t switches = 0;
  std::uint64_t taken = 0;
  for (std::uint64_t seed = 1; seed <= seeds; ++seed) {
    run_result r = play(seed, main, how);
    switches += r.switches;
    taken += r.taken;
    for (const std::string& what : r.wrong) ADD_FAILURE() << what;
    ASSERT_TRUE(r.wrong.empty()) << "seed " << seed;
  }
  EXPECT_GT(switches, seeds * 10);
  EXPECT_EQ(taken > seeds, how.revokes) << "cores were taken from workers in user code";
  run_result once = play(1, main, how);
  run_result again = play(1, main, how);
  EXPECT_EQ(once.trace, again.trace);
}

} // namespace coppice::interleaving
