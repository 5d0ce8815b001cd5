// Applying migrations.
#pragma once

#include "coppice/store/detail/connection.hpp"
#include "coppice/store/migration.hpp"

#include <span>
#include <string>

namespace coppice::store::detail {

/// Brings the tables named `schema` up to the last of the steps. Throws `failure`: the text names the step,
/// or says that the database is of a newer program.
void migrate(connection& on, const std::string& schema, std::span<const migration> steps);

} // namespace coppice::store::detail
