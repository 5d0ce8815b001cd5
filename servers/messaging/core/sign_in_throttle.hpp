// Who has failed to sign in too often, and must wait. RFC 6120 section 6.5.9 (temporary-auth-failure).
//
// Failures are counted by where they come from, and by the account that was tried: the one bounds who guesses
// the passwords of many, the other many who guess the password of one. Whoever has signed in to an account
// from an address before is not kept out of it by what others try.
#pragma once

#include "coppice/runtime/clock.hpp"

#include <cstddef>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>

namespace coppice::messaging {

/// How often one may fail.
struct sign_in_limits {
  unsigned by_address = 20;                   ///< within a period; 0: as often as one likes
  unsigned by_account = 100;                  ///< likewise
  duration period = std::chrono::minutes(10); ///< from the first failure on; then all is forgotten
  bool operator==(const sign_in_limits&) const = default;
};

/// The counts. Thread-safe. Constant time, save when a table is full: linear then.
class sign_in_throttle {
public:
  /// Entries in each table. When it is full, those whose period is over go, else any: so whoever has that
  /// many addresses is no longer counted by them, but still by the accounts.
  static constexpr std::size_t most = 50'000;

  /// How long whoever tries that account from there has to wait; 0: he may try. `address`: '' is not counted.
  [[nodiscard]] duration wait(const std::string& account, const std::string& address, time_point now,
                              const sign_in_limits& limits);
  /// It was the wrong password.
  void failed(const std::string& account, const std::string& address, time_point now,
              const sign_in_limits& limits);
  /// It was the right one: the address is one of the account's from now on. `forgiven`: so many failures that
  /// came before on the same connection, with the same account, are not counted: clients try one mechanism
  /// after the other. All others stay.
  void succeeded(const std::string& account, const std::string& address, time_point now, unsigned forgiven);

private:
  struct count {
    unsigned failures = 0;
    time_point since;
  };
  using counts = std::unordered_map<std::string, count>;

  static duration wait_of(const counts& in, const std::string& key, unsigned allowed, time_point now,
                          duration period);
  static void forgive(counts& in, const std::string& key, unsigned failures);
  static void add(counts& in, const std::string& key, time_point now, duration period);

  std::mutex lock_;
  counts addresses_;
  counts accounts_;
  std::unordered_map<std::string, time_point> known_; ///< account and address, when they last went together
};

/// What stands for whoever has that endpoint (`127.0.0.1:5`, `[2001:db8::1]:5`): the IPv4 address, or the
/// first 64 bits of an IPv6 address, for a customer has all that begin so. '' for what is no endpoint.
std::string throttled_address(std::string_view endpoint);

} // namespace coppice::messaging
