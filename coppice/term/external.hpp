// The external term format: terms as bytes, as Erlang nodes and `term_to_binary` write them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <span>
#include <string>
#include <string_view>

#include "coppice/term/node_names.hpp"
#include "coppice/term/term.hpp"

namespace coppice {

/// Why bytes are no term.
struct external_error {
  std::size_t offset = 0; ///< of the byte that is wrong, or where more were expected
  std::string what;       ///< `expected a term, got the tag 5`

  /// `byte 12: expected a term, got the tag 5`
  [[nodiscard]] std::string message() const;
};

/// Bounds for bytes from outside.
struct external_limits {
  std::size_t depth = 1'000'000;               ///< terms within terms
  std::size_t memory = std::size_t{1} << 30;   ///< bytes that the term may take in memory
  std::size_t inflated = std::size_t{1} << 28; ///< bytes that a compressed term may unfold to
};

/// Reads one term from bytes that begin with the version, 131, and end with the term
/// (`erlang:binary_to_term/1`); compressed terms as well. The atoms are a peer's: they go when unused. Time
/// and memory are linear in the bytes, and nothing recurses. See the ERTS User's Guide, "External Term
/// Format": all that OTP 25 to 28 write, and what older nodes wrote instead. Not read: atom cache references,
/// which only frames of the distribution have, and terms for the sending node alone (`LOCAL_EXT`).
std::expected<term, external_error> binary_to_term(std::string_view bytes, node_names& nodes,
                                                   const external_limits& limits = {});

/// Writes a term with the version before it (`erlang:term_to_binary/1`). O(what is written): a term that
/// shares parts of itself may become much larger. Throws `std::length_error` beyond `most` bytes.
std::string term_to_binary(const term& value, const node_names& nodes, std::size_t most = UINT32_MAX);

/// `term_to_binary(Term, [compressed])`: as zlib packs it, where that is smaller.
std::string term_to_compressed_binary(const term& value, const node_names& nodes,
                                      std::size_t most = UINT32_MAX);

/// Appends a term without the version. Throws `std::length_error` if `out` would have more than `most` bytes.
void append_external(std::string& out, const term& value, const node_names& nodes,
                     std::size_t most = UINT32_MAX);

/// Reads one term that stands at the beginning of the bytes, without the version, and takes its bytes off.
/// `cache`, if there is one, is what atom cache references of this frame stand for.
std::expected<term, external_error> take_external(std::string_view& bytes, node_names& nodes,
                                                  const external_limits& limits = {},
                                                  std::span<const atom> cache = {});

} // namespace coppice
