#include "servers/console/core/observer.hpp"

#include "coppice/term/text.hpp"
#include "servers/console/core/tree.hpp"

#include <fmt/format.h>
#include <utility>

namespace coppice::console {
namespace {

constexpr std::size_t term_limit = 400;
constexpr std::size_t most_pending = 1000;

const term* field(const report& what, std::string_view name) {
  for (const auto& [key, value] : what.fields) {
    if (key == name) return &value;
  }
  return nullptr;
}

/// A name or id as people write it: text without quotes, an atom by its name, all else as Erlang prints it.
std::string plain(const term& value) {
  if (value.is_binary()) return std::string(*value.as_binary());
  if (auto name = value.as_atom()) return std::string(name->name());
  return to_string(value, {.limit = term_limit, .unicode = true});
}

std::string plain_field(const report& what, std::string_view name) {
  const term* value = field(what, name);
  return value == nullptr ? std::string() : plain(*value);
}

pid pid_field(const report& what, std::string_view name) {
  const term* value = field(what, name);
  return value == nullptr ? pid() : value->as_pid().value_or(pid());
}

bool has_reason(const report& what) { return what.kind == "supervisor_report" || !what.reason.is_normal(); }

} // namespace

std::string describe(const report& what) {
  std::string text = fmt::format("{} of {}\n", what.kind, pid_text(what.process));
  for (const auto& [key, value] : what.fields) {
    text += fmt::format("{}: {}\n", key, to_string(value, {.limit = term_limit, .unicode = true}));
    if (text.size() > report_log::text_limit) return text;
  }
  if (has_reason(what)) text += fmt::format("reason: {}\n", what.reason.to_string(term_limit));
  return text;
}

void observer::take(const report& what) {
  if (what.kind == "progress") {
    on_progress(what);
  } else if (what.kind == "supervisor_report") {
    on_supervisor_report(what);
  } else if (what.kind == "crash_report" || what.kind == "error") {
    on_crash(what);
  }
}

std::string observer::name_now(pid process) const {
  const std::optional<process_summary> found = node_.summary(process);
  return found ? name_of(*found) : std::string();
}

void observer::on_progress(const report& what) {
  const std::string id = plain_field(what, "id");
  const pid child = pid_field(what, "pid");
  if (!child) return;
  std::optional<pid> before;
  if (const pid old = pid_field(what, "replaces")) before = old;
  std::optional<log_entry> restarted;
  {
    std::lock_guard guard(mutex_);
    if (before) {
      places_.started_again(id, *before, child);
    } else {
      before = places_.started(what.process, id, child, plain_field(what, "restart") == "permanent");
    }
    auto pending = before ? ended_.find(*before) : ended_.end();
    if (pending != ended_.end()) {
      restarted = std::move(pending->second);
      ended_.erase(pending);
    }
  }
  log_entry entry;
  if (restarted) {
    entry = std::move(*restarted);
    entry.action = supervisor_action::restarted;
    entry.new_process = child;
  } else {
    entry.kind = entry_kind::progress;
    entry.process = child;
    entry.supervisor = plain_field(what, "supervisor");
    entry.text = describe(what);
  }
  entry.at = node_.now();
  if (std::string name = name_now(child); !name.empty()) entry.name = std::move(name);
  if (entry.name.empty()) entry.name = id;
  log_.add(std::move(entry));
}

void observer::on_supervisor_report(const report& what) {
  const std::string context = plain_field(what, "errorContext");
  const std::string next = plain_field(what, "action");
  const pid child = pid_field(what, "pid");
  if (next == "try again") return; // it is told of when it has worked, or when the supervisor gives up
  log_entry entry;
  entry.at = node_.now();
  entry.kind = entry_kind::supervisor;
  entry.process = child;
  entry.name = plain_field(what, "id");
  entry.supervisor = plain_field(what, "supervisor");
  entry.reason = what.reason.to_string(term_limit);
  entry.text = describe(what);
  entry.why = what.reason;
  entry.action = context == "shutdown"        ? supervisor_action::gave_up
                 : next == "forget the child" ? supervisor_action::removed
                                              : supervisor_action::terminated;
  if (context == "child_terminated") {
    const bool restarting = next.starts_with("restart");
    std::lock_guard guard(mutex_);
    places_.ended(what.process, entry.name, child, restarting);
    if (restarting && child && ended_.size() < most_pending) {
      ended_.insert_or_assign(child, std::move(entry)); // logged once it runs again
      return;
    }
  }
  if (context == "shutdown") { // what it was about to start again goes with it
    entry.process = what.process;
    entry.name = entry.supervisor;
  }
  log_.add(std::move(entry));
}

void observer::on_crash(const report& what) {
  log_entry entry;
  entry.at = node_.now();
  entry.kind = entry_kind::crash;
  entry.process = what.process;
  entry.name = name_now(what.process);
  if (entry.name.empty()) entry.name = plain_field(what, "name");
  entry.reason = what.reason.to_string(term_limit);
  entry.text = describe(what);
  entry.why = what.reason;
  log_.add(std::move(entry));
}

void observer::killed(const process_summary& process) {
  log_entry entry;
  entry.at = node_.now();
  entry.kind = entry_kind::kill;
  entry.process = process.process;
  entry.name = name_of(process);
  if (entry.name.empty()) {
    std::lock_guard guard(mutex_);
    entry.name = places_.of(process.process).id;
  }
  entry.reason = "killed";
  entry.text = fmt::format("{} {} was killed from the console", pid_text(process.process),
                           entry.name.empty() ? process.module : entry.name);
  log_.add(std::move(entry));
}

void observer::root_replaced(pid old, pid now) {
  {
    std::lock_guard guard(mutex_);
    places_.replaced(old, now);
  }
  log_entry entry;
  entry.at = node_.now();
  entry.kind = entry_kind::supervisor;
  entry.process = old;
  entry.name = name_now(now);
  entry.action = supervisor_action::restarted;
  entry.new_process = now;
  entry.text =
      fmt::format("the root {} ended; the node started it again as {}", pid_text(old), pid_text(now));
  log_.add(std::move(entry));
}

void observer::flush_overdue() {
  constexpr std::int64_t patience = 2000;
  std::vector<log_entry> overdue;
  {
    std::lock_guard guard(mutex_);
    std::erase_if(ended_, [&](auto& entry) {
      if (node_.now() - entry.second.at < patience) return false;
      overdue.push_back(std::move(entry.second));
      return true;
    });
  }
  for (log_entry& entry : overdue) log_.add(std::move(entry));
}

std::vector<place> observer::places_of(std::span<const pid> processes) const {
  std::vector<place> all;
  all.reserve(processes.size());
  std::lock_guard guard(mutex_);
  for (pid p : processes) all.push_back(places_.of(p));
  return all;
}

std::vector<vacancy> observer::vacancies() const {
  std::lock_guard guard(mutex_);
  return places_.vacancies();
}

std::uint64_t observer::restarts() const {
  std::lock_guard guard(mutex_);
  return places_.restarts();
}

} // namespace coppice::console
