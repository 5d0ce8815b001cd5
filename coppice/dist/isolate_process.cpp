#include "coppice/dist/isolate_process.hpp"

#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <fcntl.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

extern char** environ;

namespace coppice::dist::detail {

using namespace literals;

owned_descriptor::~owned_descriptor() {
  if (fd_ >= 0) ::close(fd_);
}

namespace {

std::unexpected<std::error_code> failed(int error) {
  return std::unexpected(std::error_code(error, std::system_category()));
}

/// What the OS process begins with: no signal blocked or ignored, a group of its own, so that what a terminal
/// sends to the program's does not end it, and no descriptors but the standard ones and its end.
class start_attributes {
public:
  explicit start_attributes(int its_end) {
    posix_spawnattr_init(&attributes_);
    posix_spawn_file_actions_init(&files_);
    sigset_t none;
    sigset_t all;
    sigemptyset(&none);
    sigfillset(&all);
    posix_spawnattr_setsigmask(&attributes_, &none);
    posix_spawnattr_setsigdefault(&attributes_, &all);
    posix_spawnattr_setpgroup(&attributes_, 0);
    posix_spawnattr_setflags(&attributes_,
                             POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP);
    posix_spawn_file_actions_adddup2(&files_, its_end, isolate_descriptor);
    posix_spawn_file_actions_addopen(&files_, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_addclosefrom_np(&files_, isolate_descriptor + 1);
  }
  ~start_attributes() {
    posix_spawn_file_actions_destroy(&files_);
    posix_spawnattr_destroy(&attributes_);
  }
  start_attributes(const start_attributes&) = delete;
  start_attributes& operator=(const start_attributes&) = delete;

  int start(pid_t* id) {
    std::string name = "isolate";
    std::string argument(isolate_argument);
    std::array<char*, 3> arguments{name.data(), argument.data(), nullptr};
    return posix_spawn(id, "/proc/self/exe", &files_, &attributes_, arguments.data(), environ);
  }

private:
  posix_spawnattr_t attributes_{};
  posix_spawn_file_actions_t files_{};
};

term how_it_ended(const siginfo_t& what) {
  if (what.si_code == CLD_EXITED) return term::tuple("exit_status"_atom, what.si_status);
  const char* name = ::sigabbrev_np(what.si_status);
  if (name == nullptr) return term::tuple("signal"_atom, what.si_status);
  return term::tuple("signal"_atom, atom("SIG" + std::string(name)));
}

} // namespace

std::expected<isolate_process, std::error_code> isolate_process::start(const owned_descriptor& its_end) {
  pid_t id = 0;
  if (const int error = start_attributes(its_end.get()).start(&id); error != 0) return failed(error);
  isolate_process made(id);
  made.watch_ = owned_descriptor(static_cast<int>(::syscall(SYS_pidfd_open, id, 0))); // closed on exec
  if (made.watch_.get() < 0) return failed(errno);
  return made;
}

isolate_process::~isolate_process() {
  if (id_ == 0) return;
  kill();
  while (::waitpid(id_, nullptr, 0) < 0 && errno == EINTR) {
  }
}

std::optional<term> isolate_process::ended() {
  siginfo_t what{};
  if (::waitid(P_PID, static_cast<id_t>(id_), &what, WEXITED | WNOHANG) < 0) {
    if (errno != ECHILD) return std::nullopt;
    id_ = 0; // somebody else in the program reaps all children
    return term("unknown"_atom);
  }
  if (what.si_pid == 0) return std::nullopt;
  id_ = 0;
  return how_it_ended(what);
}

void isolate_process::kill() noexcept { ::kill(id_, SIGKILL); }

std::expected<std::pair<owned_descriptor, owned_descriptor>, std::error_code> make_socket_pair() {
  std::array<int, 2> both{};
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, both.data()) != 0) return failed(errno);
  return std::pair(owned_descriptor(both[0]), owned_descriptor(both[1]));
}

void set_blocking(int fd, bool on) noexcept {
  const int flags = ::fcntl(fd, F_GETFL);
  ::fcntl(fd, F_SETFL, on ? flags & ~O_NONBLOCK : flags | O_NONBLOCK);
}

} // namespace coppice::dist::detail
