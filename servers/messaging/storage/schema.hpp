// The tables of the messaging server. Each subject's functions are in a header of its own; all take a
// transaction, throw `store::failure`, and are done or not done with it.
//
// Owners and users are bare addresses as text (`xmpp::jid::bare_text`); times are of UTC.
#pragma once

#include "coppice/store/migration.hpp"
#include "servers/xmpp/delay.hpp"

#include <cstdint>
#include <vector>

namespace coppice::messaging::storage {

using xmpp::instant;

/// Under which name the tables stand in `database_options::schema`.
inline constexpr const char* schema_name = "messaging";
/// How they come to be; the numbers stand here and nowhere else.
[[nodiscard]] std::vector<store::migration> migrations();

/// As the tables have it: microseconds since 1970.
[[nodiscard]] inline std::int64_t to_column(instant at) noexcept { return at.time_since_epoch().count(); }
/// And back.
[[nodiscard]] inline instant from_column(std::int64_t at) noexcept { return instant(instant::duration(at)); }

} // namespace coppice::messaging::storage
