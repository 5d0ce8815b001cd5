// What an address is and can do, and what belongs to it. XEP-0030, with the forms of XEP-0128.
#pragma once

#include "servers/xml/element.hpp"
#include "servers/xmpp/data_form.hpp"

#include <cstddef>
#include <expected>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace coppice::xmpp {

/// What something is.
struct disco_identity {
  std::string category;  ///< `client`, `conference`, `pubsub`...
  std::string type;      ///< `pc`, `text`, `pep`...
  std::string name = {}; ///< for people; may be ''
  std::string lang = {}; ///< of the name; may be ''

  bool operator==(const disco_identity&) const = default;
};

/// What something is and can do. A value.
struct disco_info {
  std::string node = {};                       ///< of the request; may be ''
  std::vector<disco_identity> identities = {}; ///< at least one
  std::vector<std::string> features = {};      ///< namespaces, mostly
  std::vector<data_form> forms = {};           ///< results that say more

  /// Linear.
  [[nodiscard]] bool has(std::string_view feature) const noexcept;

  bool operator==(const disco_info&) const = default;
};
/// `<query/>` of disco#info.
[[nodiscard]] xml::element to_element(const disco_info& info);

/// What is read of an answer at most.
struct disco_limits {
  std::size_t identities = 64;
  std::size_t features = 512;
  std::size_t forms = 16;
};
/// Reads `<query/>`; the error says what is wrong, for people.
[[nodiscard]] std::expected<disco_info, std::string> parse_disco_info(const xml::element& query,
                                                                      const disco_limits& limits = {});

/// Something that belongs to an address.
struct disco_item {
  std::string jid;
  std::string node = {}; ///< may be ''
  std::string name = {}; ///< for people; may be ''

  bool operator==(const disco_item&) const = default;
};
/// `<query/>` of disco#items, with the node of the request.
[[nodiscard]] xml::element make_disco_items(std::span<const disco_item> items, std::string_view node = "");

} // namespace coppice::xmpp
