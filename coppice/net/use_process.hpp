// Operations of Asio, and of the libraries built on it, awaited in processes. The one public header that
// brings Asio: include it where such a library is used.
#pragma once

#include "coppice/runtime/api.hpp"
#include "coppice/runtime/detail/frame_user.hpp"

#include <atomic>
#include <boost/asio/async_result.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/execution/blocking.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/system/system_error.hpp>
#include <coroutine>
#include <exception>
#include <expected>
#include <memory>
#include <optional>
#include <system_error>
#include <tuple>
#include <type_traits>
#include <utility>

namespace coppice::net {

/// For Asio's I/O objects (`asio::ip::tcp::socket socket(net::process_executor());`): the context of the core
/// that the calling process is on, and stays on from here. Its handlers run between the slices of that core's
/// processes. Throws std::logic_error on a node without `make_poller`.
[[nodiscard]] boost::asio::io_context::executor_type process_executor();

/// A completion token of Asio: `std::size_t n = co_await socket.async_read_some(buffer, net::use_process);`
/// suspends the process until the operation is over. Any of Asio's composed operations takes it, and any
/// library's that follows Asio's model. The I/O object may be of another io_context, run by other threads;
/// handlers of what the operation is composed of run on the process's core.
///
/// The result is what the operation completes with, without its error: nothing, a value, or a tuple. With
/// `use_process` an error is thrown (`boost::system::system_error`, or the exception that a library completes
/// with); with `use_process_expected` it is a `std::expected<..., std::error_code>`. An operation that is
/// dropped uncompleted ends with `std::errc::operation_canceled`.
///
/// `use_process.within(5s)`: after that time the operation is cancelled and ends with `std::errc::timed_out`.
///
/// When the process dies meanwhile, links and monitors fire at once, and the operation is cancelled
/// (`cancellation_type::terminal`, again and again until it heeds it). What is in the process's frames, with
/// the buffers and sockets that the operation uses, is destroyed when the operation is over. So one that
/// cannot be cancelled (`asio::ip::tcp::resolver`'s, say) delays that, and the node's shutdown, up to its
/// time-out: then the frames are left behind, never destroyed.
template <bool Throws>
class basic_use_process {
public:
  /// Waits at most that long.
  constexpr explicit basic_use_process(duration timeout = infinity) noexcept : timeout_(timeout) {}
  /// The same token with a time-out, after which the operation is cancelled.
  [[nodiscard]] constexpr basic_use_process within(duration timeout) const noexcept {
    return basic_use_process(timeout);
  }
  /// `infinity` unless said otherwise.
  [[nodiscard]] constexpr duration timeout() const noexcept { return timeout_; }

private:
  duration timeout_;
};
/// The token whose errors are thrown.
inline constexpr basic_use_process<true> use_process{};
/// The token whose errors are values.
inline constexpr basic_use_process<false> use_process_expected{};

namespace detail {

/// The context of one core. Who posts to it may hold it, and so do handlers that wait in it: they would keep
/// it for ever if nobody ran them, so the end of the core throws them away.
class core_context : public boost::asio::io_context {
public:
  core_context() : boost::asio::io_context(1) {}
  /// Destroys the handlers that have not run. None of the core's threads is left.
  void close() {
    closed_.store(true, std::memory_order_release);
    shutdown();
  }
  /// What is posted from now on will not run. Any thread may ask.
  [[nodiscard]] bool closed() const noexcept { return closed_.load(std::memory_order_acquire); }

private:
  std::atomic<bool> closed_{false};
};
using shared_context = std::shared_ptr<core_context>;

/// The context of the core that the calling process is on and stays on.
[[nodiscard]] shared_context process_context();

/// Runs handlers on a core. Keeps its context, as a thread of another context may touch that last.
class core_executor {
public:
  using blocking = boost::asio::execution::blocking_t;
  explicit core_executor(shared_context on, bool always_later = false) noexcept
      : context_(std::move(on)), always_later_(always_later) {}
  template <class F>
  void execute(F&& f) const {
    if (context_->closed()) return;
    auto inner = context_->get_executor();
    if (always_later_) {
      boost::asio::require(inner, blocking::never_t()).execute(std::forward<F>(f));
    } else {
      inner.execute(std::forward<F>(f));
    }
  }
  [[nodiscard]] core_executor require(blocking::never_t) const noexcept {
    return core_executor(context_, true);
  }
  [[nodiscard]] core_executor require(blocking::possibly_t) const noexcept { return core_executor(context_); }
  [[nodiscard]] blocking query(blocking) const noexcept {
    return always_later_ ? blocking(blocking::never_t()) : blocking(blocking::possibly_t());
  }
  [[nodiscard]] boost::asio::execution_context& query(boost::asio::execution::context_t) const noexcept {
    return *context_;
  }
  bool operator==(const core_executor&) const noexcept = default;

private:
  shared_context context_;
  bool always_later_;
};

/// What an operation of Asio shares with the process that waits for it, whatever its results are.
class asio_operation : public coppice::detail::frame_user,
                       public std::enable_shared_from_this<asio_operation> {
public:
  explicit asio_operation(coppice::detail::process_block& p);

  [[nodiscard]] core_executor where() const noexcept { return core_executor(context_); }
  [[nodiscard]] boost::asio::cancellation_slot slot() noexcept { return cancel_.slot(); }
  [[nodiscard]] std::uint64_t tag() const noexcept { return tag_; }
  /// It has completed, or was dropped: tells the process, on its core. Any thread may.
  void completed() noexcept;
  void cancel() noexcept override;
  void leave_behind() noexcept override;

protected:
  ~asio_operation() = default;

private:
  void tell() noexcept;
  void insist();

  coppice::node& home_;
  pid process_;
  std::uint64_t tag_;
  shared_context context_;
  std::atomic<bool> left_behind_{false};
  // on the core:
  boost::asio::cancellation_signal cancel_;
  std::optional<boost::asio::steady_timer> again_;
  std::chrono::milliseconds pause_{10};
};

/// The wait for one. It lasts until the operation is over: when the time is up that is cancelled.
class asio_wait : public coppice::detail::waiter {
public:
  asio_wait(coppice::detail::process_block& p, asio_operation& operation, duration timeout) noexcept;
  asio_wait(const asio_wait&) = delete;
  asio_wait& operator=(const asio_wait&) = delete;
  ~asio_wait() { finish(); }

