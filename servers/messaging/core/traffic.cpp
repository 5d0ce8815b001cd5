#include "servers/messaging/core/traffic.hpp"

#include <algorithm>

namespace coppice::messaging {

namespace {

using namespace std::chrono_literals;

constexpr duration at_once = 2s;

} // namespace

duration shaper::pay(std::size_t bytes, time_point now, std::size_t rate) noexcept {
  if (rate == 0) return duration::zero();
  const duration price(static_cast<duration::rep>(bytes) * duration(1s).count() /
                       static_cast<duration::rep>(rate));
  paid_until_ = std::max(paid_until_, now - at_once) + price;
  return std::max(duration::zero(), duration(paid_until_ - now));
}

bool client_addresses::enter(const std::string& address, std::size_t most) {
  const std::scoped_lock held(lock_);
  one& from = by_address_[address];
  if (most != 0 && from.connections >= most) return false;
  ++from.connections;
  return true;
}

void client_addresses::leave(const std::string& address) {
  const std::scoped_lock held(lock_);
  const auto from = by_address_.find(address);
  if (--from->second.connections == 0) by_address_.erase(from);
}

duration client_addresses::pay(const std::string& address, std::size_t bytes, time_point now,
                               std::size_t rate) {
  const std::scoped_lock held(lock_);
  return by_address_.at(address).all.pay(bytes, now, rate);
}

duration incoming_traffic::pay(std::size_t bytes, time_point now, const traffic_limits& limits) {
  const duration own = own_.pay(bytes, now, limits.stream_rate);
  if (!held_ || limits.address_rate == 0) return own;
  return std::max(own, all_.pay(address_, bytes, now, limits.address_rate));
}

} // namespace coppice::messaging
