#include "cli/service_manager.hpp"

#include <array>
#include <chrono>
#include <cstring>
#include <gtest/gtest.h>
#include <stdexcept>
#include <string>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

namespace coppice::cli {
namespace {

using namespace std::chrono_literals;

/// A service manager's end of the socket, under an abstract name that the system chooses.
class manager_socket {
public:
  manager_socket() : fd_(socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)) {
    sockaddr_un at{};
    at.sun_family = AF_UNIX;
    EXPECT_EQ(bind(fd_, reinterpret_cast<sockaddr*>(&at), sizeof(sa_family_t)), 0);
    socklen_t size = sizeof at;
    EXPECT_EQ(getsockname(fd_, reinterpret_cast<sockaddr*>(&at), &size), 0);
    name_ = "@" + std::string(at.sun_path + 1, size - offsetof(sockaddr_un, sun_path) - 1);
  }
  manager_socket(const manager_socket&) = delete;
  ~manager_socket() { close(fd_); }

  [[nodiscard]] const std::string& name() const { return name_; }
  /// What has come; empty if nothing.
  [[nodiscard]] std::string next() const {
    std::array<char, 256> text{};
    const ssize_t n = recv(fd_, text.data(), text.size(), 0);
    return n < 0 ? "" : std::string(text.data(), static_cast<std::size_t>(n));
  }

private:
  int fd_;
  std::string name_;
};

std::string refusal(const service_environment& e) {
  try {
    service_manager m(e);
  } catch (const std::runtime_error& error) {
    return error.what();
  }
  return "";
}

TEST(service_manager, nobody_is_told_where_there_is_nobody) {
  service_manager nobody(service_environment{});
  EXPECT_FALSE(nobody.notify("READY=1"));
  EXPECT_EQ(nobody.watchdog(), infinity);
}

TEST(service_manager, tells_the_socket_that_it_was_given) {
  manager_socket systemd;
  service_manager m({.notify_socket = systemd.name(), .watchdog_usec = {}, .watchdog_pid = {}});
  EXPECT_TRUE(m.notify("READY=1\nSTATUS=here"));
  EXPECT_EQ(systemd.next(), "READY=1\nSTATUS=here");
  EXPECT_EQ(systemd.next(), "");
}

TEST(service_manager, a_manager_that_has_gone_is_no_trouble) {
  std::string name = manager_socket().name();
  service_manager m({.notify_socket = name, .watchdog_usec = {}, .watchdog_pid = {}});
  EXPECT_FALSE(m.notify("READY=1"));
}

TEST(service_manager, reads_the_watchdog_that_is_meant_for_it) {
  const std::string me = std::to_string(getpid());
  EXPECT_EQ(service_manager({{}, "3000000", {}}).watchdog(), 3s);
  EXPECT_EQ(service_manager({{}, "3000000", me}).watchdog(), 3s);
  EXPECT_EQ(service_manager({{}, "3000000", me + "0"}).watchdog(), infinity);
  EXPECT_EQ(service_manager({{}, "9223372036854775807", {}}).watchdog(), infinity);
}

TEST(service_manager, names_the_variable_that_is_malformed) {
  EXPECT_NE(refusal({"relative/path", {}, {}}).find("NOTIFY_SOCKET='relative/path'"), std::string::npos);
  EXPECT_NE(refusal({"/" + std::string(200, 'x'), {}, {}}).find("NOTIFY_SOCKET"), std::string::npos);
  EXPECT_NE(refusal({"@", {}, {}}).find("NOTIFY_SOCKET"), std::string::npos);
  EXPECT_NE(refusal({{}, "soon", {}}).find("WATCHDOG_USEC='soon'"), std::string::npos);
  EXPECT_NE(refusal({{}, "-1", {}}).find("WATCHDOG_USEC"), std::string::npos);
  EXPECT_NE(refusal({{}, "1", "x"}).find("WATCHDOG_PID"), std::string::npos);
}

TEST(heartbeat, beats_twice_a_period_while_processes_run) {
  manager_socket systemd;
  service_manager m({systemd.name(), "2000000", {}});
  node home(stepped());
  heartbeat heart(home, m);
  for (int beat = 0; beat < 3; ++beat) {
    heart.tend();
    EXPECT_EQ(systemd.next(), "WATCHDOG=1");
    home.run_until_idle();
    heart.tend();
    EXPECT_EQ(systemd.next(), "") << "too soon";
    home.advance(1s);
  }
}

TEST(heartbeat, stops_when_no_process_runs_any_more) {
  manager_socket systemd;
  service_manager m({systemd.name(), "2000000", {}});
  auto time = std::make_shared<manual_clock>();
  node_options options = stepped();
  options.time = time;
  node home(std::move(options));
  heartbeat heart(home, m);
  heart.tend();
  EXPECT_EQ(systemd.next(), "WATCHDOG=1");
  time->advance(10s); // and nobody lets the process run that is to answer
  heart.tend();
  EXPECT_EQ(systemd.next(), "");
  home.run_until_idle();
  heart.tend();
  EXPECT_EQ(systemd.next(), "WATCHDOG=1");
}

TEST(heartbeat, is_silent_without_a_watchdog) {
  manager_socket systemd;
  service_manager m({systemd.name(), {}, {}});
  node home(stepped());
  heartbeat heart(home, m);
  heart.tend();
  EXPECT_EQ(systemd.next(), "");
}

} // namespace
} // namespace coppice::cli
