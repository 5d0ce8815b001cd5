// The kinds of terms, and what those are made of that no type of C++ stands for.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "coppice/term/atom.hpp"

namespace coppice {

/// What a term is. `binary` is a bitstring of whole bytes.
enum class term_kind : std::uint8_t {
  integer,
  floating,
  atom,
  reference,
  fun,
  export_fun, ///< `fun m:f/a`
  port,
  pid,
  tuple,
  map,
  nil, ///< `[]`
  list,
  binary,
  bitstring
};

/// Module, function, arity: what an external fun names.
struct mfa {
  atom module;             ///< where the function is; need not exist
  atom function;           ///< which of the module's functions
  std::uint32_t arity = 0; ///< how many arguments it takes
  friend bool operator==(const mfa&, const mfa&) = default;
};

/// A local fun of a peer: Coppice carries it, prints it and hands it back, but cannot call it.
struct fun_info {
  atom module;             ///< where it was made
  std::int64_t index = 0;  ///< which of the module's funs (Erlang: `fun_info(F, index)`)
  std::int64_t uniq = 0;   ///< of which version of the module (Erlang: `fun_info(F, uniq)`)
  std::uint32_t arity = 0; ///< how many arguments it takes
  std::string_view bytes;  ///< its external format, opaque; of `as_fun`: valid while a copy of the term lives
};

/// An integer of any size by sign and magnitude.
struct integer_parts {
  bool negative = false;                ///< never of 0
  std::span<const std::uint64_t> limbs; ///< least significant first, the last one not 0; of 0 there is none
};

} // namespace coppice
