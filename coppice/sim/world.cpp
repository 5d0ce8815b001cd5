#include "coppice/sim/world.hpp"

#include "coppice/runtime/detail/machine.hpp"
#include "coppice/sim/watchdog.hpp"

#include <algorithm>
#include <array>
#include <fmt/format.h>
#include <stdexcept>
#include <unordered_set>

namespace coppice::sim {

/// The seed's choices while the node runs.
class fate final : public schedule_source {
public:
  explicit fate(std::uint64_t seed)
      : random_(seed), clock_(std::make_shared<manual_clock>()), preempt_(random_.between(0, 3) * 300U),
        postpone_(random_.between(0, 2) * 150U), timers_(random_.between(1, 10) * 100U),
        kill_(random_.between(1, 60)), jump_(random_.between(0, 3) * 5U),
        delay_(random_.between(0, 3) * 100U), arrive_(random_.between(1, 10) * 100U),
        kills_left_(random_.below(12)) {}

  void between_slices() override {
    if (++slices_ % slices_max == 0) end_the_world();
    if (dog_ != nullptr) dog_->step();
    if (jump_ != 0 && random_.chance(jump_)) {
      constexpr std::array<std::int64_t, 4> reach{1'000, 1'000'000, 100'000'000, 10'000'000'000};
      clock_->advance(duration(static_cast<std::int64_t>(
          random_.below(static_cast<std::uint64_t>(reach[random_.below(reach.size())])))));
    }
    if (kills_left_ > 0 && !killable_.empty() && random_.chance(kill_)) kill_one();
    mix(static_cast<std::uint64_t>(clock_->now().time_since_epoch().count()));
  }
  unsigned next_core(unsigned cores) override { return static_cast<unsigned>(random_.below(cores)); }
  bool looks_at_timers(unsigned) override { return random_.chance(timers_); }
  std::uint32_t reductions(unsigned core, pid process) override {
    std::uint32_t given = 1000;
    if (random_.chance(postpone_)) {
      given = 0;
    } else if (random_.chance(preempt_)) {
      given = 1 + static_cast<std::uint32_t>(random_.below(random_.chance(700) ? 1 : 8));
    }
    mix(process.id);
    mix(std::uint64_t{core} << 32U | given);
    return given;
  }

  bool holds_back(pid, pid) override { return delay_ != 0 && random_.chance(delay_); }
  std::size_t arrives(std::size_t held) override {
    std::size_t which = random_.chance(arrive_) ? random_.below(held) : held;
    mix(which);
    return which;
  }
  bool time_passes_first() override { return delay_ != 0 && random_.chance(300); }
  void hurry() noexcept {
    delay_ = 0;
    arrive_ = 1000;
    jump_ = 0;
  }

  void mix(std::uint64_t fact) noexcept { trace_ = random(trace_ ^ fact).next(); }

  random random_;
  std::shared_ptr<manual_clock> clock_;
  node* home_ = nullptr;
  watchdog* dog_ = nullptr;
  unsigned preempt_, postpone_, timers_, kill_, jump_, delay_, arrive_; ///< chances in a thousand
  std::uint64_t kills_left_;
  std::uint64_t kills_ = 0;
  std::uint64_t slices_ = 0;
  std::uint64_t trace_ = 0;
  std::vector<pid> killable_;
  std::unordered_set<pid> killed_;

private:
  static constexpr std::uint64_t slices_max = 200'000; ///< some hundred times what scenarios take

  [[noreturn]] void end_the_world() {
    for (const process_summary& p : home_->processes()) home_->exit(p.process, exit_reason::kill());
    throw std::runtime_error("the world never comes to rest");
  }

