// SCRAM: a user proves a password that the server does not have, and the server that it knows the user.
// RFC 5802, RFC 7677.
#pragma once

#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace coppice::xmpp {

/// The hash of a mechanism: SCRAM-SHA-1 or SCRAM-SHA-256.
enum class scram_hash : std::uint8_t { sha1, sha256 };

/// What a server keeps of a password. Who has it can check passwords, and pass for the server, but cannot
/// pass for the user.
struct scram_verifier {
  scram_hash hash = scram_hash::sha256; ///< of the mechanism for which it is
  std::uint32_t iterations = 0;         ///< what trying a password costs
  std::string salt;                     ///< bytes, of this user alone
  std::string stored_key;               ///< bytes: the hash of what the client proves to have
  std::string server_key;               ///< bytes: with which the server proves itself

  bool operator==(const scram_verifier&) const = default;
};

/// The verifier of a password; nothing if the password has characters that SASLprep (RFC 4013) forbids, or is
/// empty or longer than 1023 bytes. Takes milliseconds, in proportion to `iterations`. `salt`: 16 random
/// bytes.
[[nodiscard]] std::optional<scram_verifier> make_verifier(scram_hash hash, std::string_view password,
                                                          std::string_view salt, std::uint32_t iterations);
/// Whether that is the password: for PLAIN. Costs as much as `make_verifier`, whatever the answer.
[[nodiscard]] bool is_password(const scram_verifier& verifier, std::string_view password);
/// For a user who does not exist: the same at each attempt, so that nobody learns who exists. Nobody has its
/// password. `secret`: bytes that the server keeps to itself.
[[nodiscard]] scram_verifier decoy_verifier(scram_hash hash, std::string_view user, std::string_view secret,
                                            std::uint32_t iterations);

/// Bytes that nobody can guess.
[[nodiscard]] std::string random_bytes(std::size_t count);

/// What ties the exchange to its TLS connection (RFC 5929, RFC 9266).
struct channel_binding {
  std::string type; ///< `tls-exporter`, `tls-server-end-point`...
  std::string data; ///< bytes
};

/// Why a user is not let in: a condition of SASL (RFC 6120, 6.5), and what it is for people. The text says
/// nothing that helps to guess.
struct sasl_failure {
  std::string_view condition; ///< `malformed-request`, `not-authorized`
  std::string text;           ///< one line
};

/// Who wants to be let in.
struct scram_user {
  std::string name;          ///< the user name, not in any form yet
  std::string authorization; ///< as whom else; '' if he says nothing
};

/// The server's side of one exchange: `first`, `challenge`, `last`, in that order, each once. Messages are
/// without base64, as RFC 5802 shows them. Anything of more than 8 KiB is malformed.
class scram_server {
public:
  /// `plus`: the client has chosen the mechanism whose name ends with `-PLUS`. `offered`: the bindings that
  /// the connection has; if there are none, none was offered. `nonce`: printable, without a comma; the
  /// server's part, which nobody can guess.
  scram_server(scram_hash hash, bool plus, std::vector<channel_binding> offered, std::string nonce);

  /// Reads the client's first message.
  [[nodiscard]] std::expected<scram_user, sasl_failure> first(std::string_view message);
  /// The answer to it, for a user with that verifier.
  [[nodiscard]] std::string challenge(scram_verifier verifier);
  /// Reads the client's last message; the answer to it, if the user is who he says.
  [[nodiscard]] std::expected<std::string, sasl_failure> last(std::string_view message);

private:
  [[nodiscard]] std::optional<sasl_failure> take_header(std::string_view& message, scram_user& user);
  [[nodiscard]] bool is_bound_as(std::string_view told) const;

  scram_hash hash_;
  bool plus_;
  std::vector<channel_binding> offered_;
  std::string nonce_; ///< from `first` on the client's part, then the server's
  scram_verifier verifier_;
  std::string header_; ///< of the client's first message: GS2
  std::string bound_;  ///< what it is bound to: the binding's data
  std::string said_;   ///< what has been said so far, as it is signed
};

} // namespace coppice::xmpp
