// What `global` knows on a node: written by its server, read by all.
#pragma once

#include "coppice/term/term.hpp"

#include <algorithm>
#include <mutex>
#include <optional>
#include <shared_mutex>
#include <unordered_map>
#include <vector>

namespace coppice::dist::detail {

/// The names and their processes.
class global_names {
public:
  void set(const term& name, pid process) {
    std::unique_lock guard(mutex_);
    names_[name] = process;
  }
  void erase(const term& name) {
    std::unique_lock guard(mutex_);
    names_.erase(name);
  }
  void clear() {
    std::unique_lock guard(mutex_);
    names_.clear();
  }
  [[nodiscard]] std::optional<pid> find(const term& name) const {
    std::shared_lock guard(mutex_);
    const auto found = names_.find(name);
    return found == names_.end() ? std::nullopt : std::optional<pid>(found->second);
  }
  [[nodiscard]] bool has_name(pid process) const {
    std::shared_lock guard(mutex_);
    return std::ranges::any_of(names_, [process](const auto& entry) { return entry.second == process; });
  }
  [[nodiscard]] std::vector<term> all() const {
    std::shared_lock guard(mutex_);
    std::vector<term> names;
    names.reserve(names_.size());
    for (const auto& [name, process] : names_) names.push_back(name);
    return names;
  }

private:
  mutable std::shared_mutex mutex_;
  std::unordered_map<term, pid> names_;
};

} // namespace coppice::dist::detail
