// Pictures of users: as items, in vCards, and by their hash in presence. XEP-0084, XEP-0153, XEP-0398.
#pragma once

#include "servers/xml/element.hpp"

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace coppice::xmpp::pubsub {

/// A picture. A value.
struct avatar {
  std::string id;   ///< the SHA-1 of its bytes, in hexadecimal digits
  std::string type; ///< `image/png`
  std::string data; ///< its bytes

  bool operator==(const avatar&) const = default;
};

/// Bytes of a picture at most.
inline constexpr std::size_t most_avatar_bytes = std::size_t{256} << 10;

/// Of the items of both nodes; nothing if there is no picture here (a URL alone is none), or if its bytes are
/// not those that the metadata promise.
[[nodiscard]] std::optional<avatar> avatar_of_items(const xml::element& metadata, const xml::element& data);
/// The first `PHOTO` of a vCard with its bytes in it; nothing if there is none.
[[nodiscard]] std::optional<avatar> avatar_of_vcard(const xml::element& vcard);

/// `<data/>`, the item of `urn:xmpp:avatar:data`; its identifier is the picture's.
[[nodiscard]] xml::element avatar_data(const avatar& picture);
/// `<metadata/>`, the item of `urn:xmpp:avatar:metadata`; likewise.
[[nodiscard]] xml::element avatar_metadata(const avatar& picture);
/// Gives a vCard that picture in the place of any other; none: takes it away.
void set_photo(xml::element& vcard, const std::optional<avatar>& picture);

/// The identifier of the picture that `<metadata/>` tells of; '' if the user has none.
[[nodiscard]] std::string avatar_id(const xml::element& metadata);
/// Says in an available presence which picture the user has (XEP-0398, 4), whatever hash stood there; not if
/// the client has said by an empty `<photo/>` that nothing shall be shown, nor if there is none (`id` is '').
void add_avatar_hash(xml::element& presence, std::string_view id);

} // namespace coppice::xmpp::pubsub
