// The client's side of SCRAM-SHA-1 (RFC 5802), which all servers offer. What costs time depends on the
// password, the salt and the count alone, and clients keep it; so does this one.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace coppice::bench {

/// One user's. To be used by one process.
class scram_client {
public:
  /// The first message, of a new exchange.
  std::string first(std::string_view user);
  /// The last, to the server's challenge; nothing if that is none. A user's password does not change.
  std::optional<std::string> last(std::string_view challenge, std::string_view password);

private:
  std::string first_bare_;
  std::string nonce_;
  std::string salted_for_; ///< salt and count
  std::string client_key_;
};

} // namespace coppice::bench
