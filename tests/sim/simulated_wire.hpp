// A network between two simulated nodes: streams of bytes that take their time, and cuts of either direction.
#pragma once

#include "coppice/sim/world.hpp"

#include <array>
#include <cstddef>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace coppice::sim {

/// To the process at one end of a stream: what has come; nothing is the end.
struct arrived {
  std::string bytes;
};

/// Bytes are never lost, as TCP's are not: a cut holds them up, and who gives up first ends the stream.
class simulated_wire final : public world::outside {
public:
  using side = std::size_t; ///< one of the two nodes: 0 is the world's home
  /// Starts a process at that side for a stream that the other side has opened.
  using acceptor = std::function<pid(side, std::size_t stream)>;

  simulated_wire(world& w, node& other, acceptor accept);

  /// A stream with that process of ours at one end; the other side knows of it with the first bytes.
  std::size_t open(side from, pid process);
  /// `whole`: they arrive in one piece, and nothing else with them.
  void write(std::size_t stream, side from, std::string bytes, bool whole = false);
  /// The process has ended: the other is told.
  void close(std::size_t stream, side from);

  /// Whether what goes to that side is held up.
  void cut(side to, bool on) { cut_[to] = on; }
  /// Nothing takes its time from now on.
  void hurry() { slow_ = 0; }

  bool move() override;
  [[nodiscard]] std::optional<time_point> next() const override;

private:
  struct piece {
    time_point due;
    std::string bytes;
    bool whole;
  };
  struct stream {
    std::array<pid, 2> ends;
    std::array<bool, 2> closed{false, false};
    std::array<std::deque<piece>, 2> to; ///< by the side where it arrives
  };

  void push(stream& s, side to, std::string bytes, bool whole);
  void arrive(std::size_t number, side to);

  world& world_;
  std::array<node*, 2> nodes_;
  acceptor accept_;
  std::array<bool, 2> cut_{false, false};
  int slow_; ///< microseconds that bytes take at most
  std::vector<std::unique_ptr<stream>> streams_;
};

} // namespace coppice::sim
