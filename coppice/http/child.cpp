#include "coppice/http/child.hpp"

#include <atomic>
#include <memory>
#include <utility>

namespace coppice::http {
namespace {

using namespace std::chrono_literals;
using started = std::expected<net::listener, std::string>;

/// What a child is started from, each time.
struct recipe {
  std::function<started(net::endpoint)> start;
  net::endpoint where;
  when_listening then;
  mutable std::atomic<std::uint16_t> port{0}; ///< that was found
};

task<std::expected<pid, exit_reason>> start(std::shared_ptr<const recipe> from) {
  const std::uint16_t found = from->port.load();
  const net::endpoint where = found == 0 ? from->where : from->where.with_port(found);
  started listener = from->start(where);
  // The acceptors of one that was killed die with it, but a moment later, and till then they hold the port.
  for (int i = 0; !listener && found != 0 && i < 100; ++i) {
    co_await idle_for(10ms);
    listener = from->start(where);
  }
  if (!listener) co_return std::unexpected(exit_reason(term(listener.error())));
  from->port.store(listener->local().port());
  std::exception_ptr refused;
  try {
    if (from->then) from->then(*listener);
  } catch (...) { // catch-all: it is the reason of the start's failure
    refused = std::current_exception();
  }
  if (!refused) co_return listener->process();
  exit_reason why = exit_reason::from_exception(refused);
  unlink(listener->process());
  exit(listener->process(), exit_reason::kill());
  co_return std::unexpected(std::move(why));
}

child_description describe(child_id id, std::shared_ptr<recipe> what, duration drain, const char* module) {
  auto time = std::chrono::ceil<std::chrono::milliseconds>(drain) + 3s;
  return child_function(std::move(id), &start, std::shared_ptr<const recipe>(std::move(what)))
      .shutdown(time)
      .module(module);
}

} // namespace

child_description child_server(child_id id, routes table, server_options options, when_listening then) {
  auto what = std::make_shared<recipe>();
  what->where = options.listener.endpoint;
  what->then = std::move(then);
  duration drain = options.listener.drain_timeout;
  what->start = [table = std::move(table), options = std::move(options)](net::endpoint at) {
    server_options now = options;
    now.listener.endpoint = at;
    return start_server(table, std::move(now));
  };
  return describe(std::move(id), std::move(what), drain, "http::server");
}

child_description child_listener(child_id id, net::listener_options options, net::connection_handler serve,
                                 when_listening then) {
  auto what = std::make_shared<recipe>();
  what->where = options.endpoint;
  what->then = std::move(then);
  duration drain = options.drain_timeout;
  what->start = [options = std::move(options), serve = std::move(serve)](net::endpoint at) -> started {
    net::listener_options now = options;
    now.endpoint = at;
    auto listener = net::start_listener(now, serve);
    if (listener) return std::move(*listener);
    return std::unexpected("cannot listen on " + at.to_string() + ": " + listener.error().message());
  };
  return describe(std::move(id), std::move(what), drain, "net::listener");
}

} // namespace coppice::http
