// Files of XEP-0227, read in pieces: they may be larger than memory.
#pragma once

#include "servers/xml/element.hpp"

#include <expected>
#include <string>
#include <string_view>
#include <vector>

namespace coppice::messaging::exchange {

inline constexpr std::string_view portable_ns = "urn:xmpp:pie:0";
inline constexpr std::string_view portable_archive_ns = "urn:xmpp:pie:0#mam";
inline constexpr std::string_view portable_scram_ns = "urn:xmpp:pie:0#scram";

/// Is told what stands there, in order.
class portable_reader {
public:
  virtual ~portable_reader() = default;
  /// What holds others begins: `<host/>`, `<user/>`, and in the latter `<offline-messages/>`, `<archive/>`,
  /// the
  /// `<query/>` of private data, `<pubsub/>` and its `<items/>`. Without its content.
  virtual void begins(const xml::element& head) = 0;
  /// What has begun last, and not ended, ends.
  virtual void ends() = 0;
  /// Everything else, whole.
  virtual void part(xml::element e) = 0;
};

/// Reads it, with the files that it includes (XInclude): by relative names, below its own folder. The error
/// names the file and the place.
std::expected<void, std::string> read_portable(const std::string& file, portable_reader& reader);

} // namespace coppice::messaging::exchange
