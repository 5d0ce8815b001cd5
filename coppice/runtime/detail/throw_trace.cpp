// Capture works by standing in front of __cxa_throw. The frames go to a fixed buffer of the thread, so a
// throw inside a process costs one stack walk and no allocation; names are looked up only for a report.
#include "coppice/runtime/detail/throw_trace.hpp"

#include "coppice/runtime/detail/context.hpp"
#include "coppice/runtime/exit_reason.hpp"

#include <boost/stacktrace/safe_dump_to.hpp>

#include <array>
#include <atomic>
#include <cstddef>
#include <cstring>
#include <cxxabi.h>
#include <dlfcn.h>

namespace coppice {
namespace {

constexpr std::size_t frames_max = 24;
std::atomic<bool> capturing{true};

struct throw_site {
  std::array<void*, frames_max + 1> frames; // the walker ends the list with a null
  std::size_t count = 0;
  const void* object = nullptr; ///< the exception
};
thread_local throw_site site;

} // namespace

void capture_stacks(bool on) noexcept { capturing.store(on, std::memory_order_relaxed); }

namespace detail {

std::vector<void*> throw_frames(const std::exception_ptr& error) {
  // An exception_ptr is one pointer, to the exception: so in the ABI's two implementations.
  static_assert(sizeof(error) == sizeof(void*));
  void* object = nullptr;
  std::memcpy(static_cast<void*>(&object), static_cast<const void*>(&error), sizeof(object));
  if (object != site.object) return {};
  // In parentheses: in braces the two iterators would be a list of two pointers.
  return std::vector<void*>(site.frames.begin(),
                            site.frames.begin() + static_cast<std::ptrdiff_t>(site.count));
}

const std::type_info* current_exception_type() noexcept { return abi::__cxa_current_exception_type(); }

#ifndef COPPICE_SANITIZED // whose own interceptor stands there
static void note_throw(const void* object, const std::type_info* type) noexcept {
  site.count = 0;
  site.object = object;
  // Ending oneself is control flow, not a fault: no stack is wanted, and none is paid for.
  if (!capturing.load(std::memory_order_relaxed) || current().process == nullptr ||
      *type == typeid(exit_exception)) {
    return;
  }
  std::size_t frames =
      boost::stacktrace::safe_dump_to(2, static_cast<void*>(site.frames.data()), sizeof(site.frames));
  site.count = frames > 0 ? frames - 1 : 0;
}
#endif

} // namespace detail
} // namespace coppice

#ifndef COPPICE_SANITIZED
// By its label: GCC declares the function itself, with another type, once a file throws.
extern "C" void coppice_throw(void* object, std::type_info* type,
                              void (*destroy)(void*)) __asm__("__cxa_throw");

extern "C" void coppice_throw(void* object, std::type_info* type, void (*destroy)(void*)) {
  using throw_function = void (*)(void*, std::type_info*, void (*)(void*));
  static const auto next = reinterpret_cast<throw_function>(dlsym(RTLD_NEXT, "__cxa_throw"));
  coppice::detail::note_throw(object, type);
  next(object, type, destroy);
  __builtin_unreachable();
}
#endif
