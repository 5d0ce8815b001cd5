#include "coppice/runtime/detail/names.hpp"

namespace coppice::detail {

bool name_registry::add(const atom& name, pid process) {
  shard& s = of(name);
  std::lock_guard guard(s.mutex);
  return s.names.try_emplace(name, process).second;
}

bool name_registry::remove(const atom& name, pid process) noexcept {
  shard& s = of(name);
  std::lock_guard guard(s.mutex);
  auto found = s.names.find(name);
  if (found == s.names.end() || found->second != process) return false;
  s.names.erase(found);
  return true;
}

void name_registry::remove_all(pid process) noexcept {
  for (shard& s : shards_) {
    std::lock_guard guard(s.mutex);
    std::erase_if(s.names, [process](const auto& entry) { return entry.second == process; });
  }
}

std::optional<pid> name_registry::find(const atom& name) const {
  shard& s = of(name);
  std::lock_guard guard(s.mutex);
  auto found = s.names.find(name);
  if (found == s.names.end()) return std::nullopt;
  return found->second;
}

std::optional<atom> name_registry::name_of(pid process) const {
  for (shard& s : shards_) {
    std::lock_guard guard(s.mutex);
    for (const auto& [name, owner] : s.names) {
      if (owner == process) return name;
    }
  }
  return std::nullopt;
}

std::vector<std::pair<atom, pid>> name_registry::all() const {
  std::vector<std::pair<atom, pid>> all;
  for (shard& s : shards_) {
    std::lock_guard guard(s.mutex);
    all.insert(all.end(), s.names.begin(), s.names.end());
  }
  return all;
}

} // namespace coppice::detail
