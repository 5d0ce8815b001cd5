// one_for_one: only the child that ended is started again.
#include "coppice/otp/detail/supervisor_core.hpp"

#include <iterator>

namespace coppice::detail {

void supervisor_core::restart_one_for_one(child_it c) {
  op_.reach = scope::one;
  op_.first = c;
  op_.cursor = c;
  op_.end = std::next(c);
  op_.step = step_kind::starting;
}

} // namespace coppice::detail
