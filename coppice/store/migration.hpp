// How the tables of a program come to be, step by step.
#pragma once

#include <string_view>

namespace coppice::store {

/// One step. Steps are applied in order of number, each once and in a transaction of its own; once released,
/// a step is never changed.
///
/// In the SQL, which may be several statements, `{text}` stands for the type of text (compared byte by byte),
/// `{blob}` for that of bytes, `{int}` for integers of 64 bits, `{real}` for doubles. `{rowless}` after a
/// table's closing parenthesis says that the primary key is how rows are found, and is no integer.
struct migration {
  int number; ///< from 1 on, without gaps
  std::string_view sql;
};

} // namespace coppice::store
