#include "tests/sim/simulated_wire.hpp"

#include <algorithm>
#include <chrono>
#include <utility>

namespace coppice::sim {

simulated_wire::simulated_wire(world& w, node& other, acceptor accept)
    : world_(w), nodes_{&w.home(), &other}, accept_(std::move(accept)),
      slow_(w.choices().between(0, 3) * 100'000) {}

std::size_t simulated_wire::open(side from, pid process) {
  streams_.push_back(std::make_unique<stream>());
  streams_.back()->ends[from] = process;
  return streams_.size() - 1;
}

void simulated_wire::write(std::size_t number, side from, std::string bytes, bool whole) {
  push(*streams_[number], 1 - from, std::move(bytes), whole);
}

void simulated_wire::close(std::size_t number, side from) {
  stream& s = *streams_[number];
  if (!std::exchange(s.closed[from], true)) push(s, 1 - from, "", true);
}

/// No earlier than what is before it.
void simulated_wire::push(stream& s, side to, std::string bytes, bool whole) {
  time_point due = world_.home().time().now() + std::chrono::microseconds(world_.choices().between(0, slow_));
  if (!s.to[to].empty()) due = std::max(due, s.to[to].back().due);
  s.to[to].push_back({due, std::move(bytes), whole});
}

/// The first piece, or a part of it.
void simulated_wire::arrive(std::size_t number, side to) {
  stream& s = *streams_[number];
  piece& first = s.to[to].front();
  std::string bytes;
  if (first.whole || first.bytes.size() < 2 || world_.choices().chance(700)) {
    bytes = std::move(first.bytes);
    s.to[to].pop_front();
  } else {
    const std::size_t count = 1 + world_.choices().below(first.bytes.size() - 1);
    bytes = first.bytes.substr(0, count);
    first.bytes.erase(0, count);
  }
  if (s.closed[to]) { // whoever writes to nobody is told so
    if (!bytes.empty() && !s.closed[1 - to]) push(s, 1 - to, "", true);
    return;
  }
  if (!s.ends[to]) s.ends[to] = accept_(to, number);
  nodes_[to]->send(s.ends[to], arrived{std::move(bytes)});
}

bool simulated_wire::move() {
  const time_point now = world_.home().time().now();
  bool moved = false;
  for (std::size_t n = 0; n < streams_.size(); ++n) {
    for (const side to : {side{0}, side{1}}) {
      const std::deque<piece>& waiting = streams_[n]->to[to];
      if (cut_[to] || waiting.empty() || waiting.front().due > now) continue;
      moved = true;
      if (world_.choices().chance(600)) arrive(n, to);
    }
  }
  return moved;
}

std::optional<time_point> simulated_wire::next() const {
  std::optional<time_point> first;
  for (const std::unique_ptr<stream>& s : streams_) {
    for (const side to : {side{0}, side{1}}) {
      if (cut_[to] || s->to[to].empty()) continue;
      const time_point due = s->to[to].front().due;
      first = first ? std::min(*first, due) : due;
    }
  }
  return first;
}

} // namespace coppice::sim
