// Knows a message again that a client sends a second time, because it has not heard that the first came.
#pragma once

#include "servers/xml/element.hpp"

#include <optional>
#include <string>

namespace coppice::messaging {

/// The same text for the same message: by its sender, its receiver, what its client calls it and what it
/// says. Nothing for messages without an `origin-id` (XEP-0359) whose `id` may be another's too, being short.
[[nodiscard]] std::optional<std::string> origin_of(const xml::element& message);

} // namespace coppice::messaging
