// A program at a terminal of its own: the test types, and reads what stands there.
#pragma once

#include <array>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <fcntl.h>
#include <filesystem>
#include <poll.h>
#include <spawn.h>
#include <string>
#include <string_view>
#include <sys/wait.h>
#include <system_error>
#include <unistd.h>
#include <utility>
#include <vector>

namespace coppice {

class terminal {
public:
  /// `environment`: what is set besides the test's own, as `NAME=value`.
  terminal(const std::filesystem::path& program, std::vector<std::string> arguments,
           std::vector<std::string> environment) {
    open();
    arguments.insert(arguments.begin(), program.string());
    environment.emplace_back("TERM=vt100");
    for (char** e = environ; *e != nullptr; ++e) environment.emplace_back(*e); // of two the first counts
    std::vector<char*> argv = pointers(arguments);
    std::vector<char*> envp = pointers(environment);
    posix_spawn_file_actions_t files;
    posix_spawn_file_actions_init(&files);
    posix_spawn_file_actions_addopen(&files, 0, other_end_.c_str(), O_RDWR, 0); // the terminal of the session
    posix_spawn_file_actions_adddup2(&files, 0, 1);
    posix_spawn_file_actions_adddup2(&files, 0, 2);
    posix_spawnattr_t how;
    posix_spawnattr_init(&how);
    posix_spawnattr_setflags(&how, POSIX_SPAWN_SETSID);
    const int failed = posix_spawn(&id_, program.c_str(), &files, &how, argv.data(), envp.data());
    posix_spawnattr_destroy(&how);
    posix_spawn_file_actions_destroy(&files);
    if (failed != 0) throw std::system_error(failed, std::generic_category(), program.string());
  }
  ~terminal() {
    if (id_ != 0) {
      kill(-id_, SIGKILL);
      waitpid(id_, nullptr, 0);
    }
    close(descriptor_);
  }
  terminal(const terminal&) = delete;
  terminal& operator=(const terminal&) = delete;

  void type(std::string_view text) const {
    if (write(descriptor_, text.data(), text.size()) != static_cast<ssize_t>(text.size())) {
      throw std::system_error(errno, std::generic_category(), "write to the terminal");
    }
  }
  /// Reads up to that text; all that came if it does not come within 30 s.
  std::string read_until(std::string_view text) {
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(30);
    std::string all = std::exchange(ahead_, "");
    for (;;) {
      const std::size_t at = all.find(text);
      if (at != std::string::npos) {
        ahead_ = all.substr(at + text.size());
        all.resize(at);
        return all;
      }
      const auto left = end - std::chrono::steady_clock::now();
      pollfd which{descriptor_, POLLIN, 0};
      const auto wait = std::chrono::duration_cast<std::chrono::milliseconds>(left).count();
      if (wait <= 0 || poll(&which, 1, static_cast<int>(wait)) <= 0) return all;
      std::array<char, 4096> buffer{};
      const ssize_t n = read(descriptor_, buffer.data(), buffer.size());
      if (n <= 0) return all;
      all.append(buffer.data(), static_cast<std::size_t>(n));
    }
  }
  /// Until it has ended: its exit status, or -1 if a signal ended it.
  int wait() {
    int status = 0;
    while (waitpid(id_, &status, 0) < 0 && errno == EINTR) {
    }
    id_ = 0;
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  }

private:
  void open() {
    descriptor_ = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
    std::array<char, 128> name{};
    if (descriptor_ < 0 || grantpt(descriptor_) != 0 || unlockpt(descriptor_) != 0 ||
        ptsname_r(descriptor_, name.data(), name.size()) != 0) {
      throw std::system_error(errno, std::generic_category(), "a terminal");
    }
    other_end_ = name.data();
  }
  static std::vector<char*> pointers(std::vector<std::string>& texts) {
    std::vector<char*> all;
    all.reserve(texts.size() + 1);
    for (std::string& t : texts) all.push_back(t.data());
    all.push_back(nullptr);
    return all;
  }

  int descriptor_ = -1;
  std::string other_end_;
  pid_t id_ = 0;
  std::string ahead_;
};

} // namespace coppice
