#include "coppice/otp/detail/report_limiter.hpp"

#include "coppice/term/text.hpp"

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>

namespace coppice::detail {
namespace {

/// What makes two reports alike: not the pid, nor the state or message of the moment; of what processes
/// print, the text.
std::string identity(const report& r) {
  static constexpr std::array<std::string_view, 8> who = {"behaviour", "initial_call", "supervisor", "id",
                                                          "handler",   "errorContext", "action",     "text"};
  std::string key = r.kind;
  key += '\n';
  key += r.reason.to_string(200);
  for (const auto& [name, value] : r.fields) {
    if (std::ranges::find(who, name) == who.end()) continue;
    key += '\n';
    key += coppice::to_string(value, text_options{.limit = 100});
  }
  return key;
}

} // namespace

report_limiter::verdict report_limiter::admit(const report& r, time_point now) {
  if (entries_.size() >= max_entries) forget_old(now);
  entry& e = entries_.try_emplace(identity(r), entry{now, 0, 0, {}}).first->second;
  std::uint64_t dropped = 0;
  if (now - e.since >= period_) {
    dropped = e.dropped;
    dropped_ -= e.dropped;
    e = entry{now, 0, 0, {}};
  }
  if (e.written < burst_) {
    ++e.written;
    return {true, dropped};
  }
  ++e.dropped;
  ++dropped_;
  e.last = r;
  return {false, 0};
}

std::vector<log_entry> report_limiter::expired(time_point now) {
  std::vector<log_entry> all;
  for (auto it = entries_.begin(); it != entries_.end();) {
    entry& e = it->second;
    if (now - e.since < period_) {
      ++it;
      continue;
    }
    if (e.dropped > 0) {
      dropped_ -= e.dropped;
      all.push_back({std::move(e.last), {}, e.dropped - 1});
    }
    it = entries_.erase(it);
  }
  return all;
}

/// Makes room: what is over and has nothing to say goes; if that is not enough, everything does.
void report_limiter::forget_old(time_point now) {
  std::erase_if(entries_,
                [&](const auto& e) { return now - e.second.since >= period_ && e.second.dropped == 0; });
  if (entries_.size() < max_entries) return;
  entries_.clear();
  dropped_ = 0;
}

} // namespace coppice::detail
