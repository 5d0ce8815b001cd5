// One TLS connection on a non-blocking descriptor: steps that never wait.
#pragma once

#include "coppice/net/tls.hpp"

#include <cstddef>
#include <expected>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

struct ssl_st;

namespace coppice::net::detail {

/// What came of a step.
struct tls_step {
  enum class outcome : std::uint8_t { over, wants_read, wants_write };
  outcome result = outcome::over;
  std::size_t moved = 0;
  std::error_code error;
};

/// Used by one process at a time; knows the descriptor, does not own it.
class tls_session {
public:
  /// As server, `host` is empty. The error is for people.
  static std::expected<tls_session*, std::string> make(std::shared_ptr<const tls_context> context, int fd,
                                                       bool server, const std::string& host);
  ~tls_session();
  tls_session(const tls_session&) = delete;
  tls_session& operator=(const tls_session&) = delete;

  tls_step handshake() noexcept;
  tls_step read(std::span<char> into) noexcept;
  /// Moves some. After `wants_...` the same bytes must come first at the next call.
  tls_step write(std::string_view data) noexcept;
  /// Tells the peer that no more will come, if that is possible without waiting.
  void end() noexcept;
  /// Whether a read may find bytes that have left the socket already.
  [[nodiscard]] bool may_hold_bytes() const noexcept;
  [[nodiscard]] tls_info info() const;
  [[nodiscard]] std::vector<tls_binding> bindings() const;
  /// Why the last step failed, with what to do about it.
  [[nodiscard]] std::string explain() const;

private:
  /// What the BIO works with.
  struct transport {
    int fd;
    std::size_t allowance = 0; ///< bytes that this step may still read
    int error = 0;             ///< errno
    bool ended = false;
  };
  struct bio;

  tls_session(std::shared_ptr<const tls_context> context, int fd, std::string host);
  bool prepare(bool server);
  void begin() noexcept;
  tls_step took(int result, std::size_t moved) noexcept;

  std::shared_ptr<const tls_context> context_;
  transport transport_;
  ssl_st* ssl_ = nullptr;
  std::string host_;            ///< as client
  std::size_t hand_shaken_ = 0; ///< bytes read until the handshake was done
  unsigned long failure_ = 0;   ///< OpenSSL's code
  bool done_ = false;           ///< the handshake
  bool broken_ = false;
  bool owes_ticket_ = false;
  bool ended_ = false;      ///< by us
  bool read_found_ = false; ///< the last read did find something
};

} // namespace coppice::net::detail
