// What makes and carries connections between simulated nodes, in place of the net kernel and the processes
// that own sockets: the handshakes, frames, queues and ties are those of coppice/dist.
#pragma once

#include "coppice/dist/detail/net_kernel.hpp"
#include "coppice/dist/detail/network.hpp"
#include "tests/sim/simulated_wire.hpp"

#include <array>
#include <cstddef>
#include <cstdint>

namespace coppice::sim {

/// Two nodes, `a@sim` (the world's home) and `b@sim`.
class simulated_net {
public:
  using side = simulated_wire::side;

  explicit simulated_net(world& w);
  simulated_net(const simulated_net&) = delete;
  simulated_net& operator=(const simulated_net&) = delete;

  [[nodiscard]] world& in() { return world_; }
  [[nodiscard]] node& at(side s) { return *nodes_[s]; }
  [[nodiscard]] simulated_wire& wire() { return wire_; }
  [[nodiscard]] dist::detail::network& network(side s) { return *networks_[s]; }
  [[nodiscard]] atom name(side s) const;
  /// The other node as that one sees it.
  [[nodiscard]] dist::detail::peer& other(side s);
  /// A process of the other node as that one names it.
  [[nodiscard]] pid from(side s, pid process);
  /// How often what was under way was lost: with a connection, or with an attempt at one.
  [[nodiscard]] std::uint64_t losses() const { return losses_; }

  /// Starts at that side what makes its connections.
  void start(side s);
  /// No more connections are made; those that are end.
  void stop(side s);

  void count_loss() { ++losses_; }

  std::array<dist::detail::meeting, 2> met; ///< by side

private:
  world& world_;
  std::array<node*, 2> nodes_;
  std::array<dist::detail::network*, 2> networks_;
  simulated_wire wire_;
  std::uint64_t losses_ = 0;
};

} // namespace coppice::sim
