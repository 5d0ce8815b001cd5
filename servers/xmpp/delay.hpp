// Times as XMPP writes them, and the stamp of what comes late. XEP-0082, XEP-0203.
#pragma once

#include "servers/xml/element.hpp"

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

namespace coppice::xmpp {

/// A point of time, UTC.
using instant = std::chrono::sys_time<std::chrono::microseconds>;

/// `1969-07-21T02:56:15Z`, with a fraction of six digits where there is one. Years 0 to 9999.
[[nodiscard]] std::string to_text(instant at);
/// The same read, with any offset from UTC; what is finer than microseconds is cut. Nothing if it is no such
/// time.
[[nodiscard]] std::optional<instant> parse_instant(std::string_view text) noexcept;

/// `<delay/>`: `from` (an address) had it at that time.
[[nodiscard]] xml::element make_delay(std::string_view from, instant at);
/// Adds it to a stanza, unless `from` has already done so.
void add_delay(xml::element& stanza, std::string_view from, instant at);

} // namespace coppice::xmpp
