// What goes wrong with a database, in terms on which a program can act.
#pragma once

#include <cstdint>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

namespace coppice::store {

enum class error_kind : std::uint8_t {
  constraint, ///< the data forbids it: a key that is there already, a reference to what is not
  busy,       ///< somebody else holds what is needed: try again
  full,       ///< no room on the disk
  io,         ///< the disk failed, or the file is no database
  connection, ///< the server of the database cannot be reached, or went away meanwhile
  overloaded, ///< too many wait already: nothing was begun
  closed,     ///< the database has been closed: nothing was begun
  too_big,    ///< a result or a value of more than the bounds allow
  invalid,    ///< the program is at fault: SQL that cannot be, a column of another type
};

/// The name of a kind, as it stands here.
[[nodiscard]] std::string_view to_string(error_kind kind) noexcept;

struct error {
  error_kind kind = error_kind::invalid;
  std::string text; ///< for people; has no password in it
  bool maybe_applied =
      false; ///< the answer to the commit was lost, so that it may have been made nevertheless

  error() = default;
  error(error_kind of_kind, std::string what, bool maybe = false)
      : kind(of_kind), text(std::move(what)), maybe_applied(maybe) {}
};

/// How a transaction's members fail. A work lets it through, and its caller gets the error; a work may throw
/// one of its own.
class failure : public std::runtime_error {
public:
  explicit failure(error why) : std::runtime_error(why.text), why_(std::move(why)) {}
  failure(error_kind kind, const std::string& text) : failure(error(kind, text)) {}
  [[nodiscard]] const error& why() const noexcept { return why_; }

private:
  error why_;
};

} // namespace coppice::store
