// Virtual threads on one thread, which take turns as a seed has it: at each access to an atomic of the
// runtime.
#pragma once

#include "coppice/runtime/clock.hpp"
#include "coppice/runtime/detail/context.hpp"
#include "coppice/runtime/poller.hpp"
#include "coppice/sim/random.hpp"

#include <array>
#include <functional>
#include <memory>
#include <string>
#include <ucontext.h>
#include <vector>

namespace coppice::interleaving {

class fibers;

/// Where a core sleeps: its fiber gets no turn until it is woken or its time has come.
class fiber_poller final : public poller {
public:
  explicit fiber_poller(fibers& all) noexcept : all_(all) {}
  void wait(std::optional<time_point> until) override;
  void poll() override {}
  void wake() override { woken_ = true; }

private:
  fibers& all_;
  bool woken_ = false;
};

/// One run under one seed.
class fibers {
public:
  fibers(std::uint64_t seed, std::shared_ptr<manual_clock> time);
  ~fibers();
  fibers(const fibers&) = delete;
  fibers& operator=(const fibers&) = delete;

  void add(std::function<void()> body);
  /// Runs all of them to their ends. When all sleep `all_asleep` is asked: true if it has done something
  /// about it.
  void run(std::function<bool()> all_asleep);

  /// The running fiber lets another go on, perhaps.
  void maybe_yield() noexcept;
  /// The running fiber gets no turn until `ready`.
  void rest_until(const std::function<bool()>& ready);
  [[nodiscard]] sim::random& choices() noexcept { return choices_; }
  [[nodiscard]] const manual_clock& time() const noexcept { return *time_; }
  [[nodiscard]] std::uint64_t switches() const noexcept { return switches_; }
  [[nodiscard]] std::uint64_t trace() const noexcept { return trace_; }

private:
  struct fiber {
    ucontext_t stack_of{};
    std::vector<char> stack;
    std::function<void()> body;
    const std::function<bool()>* ready = nullptr; ///< null: it may run
    bool ended = false;
    detail::context where;             ///< the runtime's idea of this thread, while others run
    std::array<void*, 2> exceptions{}; ///< those of the C++ library that are being handled
  };
  static void start(unsigned high, unsigned low);
  void switch_to(std::size_t next) noexcept;
  /// Gives the turn to one that may run; false if there is none.
  bool give_way() noexcept;

  sim::random choices_;
  std::shared_ptr<manual_clock> time_;
  std::vector<std::unique_ptr<fiber>> all_;
  ucontext_t outside_{};
  std::function<bool()> all_asleep_;
  static constexpr std::size_t nobody = static_cast<std::size_t>(-1);
  std::size_t running_ = nobody;
  unsigned often_; ///< chance in a thousand that an access gives the turn away
  std::uint64_t switches_ = 0;
  std::uint64_t trace_ = 0;
};

} // namespace coppice::interleaving
