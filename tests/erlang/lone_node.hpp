// `coppice node` as an OS process of its own that can be stopped, killed and started again, among real nodes.
#pragma once

#include <csignal>
#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <future>
#include <memory>
#include <sstream>
#include <string>
#include <unistd.h>
#include <utility>
#include <vector>

#include "coppice/net/detail/net_test.hpp"
#include "tests/erlang/heard_process.hpp"
#include "tests/erlang/real_nodes.hpp"
#include "tests/erlang/test_epmd.hpp"

namespace coppice {

/// A port mapper, and nodes of either kind that find each other by it.
class lone_nodes : public real_nodes {
public:
  lone_nodes() : mapper_(net::testing::with_sockets()) {
    auto port = std::make_unique<std::promise<std::uint16_t>>();
    std::future<std::uint16_t> served = port->get_future();
    mapper_.spawn(&dist::serve_epmd, epmd_port, std::move(port));
    EXPECT_EQ(served.get(), epmd_port);
    std::ofstream(folder_.path / "cookie") << "c";
    fs::permissions(folder_.path / "cookie", fs::perms::owner_read);
  }
  [[nodiscard]] const fs::path& folder() const { return folder_.path; }

private:
  scratch folder_;
  node mapper_;
};

/// cpp@127.0.0.1. It has no parent between it and the test that signals would go to, and ends with the test.
class lone_node {
public:
  explicit lone_node(const lone_nodes& among, std::vector<std::string> more = {})
      : log_(among.folder() / "log") {
    std::vector<std::string> arguments{"--pdeathsig",   "KILL",
                                       COPPICE_PROGRAM, "node",
                                       "--name",        "cpp@127.0.0.1",
                                       "--cookie-file", among.folder() / "cookie",
                                       "--epmd-port",   std::to_string(among.epmd_port)};
    arguments.insert(arguments.end(), more.begin(), more.end());
    const int log = open(log_.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    process_ = std::make_unique<os_process>("/usr/bin/setpriv", std::move(arguments),
                                            std::vector<std::string>{"ASAN_OPTIONS=quarantine_size_mb=4"},
                                            out_.in(), log);
    close(log);
    out_.written();
    says_ = out_.line();
    EXPECT_TRUE(says_.starts_with("coppice: cpp@127.0.0.1 listens at ")) << says_;
  }

  /// Its number in the system, as text.
  [[nodiscard]] std::string id() const { return std::to_string(process_->id()); }
  /// Where it listens.
  [[nodiscard]] std::uint16_t port() const {
    const std::size_t at = says_.find("127.0.0.1:") + 10;
    return static_cast<std::uint16_t>(std::stoi(says_.substr(at)));
  }
  /// Until it has been killed.
  void wait_for_end() { EXPECT_EQ(process_->wait(), -1); }
  /// Ends it in order, and what it has logged in its life.
  std::string log_at_end() {
    process_->terminate();
    EXPECT_EQ(process_->wait(), 0);
    return log();
  }
  /// What it has logged so far.
  [[nodiscard]] std::string log() const {
    std::ifstream in(log_);
    std::stringstream text;
    text << in.rdbuf();
    return text.str();
  }
  /// Bytes of memory that it has now.
  [[nodiscard]] std::size_t resident() const {
    std::ifstream in("/proc/" + id() + "/statm");
    std::size_t all = 0;
    std::size_t resident = 0;
    in >> all >> resident;
    return resident * static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
  }

private:
  fs::path log_;
  output_pipe out_;
  std::unique_ptr<os_process> process_;
  std::string says_;
};

} // namespace coppice
