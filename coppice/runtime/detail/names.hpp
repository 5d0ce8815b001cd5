// Registered names: sharded, so that look-ups on different names do not meet.
#pragma once

#include "coppice/term/atom.hpp"
#include "coppice/term/id.hpp"

#include <array>
#include <mutex>
#include <optional>
#include <unordered_map>
#include <vector>

namespace coppice::detail {

class name_registry {
public:
  /// False if the name is taken.
  bool add(const atom& name, pid process);
  /// Takes the name away from the process; false if it did not have it.
  bool remove(const atom& name, pid process) noexcept;
  /// Takes every name of the process away. Linear in the number of names.
  void remove_all(pid process) noexcept;
  [[nodiscard]] std::optional<pid> find(const atom& name) const;
  /// A name that the process has. Linear in the number of names.
  [[nodiscard]] std::optional<atom> name_of(pid process) const;
  [[nodiscard]] std::vector<std::pair<atom, pid>> all() const;

private:
  static constexpr std::size_t shard_count = 16;
  struct alignas(64) shard {
    mutable std::mutex mutex;
    std::unordered_map<atom, pid> names;
  };
  [[nodiscard]] shard& of(const atom& name) const noexcept { return shards_[name.index() % shard_count]; }

  mutable std::array<shard, shard_count> shards_;
};

} // namespace coppice::detail
