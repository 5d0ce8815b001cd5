// Messages and signals on their way, where a schedule has it that they take their time.
#pragma once

#include "coppice/runtime/detail/process_block.hpp"
#include "coppice/runtime/schedule.hpp"

#include <vector>

namespace coppice::detail {

/// What processes have sent to others and has not arrived. The order of each pair stays; from different
/// senders, later ones may be quicker.
class transit {
public:
  explicit transit(schedule_source& source) noexcept : source_(source) {}
  ~transit() { drop_all(); }
  transit(const transit&) = delete;
  transit& operator=(const transit&) = delete;

  /// Takes what the running process sends, or leaves it to be delivered at once.
  bool hold(process_block& to, envelope* message);
  /// Lets one arrive, if the schedule wants, or `must`.
  void let_arrive(bool must);
  [[nodiscard]] bool empty() const noexcept { return held_.empty(); }
  /// Destroys what has not arrived.
  void drop_all() noexcept;

private:
  struct held {
    const process_block* from; // by its block: a process changes its id when it dies, and speaks once more
    process_block* to;
    envelope* message;
  };
  std::vector<held>::iterator first_of(const process_block* from, const process_block* to);
  bool must_wait(const held& h);

  schedule_source& source_;
  std::vector<held> held_; // oldest first
  bool arriving_ = false;
};

} // namespace coppice::detail
