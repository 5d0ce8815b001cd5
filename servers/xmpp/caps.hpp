// What a client can do, said by a hash in its presence. XEP-0115.
#pragma once

#include "servers/xml/element.hpp"
#include "servers/xmpp/disco.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace coppice::xmpp {

/// `<c/>` of a presence.
struct entity_caps {
  std::string node; ///< which software, an address of the web
  std::string ver;  ///< the verification string
  std::string hash; ///< the function that made it: `sha-1`

  /// The node to ask by disco#info, if nobody has yet (6.2).
  [[nodiscard]] std::string disco_node() const { return node + '#' + ver; }
  /// What is the same for all who can do the same, and for nobody else once the answer is found to match.
  [[nodiscard]] std::string key() const { return hash + ' ' + ver; }

  bool operator==(const entity_caps&) const = default;
};
/// Of a presence; nothing if it has none, or in the form of old without a hash.
[[nodiscard]] std::optional<entity_caps> parse_caps(const xml::element& presence);

/// The verification string of what something can do (5.1); nothing if the function is not one of `sha-1` and
/// `sha-256`, or if it is ill-formed: something stands there twice (5.4), or has a '<' in it, by which one
/// thing could pass for two.
[[nodiscard]] std::optional<std::string> verification_string(const disco_info& info, std::string_view hash);
/// Whether the answer is what the presence has promised: it may be kept for all who say the same.
[[nodiscard]] bool matches(const entity_caps& caps, const disco_info& answer);
/// `<c/>` for our own: its hash is SHA-1.
[[nodiscard]] xml::element make_caps(std::string_view node, const disco_info& info);

} // namespace coppice::xmpp
