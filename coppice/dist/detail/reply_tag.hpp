// The tags of requests: what a caller puts beside its pid, and wants back with the reply. OTP: module gen.
#pragma once

#include "coppice/term/term.hpp"

#include <optional>

namespace coppice::dist::detail {

/// Who asks, and with which tag: `{Pid, Tag}`.
struct asker {
  pid caller;
  term tag;
};
[[nodiscard]] std::optional<asker> asker_of(const term& from);

/// The alias that a reply is to be sent to: the tag is `[alias | Ref]` or `[[alias | Ref] | Any]`.
[[nodiscard]] std::optional<reference> alias_of(const term& tag);
/// The reference in a tag: of its alias, or the tag itself.
[[nodiscard]] std::optional<reference> reference_of(const term& tag);

} // namespace coppice::dist::detail
