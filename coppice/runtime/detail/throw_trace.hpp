// Where the last exception of this thread was thrown: captured at the throw, inside processes only.
#pragma once

#include <exception>
#include <typeinfo>
#include <vector>

namespace coppice::detail {

/// The frames of that exception's throw, if it was this thread's last inside a process; else nothing, as when
/// capture is off.
std::vector<void*> throw_frames(const std::exception_ptr& error);

/// The type of the exception being handled, or nullptr.
const std::type_info* current_exception_type() noexcept;

} // namespace coppice::detail
