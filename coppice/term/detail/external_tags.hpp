// The tags of the external term format (ERTS User's Guide, "External Term Format").
#pragma once

#include <cstdint>

namespace coppice::detail {

enum class external_tag : std::uint8_t {
  new_float = 70,
  bit_binary = 77,
  compressed = 80,
  atom_cache_ref = 82,
  new_pid = 88,
  new_port = 89,
  newer_reference = 90,
  small_integer = 97,
  integer = 98,
  float_text = 99,
  latin1_atom = 100,
  old_reference = 101,
  old_port = 102,
  old_pid = 103,
  small_tuple = 104,
  large_tuple = 105,
  nil = 106,
  string = 107, ///< a list of bytes
  list = 108,
  binary = 109,
  small_big = 110,
  large_big = 111,
  new_fun = 112,
  export_fun = 113,
  new_reference = 114,
  small_latin1_atom = 115,
  map = 116,
  utf8_atom = 118,
  small_utf8_atom = 119,
  v4_port = 120,
};

/// What stands before a term that is not in a frame.
inline constexpr std::uint8_t external_version = 131;

} // namespace coppice::detail
