// pg: named groups of processes. OTP: module pg.
//
//   auto scope = co_await pg::start_link();                    // once in a node, usually by a supervisor
//   co_await pg::join("room:42"_atom, me);
//   for (pid p : pg::get_members("room:42"_atom)) send(p, m);
//
// A group is any term; it exists while it has members. A process may join a group several times and is then a
// member as many times. Who ends is a member no more. Scopes are apart from each other; the default is `pg`.
// Reads look at a shared table and ask nobody; joins, leaves and monitors go through the scope's process.
//
// On a distributed node the scopes of one name are one, Coppice's and Erlang's (OTP 25 to 28) alike: all see
// the members of all. Each node says who of its own processes is a member; when it is lost, they are none any
// more. Groups are shared with visible nodes; a hidden node shares them with all that it is connected with.
#pragma once

#include "coppice/otp/gen_server.hpp"
#include "coppice/otp/node_events.hpp"
#include "coppice/otp/ok.hpp"

#include <memory>
#include <optional>
#include <unordered_map>
#include <utility>
#include <vector>

namespace coppice::pg {

/// The scope that is meant when none is named.
atom default_scope();

/// What a monitor's owner receives: `{Ref, join, Group, Pids}`.
struct joined {
  reference ref;            ///< of the monitor
  term group;               ///< the one that changed
  std::vector<pid> members; ///< those that are new
};
/// `{Ref, leave, Group, Pids}`
struct left {
  reference ref;            ///< of the monitor
  term group;               ///< the one that changed
  std::vector<pid> members; ///< those that have left or ended
};

/// The answer to `monitor`: its reference and who is a member now.
struct group_monitor {
  reference ref;            ///< what `joined` and `left` will carry
  std::vector<pid> members; ///< all that were there before the first of those
};
/// The answer to `monitor_scope`.
struct scope_monitor {
  reference ref;                                         ///< what `joined` and `left` will carry
  std::vector<std::pair<term, std::vector<pid>>> groups; ///< and their members, before the first of those
};

} // namespace coppice::pg

namespace coppice {

template <>
struct describe<pg::joined> {
  static term to(const pg::joined& e);
  static std::expected<pg::joined, decode_error> from(const term& t);
};
template <>
struct describe<pg::left> {
  static term to(const pg::left& e);
  static std::expected<pg::left, decode_error> from(const term& t);
};

} // namespace coppice

namespace coppice::pg {

namespace detail {

struct join {
  term group;
  std::vector<pid> processes;
};
struct leave {
  term group;
  std::vector<pid> processes;
};
struct watch_group {
  term group;
  pid watcher;
};
struct watch_scope {
  pid watcher;
};
struct unwatch {
  reference ref;
};

class table;

} // namespace detail

/// The process of a scope; `child<pg::scope>("pg", local("pg"), pg::default_scope())` puts it under a
/// supervisor.
class scope : public gen_server {
public:
  /// The scope of that name, which its process must be registered under, as `pg::start_link` does it.
  explicit scope(atom name);
  /// @cond internal
  using protocol =
      coppice::protocol<calls<detail::join, ok>, calls<detail::leave, bool>,
                        calls<detail::watch_group, group_monitor>, calls<detail::watch_scope, scope_monitor>,
                        calls<detail::unwatch, bool>, infos<down>, infos<node_came>>;
  ~scope();
  scope(const scope&) = delete;
  scope& operator=(const scope&) = delete;

  void init();
  ok handle_call(const detail::join& request);
  bool handle_call(const detail::leave& request);
  group_monitor handle_call(detail::watch_group request);
  scope_monitor handle_call(const detail::watch_scope& request);
  bool handle_call(const detail::unwatch& request);
  void handle_info(const down& gone);
  void handle_info(const node_came& news);
  void handle_info(const term& message);
  void handle_cast(const term& message);
  /// @endcond

private:
  struct member {
    reference ref;
    std::vector<term> groups; ///< as often as it has joined
  };
  struct watcher {
    pid process;
    std::optional<term> group; ///< none: the whole scope
  };
  /// The scope's process on another node.
  struct peer {
    reference ref;
    bool knows_us = false; ///< it has had all our members, and wants the changes
    std::unordered_map<term, std::vector<pid>> groups;
  };
  template <class Change>
  void tell(const term& group, const std::vector<pid>& processes);
  void add(const term& group, const std::vector<pid>& processes);
  void remove(const term& group, const std::vector<pid>& processes);

  void announce(const term& change);
  peer& meet(pid process);
  void discovered_by(pid process);
  void synchronize(pid process, const term& groups);
  void peer_joined(pid process, const term& group, const term& processes);
  void peer_left(pid process, const term& processes, const term& groups);
  void peer_is_down(const down& gone);
  [[nodiscard]] term own_members() const;

  atom name_;
  pid me_;
  std::shared_ptr<detail::table> table_;
  std::unordered_map<pid, member> members_;
  std::unordered_map<reference, watcher> watchers_;
  std::unordered_map<pid, peer> peers_;
};

/// Starts a scope, whose process has its name (OTP: `pg:start_link/0,1`).
[[nodiscard]] start_server<scope> start_link(atom name = default_scope());
/// The same on its own (OTP: `pg:start/1`).
[[nodiscard]] start_server<scope> start(atom name = default_scope());

/// Adds processes of this node to a group (OTP: `pg:join/2,3`). The caller exits if there is no such scope,
/// and with `{nolocal, Pid}` for one of another node.
[[nodiscard]] call_awaiter<ok> join(atom scope, term group, std::vector<pid> processes);
/// One process, in the default scope.
[[nodiscard]] call_awaiter<ok> join(term group, pid process);
/// Takes processes of this node out, each once; false if one of them was no member (OTP: `not_joined`), the
/// others having left.
[[nodiscard]] call_awaiter<bool> leave(atom scope, term group, std::vector<pid> processes);
/// One process, in the default scope.
[[nodiscard]] call_awaiter<bool> leave(term group, pid process);

/// The members of a group, in the order in which they joined (OTP: `pg:get_members/1,2`). A lock shared with
/// other readers, and a copy.
std::vector<pid> get_members(const atom& scope, const term& group);
/// The same in the default scope.
std::vector<pid> get_members(const term& group);
/// Those of them on this node (OTP: `pg:get_local_members/1,2`).
std::vector<pid> get_local_members(const atom& scope, const term& group);
/// The same in the default scope.
std::vector<pid> get_local_members(const term& group);
/// The groups that have members, in no order (OTP: `pg:which_groups/0,1`).
std::vector<term> which_groups(const atom& scope = default_scope());

/// Watches a group: `joined` and `left` come as messages (OTP: `pg:monitor/1,2`).
[[nodiscard]] call_awaiter<group_monitor> monitor(atom scope, term group);
/// The same in the default scope.
[[nodiscard]] call_awaiter<group_monitor> monitor(term group);
/// Watches all groups of a scope (OTP: `pg:monitor_scope/0,1`).
[[nodiscard]] call_awaiter<scope_monitor> monitor_scope(atom scope = default_scope());
/// Ends a monitor; false if there was none (OTP: `pg:demonitor/1,2`).
[[nodiscard]] call_awaiter<bool> demonitor(atom scope, reference ref);
/// The same in the default scope.
[[nodiscard]] call_awaiter<bool> demonitor(reference ref);

} // namespace coppice::pg
