// Route patterns as text, taken apart. Internal to the router.
#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <string>
#include <string_view>
#include <vector>

namespace coppice::http::detail {

enum class part_kind : std::uint8_t { literal, binding, rest };

struct pattern_part {
  part_kind kind = part_kind::literal;
  std::string text; // the literal, or the binding's name
};

using pattern_parts = std::vector<pattern_part>;

struct pattern_error {
  std::size_t at = 0;
  std::string what;
};

/// One list of parts for each way in which optional parts can be present, the longest last.
std::expected<std::vector<pattern_parts>, pattern_error> parse_path_pattern(std::string_view pattern);

/// Labels in reverse (the top level first), lower case, so that "[...]" comes last as it does in paths.
std::expected<pattern_parts, pattern_error> parse_host_pattern(std::string_view pattern);

} // namespace coppice::http::detail
