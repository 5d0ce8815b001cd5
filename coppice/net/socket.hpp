// TCP sockets inside processes: the process itself reads and writes, and waits where it must.
//
// A socket belongs to one process at a time, the one that uses it; it is moved to another inside a message or
// a spawn's arguments. All of it may be killed at any wait: the frame's destructors close what it owns.
#pragma once

#include "coppice/net/detail/registration.hpp"
#include "coppice/net/endpoint.hpp"
#include "coppice/runtime/api.hpp"

#include <coroutine>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

namespace coppice::net {

/// Bytes moved, or what went wrong; `std::errc::timed_out` when the time was up first.
using io_result = std::expected<std::size_t, std::error_code>;
/// Nothing, or what went wrong.
using io_outcome = std::expected<void, std::error_code>;

/// What `arm_readable` sends: the socket with that `id()` can be read, or has ended. It may be stale (the
/// bytes have been read meanwhile): read without waiting, and arm again.
struct readable {
  std::uint64_t socket; ///< its `id()`
};

/// What `arm_writable` sends: there is room to write to the socket with that `id()`, or it is broken. It may
/// be stale.
struct writable {
  std::uint64_t socket; ///< its `id()`
};

namespace detail {

class tls_session;
struct tls_step;

/// What completes a wait.
struct became_ready {};

/// A system call costs a slice more than a step of the process's own code does; false when the slice is over.
bool spend_for_io(std::size_t bytes) noexcept;

/// An open file descriptor and, once it has been waited for, its registration.
class descriptor {
public:
  descriptor() noexcept = default;
  explicit descriptor(int fd) noexcept : fd_(fd) {}
  descriptor(descriptor&& other) noexcept
      : fd_(std::exchange(other.fd_, -1)), registration_(std::move(other.registration_)), id_(other.id_) {}
  descriptor& operator=(descriptor&& other) noexcept {
    std::swap(fd_, other.fd_);
    std::swap(registration_, other.registration_);
    std::swap(id_, other.id_);
    return *this;
  }
  ~descriptor() { close(); }

  void close() noexcept;
  [[nodiscard]] int fd() const noexcept { return fd_; }
  [[nodiscard]] registration& registered();
  [[nodiscard]] registration* registered_or_null() const noexcept { return registration_.get(); }
  /// Unique in the node's life.
  [[nodiscard]] std::uint64_t id();

private:
  int fd_ = -1;
  std::unique_ptr<registration> registration_;
  std::uint64_t id_ = 0;
};

/// An operation that is tried at once and, while it would block, again whenever the descriptor is ready. It
/// is tried by the process's owner as part of the wait, so a wake-up that was for nothing costs no
/// resumption.
class io_wait : coppice::detail::waiter {
public:
  io_wait(const io_wait&) = delete;
  io_wait& operator=(const io_wait&) = delete;
  [[nodiscard]] bool await_ready();
  void await_suspend(std::coroutine_handle<> caller) noexcept;

protected:
  io_wait(descriptor& d, direction way, duration timeout);
  ~io_wait() = default;

  /// Tries; true when it is over, well or not.
  virtual bool attempt() noexcept = 0;
  /// Ends the wait; throws nothing.
  void finish() noexcept;

  [[nodiscard]] int fd() const noexcept { return descriptor_.fd(); }
  /// Whether errno says "later".
  [[nodiscard]] static bool would_block() noexcept;
  /// Takes over what came of a step of TLS, which may want to wait in either direction; true when it is over.
  bool settled(const tls_step& step) noexcept;

  std::error_code error_;
  std::size_t moved_ = 0;
  bool woken_ = false; ///< at least one event has come

private:
  static bool look(waiter& w, coppice::detail::process_block& p);
  void arm();
  void end() noexcept;

