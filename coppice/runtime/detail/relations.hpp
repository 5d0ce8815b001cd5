// Who a process is tied to: links, monitors both ways, aliases, open requests. Made when first needed.
#pragma once

#include "coppice/runtime/detail/allocate.hpp"
#include "coppice/term/atom.hpp"
#include "coppice/term/id.hpp"

#include <boost/unordered/unordered_flat_map.hpp>

#include <cstdint>

namespace coppice::detail {

/// A link is known by the numbers that its two ends gave it, so that an unlink or exit signal still under way
/// when the ends link again cannot break the newer link. 0: that end has not linked by itself.
struct link_ids {
  std::uint32_t mine = 0;
  std::uint32_t theirs = 0;
};

struct monitor_target {
  pid process;
  atom name; ///< the name it was monitored by, or ''
};

struct relations : pooled {
  boost::unordered_flat_map<pid, link_ids, std::hash<pid>> links;
  boost::unordered_flat_map<std::uint64_t, monitor_target> monitors; ///< by reference: whom I watch
  boost::unordered_flat_map<std::uint64_t, pid> watchers;            ///< by reference: who watches me
  boost::unordered_flat_map<std::uint64_t, bool> aliases;            ///< value: goes with the first reply
  boost::unordered_flat_map<std::uint64_t, pid> requests; ///< tags of send_request still open, and whom

  [[nodiscard]] bool empty() const noexcept {
    return links.empty() && monitors.empty() && watchers.empty() && aliases.empty() && requests.empty();
  }
};

} // namespace coppice::detail
