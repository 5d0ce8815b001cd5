// Who is traced, and the hooks at which events arise.
#pragma once

#include "coppice/runtime/detail/process_block.hpp"
#include "coppice/runtime/trace.hpp"

#include <atomic>
#include <memory>
#include <mutex>
#include <unordered_map>

namespace coppice::detail {

// The bits of process_block::traced.
inline constexpr std::uint8_t trace_send = 1;
inline constexpr std::uint8_t trace_receive = 2;
inline constexpr std::uint8_t trace_procs = 4;
inline constexpr std::uint8_t trace_on_spawn = 8;

/// Of a node. Locked only where something is traced.
class trace_table {
public:
  struct entry {
    std::uint8_t bits = 0;
    tracer to;
  };
  using entry_ptr = std::shared_ptr<const entry>;

  void set(pid process, entry_ptr e);
  void set_all(entry_ptr e);
  void forget(pid process) noexcept;
  /// Whoever has no trace of its own has that of all; null if there is none.
  [[nodiscard]] entry_ptr find(pid process) const;
  [[nodiscard]] bool traces_all() const noexcept { return all_on_.load(std::memory_order_relaxed); }

private:
  mutable std::mutex mutex_;
  std::unordered_map<pid, entry_ptr> own_;
  entry_ptr all_;
  std::atomic<bool> all_on_{false};
};

/// The slow halves of the hooks: only called when the process's byte says so.
void note_message(process_block& p, trace_kind what, pid other, const envelope& e) noexcept;
void note_event(process_block& p, trace_kind what, pid other, term content) noexcept;
/// A new process: takes over the trace of its parent, or that of all.
void trace_newcomer(process_block& p, process_block* parent) noexcept;

inline bool is_traced(const process_block& p, std::uint8_t bit) noexcept {
  return (p.traced.load(std::memory_order_relaxed) & bit) != 0;
}

} // namespace coppice::detail
