// Where the last exception of this thread was thrown: captured at the throw, inside processes only.
#pragma once

#include <typeinfo>
#include <vector>

namespace coppice::detail {

/// The frames of this thread's last throw inside a process; empty when capture is off or sampled out.
std::vector<void*> last_throw_frames();

/// The type of the exception being handled, or nullptr.
const std::type_info* current_exception_type() noexcept;

} // namespace coppice::detail
