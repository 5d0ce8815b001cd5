// The kinds of databases, each a way to open connections.
#pragma once

#include "coppice/store/database.hpp"
#include "coppice/store/detail/connection.hpp"

#include <string>

namespace coppice::store::detail {

/// How to get to a database, and how people call the place.
struct target {
  std::string place;
  connector open;
};

/// A file, or `:memory:`.
[[nodiscard]] target sqlite_target(const database_options& options);
/// Throws `failure` if the URL is none. What is in it is not shown.
[[nodiscard]] target postgres_target(const database_options& options);

} // namespace coppice::store::detail
