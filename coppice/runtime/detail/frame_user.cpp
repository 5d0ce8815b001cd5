#include "coppice/runtime/detail/frame_user.hpp"

#include "coppice/runtime/detail/machine.hpp"

namespace coppice::detail {

bool frame_user::let_go() noexcept {
  if (over()) return true;
  cancel(); // before the exchange: after it the process may be run, and buried, by another thread
  state expected = state::under_way;
  return !state_.compare_exchange_strong(expected, state::awaited_by_the_dead, std::memory_order_acq_rel);
}

bool frame_user::end(coppice::node& home, pid process) noexcept {
  if (state_.exchange(state::over, std::memory_order_acq_rel) != state::awaited_by_the_dead) return false;
  machine& m = home.internals();
  m.make_runnable(*m.table.find(process.id));
  return true;
}

void use_frames(process_block& p, frame_user& by) {
  runtime_section section;
  if (p.extras == nullptr) p.extras = new process_extras;
  p.extras->frames_used_by = &by;
}

void free_frames(process_block& p) noexcept {
  runtime_section section;
  if (p.extras != nullptr) p.extras->frames_used_by = nullptr;
}

} // namespace coppice::detail
