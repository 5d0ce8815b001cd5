// Files that are sent by way of a server: what a client asks for, what it is told. XEP-0363. Pure.
#pragma once

#include "servers/xmpp/delay.hpp"
#include "servers/xmpp/disco.hpp"
#include "servers/xmpp/stanza.hpp"

#include <cstddef>
#include <cstdint>
#include <expected>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace coppice::xmpp {

/// A file that somebody wants to upload.
struct upload_request {
  std::string name;       ///< as `upload_name` makes it
  std::uint64_t size = 0; ///< in bytes, at least 1
  std::string type = {};  ///< `image/jpeg`, in lower case and without parameters; '': it is not said

  bool operator==(const upload_request&) const = default;
};

/// What `<request/>` in an iq asks for (XEP-0363, 4). The error is what is answered (6): `file-too-large` if
/// the file has more than `most` bytes.
[[nodiscard]] std::expected<upload_request, stanza_error> parse_upload_request(const xml::element& iq,
                                                                               std::uint64_t most);
/// A name as it may stand at the end of a URL and in a header: of what the client says the last part of its
/// path, without control characters, of at most 120 bytes of UTF-8, with its ending as it is. Never '', `.`
/// or
/// `..`.
[[nodiscard]] std::string upload_name(std::string_view said);
/// A media type in lower case and without its parameters; nothing if it is none (RFC 9110, 8.3.1).
[[nodiscard]] std::optional<std::string> media_type(std::string_view said);

/// Where it is to be put, and will be found: the answer to `iq`.
[[nodiscard]] xml::element upload_slot(const xml::element& iq, std::string_view put, std::string_view get);
/// What the service is, for who discovers it (XEP-0363, 3).
[[nodiscard]] disco_info upload_service_info(std::uint64_t most);

/// What a user has uploaded, or was promised room for.
struct upload_use {
  instant at;
  std::uint64_t size = 0;
};
/// What a user may upload within a day.
struct upload_quota {
  std::uint64_t bytes = 0;
  std::size_t files = 0;
};
/// Nothing if another file of `size` bytes has room; else what is answered, with the time from which on it
/// has. `uses`: of the last day, the oldest first.
[[nodiscard]] std::optional<stanza_error> over_quota(std::span<const upload_use> uses, std::uint64_t size,
                                                     const upload_quota& quota);

} // namespace coppice::xmpp
