// The labels that processes gave themselves: sharded, and beside the control blocks, for few have one.
#pragma once

#include "coppice/term/id.hpp"

#include <array>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>

namespace coppice::detail {

class label_table {
public:
  void set(pid process, std::string label) {
    shard& s = of(process);
    std::lock_guard guard(s.mutex);
    s.labels.insert_or_assign(process, std::move(label));
  }
  void remove(pid process) noexcept {
    shard& s = of(process);
    std::lock_guard guard(s.mutex);
    s.labels.erase(process);
  }
  [[nodiscard]] std::optional<std::string> find(pid process) const {
    shard& s = of(process);
    std::lock_guard guard(s.mutex);
    auto found = s.labels.find(process);
    if (found == s.labels.end()) return std::nullopt;
    return found->second;
  }

private:
  static constexpr std::size_t shard_count = 16;
  struct alignas(64) shard {
    mutable std::mutex mutex;
    std::unordered_map<pid, std::string> labels;
  };
  [[nodiscard]] shard& of(pid process) const noexcept { return shards_[process.slot() % shard_count]; }

  mutable std::array<shard, shard_count> shards_;
};

} // namespace coppice::detail
