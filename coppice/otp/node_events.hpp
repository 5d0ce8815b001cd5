// What this floor needs to know of other nodes: which are there, and when one comes. Whoever distributes the
// node (coppice/dist) fills it in; on a node that is alone nothing ever happens here.
#pragma once

#include "coppice/runtime/api.hpp"

#include <mutex>
#include <set>
#include <vector>

namespace coppice {

/// To a subscriber: this node has been connected with another.
struct node_came {
  atom node; ///< its name
};

/// The nodes with which groups are shared: the visible ones, as in OTP, and all if this node is hidden
/// itself. One for each node: `this_node().part<node_events>()`. Thread-safe.
class node_events {
public:
  /// Has `who` told by `node_came` from now on; the answer is who is there already.
  std::vector<atom> subscribe(pid who);
  /// Undoes it.
  void unsubscribe(pid who);

  /// There is a connection with the node. To be called by a process, before anything of that node arrives.
  void came(const atom& node);
  /// There is none any more.
  void went(const atom& node);
  /// With nobody.
  void all_went();

private:
  std::mutex lock_;
  std::set<atom> nodes_;
  std::set<pid> subscribers_;
};

} // namespace coppice
