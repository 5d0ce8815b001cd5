// Listeners: a pool of acceptors that make one process of each connection, in the manner of Ranch.
#pragma once

#include "coppice/net/stream.hpp"

#include <atomic>
#include <functional>
#include <memory>
#include <optional>

namespace coppice::net {

/// What a connection's process runs. Called from any core, often at the same time: it keeps no mutable state.
/// The process ends when the task does; an exception ends that connection alone and is reported.
using connection_handler = std::function<task<>(self, stream)>;

/// Sent to every connection when its listener begins to stop: finish what is under way, then end. Those that
/// have not by `listener_options::drain_timeout` are killed.
struct drain {};

/// Where and how a listener accepts.
struct listener_options {
  net::endpoint endpoint;                           ///< port 0: any free one
  unsigned acceptors = 4;                           ///< processes that accept, spread over the cores
  std::size_t max_connections = 16384;              ///< beyond, connections wait in the backlog
  int backlog = 1024;                               ///< as `listen_options::backlog`
  bool reuse_port = false;                          ///< as `listen_options::reuse_port`
  duration drain_timeout = std::chrono::seconds(5); ///< from `drain` until connections that go on are killed
  const char* label = "connection";                 ///< of the connections' processes; of static storage
  /// With it connections are TLS: the handler is called after the handshake. One that fails ends that
  /// connection without a report (`listener::failed_handshakes`).
  std::optional<tls_server> tls = std::nullopt;
};

namespace detail {
struct listener_pool;

/// The figures, shared with every process of the listener.
struct listener_counters {
  std::atomic<std::size_t> connections{0};
  std::atomic<std::size_t> places{0}; ///< taken by connections, and for such as may just be accepted
  std::atomic<std::uint64_t> accepted{0};
  std::atomic<std::uint64_t> failed_handshakes{0};
  std::atomic<std::uint64_t> exhausted{
      0}; ///< accepts that failed for want of descriptors, memory or processes
};
} // namespace detail

/// A running listener as others see it: a value that any thread may read.
class listener {
public:
  /// The process that is linked to whoever started it; `exit(process(), exit_reason::shutdown())` drains it.
  [[nodiscard]] pid process() const noexcept { return process_; }
  /// Where it listens, with the port that was found.
  [[nodiscard]] const endpoint& local() const noexcept { return local_; }
  /// How many connections live now.
  [[nodiscard]] std::size_t connections() const noexcept { return counters_->connections; }
  /// How many there have been.
  [[nodiscard]] std::uint64_t accepted() const noexcept { return counters_->accepted; }
  /// How many ended in their TLS handshake.
  [[nodiscard]] std::uint64_t failed_handshakes() const noexcept { return counters_->failed_handshakes; }
  /// How often accepting was put off because the system had no descriptors or memory to give.
  [[nodiscard]] std::uint64_t exhausted() const noexcept { return counters_->exhausted; }

private:
  friend std::expected<listener, std::error_code> start_listener(listener_options options,
                                                                 connection_handler handler);
  listener(pid process, endpoint local, std::shared_ptr<const detail::listener_counters> counters) noexcept
      : process_(process), local_(local), counters_(std::move(counters)) {}

  pid process_;
  endpoint local_;
  std::shared_ptr<const detail::listener_counters> counters_;
};

/// Opens the port and starts the listener, linked to the caller, which is its parent: what a supervisor calls
/// to start such a child. The error is the system's: the port is taken, say.
///
/// The listener is a process that traps exits and is linked to its acceptors and connections. An acceptor
/// that crashes is started again (ten crashes within ten seconds end the listener); a connection that crashes
/// concerns nobody else. An exit signal from its parent, or `shutdown` from anybody, drains it: the port is
/// closed, connections get `drain`, the rest is killed after `drain_timeout`; it ends with the signal's
/// reason. If the listener itself is killed, its acceptors and connections die with it.
///
/// When the system is out of descriptors or memory, accepting is put off for a while, growing from 10 ms to 1
/// s, and a `warning` is reported.
std::expected<listener, std::error_code> start_listener(listener_options options, connection_handler handler);

} // namespace coppice::net
