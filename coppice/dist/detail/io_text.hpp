// Text as Erlang's protocol of I/O carries it. STDLIB User's Guide, "The Erlang I/O Protocol".
#pragma once

#include "coppice/term/term.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace coppice::dist::detail {

/// Appends text of any depth: binaries, characters and lists of both (Erlang: `unicode:chardata()`). False if
/// it is something else, or longer than a mebibyte.
bool append_text(const term& data, std::string& out);
/// What `io_lib:format/2` makes of a format and its arguments, as far as the usual directives go; nothing if
/// they do not fit each other.
[[nodiscard]] std::optional<std::string> io_format(std::string_view format, const term& arguments);

} // namespace coppice::dist::detail
