// The process tree of a node, from what the node knows of its processes: no process is asked. Pure.
#pragma once

#include "coppice/runtime/info.hpp"
#include "servers/console/core/places.hpp"

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

namespace coppice::console {

/// A pid as the page has it: `<0.42.7>`.
std::string pid_text(pid process);
/// The name of a process: registered, else its label, else empty.
std::string name_of(const process_summary& process);

/// The kinds of the protocol: a behaviour of OTP, or `process`.
std::string_view kind_of(std::string_view behaviour) noexcept;

enum class row_status : std::uint8_t {
  running,
  runnable,
  waiting,
  hibernating,
  suspended,
  exiting,
  restarting,
  stopped
};
[[nodiscard]] const char* to_string(row_status status) noexcept;
[[nodiscard]] row_status row_status_of(run_status status) noexcept;

/// A place in the tree: a process, one that is just not running, or `others`.
struct row {
  std::string key;    ///< the same when the process is restarted
  std::string parent; ///< the parent's key; empty at the top
  pid process{};      ///< none: it does not run
  std::string name;
  std::string kind = "process";
  std::string module{};
  row_status status = row_status::waiting;
  std::uint32_t mailbox = 0;
  std::uint64_t reductions = 0;
  std::uint32_t restarts = 0;
  bool branch = false;                   ///< a supervisor, or what else has processes below it
  std::size_t left_out = 0;              ///< children that the tree was not given
  std::vector<std::uint32_t> children{}; ///< indices into `tree::rows`, in start order
};

/// Chooses, in a walk over all processes, those of which a tree is made: so that it stays small however many
/// there are. Supervisors come in before others.
class tree_picker {
public:
  static constexpr std::size_t most_rows = 20'000;   ///< in all
  static constexpr std::size_t most_children = 2000; ///< of one process

  /// Whether it is to be in the tree; else it is counted.
  bool pick(const process_glimpse& process);
  [[nodiscard]] std::vector<std::pair<pid, std::size_t>> left_out() const;

private:
  struct family {
    std::size_t in = 0;
    std::size_t out = 0;
  };
  std::unordered_map<pid, family> families_;
  std::size_t picked_ = 0;
};

class tree {
public:
  /// What is needed of the world. A process stands below the one that spawned it; below `others` if that one
  /// is gone, unless it is `root`. Linear but for sorting siblings.
  struct input {
    std::span<const process_summary> processes;
    std::span<const place> places; ///< of the same processes, in the same order
    std::span<const vacancy> vacancies;
    pid root;
    /// Processes whose children are not all here, and how many are missing.
    std::span<const std::pair<pid, std::size_t>> left_out{};
  };
  static tree build(const input& in);

  [[nodiscard]] const std::vector<row>& rows() const noexcept { return rows_; }
  /// Indices of the rows at the top: `root` first, `others` last.
  [[nodiscard]] const std::vector<std::uint32_t>& tops() const noexcept { return tops_; }
  /// The row of a process, or null.
  [[nodiscard]] const row* find(pid process) const noexcept;

private:
  friend class tree_builder;
  std::vector<row> rows_;
  std::vector<std::uint32_t> tops_;
  std::unordered_map<pid, std::uint32_t> by_pid_;
};

/// What a page looks at.
struct view {
  static constexpr std::size_t most_rows = 5000;     ///< in one snapshot
  static constexpr std::size_t most_matches = 200;   ///< with a filter
  static constexpr std::size_t default_limit = 100;  ///< children of one that is open
  static constexpr std::size_t most_children = 2000; ///< likewise, at most

  bool all_open = false;                          ///< `open` is put aside
  std::optional<std::vector<std::string>> open{}; ///< keys; nothing said: those of depth 0 and 1
  std::map<std::string, std::size_t, std::less<>> limits{};
  std::size_t limit = default_limit; ///< for keys that are not in `limits`
  std::string filter{};              ///< if not empty, all else is put aside
};

struct selection {
  std::vector<const row*> rows;       ///< parents before children, siblings in start order
  std::optional<std::size_t> matched; ///< with a filter: how many match in all
};

/// The rows for a view; they stay the tree's own. Linear in the tree with a filter, else in the rows given.
selection select(const tree& all, const view& what);

} // namespace coppice::console
