#include "coppice/term/node_names.hpp"

namespace coppice {

node_names::node_names(const atom& own, std::uint32_t creation) : self_{self{own, creation}} {}

node_names::node_names(const atom& own, std::uint32_t creation, node_names& numbers)
    : self_{self{own, creation}}, numbers_of_(&numbers) {}

node_names::~node_names() {
  for (std::atomic<chunk*>& c : chunks_) std::unique_ptr<chunk> dropped(c.load(std::memory_order_relaxed));
}

const atom& node_names::name(std::uint32_t number) const noexcept {
  if (number == 0) return own();
  if (numbers_of_ != nullptr) return numbers_of_->name(number);
  const chunk& c = *chunks_[number / chunk_size].load(std::memory_order_acquire);
  return c[number % chunk_size];
}

void node_names::become(const atom& own, std::uint32_t creation) {
  self_[1] = {own, creation};
  became_.store(true, std::memory_order_release);
}

std::optional<std::uint32_t> node_names::number(std::string_view name, use why) {
  if (numbers_of_ != nullptr) return numbers_of_->number(name, why);
  {
    std::shared_lock guard(lock_);
    if (const auto found = numbers_.find(name); found != numbers_.end()) return found->second;
  }
  std::unique_lock guard(lock_);
  if (const auto found = numbers_.find(name); found != numbers_.end()) return found->second;
  if (next_ >= most || (why == use::mentioned && mentioned_ >= most_mentioned)) return {};
  auto made = atom::from_peer(name);
  if (!made) return {};
  std::atomic<chunk*>& at = chunks_[next_ / chunk_size];
  if (at.load(std::memory_order_relaxed) == nullptr) {
    at.store(std::make_unique<chunk>().release(), std::memory_order_release);
  }
  atom& kept = (*at.load(std::memory_order_relaxed))[next_ % chunk_size];
  kept = std::move(*made);
  numbers_.emplace(kept.name(), next_);
  if (why == use::mentioned) ++mentioned_;
  return next_++;
}

} // namespace coppice
