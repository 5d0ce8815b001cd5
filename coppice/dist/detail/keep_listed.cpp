// The process that keeps the node listed with the machine's port mapper, or is the port mapper itself.
#include "coppice/dist/detail/net_kernel.hpp"
#include "coppice/dist/epmd_client.hpp"
#include "coppice/dist/epmd_server.hpp"

#include <utility>

namespace coppice::dist::detail {
namespace {

using why = epmd_error::reason;

/// Where none runs, this node's own takes the port: others on the machine find it as they would any.
task<std::expected<epmd_registration, epmd_error>> enlist(shared_setting what) {
  const std::string& name = what->how.name;
  epmd_entry entry{.name = name.substr(0, name.find('@')), .port = what->listen_port};
  epmd_entry again = entry;
  auto done = co_await epmd_register(what->epmd_here(), std::move(entry));
  if (done || done.error().why != why::unreachable || what->how.epmd != epmd_use::find_or_serve) {
    co_return std::move(done);
  }
  // Whoever else wants to be it may have been quicker: then that one serves as well.
  (void)start_epmd_server({.endpoint = what->epmd_here()});
  auto second = co_await epmd_register(what->epmd_here(), std::move(again));
  co_return std::move(second);
}

} // namespace

process keep_listed(self, shared_setting what, pid whom) {
  set_label("epmd registration");
  bool first = true;
  for (;;) {
    auto done = co_await enlist(what);
    if (std::exchange(first, false)) {
      send(whom, listed{done ? std::string() : done.error().message});
      if (!done) co_return;
    }
    if (done) {
      // It does not say anything: its end is what there is to read.
      char nothing[16];
      co_await done->connection.read_some(nothing);
    }
    co_await idle_for(std::chrono::seconds(2)); // as OTP does; the creation stays what it was
  }
}

} // namespace coppice::dist::detail
