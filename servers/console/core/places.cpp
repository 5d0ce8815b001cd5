#include "servers/console/core/places.hpp"

#include <algorithm>
#include <utility>

namespace coppice::console {

std::optional<pid> places::started(pid supervisor, const std::string& id, pid process, bool permanent) {
  if (places_.size() >= look_at_) forget_the_dead();
  auto [at, fresh] = supervisors_[supervisor].try_emplace(id);
  child& c = at->second;
  std::optional<pid> before;
  if (fresh) {
    c.order = next_order_++;
  } else if (c.process != process) {
    before = c.process;
    ++c.restarts;
    ++restarts_;
  }
  c.process = process;
  c.running = true;
  c.restarting = false;
  c.permanent = permanent;
  places_[process] = {id, false, c.order, c.restarts};
  if (before) replaced(*before, process);
  return before;
}

void places::started_again(const std::string& id, pid old, pid process) {
  if (places_.size() >= look_at_) forget_the_dead();
  place where = of(old);
  where.id = id;
  where.dynamic = true;
  ++where.restarts;
  ++restarts_;
  places_[process] = std::move(where);
  replaced(old, process);
}

/// The children of a supervisor are started before its own start is told of: so the new one's are known
/// already, and take over from those of the old one.
void places::replaced(pid old, pid now) {
  places_.erase(old);
  auto found = supervisors_.find(old);
  if (found == supervisors_.end()) return;
  children former = std::move(found->second);
  supervisors_.erase(found);
  children& present = supervisors_[now];
  std::vector<std::pair<pid, pid>> below;
  for (auto& [id, c] : former) {
    auto same = present.find(id);
    if (same == present.end() || same->second.process == c.process) {
      places_.erase(c.process);
      continue;
    }
    child& successor = same->second;
    successor.restarts += c.restarts + 1;
    successor.order = c.order;
    ++restarts_;
    if (auto where = places_.find(successor.process); where != places_.end()) {
      where->second.restarts = successor.restarts;
      where->second.order = successor.order;
    }
    below.emplace_back(c.process, successor.process);
  }
  for (auto [from, to] : below) replaced(from, to);
}

void places::ended(pid supervisor, const std::string& id, pid process, bool restarting) {
  auto found = supervisors_.find(supervisor);
  if (found == supervisors_.end()) return;
  auto at = found->second.find(id);
  if (at == found->second.end() || at->second.process != process) return;
  at->second.running = false;
  at->second.restarting = restarting;
}

place places::of(pid process) const {
  auto found = places_.find(process);
  return found == places_.end() ? place() : found->second;
}

std::vector<vacancy> places::vacancies() const {
  std::vector<vacancy> all;
  for (const auto& [supervisor, family] : supervisors_) {
    if (!alive_(supervisor)) continue;
    for (const auto& [id, c] : family) {
      if ((c.running && alive_(c.process)) || !(c.restarting || c.permanent)) continue;
      all.push_back({supervisor, id, c.restarting || c.running, c.order, c.restarts});
    }
  }
  std::ranges::sort(all, {}, &vacancy::order);
  return all;
}

void places::forget_the_dead() {
  std::erase_if(places_, [this](const auto& entry) { return entry.second.dynamic && !alive_(entry.first); });
  std::erase_if(supervisors_, [this](const auto& entry) {
    if (alive_(entry.first)) return false;
    for (const auto& [id, c] : entry.second) places_.erase(c.process);
    return true;
  });
  look_at_ = std::max<std::size_t>(4096, places_.size() * 2);
}

} // namespace coppice::console
