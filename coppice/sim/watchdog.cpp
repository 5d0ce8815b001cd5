#include "coppice/sim/watchdog.hpp"

#include <cstdio>
#include <cstdlib>
#include <fmt/format.h>

namespace coppice::sim {

void watchdog::print_and_exit(const std::string& what) {
  std::fprintf(stderr, "%s\n", what.c_str());
  std::fflush(nullptr);
  constexpr int hung = 3;
  std::_Exit(hung);
}

watchdog::watchdog(duration patience, alarm ring)
    : patience_(patience), ring_(std::move(ring)), thread_([this] { watch(); }) {}

watchdog::~watchdog() {
  {
    std::lock_guard guard(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
  thread_.join();
}

void watchdog::begin(std::string_view scenario, std::uint64_t seed) {
  step();
  std::lock_guard guard(mutex_);
  scenario_ = scenario;
  seed_ = seed;
}

void watchdog::end() {
  step();
  std::lock_guard guard(mutex_);
  scenario_.clear();
}

void watchdog::watch() {
  std::unique_lock lock(mutex_);
  for (std::uint64_t seen = 0; !stopping_;) {
    if (changed_.wait_for(lock, patience_, [this] { return stopping_; })) return;
    const std::uint64_t now = steps_.load(std::memory_order_relaxed);
    if (now == seen && !scenario_.empty()) {
      ring_(fmt::format(
          "{}: hangs inside one slice: nothing has moved for {} ms; replay: ./dev sim --scenario {} "
          "--seed {}",
          scenario_, std::chrono::duration_cast<std::chrono::milliseconds>(patience_).count(), scenario_,
          seed_));
      scenario_.clear();
    }
    seen = now;
  }
}

} // namespace coppice::sim
