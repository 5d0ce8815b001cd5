// What a program tells the service manager that started it (systemd: sd_notify(3), sd_watchdog_enabled(3)).
#pragma once

#include "coppice/runtime/node.hpp"

#include <future>
#include <memory>
#include <string>
#include <string_view>

namespace coppice::cli {

/// The variables by which a service manager makes itself known; empty where there is none.
struct service_environment {
  std::string notify_socket; ///< NOTIFY_SOCKET: a path, or '@' and an abstract name
  std::string watchdog_usec; ///< WATCHDOG_USEC
  std::string watchdog_pid;  ///< WATCHDOG_PID: whom the watchdog is meant for; empty: whoever reads it

  static service_environment of_this_process();
};

/// The service manager, or nobody. Thread-safe.
class service_manager {
public:
  /// Throws std::runtime_error, which names the variable, if one is malformed.
  explicit service_manager(const service_environment& environment);

  /// Sends assignments, a line each, as `READY=1`. False if there is nobody, or nobody took it; never waits.
  bool notify(std::string_view assignments) const noexcept;
  /// At least so often it wants to hear `WATCHDOG=1`; `infinity` if it does not.
  [[nodiscard]] duration watchdog() const noexcept { return watchdog_; }

private:
  std::string address_; ///< as in sockaddr_un: an abstract name begins with NUL
  duration watchdog_ = infinity;
};

/// Says that the node is well, twice in each period of the watchdog, as long as it is: a process that was
/// started for the last beat must have run. A node whose schedulers are stuck falls silent, and is restarted.
class heartbeat {
public:
  heartbeat(node& home, const service_manager& manager);

  /// To be called often, from one thread.
  void tend();

private:
  static process answer(self, std::unique_ptr<std::promise<void>> into);

  node& home_;
  const service_manager& manager_;
  std::future<void> answered_; ///< of the last beat's process
  time_point next_;
};

} // namespace coppice::cli