  descriptor& descriptor_;
  coppice::detail::process_block& process_;
  duration timeout_;
  std::uint64_t tag_ = 0;
  direction way_;
  bool done_ = false;
  bool timed_ = false;
};

} // namespace detail

/// Awaits bytes: `io_result n = co_await socket.read_some(buffer, 5s);`. 0 is the end of the stream.
class read_awaiter final : public detail::io_wait {
public:
  /// What `read_some` makes; `into` must live until it has been awaited.
  read_awaiter(detail::descriptor& d, std::span<char> into, duration timeout,
               detail::tls_session* tls = nullptr)
      : io_wait(d, detail::direction::read, timeout), into_(into), tls_(tls) {}
  /// The bytes read. Errors: `timed_out`, `bad_file_descriptor` on a socket that is closed here, the
  /// system's.
  io_result await_resume() noexcept;

private:
  bool attempt() noexcept override;
  bool read_tls() noexcept;
  std::span<char> into_;
  detail::tls_session* tls_;
};

/// Awaits that everything is with the system; on an error, some may be. Of the views only the bytes must
/// live.
class write_awaiter final : public detail::io_wait {
public:
  /// @{
  /// What `write_all` makes; the bytes must live until it has been awaited, the span of pieces need not.
  write_awaiter(detail::descriptor& d, std::string_view data, duration timeout,
                detail::tls_session* tls = nullptr)
      : io_wait(d, detail::direction::write, timeout), one_(data), tls_(tls) {}
  write_awaiter(detail::descriptor& d, std::span<const std::string_view> pieces, duration timeout,
                detail::tls_session* tls = nullptr)
      : io_wait(d, detail::direction::write, timeout), many_(pieces.begin(), pieces.end()), tls_(tls) {}
  /// @}
  /// The number of all bytes; an error (as of `read_awaiter`) does not tell how many had gone before it.
  io_result await_resume() noexcept;

private:
  bool attempt() noexcept override;
  bool write_one() noexcept;
  bool write_many() noexcept;
  bool write_tls() noexcept;
  bool encrypt(std::string_view data) noexcept;
  void drop(std::size_t bytes) noexcept;

  std::string_view one_;
  std::vector<std::string_view> many_;
  std::size_t next_ = 0; ///< of many_
  detail::tls_session* tls_;
};

/// Awaits that there may be something to read (a stale event may say so too soon), or that there is room to
/// write.
class ready_awaiter final : public detail::io_wait {
public:
  /// What `wait_readable`, `wait_writable` and `wait_acceptable` make.
  ready_awaiter(detail::descriptor& d, detail::direction way, duration timeout)
      : io_wait(d, way, timeout), way_(way) {}
  /// Errors: `timed_out`, `bad_file_descriptor`. One of the connection counts as ready: what is tried next
  /// gives it.
  io_outcome await_resume() noexcept;

private:
  bool attempt() noexcept override;
  detail::direction way_;
};

/// A connected TCP socket. Non-blocking, closed on exec and by the destructor.
///
/// Errors are the system's (`std::system_category`); after one the socket is of no more use but to be closed.
class tcp_socket {
public:
  tcp_socket() noexcept = default;
  /// Takes a connected, non-blocking descriptor over.
  explicit tcp_socket(int fd) noexcept : descriptor_(fd) {}

  /// Reads what there is, at least one byte; waits for it. One system call when bytes are there.
  [[nodiscard]] read_awaiter read_some(std::span<char> into, duration timeout = infinity) {
    return read_awaiter(descriptor_, into, timeout);
  }
  /// Writes all; the time is for the whole of it.
  [[nodiscard]] write_awaiter write_all(std::string_view data, duration timeout = infinity) {
    return write_awaiter(descriptor_, data, timeout);
  }
  /// The same for pieces in order, gathered by the system.
  [[nodiscard]] write_awaiter write_all(std::span<const std::string_view> pieces,
                                        duration timeout = infinity) {
    return write_awaiter(descriptor_, pieces, timeout);
  }
  /// Waits until `try_read` is worth trying: for bytes, the end or an error.
  [[nodiscard]] ready_awaiter wait_readable(duration timeout = infinity) {
    return ready_awaiter(descriptor_, detail::direction::read, timeout);
  }
  /// Waits for room, or an error; not at all where there is room.
  [[nodiscard]] ready_awaiter wait_writable(duration timeout = infinity) {
    return ready_awaiter(descriptor_, detail::direction::write, timeout);
  }

