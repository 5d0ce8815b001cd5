// A connection, plain or with TLS: what handlers of listeners get, and what protocols are written for.
#pragma once

#include "coppice/net/socket.hpp"
#include "coppice/net/tls.hpp"

#include <memory>
#include <optional>
#include <vector>

namespace coppice::net {

/// A `tcp_socket`, or TLS on one; used in the same way, and as quick where there is no TLS.
///
/// With TLS, 0 of a read is the peer's own end (close_notify); a connection that is cut is an error,
/// `tls_errc::truncated`. Errors of TLS end both directions.
class stream {
public:
  stream() noexcept = default;
  /// Without TLS.
  stream(tcp_socket socket) noexcept : socket_(std::move(socket)) {} // NOLINT(google-explicit-constructor)

  /// Reads what there is, at least one byte; waits for it.
  [[nodiscard]] read_awaiter read_some(std::span<char> into, duration timeout = infinity) {
    return read_awaiter(socket_.descriptor_, into, timeout, tls_.get());
  }
  /// Writes all; the time is for the whole of it. With TLS, one that is broken off leaves the stream
  /// unusable.
  [[nodiscard]] write_awaiter write_all(std::string_view data, duration timeout = infinity) {
    return write_awaiter(socket_.descriptor_, data, timeout, tls_.get());
  }
  /// The same for pieces in order, gathered.
  [[nodiscard]] write_awaiter write_all(std::span<const std::string_view> pieces,
                                        duration timeout = infinity) {
    return write_awaiter(socket_.descriptor_, pieces, timeout, tls_.get());
  }

  /// Without waiting: `std::errc::operation_would_block` if there is nothing.
  io_result try_read(std::span<char> into) noexcept;
  /// The same for room; it may take a part only. With TLS, what was refused must stand at the beginning of
  /// the next try, and no less than was refused.
  io_result try_write(std::string_view data) noexcept;
  /// As `tcp_socket::arm_readable`; at once if TLS has taken bytes from the socket already.
  void arm_readable();
  /// As `tcp_socket::arm_writable`.
  void arm_writable() { socket_.arm_writable(); }
  /// Tells this stream's `readable` and `writable` from others'.
  [[nodiscard]] std::uint64_t id() { return socket_.id(); }

  /// No more will be written: the peer reads to the end. Reading goes on.
  void shutdown_write() noexcept;
  /// Ends it in order, telling a peer with TLS so. The destructor does not: what a process that crashes
  /// leaves behind looks cut.
  void close() noexcept;
  /// @{
  /// The socket's own: with TLS, what goes over `native_handle` is encrypted.
  [[nodiscard]] bool is_open() const noexcept { return socket_.is_open(); }
  [[nodiscard]] std::expected<endpoint, std::error_code> local() const { return socket_.local(); }
  [[nodiscard]] std::expected<endpoint, std::error_code> remote() const { return socket_.remote(); }
  void no_delay(bool on) noexcept { socket_.no_delay(on); }
  [[nodiscard]] int native_handle() const noexcept { return socket_.native_handle(); }
  /// @}

  /// TLS is in use, its handshake done; no longer after `close`.
  [[nodiscard]] bool is_secure() const noexcept { return tls_ != nullptr; }
  /// What was agreed on; nothing without TLS.
  [[nodiscard]] std::optional<tls_info> tls() const;
  /// The bindings that this connection has, the strongest first; none without TLS. With TLS 1.3 there is no
  /// `tls-unique`, with 1.2 no `tls-exporter`.
  [[nodiscard]] std::vector<tls_binding> channel_bindings() const;
  /// Gives up the socket of a stream without TLS, for `tls_accept` or `tls_connect` to go on with (STARTTLS).
  [[nodiscard]] tcp_socket release_socket() noexcept { return std::move(socket_); }

private:
  friend task<std::expected<stream, tls_error>> tls_accept(tcp_socket socket, const tls_server& server);
  friend task<std::expected<stream, tls_error>> tls_connect(tcp_socket socket, const tls_client& client,
                                                            const std::string& host, duration timeout);
  struct destroy {
    void operator()(detail::tls_session* session) const noexcept;
  };
  using session_ptr = std::unique_ptr<detail::tls_session, destroy>;
  static task<std::expected<stream, tls_error>>
  shake_hands(tcp_socket socket, std::expected<detail::tls_session*, std::string> session, duration timeout);

  tcp_socket socket_;
  session_ptr tls_; ///< goes before the descriptor
};

} // namespace coppice::net
