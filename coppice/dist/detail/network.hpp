// The node's place among others: the peers by number, who they are, and what they have in common.
#pragma once

#include "coppice/dist/detail/peer.hpp"
#include "coppice/dist/functions.hpp"
#include "coppice/runtime/node.hpp"
#include "coppice/runtime/remote_channel.hpp"
#include "coppice/term/node_names.hpp"

#include <array>
#include <atomic>
#include <memory>
#include <mutex>
#include <unordered_map>
#include <vector>

namespace coppice::dist::detail {

/// Bounds of what waits for one connection.
struct queue_limits {
  std::size_t busy = std::size_t{1} << 20; ///< bytes from which on senders are held up
  std::size_t most = std::size_t{1} << 30; ///< bytes at which the connection is given up
};

/// To the net kernel: somebody has something for that peer.
struct connection_wanted {
  std::uint32_t number;
};

class network final : public remote_channel {
public:
  network(coppice::node& home, const atom& name, std::uint32_t creation);
  ~network() override;

  // --- remote_channel ---
  void deliver(pid to, coppice::detail::envelope_ptr message) noexcept override;
  void deliver_to_alias(const reference& alias, coppice::detail::envelope_ptr message) noexcept override;
  void abandon(pid to, std::uint64_t tag) noexcept override;
  void set_group_leader(pid leader, pid process) noexcept override;
  std::optional<pid> address(const atom& name, const atom& node) noexcept override;
  [[nodiscard]] atom node_name(std::uint32_t number) const noexcept override { return names.name(number); }

  /// The peer behind a number of `names`; null for the node itself and what can be no node.
  [[nodiscard]] peer* find(std::uint32_t number) noexcept;
  /// The peer of that name; null as before.
  [[nodiscard]] peer* find(const atom& node) noexcept;
  /// The peer of that name if it has been looked for before: for names of which nothing is proved.
  [[nodiscard]] peer* known(std::string_view node) const noexcept;
  /// All that have ever been looked for.
  [[nodiscard]] std::vector<peer*> peers() const;
  /// The registered name behind an address.
  [[nodiscard]] atom name_behind(pid address) const;

  /// Has the net kernel make a connection.
  void ask_for_connection(peer& with);
  /// Who speaks for the node as a whole.
  [[nodiscard]] pid speaker() const noexcept { return pid{net_kernel.load(std::memory_order_relaxed)}; }
  /// Of the processes that this node has started elsewhere: it answers the protocol of I/O.
  [[nodiscard]] pid group_leader() const noexcept {
    const std::uint64_t id = user.load(std::memory_order_relaxed);
    return id == 0 ? speaker() : pid{id};
  }

  /// Bounds of what waits for each connection, from now on.
  void set_limits(queue_limits most) noexcept;
  /// What other nodes may run here, from now on.
  void set_functions(std::shared_ptr<const function_table> table);
  [[nodiscard]] std::shared_ptr<const function_table> functions() const;

  coppice::node& home;
  node_names names;
  /// The same for the isolates of this node. They know it by a name of its own, which stays what it is when
  /// the node is distributed later.
  node_names names_for_isolates;
  struct {
    std::atomic<std::size_t> busy{queue_limits().busy};
    std::atomic<std::size_t> most{queue_limits().most};
  } limits;
  std::atomic<std::uint64_t> net_kernel{0}; ///< its id, while there is one
  std::atomic<std::uint64_t> user{0};       ///< the id of the process that writes what others print here

private:
  static constexpr std::uint32_t chunk_size = 1024;
  static constexpr std::uint32_t max_chunks = node_names::most / chunk_size;
  using chunk = std::array<std::atomic<peer*>, chunk_size>;

  std::array<std::atomic<chunk*>, max_chunks> chunks_{};
  mutable std::mutex lock_; ///< over adding a peer, and over what follows
  std::shared_ptr<const function_table> functions_;
  std::vector<std::unique_ptr<peer>> made_;
  std::unordered_map<atom, std::uint32_t> registered_numbers_;
  std::vector<atom> registered_names_;
};

/// The node's network, once it has one.
[[nodiscard]] network* network_of(coppice::node& home) noexcept;
/// The same; if it has none yet, one in which it has that name. `nonode@nohost` is none: another can follow.
[[nodiscard]] network& network_for(coppice::node& home, const atom& name, std::uint32_t creation);

} // namespace coppice::dist::detail
