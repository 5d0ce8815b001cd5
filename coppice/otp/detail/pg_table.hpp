// The groups of pg's scopes, as everybody on a node may read them.
#pragma once

#include "coppice/term/term.hpp"

#include <cstddef>
#include <memory>
#include <mutex>
#include <shared_mutex>
#include <unordered_map>
#include <utility>
#include <vector>

namespace coppice::pg::detail {

/// `a` without `b`, as often as they are in it, the first ones first (Erlang: `--`). Linear.
inline std::vector<pid> without(const std::vector<pid>& a, const std::vector<pid>& b) {
  std::unordered_map<pid, std::size_t> times;
  for (pid p : b) ++times[p];
  std::vector<pid> rest;
  rest.reserve(a.size());
  for (pid p : a) {
    const auto found = times.find(p);
    if (found == times.end() || found->second == 0) {
      rest.push_back(p);
    } else {
      --found->second;
    }
  }
  return rest;
}

/// The members of one scope's groups: written by its process, read by all.
class table {
public:
  void join(const term& group, const std::vector<pid>& processes) {
    std::unique_lock guard(mutex_);
    std::vector<pid>& members = groups_[group];
    members.insert(members.end(), processes.begin(), processes.end());
  }
  /// Each once.
  void leave(const term& group, const std::vector<pid>& processes) {
    std::unique_lock guard(mutex_);
    auto found = groups_.find(group);
    if (found == groups_.end()) return;
    found->second = without(found->second, processes);
    if (found->second.empty()) groups_.erase(found);
  }
  [[nodiscard]] std::vector<pid> members(const term& group) const {
    std::shared_lock guard(mutex_);
    auto found = groups_.find(group);
    return found == groups_.end() ? std::vector<pid>() : found->second;
  }
  [[nodiscard]] std::vector<std::pair<term, std::vector<pid>>> all() const {
    std::shared_lock guard(mutex_);
    return {groups_.begin(), groups_.end()};
  }
  [[nodiscard]] std::vector<term> names() const {
    std::shared_lock guard(mutex_);
    std::vector<term> names;
    names.reserve(groups_.size());
    for (const auto& [group, members] : groups_) names.push_back(group);
    return names;
  }

private:
  mutable std::shared_mutex mutex_;
  std::unordered_map<term, std::vector<pid>> groups_;
};

/// The scopes of a node.
class scopes {
public:
  std::shared_ptr<table> add(const atom& name) {
    std::unique_lock guard(mutex_);
    return tables_[name] = std::make_shared<table>();
  }
  void remove(const atom& name, const std::shared_ptr<table>& t) {
    std::unique_lock guard(mutex_);
    auto found = tables_.find(name);
    if (found != tables_.end() && found->second == t) tables_.erase(found);
  }
  [[nodiscard]] std::shared_ptr<table> find(const atom& name) const {
    std::shared_lock guard(mutex_);
    auto found = tables_.find(name);
    return found == tables_.end() ? nullptr : found->second;
  }

private:
  mutable std::shared_mutex mutex_;
  std::unordered_map<atom, std::shared_ptr<table>> tables_;
};

} // namespace coppice::pg::detail
