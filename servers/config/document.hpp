// A YAML file as a tree of values that know where they stand; read within bounds.
#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <string>
#include <string_view>
#include <vector>

namespace coppice::config {

/// Where something stands in a file, both from 1.
struct place {
  std::size_t line = 1;
  std::size_t column = 1;

  friend bool operator==(const place&, const place&) = default;
};

/// What is wrong, and where.
struct problem {
  place at;
  std::string text;

  /// `FILE:LINE:COLUMN: text`, as compilers say it.
  [[nodiscard]] std::string in_file(std::string_view file) const;
};

struct entry;

/// A value of the file.
struct node {
  /// What it is.
  enum class form : std::uint8_t {
    nothing, ///< `key:` with nothing behind it, `~` or `null`
    scalar,
    list,
    map,
  };

  form is = form::nothing;
  place at;
  std::string text;           ///< of a scalar
  std::vector<node> items;    ///< of a list
  std::vector<entry> entries; ///< of a map, in the file's order; no key is there twice
};

/// A key with its value.
struct entry {
  std::string name;
  place at; ///< of the key
  node value;
};

/// What a file may hold at most.
inline constexpr std::size_t most_bytes = std::size_t{256} << 10;
inline constexpr std::size_t most_depth = 16;
inline constexpr std::size_t most_values = 20'000;

/// Reads a text: one YAML document, a map or nothing at all. Anchors, aliases and tags are not taken, and
/// keys are plain texts. Linear in the text.
std::expected<node, problem> parse(std::string_view text);

} // namespace coppice::config
