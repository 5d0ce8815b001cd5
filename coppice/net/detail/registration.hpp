// A descriptor registered with the poller of a core: tells a process when it can be read or written.
#pragma once

#include "coppice/runtime/detail/process_block.hpp"

#include <cstdint>
#include <memory>

namespace coppice::net::detail {

enum class direction : std::uint8_t { read, write };

/// The registration of one descriptor, which it does not own. Used by one process at a time.
///
/// What the poller keeps of a wait is the node, the process's pid and a tag: nothing of the process's frames.
/// So a process may be killed at any wait; a late event finds nobody who waits for its tag.
class registration {
public:
  /// With the core that the running process is on; pins the process there. Throws std::logic_error if the
  /// node's pollers are not `net::make_poller`'s, std::system_error if the system refuses.
  explicit registration(int descriptor);
  /// Before the descriptor is closed.
  ~registration();
  registration(const registration&) = delete;
  registration& operator=(const registration&) = delete;

  /// Completes the wait with that tag once the descriptor is ready, or broken. Replaces an earlier wait of
  /// the same direction. May come too early by a stale event: try, and wait again.
  void complete_when(direction d, coppice::detail::process_block& p, std::uint64_t tag);
  /// Sends the process `readable{socket}` or `writable{socket}` once.
  void tell_when(direction d, coppice::detail::process_block& p, std::uint64_t socket);
  /// Nobody waits any more; what comes is dropped.
  void forget(direction d) noexcept;

private:
  struct impl;
  std::unique_ptr<impl> impl_;
};

/// Moves the running process to a core, to stay, at its next suspension.
void pin_to_core(unsigned core) noexcept;

} // namespace coppice::net::detail
