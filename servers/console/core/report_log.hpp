// The latest reports, numbered, as pages ask for them. Pure but for a lock: reports come from any thread.
#pragma once

#include "coppice/runtime/exit_reason.hpp"
#include "coppice/term/id.hpp"

#include <cstddef>
#include <cstdint>
#include <deque>
#include <mutex>
#include <string>
#include <vector>

namespace coppice::console {

enum class entry_kind : std::uint8_t { crash, supervisor, progress, kill };
/// What a supervisor did about a child's end.
enum class supervisor_action : std::uint8_t { none, restarted, gave_up, terminated, removed };

[[nodiscard]] const char* to_string(entry_kind kind) noexcept;
[[nodiscard]] const char* to_string(supervisor_action action) noexcept; ///< empty for `none`

/// One report; what is empty is not known.
struct log_entry {
  std::uint64_t seq = 0; ///< given by the log, from 1
  std::int64_t at = 0;   ///< ms since 1970
  entry_kind kind = entry_kind::crash;
  pid process{};
  std::string name{};
  std::string reason{};
  std::string supervisor{};
  supervisor_action action = supervisor_action::none;
  pid new_process{};
  std::string text{};
  exit_reason why{}; ///< for its stack, which is looked up only when it is asked for
};

/// Keeps the latest entries; when it is full the oldest start (`progress`) goes, or the oldest of all if
/// there is none. Thread-safe.
class report_log {
public:
  static constexpr std::size_t capacity = 500;
  static constexpr std::size_t text_limit = 2000; ///< bytes; what is longer is cut

  void add(log_entry entry);
  /// At most `limit` entries with a higher number, oldest first.
  [[nodiscard]] std::vector<log_entry> since(std::uint64_t seq, std::size_t limit = capacity) const;
  /// The latest, oldest first.
  [[nodiscard]] std::vector<log_entry> latest(std::size_t limit) const;

private:
  mutable std::mutex mutex_;
  std::deque<log_entry> entries_;
  std::uint64_t last_ = 0;
};

/// The entry's text and, if an exception was the reason, its stack; at most `report_log::text_limit` bytes.
/// Slow with a stack: looks up symbols.
std::string full_text(const log_entry& entry);

/// `text` cut to `limit` bytes, never within a character.
void cut(std::string& text, std::size_t limit);

} // namespace coppice::console
