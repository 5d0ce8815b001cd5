#include "servers/chat/core/history.hpp"

#include <algorithm>

namespace coppice::chat {

history::history(std::vector<tenure> tenures) : tenures_(std::move(tenures)) {
  if (tenures_.size() > longest || !std::ranges::is_sorted(tenures_, {}, &tenure::last)) tenures_.clear();
}

void history::begin(std::string id) {
  tenures_.push_back({std::move(id), last()});
  if (tenures_.size() > longest) tenures_.erase(tenures_.begin());
}

std::optional<std::uint64_t> history::common_with(const history& other) const {
  for (auto mine = tenures_.rbegin(); mine != tenures_.rend(); ++mine) {
    const auto theirs = std::ranges::find(other.tenures_, mine->id, &tenure::id);
    if (theirs != other.tenures_.end()) return std::min(mine->last, theirs->last);
  }
  return std::nullopt;
}

} // namespace coppice::chat
