#include "cli/service_manager.hpp"

#include <charconv>
#include <cstdlib>
#include <cstring>
#include <fmt/format.h>
#include <limits>
#include <optional>
#include <stdexcept>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include <utility>

namespace coppice::cli {
namespace {

std::string variable(const char* name) {
  const char* value = std::getenv(name); // NOLINT(concurrency-mt-unsafe): nothing here sets variables
  return value != nullptr ? value : "";
}

std::int64_t positive(const char* name, const std::string& text) {
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || value <= 0)
    throw std::runtime_error(fmt::format("{}='{}' is no positive number", name, text));
  return value;
}

} // namespace

service_environment service_environment::of_this_process() {
  return {variable("NOTIFY_SOCKET"), variable("WATCHDOG_USEC"), variable("WATCHDOG_PID")};
}

service_manager::service_manager(const service_environment& environment)
    : address_(environment.notify_socket) {
  if (!address_.empty()) {
    if ((address_[0] != '/' && address_[0] != '@') || address_.size() < 2 ||
        address_.size() >= sizeof(sockaddr_un::sun_path)) {
      throw std::runtime_error(
          fmt::format("NOTIFY_SOCKET='{}' is neither a path nor '@' and a name, or is too long", address_));
    }
    if (address_[0] == '@') address_[0] = '\0';
  }
  if (environment.watchdog_usec.empty()) return;
  const std::int64_t usec = positive("WATCHDOG_USEC", environment.watchdog_usec);
  if (!environment.watchdog_pid.empty() &&
      positive("WATCHDOG_PID", environment.watchdog_pid) != static_cast<std::int64_t>(getpid())) {
    return; // meant for another process
  }
  constexpr std::int64_t most = std::numeric_limits<std::int64_t>::max() / 1000;
  watchdog_ = usec > most ? infinity : duration(std::chrono::microseconds(usec));
}

bool service_manager::notify(std::string_view assignments) const noexcept {
  if (address_.empty()) return false;
  const int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0) return false;
  sockaddr_un to{};
  to.sun_family = AF_UNIX;
  std::memcpy(to.sun_path, address_.data(), address_.size());
  const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + address_.size());
  const ssize_t sent = sendto(fd, assignments.data(), assignments.size(), MSG_NOSIGNAL,
                              reinterpret_cast<const sockaddr*>(&to), size);
  close(fd);
  return sent == static_cast<ssize_t>(assignments.size());
}

heartbeat::heartbeat(node& home, const service_manager& manager)
    : home_(home), manager_(manager), next_(home.time().now()) {}

process heartbeat::answer(self, std::unique_ptr<std::promise<void>> into) {
  into->set_value();
  co_return;
}

void heartbeat::tend() {
  if (manager_.watchdog() == infinity || home_.time().now() < next_) return;
  if (answered_.valid() && answered_.wait_for(duration::zero()) != std::future_status::ready) return;
  manager_.notify("WATCHDOG=1");
  next_ = home_.time().now() + manager_.watchdog() / 2;
  auto promise = std::make_unique<std::promise<void>>();
  answered_ = promise->get_future();
  home_.spawn(&heartbeat::answer, std::move(promise));
}

} // namespace coppice::cli
