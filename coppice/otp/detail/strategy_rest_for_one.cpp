// rest_for_one: those started after the child that ended are terminated, newest first, then it and they are
// started in order. When one of these starts fails, the retry goes on from that child.
#include "coppice/otp/detail/supervisor_core.hpp"

namespace coppice::detail {

void supervisor_core::restart_rest_for_one(child_it c) {
  op_.reach = scope::rest;
  op_.first = c; // permanent or transient, so it stays in the list
  op_.cursor = children_.end();
  op_.step = step_kind::terminating;
}

} // namespace coppice::detail
