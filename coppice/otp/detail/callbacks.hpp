// What every behaviour needs to build the user's object and to call its callbacks, coroutines among them.
#pragma once

#include "coppice/runtime/process.hpp"

#include <exception>
#include <memory>
#include <optional>
#include <tuple>
#include <utility>

namespace coppice::detail {

template <class T>
struct callback_result {
  using type = T;
  static constexpr bool awaits = false;
};
template <class T>
struct callback_result<task<T>> {
  using type = T;
  static constexpr bool awaits = true;
};

/// Builds the user's object in its own process, from arguments that are kept only until then.
template <class S>
class deferred : public pooled {
public:
  virtual ~deferred() = default;
  virtual void build(std::optional<S>& into) = 0;
};
template <class S, class... Args>
class deferred_args final : public deferred<S> {
public:
  template <class... A>
  explicit deferred_args(A&&... args) : args_(std::forward<A>(args)...) {}
  void build(std::optional<S>& into) override {
    std::apply([&into](auto&&... a) { into.emplace(std::forward<decltype(a)>(a)...); }, std::move(args_));
  }

private:
  std::tuple<Args...> args_;
};

// GCC warns of coroutine frames that hold lambdas of templates over a source file's own types.
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wsubobject-linkage"
#endif

/// Awaits a callback; its value is kept beside the coroutine, for what follows may start another one.
template <class T>
process await_callback(task<T> callback, std::shared_ptr<std::optional<T>> into) {
  T value = co_await callback;
  into->emplace(std::move(value));
}
inline process await_callback(task<void> callback) { co_await callback; }

/// Awaits a callback and hands its value on; what leaves it is caught, and nothing handed on then.
template <class T, class Take>
process await_caught(task<T> callback, Take take, std::exception_ptr* error) {
  try {
    if constexpr (std::is_void_v<T>) {
      co_await callback;
      take();
    } else {
      T value = co_await callback;
      take(std::move(value));
    }
  } catch (...) { // catch-all: it ends what the callback belongs to, not the process
    *error = std::current_exception();
  }
}

#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic pop
#endif

} // namespace coppice::detail
