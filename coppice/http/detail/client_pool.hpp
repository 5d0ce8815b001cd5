// Who keeps a client's connections: lends them to processes, one request at a time each.
#pragma once

#include "coppice/net/stream.hpp"
#include "coppice/otp/gen_server.hpp"

#include <cstddef>
#include <deque>
#include <map>
#include <string>
#include <unordered_map>

namespace coppice::http::detail {

/// Asks for a connection, or for the right to make one.
struct connection_wanted {
  std::string origin;
  reference lease;
  bool fresh = false; ///< none that was used before
};
struct connection_granted {
  net::stream connection; ///< not open: make one
};
/// The right is not wanted any more, whether it was given or not; the connection is kept if it is open.
struct connection_back {
  reference lease;
  net::stream connection;
};
struct look_at_idle {};

/// A right that was given goes back with `connection_back`, or when its process ends.
class client_pool : public gen_server {
public:
  using protocol = coppice::protocol<calls<connection_wanted, connection_granted>, infos<connection_back>,
                                     infos<down>, infos<look_at_idle>>;
  client_pool(std::size_t per_origin, std::size_t idle, duration idle_timeout) noexcept
      : per_origin_(per_origin), idle_limit_(idle), idle_timeout_(idle_timeout) {}

  void handle_call(connection_wanted wanted, reply_to<connection_granted> to);
  void handle_info(connection_back back);
  void handle_info(const down& gone);
  void handle_info(look_at_idle);

private:
  struct idle_connection {
    net::stream connection;
    time_point since;
  };
  struct waiting {
    reference lease;
    bool fresh;
    reply_to<connection_granted> to;
  };
  struct place {
    std::deque<idle_connection> idle; ///< the last used at the back
    std::deque<waiting> queue;
    std::size_t lent = 0;
  };
  struct borrower {
    std::string origin;
    reference monitor;
    bool lent = false;
  };

  void grant(place& p, waiting w);
  net::stream take_idle(place& p);
  void end(const reference& lease, net::stream connection);
  void keep(place& p, net::stream connection);

  std::size_t per_origin_;
  std::size_t idle_limit_;
  duration idle_timeout_;
  std::map<std::string, place> places_;
  std::map<reference, borrower> borrowers_;
  std::map<reference, reference> leases_; ///< by monitor
  std::size_t idle_count_ = 0;
  bool looking_ = false; ///< a `look_at_idle` is on its way
};

} // namespace coppice::http::detail
