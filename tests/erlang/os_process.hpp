// A program run beside the test: started, waited for, and ended when the test is done with it.
#pragma once

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <spawn.h>
#include <string>
#include <sys/wait.h>
#include <system_error>
#include <unistd.h>
#include <utility>
#include <vector>

namespace coppice {

class os_process {
public:
  /// `environment`: what is set besides the test's own, as `NAME=value`. `output`: a descriptor for its
  /// standard output, and `errors` for the other one.
  os_process(const std::filesystem::path& program, std::vector<std::string> arguments,
             std::vector<std::string> environment = {}, int output = 1, int errors = 2) {
    arguments.insert(arguments.begin(), program.string());
    for (char** e = environ; *e != nullptr; ++e) environment.emplace_back(*e); // of two the first counts
    std::vector<char*> argv = pointers(arguments);
    std::vector<char*> envp = pointers(environment);
    posix_spawn_file_actions_t files;
    posix_spawn_file_actions_init(&files);
    posix_spawn_file_actions_adddup2(&files, output, 1);
    posix_spawn_file_actions_adddup2(&files, errors, 2);
    const int failed = posix_spawn(&id_, program.c_str(), &files, nullptr, argv.data(), envp.data());
    posix_spawn_file_actions_destroy(&files);
    if (failed != 0) throw std::system_error(failed, std::generic_category(), program.string());
  }
  ~os_process() {
    if (id_ == 0) return;
    kill(id_, SIGKILL);
    wait();
  }
  os_process(const os_process&) = delete;
  os_process& operator=(const os_process&) = delete;

  /// Its number in the system; 0 once it has been waited for.
  [[nodiscard]] pid_t id() const { return id_; }
  /// Asks it to end.
  void terminate() const {
    if (id_ != 0) kill(id_, SIGTERM);
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
  static std::vector<char*> pointers(std::vector<std::string>& texts) {
    std::vector<char*> all;
    all.reserve(texts.size() + 1);
    for (std::string& t : texts) all.push_back(t.data());
    all.push_back(nullptr);
    return all;
  }
  pid_t id_ = 0;
};

/// A program that Erlang came with: `erl`, `epmd`, `escript`.
inline std::filesystem::path erlang_program(const char* name) {
  return std::filesystem::path(COPPICE_ERL).parent_path() / name;
}

} // namespace coppice
