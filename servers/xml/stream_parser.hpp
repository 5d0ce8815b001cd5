// Reads XML as it comes, within bounds: a stream of stanzas (RFC 6120), or one element that is the whole text
// (RFC 7395).
#pragma once

#include "servers/xml/element.hpp"

#include <cstddef>
#include <deque>
#include <expected>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

namespace coppice::xml {

/// What is read at most. What passes a bound ends the stream.
struct parser_limits {
  std::size_t stanza = std::size_t{256} << 10; ///< bytes of a child of the root, or of the root's own tag
  std::size_t depth = 64;                      ///< elements within elements
  std::size_t attributes = 64;                 ///< of one element
  std::size_t parts = 10'000;                  ///< elements and texts of a stanza
};

/// Why no more is read: a condition of stream errors (RFC 6120, 4.9.3), and what it is for people.
struct stream_error {
  std::string_view condition; ///< `not-well-formed`, `restricted-xml`, `policy-violation`...
  std::string text;           ///< `not well-formed (invalid token) at 2:14`
};

/// The root has been opened.
struct stream_opened {
  element head;           ///< with its attributes, empty
  std::string default_ns; ///< the default namespace that it declares: that of the stanzas
};
/// The root has been closed: nothing may follow.
struct stream_closed {};
/// An element that is not read as a whole has been opened: what is in it follows in pieces.
struct container_opened {
  element head; ///< with its attributes, empty
};
/// The last of those that are open has been closed.
struct container_closed {};
/// What was read; an element is a child of the root, or of a container, whole.
using stream_event = std::variant<stream_opened, element, stream_closed, container_opened, container_closed>;

/// Whether an element, of which the head is known, is a container.
using container_test = std::function<bool(const element& head)>;

/// Reads one element that is the whole text.
std::expected<element, stream_error> parse_element(std::string_view text, const parser_limits& limits = {});

/// Reads one stream. DTDs, comments, processing instructions and references to entities but the five that XML
/// has are errors, as RFC 6120 (11.1) wants it; so is text between the stanzas but white space.
class stream_parser {
public:
  /// For a stream; or, with `is_container`, for a long document that is read in pieces.
  explicit stream_parser(const parser_limits& limits = {}, container_test is_container = {});
  ~stream_parser();
  stream_parser(stream_parser&&) noexcept;
  stream_parser& operator=(stream_parser&&) noexcept;

  /// Takes bytes as they came from the connection, in pieces of any size. After an error nothing is taken any
  /// more: what came whole before can still be had by `next`, and the error comes again.
  std::expected<void, stream_error> feed(std::string_view bytes);
  /// What has been read and not been given yet; nothing if more bytes are needed.
  std::optional<stream_event> next();
  /// Nothing will come for a while: frees most of what it holds (some 10 KB), if it is between stanzas and
  /// all was given; the next bytes cost a little more. Changes nothing else.
  void rest();
  /// Bytes that belong to a stanza that is not whole yet.
  [[nodiscard]] std::size_t unfinished() const noexcept;

private:
  friend std::expected<element, stream_error> parse_element(std::string_view text,
                                                            const parser_limits& limits);
  class reader;
  std::unique_ptr<reader> reader_; ///< stays where it is: expat has its address
};

} // namespace coppice::xml
