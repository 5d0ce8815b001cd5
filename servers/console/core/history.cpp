#include "servers/console/core/history.hpp"

#include <algorithm>
#include <utility>

namespace coppice::console {
namespace {

constexpr std::int64_t second = 1'000'000'000; // ns

/// A counter's growth a second. One that has fallen was started anew.
std::uint64_t rate(std::uint64_t now, std::uint64_t before, std::int64_t elapsed) {
  if (now < before) return 0;
  return static_cast<std::uint64_t>(static_cast<double>(now - before) * static_cast<double>(second) /
                                    static_cast<double>(elapsed));
}

/// In thousandths. A core that got another thread meanwhile counts by that one's time alone.
std::uint32_t share(std::int64_t now, std::int64_t before, std::int64_t elapsed) {
  const std::int64_t used = now >= before ? now - before : now;
  return static_cast<std::uint32_t>(std::clamp<std::int64_t>(used * 1000 / elapsed, 0, 1000));
}

point between(const totals& before, const totals& now) {
  const std::int64_t elapsed = now.monotonic - before.monotonic;
  point p;
  p.at = now.at;
  p.messages = rate(now.messages, before.messages, elapsed);
  p.reductions = rate(now.reductions, before.reductions, elapsed);
  p.spawned = rate(now.spawned, before.spawned, elapsed);
  p.processes = now.processes;
  p.memory = now.memory;
  p.run_queue = now.run_queue;
  for (std::size_t i = 0; i < now.cores.size(); ++i) {
    const std::int64_t was = i < before.cores.size() ? before.cores[i].busy : now.cores[i].busy;
    p.cores.push_back({share(now.cores[i].busy, was, elapsed), now.cores[i].run_queue});
  }
  return p;
}

} // namespace

void history::add(totals now) {
  std::lock_guard guard(mutex_);
  if (before_ && now.monotonic <= before_->monotonic) return;
  if (before_) {
    point p = between(*before_, now);
    // The system's clock may be set back; pages ask by it.
    if (!points_.empty()) p.at = std::max(p.at, points_.back().at + 1);
    points_.push_back(std::move(p));
    if (points_.size() > capacity) points_.pop_front();
  }
  before_ = std::move(now);
}

std::optional<point> history::latest() const {
  std::lock_guard guard(mutex_);
  if (points_.empty()) return std::nullopt;
  return points_.back();
}

std::vector<point> history::since(std::int64_t at) const {
  std::lock_guard guard(mutex_);
  auto first = std::ranges::upper_bound(points_, at, {}, &point::at);
  return {first, points_.end()};
}

} // namespace coppice::console
