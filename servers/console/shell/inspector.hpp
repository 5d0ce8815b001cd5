// Asking one process about itself, in a process of its own: so that one that never answers holds up nobody.
#pragma once

#include "coppice/runtime/node.hpp"
#include "servers/console/proto/frames.hpp"
#include "servers/console/shell/archive.hpp"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

namespace coppice::console {

/// What came of asking a process what only it can tell; nothing: it is dead, or has not answered.
struct inspected {
  std::uint64_t number = 0;
  std::optional<process_details> found;
};

/// What came of asking a process for its state.
struct state_read {
  pid process;
  std::string text;
  std::string problem; ///< if not empty there is no text
};

/// Whether a process can be asked for its state: it is one of a behaviour.
bool has_state(const process_glimpse& process) noexcept;

/// Asks `about` and tells `page`, `inspected` with the number. Waits for half a minute at most.
process inspect_for(self me, pid page, pid about, std::uint64_t number);
/// Reads the state of `about` and tells `page`, `state_read`. Waits for three seconds at most; the text has
/// 16 KiB at most.
process read_state_for(self me, pid page, pid about);

/// What there is to know of a process without asking it. `alive` is false if it is dead.
process_page page_of(archive& kept, pid about);
/// What it has told of itself.
process_inside inside_of(const process_details& told);
/// A process and its name, or its pid alone if it has none.
relative relative_of(pid process);

} // namespace coppice::console
