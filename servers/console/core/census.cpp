#include "servers/console/core/census.hpp"

#include "servers/console/core/tree.hpp"

#include <algorithm>
#include <array>
#include <limits>
#include <utility>

namespace coppice::console {
namespace {

constexpr std::array<std::pair<const char*, list_order>, 5> orders{{{"mailbox", list_order::mailbox},
                                                                    {"busy", list_order::busy},
                                                                    {"reductions", list_order::reductions},
                                                                    {"age", list_order::age},
                                                                    {"pid", list_order::pid}}};

std::uint32_t small(std::uint64_t n) noexcept {
  return static_cast<std::uint32_t>(std::min<std::uint64_t>(n, std::numeric_limits<std::uint32_t>::max()));
}

std::uint64_t key_of(list_order order, const process_glimpse& p, const activity& lately) noexcept {
  switch (order) {
  case list_order::mailbox: return p.message_queue_len;
  case list_order::busy: return lately.busy;
  case list_order::reductions: return p.reductions;
  case list_order::age: return static_cast<std::uint64_t>(std::max<std::int64_t>(lately.age, 0));
  case list_order::pid: return p.process.id;
  }
  return 0;
}

} // namespace

const char* to_string(list_order order) noexcept {
  for (const auto& [name, value] : orders) {
    if (value == order) return name;
  }
  return "";
}

std::optional<list_order> parse_list_order(std::string_view text) noexcept {
  for (const auto& [name, value] : orders) {
    if (text == name) return value;
  }
  return std::nullopt;
}

std::string lower(std::string_view text) {
  std::string low(text);
  for (char& c : low) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return low;
}

// --- sightings ---

void sightings::begin_walk(std::int64_t now, std::int64_t started) noexcept {
  started_ = started;
  last_ = present_;
  present_ = now;
}

activity sightings::note(const process_glimpse& process) {
  const std::uint32_t slot = process.process.slot();
  if (slot >= by_slot_.size()) {
    by_slot_.resize(std::max<std::size_t>(slot + std::size_t{1}, by_slot_.size() + by_slot_.size() / 2));
  }
  seen& s = by_slot_[slot];
  const bool fresh = s.id != process.process.id;
  if (fresh) {
    s.id = process.process.id;
    s.reductions = 0;
    // Those of the first walk are as old as the node: whoever watches starts with it.
    s.since = small(
        static_cast<std::uint64_t>(last_ == 0 ? 0 : std::max<std::int64_t>(present_ - started_, 0)) / 1000);
  }
  const std::int64_t elapsed = present_ - (last_ == 0 ? started_ : last_);
  const std::uint64_t spent = process.reductions - std::min(process.reductions, s.reductions);
  s.busy = elapsed <= 0 ? 0 : small(spent * 1000 / static_cast<std::uint64_t>(elapsed));
  s.reductions = process.reductions;
  return of(process, present_);
}

activity sightings::of(const process_glimpse& process, std::int64_t now) const noexcept {
  const std::uint32_t slot = process.process.slot();
  if (slot >= by_slot_.size() || by_slot_[slot].id != process.process.id) return {};
  const seen& s = by_slot_[slot];
  return {s.busy, std::max<std::int64_t>(now - started_ - std::int64_t{s.since} * 1000, 0)};
}

// --- census ---

bool census::wants_names() const noexcept {
  return std::ranges::any_of(searches_, [](const search& s) { return !s.query.filter.empty(); });
}

void census::add(std::span<const process_glimpse> piece, std::span<const std::string> names) {
  total_ += piece.size();
  for (std::size_t i = 0; i < piece.size(); ++i) {
    const activity lately = known_.note(piece[i]);
    const std::string_view name = i < names.size() ? std::string_view(names[i]) : std::string_view();
    for (search& s : searches_) {
      if (matches(s, piece[i], name)) take(s, piece[i], lately);
    }
  }
}

bool census::matches(search& s, const process_glimpse& p, std::string_view name) {
  const std::string& wanted = s.query.filter;
  if (wanted.empty()) return true;
  if (lower(name).find(wanted) != std::string::npos) return true;
  for (const char* text : {p.behaviour, p.runs}) {
    if (text == nullptr) continue;
    auto [known, fresh] = s.texts.try_emplace(text, false);
    if (fresh) known->second = lower(text).find(wanted) != std::string::npos;
    if (known->second) return true;
  }
  if (wanted.find_first_not_of("<>.0123456789") != std::string::npos) return false;
  return pid_text(p.process).find(wanted) != std::string::npos;
}

void census::take(search& s, const process_glimpse& p, const activity& lately) {
  ++s.matched;
  std::uint64_t key = key_of(s.query.order, p, lately);
  if (s.query.ascending) key = ~key;
  s.found.push_back({key, {p, lately, {}}});
  const std::size_t wanted = s.query.offset + s.query.limit;
  if (s.found.size() >= 2 * wanted + 64) shrink(s, wanted);
}

/// Leaves the first `to` of the order, in any order.
void census::shrink(search& s, std::size_t to) {
  if (s.found.size() <= to) return;
  std::ranges::nth_element(
      s.found, s.found.begin() + static_cast<std::ptrdiff_t>(to), [](const candidate& a, const candidate& b) {
        return std::pair(b.key, a.row.process.process.id) < std::pair(a.key, b.row.process.process.id);
      });
  s.found.resize(to);
}

std::vector<list_page> census::finish() {
  std::vector<list_page> pages;
  for (search& s : searches_) {
    shrink(s, s.query.offset + s.query.limit);
    std::ranges::sort(s.found, [](const candidate& a, const candidate& b) {
      return std::pair(b.key, a.row.process.process.id) < std::pair(a.key, b.row.process.process.id);
    });
    list_page page{std::move(s.query), total_, s.matched, {}};
    for (std::size_t i = page.query.offset; i < s.found.size(); ++i)
      page.rows.push_back(std::move(s.found[i].row));
    pages.push_back(std::move(page));
  }
  searches_.clear();
  return pages;
}

} // namespace coppice::console
