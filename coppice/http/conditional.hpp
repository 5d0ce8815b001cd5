// Conditional and range requests (RFC 9110 sections 8.8, 13 and 14): what serving a file with validators
// needs.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "coppice/http/message.hpp"

namespace coppice::http {

/// An entity tag (RFC 9110 section 8.8.3).
struct entity_tag {
  std::string value; ///< without quotes
  bool weak = false; ///< `W/`: the same in meaning, maybe not byte for byte
  friend bool operator==(const entity_tag&, const entity_tag&) = default;
};
/// nullopt unless `text` is exactly one entity-tag.
std::optional<entity_tag> parse_entity_tag(std::string_view text);
/// `"v"` or `W/"v"`. The value must hold no '"', space or control character.
std::string format_entity_tag(const entity_tag& tag);

/// What is known of the representation that would be sent.
struct validators {
  std::optional<entity_tag> etag;                        ///< without it no tag matches
  std::optional<std::chrono::sys_seconds> last_modified; ///< without it conditions by date are ignored
};

/// What the conditions of a request amount to (RFC 9110 section 13.2).
enum class precondition : std::uint8_t {
  proceed,
  not_modified, ///< answer 304
  failed,       ///< answer 412
};
/// If-Match, If-Unmodified-Since, If-None-Match, If-Modified-Since in the order of RFC 9110 section 13.2.2,
/// for a representation that exists. A malformed date or If-None-Match is ignored; a malformed If-Match
/// fails.
precondition check_preconditions(const request_head& request, const validators& current);

/// Both ends included, below the size.
struct byte_range {
  std::uint64_t first = 0; ///< offset from 0
  std::uint64_t last = 0;  ///< not below `first`
  /// In bytes; never 0.
  [[nodiscard]] std::uint64_t size() const noexcept { return last - first + 1; }
  friend bool operator==(const byte_range&, const byte_range&) = default;
};

/// What a Range amounts to (RFC 9110 section 14.2).
enum class range_outcome : std::uint8_t {
  whole,         ///< no Range that counts: answer 200 with everything
  partial,       ///< answer 206 with `ranges`: one as it is, several as `plan_byteranges` says
  unsatisfiable, ///< answer 416 with `content_range_unsatisfied`
};
/// Which parts of a representation to send.
struct range_selection {
  range_outcome outcome = range_outcome::whole; ///< what to answer
  std::vector<byte_range> ranges;               ///< of `partial`: in the order asked for, cut to the size
};

/// The Range field's value against a representation of `size` bytes. Malformed fields, other units, more than
/// `max_ranges` ranges, and ranges that together exceed the representation (they overlap, to make us work)
/// are ignored, as RFC 9110 section 14.2 allows.
range_selection parse_range(std::string_view field, std::uint64_t size, std::size_t max_ranges = 16);
/// The same for a request: only a GET, and only if its If-Range holds (section 13.1.5).
range_selection select_ranges(const request_head& request, const validators& current, std::uint64_t size);

/// "bytes 0-4/10".
std::string content_range(const byte_range& range, std::uint64_t size);
/// "bytes */10".
std::string content_range_unsatisfied(std::uint64_t size);

/// A multipart/byteranges body (section 14.6): each prefix, then that range's bytes; at the end the suffix.
struct byteranges_plan {
  std::string content_type;          ///< of the response
  std::vector<std::string> prefixes; ///< one a range: delimiter and the part's fields
  std::string suffix;                ///< the last delimiter
  std::uint64_t body_size = 0;       ///< all together
};
/// `boundary` must be 1 to 70 letters and digits that do not occur in the representation: a random one.
byteranges_plan plan_byteranges(const std::vector<byte_range>& ranges, std::uint64_t size,
                                std::string_view content_type, std::string_view boundary);

} // namespace coppice::http
