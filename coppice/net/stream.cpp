#include "coppice/net/stream.hpp"

#include "coppice/net/detail/tls_context.hpp"
#include "coppice/net/detail/tls_session.hpp"
#include "coppice/runtime/api.hpp"

#include <array>

namespace coppice::net {
namespace {

class tls_errors final : public std::error_category {
public:
  [[nodiscard]] const char* name() const noexcept override { return "tls"; }
  [[nodiscard]] std::string message(int code) const override {
    switch (static_cast<tls_errc>(code)) {
    case tls_errc::truncated: return "the connection was cut without TLS's end";
    case tls_errc::protocol: return "TLS was broken off";
    case tls_errc::untrusted: return "the peer's certificate is not trusted";
    }
    return "unknown error of TLS";
  }
};

/// The whole of a handshake as one wait.
class handshake_awaiter final : public detail::io_wait {
public:
  handshake_awaiter(detail::descriptor& d, detail::tls_session& session, duration timeout)
      : io_wait(d, detail::direction::read, timeout), session_(session) {}
  io_outcome await_resume() noexcept {
    finish();
    if (error_) return std::unexpected(error_);
    return {};
  }

private:
  bool attempt() noexcept override {
    constexpr std::size_t as_bytes = 256 << 10; // what its arithmetic costs the process's slice
    detail::tls_step step = session_.handshake();
    moved_ = as_bytes;
    return settled(step);
  }
  detail::tls_session& session_;
};

} // namespace

const std::error_category& tls_category() noexcept {
  static const tls_errors all;
  return all;
}

// --- stream ---

void stream::destroy::operator()(detail::tls_session* session) const noexcept { delete session; }

io_result stream::try_read(std::span<char> into) noexcept {
  if (tls_ == nullptr) return socket_.try_read(into);
  detail::tls_step step = tls_->read(into);
  if (step.result != detail::tls_step::outcome::over) {
    return std::unexpected(std::make_error_code(std::errc::operation_would_block));
  }
  if (step.error) return std::unexpected(step.error);
  detail::spend_for_io(step.moved);
  return step.moved;
}

io_result stream::try_write(std::string_view data) noexcept {
  if (tls_ == nullptr) return socket_.try_write(data);
  detail::tls_step step = tls_->write(data);
  if (step.result != detail::tls_step::outcome::over) {
    return std::unexpected(std::make_error_code(std::errc::operation_would_block));
  }
  if (step.error) return std::unexpected(step.error);
  detail::spend_for_io(step.moved);
  return step.moved;
}

void stream::arm_readable() {
  if (tls_ == nullptr || !tls_->may_hold_bytes()) return socket_.arm_readable();
  self me(coppice::detail::running_process());
  send(me.id(), readable{id()});
}

void stream::shutdown_write() noexcept {
  if (tls_ != nullptr) tls_->end();
  socket_.shutdown_write();
}

void stream::close() noexcept {
  if (tls_ != nullptr) {
    // Tickets that nobody read would make the system reset the connection, and the peer lose what we sent
    // last.
    shutdown_write();
    std::array<char, 4096> unread;
    bool more = true;
    for (int i = 0; more && i < 16; ++i) more = socket_.try_read(unread).value_or(0) == unread.size();
    tls_.reset();
  }
  socket_.close();
}

std::optional<tls_info> stream::tls() const {
  if (tls_ == nullptr) return std::nullopt;
  return tls_->info();
}

std::vector<tls_binding> stream::channel_bindings() const {
  if (tls_ == nullptr) return {};
  return tls_->bindings();
}

// --- handshakes ---

task<std::expected<stream, tls_error>>
stream::shake_hands(tcp_socket socket, std::expected<detail::tls_session*, std::string> session,
                    duration timeout) {
  tls_error why;
  if (!session) {
    why.code = std::make_error_code(std::errc::invalid_argument);
    why.text = std::move(session.error());
    co_return std::unexpected(std::move(why));
  }
  stream made(std::move(socket));
  made.tls_.reset(*session);
  handshake_awaiter both(made.socket_.descriptor_, *made.tls_, timeout);
  io_outcome done = co_await both;
  if (done) co_return std::move(made);
  why.code = done.error();
  why.text = why.code.category() == tls_category() ? made.tls_->explain() : why.code.message();
  co_return std::unexpected(std::move(why));
}

task<std::expected<stream, tls_error>> tls_accept(tcp_socket socket, const tls_server& server) {
  const duration time = server.state_->options().handshake_timeout;
  auto session = detail::tls_session::make(server.state_->context(), socket.native_handle(), true, "");
  return stream::shake_hands(std::move(socket), std::move(session), time);
}

task<std::expected<stream, tls_error>> tls_connect(tcp_socket socket, const tls_client& client,
                                                   const std::string& host, duration timeout) {
  auto session = detail::tls_session::make(client.context_, socket.native_handle(), false, host);
  return stream::shake_hands(std::move(socket), std::move(session), timeout);
}

// --- configurations ---

std::expected<tls_server, std::string> tls_server::make(tls_server_options options) {
  auto context = detail::tls_context::for_server(options);
  if (!context) return std::unexpected(std::move(context.error()));
  return tls_server(std::make_shared<detail::tls_server_state>(std::move(options), std::move(*context)));
}

std::expected<void, std::string> tls_server::reload() const {
  auto context = detail::tls_context::for_server(state_->options());
  if (!context) return std::unexpected(std::move(context.error()));
  state_->replace(std::move(*context));
  return {};
}

std::expected<tls_client, std::string> tls_client::make(const tls_client_options& options) {
  auto context = detail::tls_context::for_client(options);
  if (!context) return std::unexpected(std::move(context.error()));
  return tls_client(std::move(*context));
}

} // namespace coppice::net