  void kill_one() {
    std::erase_if(killable_, [this](pid p) { return !home_->is_process_alive(p); });
    if (killable_.empty()) return;
    std::size_t which = random_.below(killable_.size());
    pid victim = killable_[which];
    killable_.erase(killable_.begin() + static_cast<std::ptrdiff_t>(which));
    killed_.insert(victim);
    --kills_left_;
    ++kills_;
    mix(victim.id);
    home_->exit(victim, exit_reason::kill());
  }
};

world::world(std::uint64_t seed, watchdog* dog)
    : seed_(seed), choices_(random(seed ^ 0x5ce0a210ULL).next()), fate_(std::make_shared<fate>(seed)) {
  node_ = make_node();
  fate_->home_ = node_.get();
  fate_->dog_ = dog;
}

std::unique_ptr<node> world::make_node() {
  node_options options = stepped();
  options.cores = static_cast<unsigned>(fate_->random_.between(1, 4));
  options.time = fate_->clock_;
  options.schedule = fate_;
  options.on_report = [this](const report& r) {
    ++reports_[r.kind];
    note(r.process.id);
  };
  return std::make_unique<node>(std::move(options));
}

node& world::add_node() {
  others_.push_back(make_node());
  return *others_.back();
}

void world::run_all(pid main, outside& between) {
  try {
    while (node_->is_process_alive(main) && turn(main, between)) {
    }
  } catch (const std::exception& error) {
    failed(error.what());
  }
}

/// Some slices of each node, and what happens between them; time passes only when nothing else can.
bool world::turn(pid main, outside& between) {
  constexpr std::uint64_t most_slices = 30;
  bool idle = !between.move();
  std::optional<time_point> next = between.next();
  for (std::size_t i = 0; i <= others_.size(); ++i) {
    coppice::detail::machine& m = (i == 0 ? *node_ : *others_[i - 1]).internals();
    idle = m.workers.run_until_idle(1 + fate_->random_.below(most_slices)) && idle;
    if (const std::optional<time_point> due = m.next_due()) next = next ? std::min(*next, *due) : *due;
  }
  if (!idle || !node_->is_process_alive(main)) return true;
  if (!next) {
    failed("all wait for something that can no longer happen");
    return false;
  }
  fate_->clock_->advance_to(*next);
  return true;
}

world::~world() = default;

void world::killable(pid process) { fate_->killable_.push_back(process); }
void world::calm() noexcept {
  fate_->kills_left_ = 0;
  hurry();
}
void world::hurry() noexcept { fate_->hurry(); }
std::uint64_t world::kills() const noexcept { return fate_->kills_; }
bool world::was_killed(pid process) const { return fate_->killed_.contains(process); }

void world::expect(bool holds, std::string_view what) {
  if (!holds) failed(std::string(what));
}

void world::failed(std::string what) {
  constexpr std::size_t enough = 8;
  if (failures_.size() < enough) failures_.push_back(std::move(what));
}

void world::note(std::uint64_t fact) noexcept { fate_->mix(fact); }

std::size_t world::reports(const std::string& kind) const {
  auto found = reports_.find(kind);
  return found == reports_.end() ? 0 : found->second;
}

void world::settle() {
  if (node_ == nullptr) return;
  calm();
  settle(node_);
  for (std::unique_ptr<node>& other : others_) settle(other);
  expect(tokens_ == 0, fmt::format("{} messages or frames are left in memory", tokens_));
}

void world::settle(std::unique_ptr<node>& which) {
  try {
    which->advance(std::chrono::minutes(1));
  } catch (const std::exception& error) {
    failed(error.what());
  }
  node_statistics left = which->statistics();
  expect(left.processes == 0, fmt::format("{} processes are left", left.processes));
  for (const process_summary& p : which->processes(4))
    failed(fmt::format("left: {} {}", p.behaviour, p.module));
  expect(left.timers == 0, fmt::format("{} timers are left", left.timers));
  expect(left.run_queue == 0, fmt::format("{} entries are left in the run queues", left.run_queue));
  std::size_t names = which->internals().names.all().size();
  expect(names == 0, fmt::format("{} names are left", names));
  std::size_t waits = 0;
  for (const auto& c : which->internals().cores) waits += c->wheel.size();
  expect(waits == 0, fmt::format("{} nodes are left in the timer wheels", waits));
  expect(which->shutdown(), "the node does not shut down cleanly");
  which.reset();
}

task<exit_reason> end_of(self me, pid process) {
  reference ref = monitor(process);
  auto ours = [ref](const down& d) { return d.ref == ref; };
  down gone = co_await me.receive_if<down>(ours);
  co_return gone.reason;
}

outcome world::result() const { return {seed_, fate_->trace_, fate_->slices_, fate_->kills_, failures_}; }

} // namespace coppice::sim
