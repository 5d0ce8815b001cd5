// How people write amounts: `5m`, `256KiB`.
#pragma once

#include "coppice/runtime/clock.hpp"

#include <cstdint>
#include <expected>
#include <string>
#include <string_view>

namespace coppice::config {

/// Reads a whole number of ms, s, m, h and d, or several from the greatest down: `90s`, `1h30m`. A lone `0`
/// needs no unit. The error says what a time looks like.
std::expected<duration, std::string> parse_duration(std::string_view text);
/// What `parse_duration` reads, by the greatest unit that fits; what is below a millisecond is left out.
std::string duration_text(duration d);

/// Reads a whole number of bytes, or of KiB, MiB or GiB. The error says what a size looks like.
std::expected<std::uint64_t, std::string> parse_size(std::string_view text);
/// What `parse_size` reads, by the greatest unit that fits.
std::string size_text(std::uint64_t bytes);

} // namespace coppice::config