  /// The operation is about to be started.
  void begin();
  [[nodiscard]] bool ready();
  void suspend(std::coroutine_handle<> caller) noexcept;
  void finish() noexcept;
  [[nodiscard]] bool timed_out() const noexcept { return timed_out_; }

private:
  static bool look(waiter& w, coppice::detail::process_block& p);

  coppice::detail::process_block& process_;
  asio_operation& operation_;
  duration timeout_;
  bool begun_ = false;
  bool timed_out_ = false;
};

template <class... Args>
class asio_results final : public asio_operation {
public:
  using asio_operation::asio_operation;
  std::optional<std::tuple<Args...>> results;
};

/// The handler. Its destruction says that there will be no result.
template <class... Args>
class process_handler {
public:
  using executor_type = core_executor;
  using cancellation_slot_type = boost::asio::cancellation_slot;
  explicit process_handler(std::shared_ptr<asio_results<Args...>> to) noexcept : to_(std::move(to)) {}
  process_handler(process_handler&&) noexcept = default;
  process_handler& operator=(process_handler&&) = delete;
  ~process_handler() {
    if (to_) to_->completed();
  }
  void operator()(Args... args) {
    to_->results.emplace(std::move(args)...);
    std::exchange(to_, nullptr)->completed();
  }
  [[nodiscard]] executor_type get_executor() const noexcept { return to_->where(); }
  [[nodiscard]] cancellation_slot_type get_cancellation_slot() const noexcept { return to_->slot(); }

private:
  std::shared_ptr<asio_results<Args...>> to_;
};

/// Results without their error: nothing, one value, or a tuple.
template <class... T>
struct asio_value {
  using type = std::tuple<T...>;
  static type of(std::tuple<T...>&& all) { return std::move(all); }
};
template <class T>
struct asio_value<T> {
  using type = T;
  static T of(std::tuple<T>&& all) { return std::get<0>(std::move(all)); }
};
template <>
struct asio_value<> {
  using type = void;
  static void of(std::tuple<>&&) {}
};

/// Completions without an error.
template <class... T>
struct asio_completion : asio_value<T...> {
  static constexpr bool can_fail = false;
  static std::error_code error(const std::tuple<T...>&) noexcept { return {}; }
  static void raise(const std::tuple<T...>&) noexcept {}
  static std::tuple<T...> rest(std::tuple<T...>&& all) { return std::move(all); }
};
template <class... T>
struct asio_completion<boost::system::error_code, T...> : asio_value<T...> {
  using all_of = std::tuple<boost::system::error_code, T...>;
  static constexpr bool can_fail = true;
  static std::error_code error(const all_of& all) noexcept { return std::get<0>(all); }
  static void raise(const all_of& all) {
    if (std::get<0>(all).failed()) throw boost::system::system_error(std::get<0>(all));
  }
  static std::tuple<T...> rest(all_of&& all) {
    return std::apply([](auto&, auto&... more) { return std::tuple<T...>(std::move(more)...); }, all);
  }
};
template <class... T>
struct asio_completion<std::exception_ptr, T...> : asio_value<T...> {
  using all_of = std::tuple<std::exception_ptr, T...>;
  static constexpr bool can_fail = false; // an exception is no code: it is always thrown
  static std::error_code error(const all_of&) noexcept { return {}; }
  static void raise(const all_of& all) {
    if (std::get<0>(all)) std::rethrow_exception(std::get<0>(all));
  }
  static std::tuple<T...> rest(all_of&& all) {
    return std::apply([](auto&, auto&... more) { return std::tuple<T...>(std::move(more)...); }, all);
  }
};

/// What `co_await` is given: starts the operation and waits for it.
template <bool Throws, class Start, class... Args>
class [[nodiscard]] asio_awaiter {
  using completion = asio_completion<Args...>;
  using value = typename completion::type;

public:
  using result = std::conditional_t<Throws, value, std::expected<value, std::error_code>>;

