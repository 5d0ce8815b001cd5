// Observer of a real node, its windows on a screen that nobody sees, with `coppice run` in them.
#include <gtest/gtest.h>

#include "coppice/net/detail/test_port.hpp"
#include "tests/erlang/heard_process.hpp"
#include "tests/erlang/terms.hpp"

#include <fstream>

namespace coppice {
namespace {

std::string free_port() { return std::to_string(net::testing::unused_port()); }

TEST(observer, shows_our_node_in_its_windows_and_kills_a_process_of_it) {
  const scratch place;
  const std::string cookie = place.path / "cookie";
  std::ofstream(cookie) << "c\n";
  fs::permissions(cookie, fs::perms::owner_read);
  const said compiled =
      run_program(erlang_program("erlc"), {"-o", place.path, COPPICE_ERLANG_SCRIPTS "/observer_windows.erl"});
  ASSERT_EQ(compiled.status, 0) << compiled.out << compiled.errors;
  const std::string mapper = free_port();
  heard_process ours(COPPICE_PROGRAM, {"run", "--port", "0", "--name", "cpp@127.0.0.1", "--cookie-file",
                                       cookie, "--epmd-port", mapper});
  ASSERT_NE(ours.line(), "");
  const said seen =
      run_program(COPPICE_XVFB_RUN,
                  {"-a", "-s", "-screen 0 1100x800x24", erlang_program("erl"), "-noshell", "-name",
                   "o@127.0.0.1", "-setcookie", "c", "-start_epmd", "false", "-pa", place.path, "-eval",
                   "observer_windows:main('cpp@127.0.0.1'), halt(0, [{flush, false}])."},
                  {"ERL_EPMD_PORT=" + mapper, "ERL_EPMD_ADDRESS=127.0.0.1", "ERL_CRASH_DUMP_BYTES=0"});
  EXPECT_EQ(seen.out, "shown: 'cpp@127.0.0.1'\nsystem: true\napplications: \"root_sup\"\nits tree: true\n"
                      "processes: true\na process: true\nkilled: killed\nalive: true\n")
      << seen.errors; // its status says nothing: wx may crash on its way out
}

} // namespace
} // namespace coppice
