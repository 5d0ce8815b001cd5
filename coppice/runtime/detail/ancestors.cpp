#include "coppice/runtime/detail/ancestors.hpp"

#include "coppice/runtime/detail/machine.hpp"
#include "coppice/runtime/detail/relations.hpp"

#include <algorithm>
#include <vector>

namespace coppice::detail {
namespace {

constexpr std::size_t max_ancestors = 64; ///< of a chain that is longer, what is nearest counts
constexpr std::size_t max_neighbours = 15;

} // namespace

term ancestors_of(const process_block& p) {
  machine& m = p.home->internals();
  std::vector<term> all;
  pid up{p.parent_id.load(std::memory_order_relaxed)};
  while (up && all.size() < max_ancestors) {
    const process_block* block = m.table.find(up.id);
    bool alive = block != nullptr && block->inbox.load(std::memory_order_acquire) != inbox_dead;
    pid next = alive ? pid{block->parent_id.load(std::memory_order_relaxed)} : pid();
    bool named = alive && block->is_named(up);
    std::optional<atom> name = named ? m.names.name_of(up) : std::nullopt;
    all.push_back(name ? term(*name) : term(up));
    if (!alive || block->id.load(std::memory_order_acquire) != up.id) break; // the slot is another's now
    up = next;
  }
  return term::list_from(std::move(all));
}

term neighbours_of(const process_block& p, pid except) {
  std::vector<pid> linked;
  if (p.ties != nullptr) {
    for (const auto& [other, ids] : p.ties->links) {
      if (other != except) linked.push_back(other);
    }
  }
  std::ranges::sort(linked, {}, [](pid other) { return other.id; });
  std::vector<term> all;
  for (pid other : linked) {
    if (all.size() == max_neighbours) break;
    const process_block* block = other.local() ? p.home->internals().table.find(other.id) : nullptr;
    if (block == nullptr || block->inbox.load(std::memory_order_acquire) == inbox_dead) continue;
    const char* runs = block->label.load(std::memory_order_relaxed);
    if (runs == nullptr) runs = block->behaviour.load(std::memory_order_relaxed);
    term ancestors = ancestors_of(*block);
    if (block->id.load(std::memory_order_acquire) != other.id) continue; // the slot is another's now
    all.push_back(term::tuple(other, atom(runs), std::move(ancestors)));
  }
  return term::list_from(std::move(all));
}

} // namespace coppice::detail
