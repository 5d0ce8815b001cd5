// The process that takes the locks under which two parts of a cluster exchange their names: one for each
// server of `global`, with one exchange at a time.
#pragma once

#include "coppice/runtime/process.hpp"
#include "coppice/term/term.hpp"

#include <cstdint>
#include <utility>
#include <vector>

namespace coppice::dist::detail {

/// To the locker: names are to be exchanged with that node.
struct exchange_wanted {
  atom node;
  pid locker;           ///< the one there
  std::int64_t my_tag;  ///< of the session, on our side
  term his_tag;         ///< and on theirs
  std::int64_t version; ///< of the protocol, there
};
/// The session is over, done or in vain; before its locks go, these casts go to the servers of those nodes.
struct exchange_over {
  atom node;
  std::int64_t my_tag;
  std::vector<std::pair<atom, term>> farewell;
};
/// The locker there has its part of the locks, or could not get them.
struct other_has_lock {
  atom node;
  bool set;
  exchange_wanted him;
  term requester; ///< in whose name our node is locked; `undefined`: it is not
};
/// The nodes that the server knows, without itself.
struct known_nodes {
  std::vector<atom> nodes;
};
/// From the locker: the locks of both sides are held, in that name.
struct both_locked {
  atom node;
  std::int64_t my_tag;
  term requester;
};

process global_locker(self me, pid server, atom own);

} // namespace coppice::dist::detail
