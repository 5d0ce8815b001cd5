// one_for_all: all others are terminated, newest first, then all are started in order: also those that were
// not running. Temporary children are not among them: terminating one removes it.
#include "coppice/otp/detail/supervisor_core.hpp"

namespace coppice::detail {

void supervisor_core::restart_one_for_all() {
  op_.reach = scope::all;
  op_.cursor = children_.end();
  op_.step = step_kind::terminating;
}

} // namespace coppice::detail