  asio_awaiter(duration timeout, Start start)
      : operation_(std::make_shared<asio_results<Args...>>(coppice::detail::running_process())),
        start_(std::move(start)), wait_(coppice::detail::running_process(), *operation_, timeout) {}

  [[nodiscard]] bool await_ready() {
    wait_.begin();
    std::move(start_)(process_handler<Args...>(operation_));
    return wait_.ready();
  }
  void await_suspend(std::coroutine_handle<> caller) noexcept { wait_.suspend(caller); }
  result await_resume() {
    wait_.finish();
    auto& all = operation_->results;
    if (wait_.timed_out() && !completed_well()) return failed(std::errc::timed_out);
    if (!all) return failed(std::errc::operation_canceled);
    if constexpr (Throws || !completion::can_fail) completion::raise(*all);
    if constexpr (!Throws) {
      if (std::error_code error = completion::error(*all)) return std::unexpected(error);
    }
    if constexpr (std::is_void_v<value>) {
      return result();
    } else {
      return completion::of(completion::rest(std::move(*all)));
    }
  }

private:
  /// A result may have come at the same time as the end of the time.
  [[nodiscard]] bool completed_well() const {
    return operation_->results && completion::can_fail && !completion::error(*operation_->results);
  }
  static result failed(std::errc why) {
    if constexpr (Throws) {
      throw std::system_error(std::make_error_code(why));
    } else {
      return std::unexpected(std::make_error_code(why));
    }
  }

  std::shared_ptr<asio_results<Args...>> operation_;
  Start start_;
  asio_wait wait_; // goes first
};

template <bool Throws, class Start, class... Args>
asio_awaiter<Throws, Start, Args...> make_asio_awaiter(duration timeout, Start start) {
  return asio_awaiter<Throws, Start, Args...>(timeout, std::move(start));
}

} // namespace detail
} // namespace coppice::net

/// @cond
template <bool Throws, class R, class... Args>
class boost::asio::async_result<coppice::net::basic_use_process<Throws>, R(Args...)> {
public:
  template <class Initiation, class... More>
  static auto initiate(Initiation initiation, coppice::net::basic_use_process<Throws> token, More... more) {
    auto start = [initiation = std::move(initiation), ... more = std::move(more)](auto handler) mutable {
      std::move(initiation)(std::move(handler), std::move(more)...);
    };
    return coppice::net::detail::make_asio_awaiter<Throws, decltype(start), std::decay_t<Args>...>(
        token.timeout(), std::move(start));
  }
};
/// @endcond
