// A client of XMPP as light as may be, so that a load program can be thousands of them.
#pragma once

#include "bench/xmpp/scram_client.hpp"
#include "coppice/net/stream.hpp"
#include "coppice/runtime/task.hpp"
#include "servers/xml/stream_parser.hpp"

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace coppice::bench {

/// One user's connection with direct TLS, signed in by SCRAM-SHA-1; when it is over, the next. To be used by
/// one process.
class xmpp_client {
public:
  /// `tls`: that trusts whoever is there.
  xmpp_client(net::endpoint to, std::string domain, net::tls_client tls)
      : to_(to), domain_(std::move(domain)), tls_(std::move(tls)) {}

  /// Connects, proves the password and binds a resource. False, with `why`, if that fails.
  task<bool> sign_in(std::string user, std::string password, std::string resource);
  /// Likewise, but goes on with the session `previous`, of which `handled` stanzas have come, instead of
  /// binding; if that is not possible any more it binds. `resumed` says which.
  task<bool> sign_in_again(std::string user, std::string password, std::string resource, std::string previous,
                           std::uint32_t handled);
  /// Writes that.
  task<bool> send(std::string text);
  /// The next element; nothing when the connection is over or that time has passed (`why` says which).
  task<std::optional<xml::element>> next(duration timeout);
  /// Ends it in order.
  task<> close();
  /// Ends it without a word.
  void drop() {
    socket_.close();
    over_ = true;
  }
  /// The connection is over: `next` gave nothing for that reason.
  [[nodiscard]] bool is_over() const noexcept { return over_; }

  [[nodiscard]] const std::string& why() const noexcept { return why_; }
  [[nodiscard]] const std::string& address() const noexcept { return address_; } ///< full
  [[nodiscard]] bool resumed() const noexcept { return resumed_; }
  /// What the server has handled of the session that was resumed.
  [[nodiscard]] std::uint32_t handled() const noexcept { return handled_; }

private:
  task<bool> open();
  task<std::string> ask(std::string element, std::string answered);
  task<bool> prove(std::string user, std::string password);
  task<bool> bind(std::string resource);
  bool failed(std::string_view why);

  net::endpoint to_;
  std::string domain_;
  net::tls_client tls_;
  net::stream socket_;
  std::optional<xml::stream_parser> parser_;
  scram_client scram_;
  std::string why_;
  std::string address_;
  std::uint32_t handled_ = 0;
  bool resumed_ = false;
  bool over_ = false;
};

} // namespace coppice::bench
