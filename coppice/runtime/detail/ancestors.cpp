#include "coppice/runtime/detail/ancestors.hpp"

#include "coppice/runtime/detail/machine.hpp"

#include <vector>

namespace coppice::detail {
namespace {

constexpr std::size_t max_ancestors = 64; ///< of a chain that is longer, what is nearest counts

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

} // namespace coppice::detail
