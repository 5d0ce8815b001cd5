// How much clients may send and how many connections they may have: by stream, and by the address that they
// come from.
#pragma once

#include "coppice/runtime/clock.hpp"

#include <chrono>
#include <cstddef>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>

namespace coppice::messaging {

/// What clients may do to the connection.
struct traffic_limits {
  std::size_t stream_rate = std::size_t{1} << 20U;   ///< bytes a second of a stream; 0: any number
  std::size_t address_rate = std::size_t{16} << 20U; ///< of all streams from an address; 0: any number
  std::size_t address_connections = 5'000;           ///< at once; 0: any number
  duration write_time = std::chrono::minutes(1);     ///< for a client to take 64 KiB
  bool operator==(const traffic_limits&) const = default;
};

/// Holds a sender to a rate in the long run. Whoever was silent for two seconds may send two seconds' worth
/// at once. Constant time.
class shaper {
public:
  /// So many bytes have come. How long to wait before more of them are read. `rate`: bytes a second; 0: any.
  duration pay(std::size_t bytes, time_point now, std::size_t rate) noexcept;

private:
  time_point paid_until_;
};

/// The addresses that clients come from. Thread-safe; constant time. An address is known as long as it has a
/// connection.
class client_addresses {
public:
  /// One more connection from there; false: there are `most` already (0: any number).
  bool enter(const std::string& address, std::size_t most);
  /// One less, of those that have entered.
  void leave(const std::string& address);
  /// As `shaper::pay`, for all who have entered from there.
  duration pay(const std::string& address, std::size_t bytes, time_point now, std::size_t rate);

private:
  struct one {
    std::size_t connections = 0;
    shaper all;
  };
  std::mutex lock_;
  std::unordered_map<std::string, one> by_address_;
};

/// What comes by one connection, as long as it lives. Of one process.
class incoming_traffic {
public:
  /// `address`: ''  is not counted, only the connection itself.
  incoming_traffic(client_addresses& all, std::string address, std::size_t most)
      : all_(all), address_(std::move(address)), held_(!address_.empty() && all_.enter(address_, most)) {}
  ~incoming_traffic() {
    if (held_) all_.leave(address_);
  }
  incoming_traffic(const incoming_traffic&) = delete;
  incoming_traffic& operator=(const incoming_traffic&) = delete;

  /// Its address had too many connections.
  [[nodiscard]] bool is_refused() const noexcept { return !held_ && !address_.empty(); }
  /// So many bytes have come by it: how long to wait before more are read.
  duration pay(std::size_t bytes, time_point now, const traffic_limits& limits);

private:
  client_addresses& all_;
  std::string address_;
  shaper own_;
  bool held_;
};

} // namespace coppice::messaging
