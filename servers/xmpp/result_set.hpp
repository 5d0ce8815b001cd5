// A page of a long result: what is asked for, and what is said about it. XEP-0059.
#pragma once

#include "servers/xml/element.hpp"
#include "servers/xmpp/stanza.hpp"

#include <cstddef>
#include <expected>
#include <optional>
#include <string>

namespace coppice::xmpp {

/// Which part of a result is wanted. What is nothing was not said.
struct page_request {
  std::optional<std::size_t> max = std::nullopt;   ///< items at most; 0: only how many there are
  std::optional<std::string> after = std::nullopt; ///< items behind the one with that identifier; not ''
  /// Those before it, as many as there may be next to it; '': the last ones of all.
  std::optional<std::string> before = std::nullopt;
  std::optional<std::size_t> index = std::nullopt; ///< from that one on, counted from 0

  /// How many items to give, where the server gives at most `most`.
  [[nodiscard]] std::size_t size(std::size_t most) const noexcept;
  /// Whether the page ends somewhere, instead of beginning there.
  [[nodiscard]] bool is_backwards() const noexcept { return before.has_value(); }

  bool operator==(const page_request&) const = default;
};
/// Bytes that an identifier has at most.
inline constexpr std::size_t most_page_id = 1024;
/// Of `<set/>` in `parent`; says nothing where there is none. Errors: bad-request.
[[nodiscard]] std::expected<page_request, stanza_error> parse_page_request(const xml::element& parent);

/// Which part of a result was given.
struct page_info {
  std::string first = {}; ///< the identifier of its first item; '': it has none
  std::string last = {};  ///< that of its last
  std::optional<std::size_t> first_index = std::nullopt; ///< where the first stands in the whole
  std::optional<std::size_t> count = std::nullopt;       ///< items of the whole

  bool operator==(const page_info&) const = default;
};
/// `<set/>`.
[[nodiscard]] xml::element to_element(const page_info& page);

} // namespace coppice::xmpp
