// Texts in the one form in which they are compared: stringprep (RFC 3454) and its profiles.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace coppice::xmpp {

/// The profiles of stringprep that XMPP uses.
enum class profile {
  node,     ///< of the local part of an address (RFC 6122, A): lower case
  domain,   ///< nameprep (RFC 3491): lower case
  resource, ///< of the resource of an address (RFC 6122, B): case counts
  password  ///< SASLprep (RFC 4013)
};

/// `text` in its form; nothing if it is not UTF-8 of at most 1023 bytes, or has characters that the profile
/// forbids. The form has 1023 bytes at most, too. Linear.
[[nodiscard]] std::optional<std::string> prepared(std::string_view text, profile as);

} // namespace coppice::xmpp
