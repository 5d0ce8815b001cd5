#include "servers/console/core/report_log.hpp"

#include <algorithm>
#include <utility>

namespace coppice::console {

const char* to_string(entry_kind kind) noexcept {
  switch (kind) {
  case entry_kind::crash: return "crash";
  case entry_kind::supervisor: return "supervisor";
  case entry_kind::progress: return "progress";
  case entry_kind::kill: return "kill";
  }
  return "";
}

const char* to_string(supervisor_action action) noexcept {
  switch (action) {
  case supervisor_action::none: break;
  case supervisor_action::restarted: return "restarted";
  case supervisor_action::gave_up: return "gave_up";
  case supervisor_action::terminated: return "terminated";
  case supervisor_action::removed: return "removed";
  }
  return "";
}

void report_log::add(log_entry entry) {
  constexpr std::size_t short_limit = 300;
  for (std::string* text : {&entry.name, &entry.reason, &entry.supervisor}) cut(*text, short_limit);
  cut(entry.text, text_limit);
  std::lock_guard guard(mutex_);
  entry.seq = ++last_;
  entries_.push_back(std::move(entry));
  if (entries_.size() <= capacity) return;
  // Starts are many and say little: they go before ends and restarts.
  auto least = std::ranges::find(entries_, entry_kind::progress, &log_entry::kind);
  entries_.erase(least == entries_.end() ? entries_.begin() : least);
}

std::vector<log_entry> report_log::since(std::uint64_t seq, std::size_t limit) const {
  std::lock_guard guard(mutex_);
  auto from = std::ranges::upper_bound(entries_, seq, {}, &log_entry::seq);
  const auto left = static_cast<std::size_t>(entries_.end() - from);
  return {from, from + static_cast<std::ptrdiff_t>(std::min(limit, left))};
}

std::vector<log_entry> report_log::latest(std::size_t limit) const {
  std::lock_guard guard(mutex_);
  return {entries_.end() - static_cast<std::ptrdiff_t>(std::min(limit, entries_.size())), entries_.end()};
}

std::string full_text(const log_entry& entry) {
  std::string text = entry.text;
  if (const crash_details* details = entry.why.details(); details != nullptr) {
    for (const std::string& frame : details->stack()) {
      if (text.size() > report_log::text_limit) break;
      text += "  " + frame + "\n";
    }
  }
  cut(text, report_log::text_limit);
  return text;
}

void cut(std::string& text, std::size_t limit) {
  if (text.size() <= limit) return;
  std::size_t end = limit;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xc0U) == 0x80U) --end;
  text.resize(end);
}

} // namespace coppice::console
