// Operations outside of the runtime that work on memory in a process's frames: while one is under way the
// frames stay, even if the process dies. Everyone hears of the death at once.
#pragma once

#include "coppice/runtime/detail/atomic.hpp"
#include "coppice/runtime/detail/process_block.hpp"

#include <cstdint>

namespace coppice::detail {

/// One such operation. A process waits for one at a time, from `use_frames` to `free_frames`.
class frame_user {
public:
  frame_user() = default;
  frame_user(const frame_user&) = delete;
  frame_user& operator=(const frame_user&) = delete;

  [[nodiscard]] bool over() const noexcept { return state_.load(std::memory_order_acquire) == state::over; }
  /// Of a process that has died, by its owner: whether its frames may go. If not, the operation is asked to
  /// end, and the process is its: when it is over it makes the process runnable.
  [[nodiscard]] bool let_go() noexcept;
  /// The node is going, and cannot wait any longer: the frames will never be freed.
  virtual void leave_behind() noexcept = 0;

protected:
  ~frame_user() = default;
  /// Asks the operation to end; called on any thread of the node, while it may be ending.
  virtual void cancel() noexcept = 0;
  /// The operation is over; by a thread of the node, once. Makes the process runnable and gives true if it
  /// has died meanwhile.
  bool end(coppice::node& home, pid process) noexcept;

private:
  enum class state : std::uint8_t { under_way, awaited_by_the_dead, over };
  atomic<state> state_{state::under_way};
};

/// The running process is about to wait for the operation.
void use_frames(process_block& p, frame_user& by);
void free_frames(process_block& p) noexcept;

/// The operation that uses the frames of the process, or null.
inline frame_user* user_of_frames(const process_block& p) noexcept {
  return p.extras == nullptr ? nullptr : p.extras->frames_used_by;
}

} // namespace coppice::detail
