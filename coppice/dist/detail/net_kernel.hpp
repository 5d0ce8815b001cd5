// The process that has the connections made, and tells who wants to know of nodes that come and go.
// OTP: module net_kernel.
#pragma once

#include "coppice/dist/detail/carrier.hpp"
#include "coppice/dist/detail/network.hpp"
#include "coppice/dist/distribution.hpp"
#include "coppice/net/listener.hpp"
#include "coppice/otp/gen_server.hpp"

#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace coppice::dist::detail {

/// The connections to us that have yet to prove the cookie: when there are too many, the oldest goes.
class half_open {
public:
  explicit half_open(std::size_t most) : most_(most) {}
  void enter(pid process);
  void leave(pid process) noexcept;

private:
  const std::size_t most_;
  std::mutex lock_;
  std::deque<pid> waiting_;
};

/// Where those who come and those who go meet: the names of newcomers under way, so that nobody dials a node
/// that is about to be connected.
class meeting {
public:
  /// Decides under the one lock; a newcomer that is let in has its name noted until `over`.
  welcome let_in(const std::string& name, const std::function<welcome()>& decide);
  void over(const std::string& name) noexcept;
  /// Whether no such newcomer is under way, in which case `begin` is called under the lock.
  bool begin_unless_coming(const std::string& name, const std::function<void()>& begin);

private:
  std::mutex lock_;
  std::multiset<std::string> coming_;
};

/// What all processes of the distribution share: the options, and the node's network.
struct setting {
  setting(options o, network& all);

  [[nodiscard]] handshake_side side() const;
  [[nodiscard]] net::endpoint epmd_here() const { return net::endpoint::loopback(epmd_port); }

  const options how;
  network& net;
  const std::uint16_t epmd_port;
  mutable std::atomic<std::uint16_t> listen_port{0}; ///< the one found
  mutable half_open newcomers;
  mutable meeting met;
};
using shared_setting = std::shared_ptr<const setting>;

} // namespace coppice::dist::detail

namespace coppice {
/// What in it changes has a lock of its own.
template <>
struct enable_sendable<dist::detail::setting> {
  static constexpr bool value = true;
};
} // namespace coppice

namespace coppice::dist::detail {

/// What a node of that name answers: it is let in, and its signals carried until the end.
task<> accept_peer(self me, net::stream connection, shared_setting what);
/// Makes the connection with a peer, and carries its signals until the end.
process connect_to_peer(self me, shared_setting what, std::uint32_t number);

/// From the process that keeps the node listed: how the first attempt went; empty: well.
struct listed {
  std::string error;
};
/// Keeps the node listed with the port mapper, or is the port mapper. Tells `whom` of its first attempt.
process keep_listed(self me, shared_setting what, pid whom);

/// `monitor_nodes`: of the caller.
struct watch_nodes {
  pid who;
  bool on = true;
};
/// `monitor_node`.
struct watch_node {
  pid who;
  atom node;
  bool on = true;
};
struct tick_alarm {};

class net_kernel : public gen_server {
public:
  using protocol = coppice::protocol<calls<node_is_up, bool>, calls<watch_nodes, bool>, casts<node_is_down>,
                                     casts<watch_node>, casts<connection_wanted>, infos<tick_alarm>,
                                     infos<down>, infos<coppice::exit_signal>>;

  explicit net_kernel(shared_setting what) : what_(std::move(what)) {}
  task<> init();
  bool handle_call(const node_is_up& news);
  bool handle_call(const watch_nodes& wish);
  result<term> handle_call(const term& request, from who);
  void handle_cast(const node_is_down& news);
  void handle_cast(const watch_node& wish);
  void handle_cast(const connection_wanted& wish);
  void handle_info(tick_alarm);
  void handle_info(const down& gone);
  result<> handle_info(const coppice::exit_signal& gone);
  void terminate(const exit_reason& reason);
  [[nodiscard]] term state() const;

private:
  /// A connection that watchers know of.
  struct known_connection {
    std::uint64_t number = 0;
    bool hidden = false;
  };

  void listen();
  void watch(pid who);
  void tell_all(const node_is_down& news);
  void tell_waiting(const node_is_down& news);
  task<> start_global();

  shared_setting what_;
  std::optional<net::listener> listener_;
  pid global_;                ///< the server of `global`; none on a hidden node
  std::map<pid, int> of_all_; ///< who wants to know of all nodes, and how often it asked
  std::map<atom, known_connection> up_;
  /// Who waits for the end of that one, and of which connections with it.
  std::map<atom, std::map<pid, std::vector<std::uint64_t>>> of_one_;
  std::map<pid, reference> watched_;
};

} // namespace coppice::dist::detail
