#include "cli/lone_node.hpp"

#include "cli/cookie.hpp"
#include "cli/root.hpp"
#include "coppice/dist/distribution.hpp"
#include "coppice/dist/epmd_client.hpp"
#include "coppice/net/asio_poller.hpp"
#include "coppice/otp/gen_server.hpp"
#include "coppice/otp/logger.hpp"

#include <chrono>
#include <cstdio>
#include <string>
#include <utility>
#include <vector>

namespace coppice::cli {
namespace {

using namespace std::chrono_literals;

/// Replies to a call with its request, and answers `{From, Ref, Term}` with `{Ref, Term}`. The last cast is
/// its state, for those who want to see where theirs has gone.
class echo : public gen_server {
public:
  using protocol = coppice::protocol<>;

  result<term> handle_call(const term& request, from who) {
    who.reply(request);
    return {};
  }
  void handle_cast(const term& message) { last_cast_ = message; }
  void handle_info(const term& message) {
    if (!message.is_tuple(3)) return;
    const std::span<const term> parts = message.elements();
    if (const auto asker = parts[0].as_pid()) send(*asker, term::tuple(parts[1], parts[2]));
  }
  [[nodiscard]] term state() const { return last_cast_; }

private:
  term last_cast_;
};

/// Where the port mapper says that the node listens, as others will be told; 0 if it does not say.
task<std::uint16_t> listed_port(self, std::string name, std::uint16_t epmd_port) {
  std::string alive = name.substr(0, name.find('@'));
  auto entry = co_await dist::epmd_lookup(net::endpoint::loopback(epmd_port), std::move(alive));
  if (!entry || !*entry) co_return 0;
  co_return (*entry)->port;
}

} // namespace

std::expected<dist::options, std::string> distribution(const membership_options& o) {
  std::expected<std::string, std::string> cookie = read_cookie(o.cookie_file);
  if (!cookie) return std::unexpected(std::move(cookie.error()));
  dist::options how;
  how.name = o.name;
  how.cookie = std::move(*cookie);
  how.published = o.published;
  how.listen = net::endpoint::loopback(o.listen_port);
  how.epmd_port = o.epmd_port;
  how.net_ticktime = std::chrono::seconds(o.net_ticktime);
  return how;
}

int run_lone_node(const membership_options& options) {
  std::expected<dist::options, std::string> how = distribution(options);
  if (!how) {
    std::fprintf(stderr, "coppice node: %s.\n", how.error().c_str());
    return status_failed;
  }
  node_options settings;
  settings.make_poller = net::make_poller();
  node home(std::move(settings));
  install_logger(home);

  const std::vector<child_spec> children{
      dist::child(std::move(*how)),
      child<echo>("echo", local("echo")),
  };
  root_keeper root(home, children, [](pid, pid) {});
  if (auto started = root.start(); !started) {
    std::fprintf(stderr, "coppice node: %s\n", innermost(started.error().value()).c_str());
    return status_failed;
  }
  const std::uint16_t port = home.run(&listed_port, options.name, options.epmd_port);
  hold_ending_signals();
  std::printf("coppice: %s listens at %s; epmd at %s\n", options.name.c_str(),
              net::endpoint::loopback(port).to_string().c_str(),
              net::endpoint::loopback(options.epmd_port).to_string().c_str());
  std::fflush(stdout);
  return home.run_until_stopped([&root] { root.tend(); });
}

} // namespace coppice::cli
