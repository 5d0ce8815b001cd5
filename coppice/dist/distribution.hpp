// Distributed Erlang: this node among others, Coppice's and Erlang's alike. OTP: module net_kernel, and the
// functions of module erlang on nodes.
//
//   dist::options how{.name = "cpp@127.0.0.1", .cookie = secret};
//   auto net = co_await dist::start(how);
//   auto reply = co_await try_call_any<term>(remote_name{"echo", "erl@127.0.0.1"}, request);
//
// From then on whatever takes a pid takes one of another node: sending, links, monitors, calls. A connection
// is made when one is needed.
#pragma once

#include "coppice/dist/frames.hpp"
#include "coppice/dist/functions.hpp"
#include "coppice/net/endpoint.hpp"
#include "coppice/net/tls.hpp"
#include "coppice/otp/child.hpp"
#include "coppice/otp/ok.hpp"
#include "coppice/otp/start.hpp"
#include "coppice/runtime/task.hpp"

#include <chrono>
#include <cstdint>
#include <expected>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace coppice::dist {

/// How nodes find each other's ports.
enum class epmd_use : std::uint8_t {
  find_or_serve, ///< by the port mapper of the machine; if none runs, by one of our own
  find,          ///< by the port mapper, which must run
  none           ///< by fixed ports: `known`, else the port that this node listens at (as `erl_epmd_port`)
};

/// Both sides of TLS for connections between nodes (OTP: `-proto_dist inet_tls`). It is for all or for none.
struct tls_sides {
  net::tls_server server; ///< for those who connect to us; it should ask for certificates
  net::tls_client client; ///< for those to whom we connect
};

/// How a node takes part.
struct options {
  std::string name;       ///< in full, `cpp@127.0.0.1`: the host is where others look for it
  std::string cookie;     ///< what the nodes of a cluster share: 1 to 255 bytes; never sent, never logged
  bool published = false; ///< visible: others tell each other of it, and take it into `global`
  /// Where it listens; port 0: any free one. Anything but loopback wants TLS or a cookie of 20 bytes.
  net::endpoint listen = net::endpoint::loopback(0);
  epmd_use epmd = epmd_use::find_or_serve;          ///< how nodes find each other
  std::uint16_t epmd_port = 0;                      ///< 0: `ERL_EPMD_PORT`, else 4369
  std::map<std::string, net::endpoint> known = {};  ///< nodes by name, for which nobody is asked
  duration net_ticktime = std::chrono::seconds(60); ///< silence for a quarter longer ends a connection
  duration setup_time = std::chrono::seconds(7);    ///< for the whole of a connection's set-up
  std::size_t max_connections = 4096;               ///< of nodes that connect to us
  std::size_t max_half_open = 128; ///< connections to us that have yet to prove the cookie; older ones go
  std::optional<tls_sides> tls = std::nullopt; ///< without it nothing is encrypted
  /// What other nodes may run here; none: `safe_functions()`.
  std::shared_ptr<const function_table> functions = nullptr;
  /// OTP's `dist_buf_busy_limit`: bytes that wait for one connection, from which on senders are held up.
  std::size_t busy_limit = std::size_t{1} << 20;
  std::size_t most_queued = std::size_t{1} << 30; ///< bytes that wait, at which the connection is ended
  frame_limits frames{};                          ///< bounds of what peers send
};

/// The functions that other nodes may run where nothing else is said: those that look
/// (`add_erlang_functions`). Add your own, and give it to the options.
[[nodiscard]] std::shared_ptr<function_table>
safe_functions(duration net_ticktime = std::chrono::seconds(60));

/// Makes this node one of a cluster, linked to the caller (OTP: `net_kernel:start/2`). Errors say what is
/// wrong with the options, or that the name is taken or the port in use. The name is for the life of the
/// node.
task<std::expected<pid, exit_reason>> start(options how);
/// The same as a child of a supervisor, with the id `net_sup`.
[[nodiscard]] child_description child(options how);

/// The name of this node; `nonode@nohost` before it is distributed (Erlang: `node/0`).
[[nodiscard]] atom node_name();
/// The name of a process's node (Erlang: `node/1`).
[[nodiscard]] atom node_of(pid process);
/// Whether this node is distributed (Erlang: `is_alive/0`).
[[nodiscard]] bool is_alive();

/// Which of the connected nodes.
enum class node_kind : std::uint8_t {
  visible,
  hidden,   ///< on either side
  connected ///< both
};
/// The nodes that this one is connected with (Erlang: `nodes/1`). Linear in those ever connected with.
[[nodiscard]] std::vector<atom> nodes(node_kind which = node_kind::visible);

/// Connects, if it is not (Erlang: `net_kernel:connect_node/1`).
task<bool> connect_node(atom node);
/// Ends the connection; links and monitors see `noconnection` (Erlang: `erlang:disconnect_node/1`). False if
/// there was none.
bool disconnect_node(const atom& node);
/// Whether the node can be reached and shares our cookie (OTP: `net_adm:ping/1`).
task<bool> ping(atom node);

/// A node has been connected with.
struct nodeup {
  atom node;           ///< its name
  bool hidden = false; ///< on either side
};
/// The connection with a node is lost; `down` and `exit_signal` messages of that have been sent before.
struct nodedown {
  atom node;           ///< its name
  bool hidden = false; ///< on either side
  atom reason = {};    ///< `connection_closed`, `net_tick_timeout`, `disconnect`...; of `monitor_node` empty
};
/// Sends the caller `nodeup` and `nodedown` from now on, or no more (OTP: `net_kernel:monitor_nodes/2`, with
/// `{node_type, all}` and `nodedown_reason`). Each `true` wants a `false` of its own.
task<> monitor_nodes(bool on);
/// Sends the caller one `nodedown` when the connection with the node is lost, at once if there will be none
/// (Erlang: `monitor_node/2`).
void monitor_node(const atom& node, bool on);

} // namespace coppice::dist
