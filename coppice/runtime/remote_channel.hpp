// What carries messages and signals to processes of other nodes. The runtime declares it and knows nothing of
// any network; a higher layer (coppice/dist) implements it.
#pragma once

#include "coppice/runtime/detail/envelope.hpp"
#include "coppice/term/atom.hpp"
#include "coppice/term/id.hpp"

#include <cstdint>
#include <optional>

namespace coppice {

/// The way to other nodes. All members are called from any thread, inside the runtime, and neither wait nor
/// throw.
class remote_channel {
public:
  remote_channel() = default;
  remote_channel(const remote_channel&) = delete;
  remote_channel& operator=(const remote_channel&) = delete;
  virtual ~remote_channel() = default;

  /// Takes a message or a signal for a process of another node. Those of one process to another arrive in
  /// order, or not at all once the connection is lost.
  virtual void deliver(pid to, detail::envelope_ptr message) noexcept = 0;
  /// The same to an alias that a process of another node made.
  virtual void deliver_to_alias(const reference& alias, detail::envelope_ptr message) noexcept = 0;
  /// Nobody waits any more for the reply to the request with that tag.
  virtual void abandon(pid to, std::uint64_t tag) noexcept = 0;
  /// Puts a process of another node under another group leader.
  virtual void set_group_leader(pid leader, pid process) noexcept = 0;

  /// What stands for the process registered under a name on a node, wherever a pid may stand; of this node
  /// whoever has the name now. Nothing if that can be no node.
  virtual std::optional<pid> address(const atom& name, const atom& node) noexcept = 0;
  /// The name of a node by its number in pids; '' if there is none.
  [[nodiscard]] virtual atom node_name(std::uint32_t number) const noexcept = 0;
};

} // namespace coppice
