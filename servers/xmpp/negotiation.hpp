// The server's side of a stream until it is bound: opening, STARTTLS, SASL, resource binding or resumption.
// RFC 6120 sections 4 to 7, RFC 7395. Pure: it is given what came, and says what to write and what to find
// out.
#pragma once

#include "servers/xml/stream_parser.hpp"
#include "servers/xmpp/framing.hpp"
#include "servers/xmpp/scram.hpp"

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace coppice::xmpp {

/// The mechanisms that are offered, those of SCRAM with channel binding where there is one.
struct offered_mechanisms {
  bool scram_sha_256 = true;
  bool scram_sha_1 = true;
  bool plain = true;
  bool operator==(const offered_mechanisms&) const = default;
};

/// What a stream is negotiated with.
struct negotiation_options {
  framing frames = framing::tcp;         ///< what carries the stream
  std::vector<std::string> domains;      ///< that are served, in their form
  bool secure = false;                   ///< TLS is in use, here or at a proxy
  bool offers_tls = false;               ///< STARTTLS, then required
  std::vector<channel_binding> bindings; ///< that the connection has
  offered_mechanisms mechanisms = {};
  bool offers_registration = false;      ///< XEP-0077, before authentication
  std::vector<xml::element> features;    ///< offered once the user is known, behind resource binding
  std::string decoy_secret;              ///< as of `decoy_verifier`
  std::uint32_t decoy_iterations = 4096; ///< as the users' verifiers have
  std::function<std::string()> unique;   ///< a new token that nobody can guess, at each call
};

/// What is known of a user, for SASL. An empty verifier: nothing, by that mechanism nobody gets in.
struct user_secrets {
  scram_verifier sha1;   ///< for SCRAM-SHA-1
  scram_verifier sha256; ///< for SCRAM-SHA-256
};

/// What is to be done: first write, then act.
struct negotiation_step {
  /// How it goes on.
  enum class action : std::uint8_t {
    read_on,        ///< with the next element
    start_tls,      ///< shake hands, drop what was read before, and begin with a new `negotiation`
    find_user,      ///< look `user` up, then call `found`
    check_password, ///< compare `password` with the user's, then call `checked`
    restart,        ///< a new stream follows on the same connection: read it with a new parser
    registration,   ///< `request` is an iq of XEP-0077 of somebody not known yet
    bind,   ///< `request` is the iq that asks for a resource: bind it for `user`, the rest is the session's
    resume, ///< `request` asks to resume a session of `user`; call `not_resumed` where that cannot be
    close,  ///< end the connection
  };
  action next = action::read_on;
  std::string write = {};        ///< bytes; for a WebSocket the messages are in `more`, too
  std::vector<std::string> more; ///< further messages, in order behind `write`
  std::string user = {};         ///< the local part of an address, in its form
  std::string password = {};     ///< of `check_password`
  xml::element request = {};     ///< an element for the session
};

/// One stream's negotiation, from its opening on; with the streams that follow it on the connection.
class negotiation {
public:
  /// Failures to authenticate, after which the connection is closed (RFC 6120, 6.4.5: 2 to 5).
  static constexpr int most_failures = 5;

  explicit negotiation(negotiation_options options);

  /// The client has opened a stream (or a WebSocket message `<open/>` came).
  [[nodiscard]] negotiation_step opened(const xml::stream_opened& head);
  /// It has sent this; over WebSocket, `<open/>` and `<close/>` too.
  [[nodiscard]] negotiation_step received(xml::element e);
  /// It has closed its stream.
  [[nodiscard]] negotiation_step closed();
  /// What it sends cannot be read, or may not go on: a stream error, then the end.
  [[nodiscard]] negotiation_step failed(std::string_view condition, std::string_view text);

  /// The user who was looked up, or nobody.
  [[nodiscard]] negotiation_step found(const std::optional<user_secrets>& user);
  /// Whether it was the user's password.
  [[nodiscard]] negotiation_step checked(bool right);
  /// Neither could be found out: for now nobody gets in. Also for users who have tried too often.
  [[nodiscard]] negotiation_step unavailable(std::string_view text);
  /// The session cannot be resumed; it goes on with binding. `why`: the element that says so.
  [[nodiscard]] negotiation_step not_resumed(const xml::element& why);

  /// Whether the user is known.
  [[nodiscard]] bool is_authenticated() const noexcept { return state_ >= state::opening_again; }
  /// Whose stream it is, once that is known.
  [[nodiscard]] const std::string& user() const noexcept { return user_; }
  /// How often the client has failed to authenticate.
  [[nodiscard]] int failures() const noexcept { return failures_; }
  /// For whom the client came; one of the domains.
  [[nodiscard]] const std::string& domain() const noexcept { return domain_; }
  /// The mechanism by which the user was authenticated.
  [[nodiscard]] const std::string& mechanism() const noexcept { return mechanism_; }

private:
  enum class state : std::uint8_t { opening, plain, mechanisms, exchange, opening_again, binding, over };
  using action = negotiation_step::action;

  [[nodiscard]] negotiation_step refuse_opening(std::string_view condition, std::string_view text);
  [[nodiscard]] negotiation_step greet(std::string_view to);
  [[nodiscard]] xml::element features() const;
  [[nodiscard]] xml::element mechanisms() const;
  [[nodiscard]] negotiation_step take_plain(const xml::element& e);
  [[nodiscard]] negotiation_step take_sasl(const xml::element& e);
  [[nodiscard]] negotiation_step take_binding(xml::element e);
  [[nodiscard]] negotiation_step begin(std::string_view mechanism, std::string_view initial);
  [[nodiscard]] negotiation_step respond(std::string_view text);
  [[nodiscard]] negotiation_step take_first(const std::string& message);
  [[nodiscard]] negotiation_step take_password(const std::string& message);
  [[nodiscard]] negotiation_step fail_sasl(std::string_view condition, std::string_view text);
  [[nodiscard]] negotiation_step succeed(std::string_view final_message);
  /// Whether a name stands for a user here, and for nobody else.
  [[nodiscard]] bool take_name(std::string_view name, std::string_view authorization);
  [[nodiscard]] negotiation_step say(const xml::element& e, action next = action::read_on) const;

  negotiation_options options_;
  state state_ = state::opening;
  std::string domain_;
  std::string user_;
  std::string mechanism_;
  std::unique_ptr<scram_server> scram_;
  scram_hash hash_ = scram_hash::sha256;
  bool awaits_first_ = false; ///< the client sends no initial response: it comes after an empty challenge
  bool is_open_ = false;      ///< our opening has been written
  int failures_ = 0;
};

} // namespace coppice::xmpp
