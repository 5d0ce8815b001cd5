// The OS process of an isolate, from both ends: starting and reaping it, and what it is told at its start.
#pragma once

#include "coppice/runtime/api.hpp"
#include "coppice/term/id.hpp"
#include "coppice/term/term.hpp"

#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <sys/types.h>
#include <system_error>
#include <utility>

namespace coppice::dist::detail {

/// What an isolate reads before anything else: who it is, what it may take, and what it is to run.
struct isolate_order {
  std::string name; ///< its node's
  std::uint32_t creation = 0;
  std::string host; ///< the node that it belongs to
  std::uint32_t host_creation = 0;
  std::uint64_t memory = 0;
  std::uint64_t cpu_seconds = 0;
  unsigned cores = 1;
  std::string job; ///< an `isolate_job`, of which only a node with a name can make terms
};
struct isolate_job {
  std::string class_name;
  term arguments;
  pid proxy; ///< the process of the host that stands for the child
};

/// To the proxy: the child is up.
struct isolate_up {
  pid keeper; ///< who started it there
  pid child;
};
/// To the proxy: there is no child.
struct isolate_failed {
  term reason;
};
/// To the proxy: the OS process is no more; `{signal, Name}` or `{exit_status, N}`.
struct isolate_over {
  term how;
};

inline constexpr std::string_view isolate_argument = "--coppice-isolate";
inline constexpr int isolate_descriptor = 3; ///< its end of the socket
inline constexpr std::uint32_t most_of_an_order = 64U << 20U;

/// An open descriptor.
class owned_descriptor {
public:
  owned_descriptor() noexcept = default;
  explicit owned_descriptor(int fd) noexcept : fd_(fd) {}
  owned_descriptor(owned_descriptor&& other) noexcept : fd_(other.release()) {}
  owned_descriptor& operator=(owned_descriptor&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~owned_descriptor();
  [[nodiscard]] int get() const noexcept { return fd_; }
  [[nodiscard]] int release() noexcept { return std::exchange(fd_, -1); }

private:
  int fd_ = -1;
};

/// A child of this OS process. Whatever happens it is reaped: the destructor kills it first.
class isolate_process {
public:
  /// Starts this program once more, with that end of a socket.
  static std::expected<isolate_process, std::error_code> start(const owned_descriptor& its_end);
  isolate_process(isolate_process&& other) noexcept
      : id_(std::exchange(other.id_, 0)), watch_(std::move(other.watch_)) {}
  isolate_process& operator=(isolate_process&&) = delete;
  ~isolate_process();

  [[nodiscard]] pid_t id() const noexcept { return id_; }
  /// To be waited for: readable once it has ended.
  [[nodiscard]] owned_descriptor take_watch() noexcept { return std::move(watch_); }
  /// Reaps it if it has ended: how.
  std::optional<term> ended();
  void kill() noexcept;

private:
  explicit isolate_process(pid_t id) noexcept : id_(id) {}
  pid_t id_;
  owned_descriptor watch_;
};

/// A pair of connected sockets, closed on exec.
std::expected<std::pair<owned_descriptor, owned_descriptor>, std::error_code> make_socket_pair();
/// Whether what is read from the descriptor, or written to it, waits.
void set_blocking(int fd, bool on) noexcept;

} // namespace coppice::dist::detail

namespace coppice {
/// Has one owner at a time.
template <>
struct enable_sendable<dist::detail::isolate_process> {
  static constexpr bool value = true;
};
} // namespace coppice
