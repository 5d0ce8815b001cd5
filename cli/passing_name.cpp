#include "cli/passing_name.hpp"

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

namespace coppice::cli {

passing_name::passing_name() {
  constexpr int most = 10'000;
  held_ = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  for (int n = 0; held_ >= 0 && n < most; ++n) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    const std::string place = fmt::format("coppice-cli-{}", n);
    std::ranges::copy(place, address.sun_path + 1); // behind a zero: the kernel's own name space
    const auto length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + 1 + place.size());
    if (::bind(held_, reinterpret_cast<const sockaddr*>(&address), length) == 0) {
      text_ = fmt::format("cli-{}@127.0.0.1", n);
      return;
    }
    if (errno != EADDRINUSE) break;
  }
  text_ = fmt::format("cli-p{}@127.0.0.1", getpid());
}

passing_name::~passing_name() {
  if (held_ >= 0) ::close(held_);
}

} // namespace coppice::cli
