// A program run beside the test whose output the test reads.
#pragma once

#include <array>
#include <cerrno>
#include <fcntl.h>
#include <filesystem>
#include <memory>
#include <string>
#include <system_error>
#include <unistd.h>
#include <utility>
#include <vector>

#include "tests/erlang/os_process.hpp"

namespace coppice {

/// A pipe to read from.
class output_pipe {
public:
  output_pipe() {
    if (pipe2(ends_.data(), O_CLOEXEC) != 0) throw std::system_error(errno, std::generic_category(), "pipe2");
  }
  ~output_pipe() {
    close(ends_[0]);
    written();
  }
  output_pipe(const output_pipe&) = delete;
  output_pipe& operator=(const output_pipe&) = delete;

  /// Where a program is to write.
  [[nodiscard]] int in() const { return ends_[1]; }
  /// From here on only those programs write.
  void written() {
    if (ends_[1] >= 0) close(std::exchange(ends_[1], -1));
  }
  /// The next line without its end; '' at the end of it all.
  std::string line() {
    std::string text;
    char c = 0;
    while (read(ends_[0], &c, 1) == 1 && c != '\n') text += c;
    return text;
  }
  /// All that is left, once everybody who writes has ended.
  std::string rest() {
    std::string text;
    std::array<char, 4096> buffer{};
    for (ssize_t n = 0; (n = read(ends_[0], buffer.data(), buffer.size())) > 0;) {
      text.append(buffer.data(), static_cast<std::size_t>(n));
    }
    return text;
  }

private:
  std::array<int, 2> ends_{-1, -1};
};

/// Its standard output can be read; 60 s after its start it is ended.
class heard_process {
public:
  heard_process(const std::filesystem::path& program, std::vector<std::string> arguments,
                std::vector<std::string> environment = {}) {
    arguments.insert(arguments.begin(), {"60", program.string()});
    process_ = std::make_unique<os_process>("/usr/bin/timeout", std::move(arguments), std::move(environment),
                                            out_.in());
    out_.written();
  }
  ~heard_process() { // in order, for what runs is a child of `timeout`
    terminate();
    wait();
  }
  heard_process(const heard_process&) = delete;
  heard_process& operator=(const heard_process&) = delete;

  std::string line() { return out_.line(); }
  void terminate() const {
    if (process_ != nullptr) process_->terminate();
  }
  /// Its exit status.
  int wait() {
    if (process_ != nullptr) status_ = process_->wait();
    process_.reset();
    return status_;
  }

private:
  output_pipe out_;
  std::unique_ptr<os_process> process_;
  int status_ = 0;
};

/// What a program has said when it has ended.
struct said {
  int status;
  std::string out, errors;
};

/// Runs a program that says little to its end, within 60 s.
inline said run_program(const std::filesystem::path& program, std::vector<std::string> arguments,
                        std::vector<std::string> environment = {}) {
  output_pipe out;
  output_pipe errors;
  arguments.insert(arguments.begin(), {"60", program.string()});
  os_process process("/usr/bin/timeout", std::move(arguments), std::move(environment), out.in(), errors.in());
  out.written();
  errors.written();
  std::string text = out.rest();
  return {process.wait(), std::move(text), errors.rest()};
}

/// A real node that runs until the test is done with it, and what it has printed once its code has run.
class erlang_node {
public:
  erlang_node(std::uint16_t epmd_port, const std::string& cookie, const std::string& code,
              std::vector<std::string> flags = {"-name", "t@127.0.0.1"}) {
    std::vector<std::string> all{"-noshell", "-noinput", "-setcookie", cookie};
    all.insert(all.end(), flags.begin(), flags.end());
    all.insert(all.end(), {"-eval", code + ", io:format(\"up~n\")."});
    process_ = std::make_unique<heard_process>(
        erlang_program("erl"), std::move(all),
        std::vector<std::string>{"ERL_EPMD_PORT=" + std::to_string(epmd_port), "ERL_EPMD_ADDRESS=127.0.0.1",
                                 "ERL_CRASH_DUMP_BYTES=0"});
    up_ = process_->line() == "up";
  }
  /// Whether the code has run.
  [[nodiscard]] bool up() const { return up_; }

private:
  std::unique_ptr<heard_process> process_;
  bool up_ = false;
};

} // namespace coppice
