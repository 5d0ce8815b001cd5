// A simulated world: one node (or several) on one thread whose clock, cores, order of running, preemption and
// deaths are all chosen by a seed. A scenario runs in it and says what must hold.
//
// What the seed decides:
//   the number of cores (1 to 4) and which takes the next step
//   how many reductions a process gets before others run: often 1, so that every suspension point and every
//   boundary between callbacks is a place where something else may happen
//   that a process which could run waits for another turn
//   that a message or signal takes its time, and later ones of other senders are quicker; the order of a pair
//   stays
//   when a core looks at its timers; that the clock jumps ahead
//   the death of processes that the scenario offered by `killable`, and the reason
//   whatever the scenario asks of `choices()`
// How often each happens is drawn anew for each seed, so that some worlds are calm and others are not.
#pragma once

#include "coppice/runtime/node.hpp"
#include "coppice/sim/random.hpp"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace coppice::sim {

class fate;
class watchdog;

/// Counts the copies of itself that live: put into messages and frames, it shows that none is left behind.
class token {
public:
  explicit token(std::int64_t& alive) noexcept : alive_(&alive) { ++*alive_; }
  token(const token& other) noexcept : alive_(other.alive_) { ++*alive_; }
  token& operator=(const token&) noexcept = default; // of one world, so both count the same
  ~token() { --*alive_; }

private:
  std::int64_t* alive_;
};

/// What one run of a scenario brought.
struct outcome {
  std::uint64_t seed = 0;
  std::uint64_t trace = 0; ///< a hash of all that happened: equal for equal seeds
  std::uint64_t slices = 0;
  std::uint64_t kills = 0;
  std::vector<std::string> failures; ///< empty: every invariant held
};

class world {
public:
  /// The watchdog, if there is one, is told of every slice.
  explicit world(std::uint64_t seed, watchdog* dog = nullptr);
  ~world();
  world(const world&) = delete;
  world& operator=(const world&) = delete;

  [[nodiscard]] node& home() noexcept { return *node_; }
  /// One more node under the same seed and clock. They know nothing of each other; `killable` is of `home()`.
  node& add_node();
  /// The scenario's own choices: apart from those of the schedule.
  [[nodiscard]] random& choices() noexcept { return choices_; }
  [[nodiscard]] token make_token() noexcept { return token(tokens_); }

  /// The process may be killed from now on, at any moment.
  void killable(pid process);
  /// No message takes its time and no clock jumps from now on: what is on its way arrives before time passes.
  void hurry() noexcept;
  /// And nobody is killed.
  void calm() noexcept;
  /// How many have been killed by the world.
  [[nodiscard]] std::uint64_t kills() const noexcept;
  /// Whether that process has been; the world killed it, and nobody else.
  [[nodiscard]] bool was_killed(pid process) const;

  /// An invariant: if it does not hold the run has failed, and `what` says how.
  void expect(bool holds, std::string_view what);
  /// Something that two runs of one seed must agree on.
  void note(std::uint64_t fact) noexcept;
  /// How many reports of that kind the node has made.
  [[nodiscard]] std::size_t reports(const std::string& kind) const;

  /// Runs the scenario's first process until it ends. One that waits for what can no longer happen is a
  /// failure.
  template <class F, class... Args>
  void run(F main, Args... args);
  /// What goes on between nodes.
  class outside {
  public:
    virtual ~outside() = default;
    /// Lets something happen that is due, outside of all processes. False: there is nothing.
    virtual bool move() = 0;
    /// When something will be due, unless a node does something before; nothing: never.
    [[nodiscard]] virtual std::optional<time_point> next() const = 0;
  };
  /// Lets all nodes and what is between them take turns until that process of `home()` has ended.
  void run_all(pid main, outside& between);
  /// The end: everybody may finish, time passes, and then nothing may be left: no process, name, timer or
  /// message. Done once; `play` does it for a scenario that has not.
  void settle();
  [[nodiscard]] outcome result() const;

private:
  void failed(std::string what);
  std::unique_ptr<node> make_node();
  bool turn(pid main, outside& between);
  void settle(std::unique_ptr<node>& which);

  std::uint64_t seed_;
  random choices_;
  std::int64_t tokens_ = 0;
  std::vector<std::string> failures_;
  std::unordered_map<std::string, std::size_t> reports_;
  std::shared_ptr<fate> fate_;
  std::unique_ptr<node> node_;
  std::vector<std::unique_ptr<node>> others_;
};

/// What the processes of one world share: all run on one thread. The scenario that plays owns it.
template <class T>
class held {
public:
  explicit held(T& what) noexcept : what_(&what) {}
  T* operator->() const noexcept { return what_; }
  T& operator*() const noexcept { return *what_; }

private:
  T* what_;
};
/// The world as its processes hold it.
using in_world = held<world>;

/// Waits until the process has ended, and says why.
task<exit_reason> end_of(self me, pid process);

} // namespace coppice::sim

namespace coppice {
template <class T>
struct enable_sendable<sim::held<T>> {
  static constexpr bool value = true;
};
template <>
struct enable_sendable<sim::token> {
  static constexpr bool value = true;
};
} // namespace coppice

template <class F, class... Args>
void coppice::sim::world::run(F main, Args... args) {
  try {
    node_->run(main, in_world(*this), args...);
  } catch (const std::exception& error) {
    failed(error.what());
  }
}
