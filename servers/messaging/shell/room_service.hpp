// The service that has the rooms: tells what it is, and which rooms there are. XEP-0045, section 6.
#pragma once

#include "servers/messaging/shell/host.hpp"
#include "servers/messaging/shell/messages.hpp"

namespace coppice::messaging {

/// Registered as `muc`: answers for `conference.DOMAIN`. It keeps nothing: rooms tell the host that they are
/// there, and those that nobody is in are read when it starts for the first time.
class room_service : public gen_server {
public:
  using protocol = coppice::protocol<infos<deliver>>;

  explicit room_service(host h) : host_(std::move(h)) {}

  init_result init() { return init_result().then(atom("load")); }
  task<> handle_continue(term what);
  void handle_info(const deliver& m);
  [[nodiscard]] term state() const;

private:
  host host_;
};

} // namespace coppice::messaging