  /// @{
  /// Without waiting, one system call: `std::errc::operation_would_block` if there is nothing (no room),
  /// `interrupted` by a signal. Writing may take a part only.
  io_result try_read(std::span<char> into) noexcept;
  io_result try_write(std::string_view data) noexcept;
  /// @}

  /// Sends the running process one `readable{id()}` when there is something to read (Erlang: `{active,
  /// once}`). A read that waits takes its place.
  void arm_readable();
  /// Sends the running process one `writable{id()}` when there is room. To be used after a `try_write` that
  /// found none. A write that waits takes its place.
  void arm_writable();
  /// Tells this socket's `readable` and `writable` from others'.
  [[nodiscard]] std::uint64_t id() { return descriptor_.id(); }

  /// No more will be written: the peer reads to the end. Reading goes on.
  void shutdown_write() noexcept;
  /// What has been written is still sent, by the system. A second time it does nothing.
  void close() noexcept { descriptor_.close(); }
  /// Not closed here; of the peer it says nothing.
  [[nodiscard]] bool is_open() const noexcept { return descriptor_.fd() >= 0; }
  /// This side's address and port.
  [[nodiscard]] std::expected<endpoint, std::error_code> local() const;
  /// The peer's; `std::errc::not_connected` once the connection is broken.
  [[nodiscard]] std::expected<endpoint, std::error_code> remote() const;
  /// Sends small writes at once; on for sockets that `connect` and listeners make.
  void no_delay(bool on) noexcept;
  /// Stays this socket's to close; -1 when it is closed.
  [[nodiscard]] int native_handle() const noexcept { return descriptor_.fd(); }

private:
  friend class stream;
  detail::descriptor descriptor_;
};

/// Connects. Errors: the system's, `timed_out`.
task<std::expected<tcp_socket, std::error_code>> connect(endpoint to, duration timeout);

/// Looks a name up, on the pool for blocking work; the first address is the system's choice. The error is a
/// text for people.
task<std::expected<std::vector<endpoint>, std::string>> resolve(std::string host, std::uint16_t port,
                                                                duration timeout);

/// How a port is opened.
struct listen_options {
  int backlog = 1024;      ///< connections that the system keeps for us
  bool reuse_port = false; ///< several sockets, also of other processes, may share the port (SO_REUSEPORT)
};

/// A socket that takes connections. Like `tcp_socket` it belongs to one process at a time.
class listen_socket {
public:
  listen_socket() noexcept = default;
  /// Binds and listens; port 0 takes a free one. May be called outside of processes.
  static std::expected<listen_socket, std::error_code> open(const endpoint& at,
                                                            const listen_options& options = {});

  /// The next connection; `operation_would_block` if there is none.
  std::expected<tcp_socket, std::error_code> try_accept() noexcept;
  /// Waits until `try_accept` is worth trying; who has a duplicate may be quicker.
  [[nodiscard]] ready_awaiter wait_acceptable(duration timeout = infinity) {
    return ready_awaiter(descriptor_, detail::direction::read, timeout);
  }
  /// Another descriptor of the same port, for another process.
  [[nodiscard]] std::expected<listen_socket, std::error_code> duplicate() const noexcept;
  /// With the port that was found for port 0.
  [[nodiscard]] std::expected<endpoint, std::error_code> local() const;
  /// The port closes with the last duplicate.
  void close() noexcept { descriptor_.close(); }

private:
  explicit listen_socket(int fd) noexcept : descriptor_(fd) {}
  detail::descriptor descriptor_;
};

} // namespace coppice::net
