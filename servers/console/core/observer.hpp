// What the console learns from the node's reports: entries for the log, and the places of processes.
#pragma once

#include "coppice/runtime/info.hpp"
#include "coppice/runtime/report.hpp"
#include "servers/console/core/places.hpp"
#include "servers/console/core/report_log.hpp"

#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace coppice::console {

/// A report as text for people: its fields a line each, then the reason.
std::string describe(const report& what);

/// Takes every report of a node. Thread-safe; asks no process.
class observer {
public:
  /// What it looks up in the node, and the time in ms since 1970.
  struct world {
    std::function<std::optional<process_summary>(pid)> summary;
    std::function<bool(pid)> alive;
    std::function<std::int64_t()> now;
  };
  explicit observer(world node) : node_(std::move(node)), places_(node_.alive) {}

  void take(const report& what);
  /// A process was killed from the console.
  void killed(const process_summary& process);
  /// The root was started again.
  void root_replaced(pid old, pid now);

  /// Logs the ends of children whose restart has not been told of within two seconds: their supervisor died,
  /// say.
  void flush_overdue();

  [[nodiscard]] const report_log& log() const noexcept { return log_; }
  [[nodiscard]] std::vector<place> places_of(std::span<const pid> processes) const;
  [[nodiscard]] std::vector<vacancy> vacancies() const;
  /// Of all supervisors since the start.
  [[nodiscard]] std::uint64_t restarts() const;

private:
  void on_progress(const report& what);
  void on_supervisor_report(const report& what);
  void on_crash(const report& what);
  [[nodiscard]] std::string name_now(pid process) const;

  world node_;
  report_log log_;
  mutable std::mutex mutex_; ///< of what follows
  places places_;
  std::map<pid, log_entry> ended_; ///< children to be restarted, until they are: their reports
};

} // namespace coppice::console
