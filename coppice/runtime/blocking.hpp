// Work that blocks a thread (files, resolvers, libraries): on a pool, away from the cores.
#pragma once

#include "coppice/runtime/call.hpp"

#include <functional>
#include <memory>
#include <type_traits>

namespace coppice {

namespace detail {
/// Runs the function on the pool. Bounded: waits in a queue when all threads are busy.
void run_blocking(coppice::node& home, std::move_only_function<void()> work);
} // namespace detail

/// `T value = co_await blocking(f, args...)`: runs `f(args...)` on the node's pool of threads and suspends
/// the process meanwhile. The arguments and the result are owned by the work, so the process may be killed at
/// any time: the work then ends by itself and its result is dropped. An exception of `f` is rethrown here.
template <class F, class... Args>
class blocking {
public:
  using result = std::invoke_result_t<F, Args...>; ///< what `f` returns; void is fine, a reference is not
  static_assert(!std::is_reference_v<result>, "blocking: the result must be a value");

  /// Takes over what the work needs; it begins with the `co_await`. Throws std::logic_error outside of a
  /// process.
  explicit blocking(F function, Args... args)
      : process_(detail::running_process()), tag_(detail::next_unique(*process_.home)),
        work_(make(process_, tag_, std::move(function), std::move(args)...)),
        wait_(process_, pid(), tag_, nullptr, infinity) {}

  /// @{
  /// For `co_await`.
  [[nodiscard]] bool await_ready() {
    detail::expect_completion(process_, tag_);
    detail::run_blocking(*process_.home, std::move(work_));
    return wait_.ready();
  }
  void await_suspend(std::coroutine_handle<> caller) noexcept { wait_.suspend(caller); }
  result await_resume() {
    detail::envelope_ptr completion = wait_.finish();
    auto& done = completion->as<outcome>();
    if (done.error) std::rethrow_exception(done.error);
    if constexpr (!std::is_void_v<result>) return std::move(*done.value);
  }
  /// @}

private:
  struct outcome {
    outcome() noexcept {} // no aggregate: it has no form as a term
    std::exception_ptr error;
    std::conditional_t<std::is_void_v<result>, std::optional<bool>, std::optional<result>> value;
  };

  static std::move_only_function<void()> make(detail::process_block& p, std::uint64_t tag, F function,
                                              Args... args) {
    return [home = p.home, to = p.self(), tag, function = std::move(function),
            args = std::tuple<Args...>(std::move(args)...)]() mutable {
      outcome done;
      try {
        if constexpr (std::is_void_v<result>) {
          std::apply(function, std::move(args));
        } else {
          done.value.emplace(std::apply(function, std::move(args)));
        }
      } catch (...) { // catch-all: carried to the process and rethrown there
        done.error = std::current_exception();
      }
      detail::complete(*home, to, tag, detail::make_message<outcome>(std::move(done)));
    };
  }

  detail::process_block& process_;
  std::uint64_t tag_;
  std::move_only_function<void()> work_;
  detail::call_wait wait_;
};
/// The types are those of the arguments.
template <class F, class... Args>
blocking(F, Args...) -> blocking<F, Args...>;

} // namespace coppice
