// Hearing of other nodes, for as long as one lives.
#pragma once

#include "coppice/otp/node_events.hpp"
#include "coppice/runtime/node.hpp"

#include <memory>
#include <vector>

namespace coppice::chat {

/// Has its process told by `node_came` of each node that is connected with, until it is destroyed.
class node_watch {
public:
  node_watch() = default;
  ~node_watch() {
    if (events_ != nullptr) events_->unsubscribe(who_);
  }
  node_watch(const node_watch&) = delete;
  node_watch& operator=(const node_watch&) = delete;

  /// The answer is who is there already.
  std::vector<atom> begin(pid who) {
    events_ = this_node().part<node_events>();
    who_ = who;
    return events_->subscribe(who);
  }

private:
  std::shared_ptr<node_events> events_;
  pid who_;
};

} // namespace coppice::chat
