// Takes away uploaded files that are too old, and what was left behind of broken uploads.
#pragma once

#include "coppice/otp/gen_server.hpp"
#include "servers/messaging/shell/host.hpp"
#include "servers/messaging/storage/uploads.hpp"

namespace coppice::messaging {

/// Time to look again.
struct sweep_again {};

/// Registered as `upload_sweeper`. Looks when it starts, and every some minutes.
class upload_sweeper : public gen_server {
public:
  using protocol = coppice::protocol<infos<sweep_again>>;

  explicit upload_sweeper(host h) : host_(std::move(h)) {}

  init_result init() { return init_result().then(atom("sweep")); }
  task<> handle_continue(term what);
  task<> handle_info(sweep_again m);
  [[nodiscard]] term state() const;

private:
  task<> sweep();
  task<> sweep_those(storage::upload_state state, xmpp::instant before);

  host host_;
  std::int64_t removed_ = 0;
};

} // namespace coppice::messaging
