#include "servers/messaging/core/sign_in_throttle.hpp"

#include <algorithm>
#include <arpa/inet.h>
#include <array>

namespace coppice::messaging {
namespace {

std::string pair_of(const std::string& account, const std::string& address) {
  return account + ' ' + address;
}

} // namespace

duration sign_in_throttle::wait_of(const counts& in, const std::string& key, unsigned allowed, time_point now,
                                   duration period) {
  const auto found = in.find(key);
  if (allowed == 0 || found == in.end() || found->second.failures < allowed) return duration::zero();
  return std::max(duration::zero(), duration(found->second.since + period - now));
}

void sign_in_throttle::add(counts& in, const std::string& key, time_point now, duration period) {
  if (in.size() >= most && !in.contains(key)) {
    std::erase_if(in, [&](const auto& one) { return now - one.second.since >= period; });
    if (in.size() >= most) in.erase(in.begin());
  }
  count& counted = in.try_emplace(key, count{0, now}).first->second;
  if (now - counted.since >= period) counted = {0, now};
  ++counted.failures;
}

void sign_in_throttle::forgive(counts& in, const std::string& key, unsigned failures) {
  const auto found = in.find(key);
  if (found != in.end()) found->second.failures -= std::min(failures, found->second.failures);
}

duration sign_in_throttle::wait(const std::string& account, const std::string& address, time_point now,
                                const sign_in_limits& limits) {
  const std::scoped_lock held(lock_);
  const duration here = wait_of(addresses_, address, limits.by_address, now, limits.period);
  if (known_.contains(pair_of(account, address))) return here;
  return std::max(here, wait_of(accounts_, account, limits.by_account, now, limits.period));
}

void sign_in_throttle::failed(const std::string& account, const std::string& address, time_point now,
                              const sign_in_limits& limits) {
  const std::scoped_lock held(lock_);
  if (!address.empty()) add(addresses_, address, now, limits.period);
  if (!account.empty()) add(accounts_, account, now, limits.period);
}

void sign_in_throttle::succeeded(const std::string& account, const std::string& address, time_point now,
                                 unsigned forgiven) {
  const std::scoped_lock held(lock_);
  forgive(accounts_, account, forgiven);
  if (address.empty()) return;
  forgive(addresses_, address, forgiven);
  std::string pair = pair_of(account, address);
  if (known_.size() >= most && !known_.contains(pair)) {
    known_.erase(std::ranges::min_element(known_, {}, [](const auto& one) { return one.second; }));
  }
  known_.insert_or_assign(std::move(pair), now);
}

std::string throttled_address(std::string_view endpoint) {
  const std::size_t colon = endpoint.rfind(':');
  if (colon == std::string_view::npos) return {};
  std::string host(endpoint.substr(0, colon));
  if (!host.starts_with('[') || !host.ends_with(']')) return host;
  host = host.substr(1, host.size() - 2);
  std::array<unsigned char, 16> bytes{};
  if (inet_pton(AF_INET6, host.c_str(), bytes.data()) != 1) return host;
  std::fill(bytes.begin() + 8, bytes.end(), 0);
  std::array<char, INET6_ADDRSTRLEN> text{};
  inet_ntop(AF_INET6, bytes.data(), text.data(), text.size());
  return std::string(text.data()) + "/64";
}

} // namespace coppice::messaging
