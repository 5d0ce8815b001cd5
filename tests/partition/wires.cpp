#include "tests/partition/wires.hpp"

#include "tests/partition/talker.hpp"

#include <cerrno>
#include <csignal>
#include <cstring>
#include <exception>
#include <fcntl.h>
#include <fstream>
#include <poll.h>
#include <sched.h>
#include <spawn.h>
#include <stdexcept>
#include <sys/socket.h>
#include <sys/wait.h>
#include <system_error>
#include <thread>
#include <unistd.h>
#include <utility>

namespace coppice::partition {
namespace {

constexpr int patience_ms = 60'000;

[[noreturn]] void failed(const std::string& what) {
  throw std::system_error(errno, std::generic_category(), what);
}

pid_t start(std::vector<std::string> command, int standard_io) {
  std::vector<char*> argv;
  argv.reserve(command.size() + 1);
  for (std::string& c : command) argv.push_back(c.data());
  argv.push_back(nullptr);
  posix_spawn_file_actions_t files;
  posix_spawn_file_actions_init(&files);
  if (standard_io >= 0) {
    posix_spawn_file_actions_adddup2(&files, standard_io, 0);
    posix_spawn_file_actions_adddup2(&files, standard_io, 1);
  }
  pid_t id = 0;
  errno = posix_spawnp(&id, argv[0], &files, nullptr, argv.data(), environ);
  posix_spawn_file_actions_destroy(&files);
  if (errno != 0) failed(command[0]);
  return id;
}

int end_of(pid_t id) {
  int status = 0;
  while (waitpid(id, &status, 0) < 0 && errno == EINTR) {
  }
  return status;
}

bool write_text(const char* path, const std::string& text) {
  std::ofstream file(path);
  file << text << std::flush;
  return file.good();
}

} // namespace

// --- talker ---

talker::talker(std::string name, std::vector<std::string> command) : name_(std::move(name)) {
  int ends[2];
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) failed("socketpair");
  ends_ = ends[0];
  id_ = start(std::move(command), ends[1]);
  close(ends[1]);
}

talker::~talker() {
  close(ends_);
  kill(id_, SIGKILL);
  end_of(id_);
}

void talker::gone(const char* what) const {
  throw std::runtime_error(name_ + " " + what + " after '" + last_ + "'");
}

void talker::say(const std::string& words) {
  last_ = words;
  const std::string whole = words + "\n";
  if (send(ends_, whole.data(), whole.size(), MSG_NOSIGNAL) != static_cast<ssize_t>(whole.size())) {
    gone("cannot be reached");
  }
}

std::string talker::line() {
  for (;;) {
    if (const std::size_t end = read_.find('\n'); end != std::string::npos) {
      std::string first = read_.substr(0, end);
      read_.erase(0, end + 1);
      return first;
    }
    pollfd readable{ends_, POLLIN, 0};
    const int ready = poll(&readable, 1, patience_ms);
    if (ready < 0 && errno == EINTR) continue;
    if (ready == 0) gone("has not answered for a minute");
    char bytes[4096];
    const ssize_t n = read(ends_, bytes, sizeof bytes);
    if (n <= 0) gone("has ended");
    read_.append(bytes, static_cast<std::size_t>(n));
  }
}

// --- namespaces ---

void enter_own_network() {
  const std::string user = "0 " + std::to_string(geteuid()) + " 1\n";
  const std::string group = "0 " + std::to_string(getegid()) + " 1\n";
  if (unshare(CLONE_NEWUSER | CLONE_NEWNET) == 0) {
    if (write_text("/proc/self/setgroups", "deny") && write_text("/proc/self/uid_map", user) &&
        write_text("/proc/self/gid_map", group)) {
      return;
    }
  } else if (unshare(CLONE_NEWNET) == 0) { // root where users cannot have namespaces
    return;
  }
  throw std::runtime_error(
      std::string("partitions cannot be tested: this machine refuses network namespaces (") +
      std::strerror(errno) +
      "). It takes a kernel with CONFIG_NET_NS, and root with CAP_SYS_ADMIN or user namespaces for everybody "
      "(sysctl user.max_user_namespaces, kernel.unprivileged_userns_clone, kernel.apparmor_restrict_"
      "unprivileged_userns=0); a container wants --privileged, or --security-opt seccomp=unconfined");
}

machine::machine(std::string name, int number) : name_(std::move(name)), number_(number), namespace_(-1) {
  std::thread([this] { // a thread can have a namespace of its own, which lives on in a descriptor
    if (unshare(CLONE_NEWNET) != 0) return;
    namespace_ = open("/proc/thread-self/ns/net", O_RDONLY); // NOLINT(*-cloexec): children enter by it
  })
      .join();
  if (namespace_ < 0) throw std::runtime_error("a network namespace cannot be made for " + name_);
  run({"ip", "link", "set", "lo", "up"});
}

machine::~machine() { close(namespace_); }

std::string machine::path() const { return "/proc/self/fd/" + std::to_string(namespace_); }

std::vector<std::string> machine::here(std::vector<std::string> command) const {
  command.insert(command.begin(), {"nsenter", "--net=" + path(), "--"});
  return command;
}

void machine::run(std::vector<std::string> command) const {
  std::string text;
  for (const std::string& word : command) text += word + " ";
  // Debian has these where only root looks for programs.
  command[0].insert(0, "/usr/sbin/");
  if (access(command[0].c_str(), X_OK) != 0) {
    throw std::runtime_error(command[0] + " is missing: ./dev setup test installs iproute2 and nftables");
  }
  const int status = end_of(start(here(std::move(command)), -1));
  if (status == 0) return;
  throw std::runtime_error("on machine " + name_ + " this failed, for what stands above: " + text);
}

// --- wires ---

wire::wire(const machine& one, const machine& other) : one_(one), other_(other) {
  const std::string there = "to_" + other.name();
  const std::string back = "to_" + one.name();
  one.run({"ip", "link", "add", there, "type", "veth", "peer", "name", back, "netns", other.path()});
  one.run({"ip", "address", "add", one.address(), "peer", other.address(), "dev", there});
  other.run({"ip", "address", "add", other.address(), "peer", one.address(), "dev", back});
  one.run({"ip", "link", "set", there, "up"});
  other.run({"ip", "link", "set", back, "up"});
}

void wire::hears(const machine& who, const machine& from, const std::string& fault) const {
  const std::string name = "from_" + from.name();
  std::string rules = "add table inet " + name + "; flush table inet " + name;
  if (!fault.empty()) {
    rules += "; add chain inet " + name +
             " input { type filter hook input priority 0; policy accept; }; add rule inet " + name +
             " input iifname \"to_" + from.name() + "\" " + fault;
  }
  who.run({"nft", rules});
}

void wire::cut() {
  hears(one_, other_, "drop");
  hears(other_, one_, "drop");
}

void wire::cut_to(const machine& deaf) { hears(deaf, &deaf == &one_ ? other_ : one_, "drop"); }

void wire::lose(int to_one, int to_other) {
  hears(one_, other_, "numgen random mod 100 < " + std::to_string(to_one) + " drop");
  hears(other_, one_, "numgen random mod 100 < " + std::to_string(to_other) + " drop");
}

void wire::heal() {
  hears(one_, other_, "");
  hears(other_, one_, "");
}

} // namespace coppice::partition
