// Real nodes that run some code and end, and what they have written meanwhile.
#pragma once

#include <algorithm>
#include <cstdint>
#include <fstream>
#include <functional>
#include <gtest/gtest.h>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "coppice/net/detail/test_port.hpp"
#include "tests/erlang/os_process.hpp"
#include "tests/erlang/terms.hpp"

namespace coppice {

/// A port that nobody had a moment ago.
inline std::uint16_t free_port() { return net::testing::unused_port(); }

class real_nodes {
public:
  explicit real_nodes(std::uint16_t mapper = free_port()) : epmd_port(mapper) {}

  /// What `erl` prints that runs this as a node called t@127.0.0.1, within 30 s; `meanwhile` is called when
  /// it has been started.
  std::string erl(const std::string& code, std::vector<std::string> flags = {},
                  const std::string& cookie = "c", const std::function<void()>& meanwhile = {}) {
    const auto named = [](const std::string& flag) { return flag == "-name" || flag == "-sname"; };
    std::vector<std::string> all{erlang_program("erl").string(), "-noshell", "-setcookie", cookie};
    if (std::ranges::none_of(flags, named)) flags.insert(flags.end(), {"-name", "t@127.0.0.1"});
    all.insert(all.end(), flags.begin(), flags.end());
    all.emplace_back("-eval");
    all.push_back("{ok, Out} = file:open(\"" + out().string() + "\", [write]), group_leader(Out, self()), " +
                  code + ", file:close(Out), halt().");
    return what_is_written_by(std::move(all), meanwhile);
  }
  /// What Elixir makes of an expression, as a node called e@127.0.0.1.
  std::string elixir(const std::string& expression) {
    return what_is_written_by({erlang_program("elixir").string(), "--name", "e@127.0.0.1", "--cookie", "c",
                               "-e", "File.write!(\"" + out().string() + "\", inspect(" + expression + "))"},
                              {});
  }

  /// Where the port mapper of all is to be.
  const std::uint16_t epmd_port;

private:
  [[nodiscard]] fs::path out() const { return scratch_.path / "out"; }

  std::string what_is_written_by(std::vector<std::string> command, const std::function<void()>& meanwhile) {
    const std::string said = command.back();
    command.insert(command.begin(), "30");
    os_process program("/usr/bin/timeout", std::move(command),
                       {"ERL_EPMD_PORT=" + std::to_string(epmd_port), "ERL_EPMD_ADDRESS=127.0.0.1",
                        "ERL_CRASH_DUMP_BYTES=0"});
    if (meanwhile) meanwhile();
    EXPECT_EQ(program.wait(), 0) << said;
    std::ifstream in(out());
    std::stringstream text;
    text << in.rdbuf();
    return text.str();
  }
  scratch scratch_;
};

} // namespace coppice
