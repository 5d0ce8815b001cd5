#include "coppice/dist/detail/net_kernel.hpp"

#include "coppice/dist/detail/global_locks.hpp"
#include "coppice/dist/detail/global_name_server.hpp"
#include "coppice/dist/detail/rex.hpp"
#include "coppice/otp/node_events.hpp"
#include "coppice/runtime/timer.hpp"

#include <algorithm>
#include <utility>

namespace coppice::dist::detail {

using namespace literals;

// --- half_open ---

void half_open::enter(pid process) {
  pid oldest;
  {
    std::lock_guard guard(lock_);
    waiting_.push_back(process);
    if (waiting_.size() > most_) {
      oldest = waiting_.front();
      waiting_.pop_front();
    }
  }
  if (oldest) exit(oldest, exit_reason::kill());
}

void half_open::leave(pid process) noexcept {
  std::lock_guard guard(lock_);
  std::erase(waiting_, process);
}

// --- net_kernel ---

task<> net_kernel::init() {
  trap_exit(true);
  network& all = what_->net;
  all.net_kernel = self_pid().id;
  listen();
  if (what_->how.epmd != epmd_use::none) {
    self me(coppice::detail::running_process());
    spawn_link(&keep_listed, what_, me.id());
    listed first = co_await me.receive<listed>();
    if (!first.error.empty()) exit(exit_reason(term(first.error)));
  }
  if (what_->how.published) co_await start_global();
  auto calls = co_await start_link<rex>(local("rex"), all.functions());
  auto prints = co_await start_link<user>(local("user"));
  if (prints) all.user = prints->resolve()->id;
  send_after(what_->how.net_ticktime / 4, self_pid(), tick_alarm());
}

/// Visible nodes take us into `global`, and wait for our answers.
task<> net_kernel::start_global() {
  if (const std::optional<pid> earlier = whereis(global_server())) { // of a net kernel that has just ended
    const reference ref = monitor(*earlier);
    exit(*earlier, exit_reason::kill());
    const auto its_end = [ref](const down& d) { return d.ref == ref; };
    self me(coppice::detail::running_process());
    co_await me.receive_if<down>(its_end);
  }
  auto started = co_await start_link<global_name_server>(local(global_server()));
  if (!started) exit(std::move(started.error()));
  global_ = *started->resolve();
}

void net_kernel::listen() {
  net::listener_options how{.endpoint = what_->how.listen,
                            .acceptors = 1,
                            .max_connections = what_->how.max_connections,
                            .drain_timeout = std::chrono::seconds(1),
                            .label = "node connection"};
  if (what_->how.tls) how.tls = what_->how.tls->server;
  auto opened = net::start_listener(how, [what = what_](self me, net::stream connection) {
    return accept_peer(me, std::move(connection), what);
  });
  if (!opened) {
    exit(exit_reason(term("the distribution cannot listen at " + how.endpoint.to_string() + ": " +
                          opened.error().message())));
  }
  what_->listen_port = opened->local().port();
  listener_ = std::move(*opened);
}

void net_kernel::terminate(const exit_reason&) {
  what_->net.net_kernel = what_->net.user = 0;
  this_node().part<node_events>()->all_went();
}

term net_kernel::state() const {
  std::vector<term> up;
  for (const peer* p : what_->net.peers()) {
    if (p->is_up() && !p->isolate()) up.emplace_back(p->name());
  }
  return term::tuple("net_kernel"_atom, what_->net.names.own(), term::list_from(std::move(up)));
}

/// What other nodes ask.
result<term> net_kernel::handle_call(const term& request, from who) {
  if (request.is_tagged("is_auth"_atom, 2)) {
    who.reply("yes"_atom);
  } else if (request.is_atom("ticktime"_atom)) {
    who.reply(std::chrono::duration_cast<std::chrono::seconds>(what_->how.net_ticktime).count());
  } else if (request.is_atom("nodename"_atom)) {
    who.reply(what_->net.names.own());
  } else if (request.is_atom("longnames"_atom)) {
    who.reply(what_->how.name.find('.') != std::string::npos);
  } else {
    who.fail(exit_reason(term::tuple("bad_request"_atom, request)));
  }
  return {};
}

// --- connections ---

void net_kernel::handle_cast(const connection_wanted& wish) {
  spawn_link(&connect_to_peer, what_, wish.number);
}

void net_kernel::handle_info(tick_alarm) {
  send_after(what_->how.net_ticktime / 4, self_pid(), tick_alarm());
  for (const peer* p : what_->net.peers()) {
    if (p->isolate()) continue;
    if (const std::optional<connected_node> c = p->connection()) send(c->carrier, tick_due());
  }
}

/// Attempts and connections end as they like; the listener and the server of `global` must not.
result<> net_kernel::handle_info(const coppice::exit_signal& gone) {
  const bool listens = listener_ && gone.from == listener_->process();
  if (listens || (global_ && gone.from == global_)) return result<>().stop(gone.reason);
  return {};
}

// --- who wants to know ---

void net_kernel::watch(pid who) {
  if (!watched_.contains(who)) watched_[who] = monitor(who);
}

bool net_kernel::handle_call(const watch_nodes& wish) {
  if (wish.on) {
    ++of_all_[wish.who];
    watch(wish.who);
  } else if (auto found = of_all_.find(wish.who); found != of_all_.end() && --found->second == 0) {
    of_all_.erase(found);
  }
  return true;
}

namespace {

/// Connects for one who watches a node, and has it watch once there is a connection.
process watch_when_up(self, pid kernel, watch_node wish) {
  const bool up = co_await connect_node(wish.node);
  if (up) {
    cast_any(server_name(kernel), wish);
  } else {
    send(wish.who, nodedown{wish.node});
  }
}

} // namespace

void net_kernel::handle_cast(const watch_node& wish) {
  if (!wish.on) {
    auto& those = of_one_[wish.node];
    if (auto found = those.find(wish.who); found != those.end()) {
      found->second.pop_back();
      if (found->second.empty()) those.erase(found);
    }
    if (those.empty()) of_one_.erase(wish.node);
    return;
  }
  const peer* there = what_->net.find(wish.node);
  const std::optional<connected_node> with = there == nullptr ? std::nullopt : there->connection();
  if (with) {
    of_one_[wish.node][wish.who].push_back(with->number);
    watch(wish.who);
  } else {
    spawn_link(&watch_when_up, self_pid(), wish);
  }
}

/// What one connection has to say may come after its successor is up, for they are different processes:
/// watchers hear of its end first all the same, and of each connection's coming and going once.
bool net_kernel::handle_call(const node_is_up& news) {
  known_connection& known = up_[news.node];
  if (news.connection < known.number) return true; // its successor has been told of
  if (known.number != 0) {
    const node_is_down replaced{news.node, known.hidden, known.number, "connection_closed"_atom};
    tell_all(replaced);
    tell_waiting(replaced);
  }
  known = {news.connection, news.hidden};
  if (!news.hidden || !what_->how.published) this_node().part<node_events>()->came(news.node);
  for (const auto& [who, times] : of_all_) {
    for (int i = 0; i < times; ++i) send(who, nodeup{news.node, news.hidden});
  }
  return true;
}

void net_kernel::handle_cast(const node_is_down& news) {
  if (const auto found = up_.find(news.node); found != up_.end() && found->second.number == news.connection) {
    up_.erase(found);
    tell_all(news);
  }
  tell_waiting(news);
}

void net_kernel::tell_all(const node_is_down& news) {
  this_node().part<node_events>()->went(news.node);
  for (const auto& [who, times] : of_all_) {
    for (int i = 0; i < times; ++i) send(who, nodedown{news.node, news.hidden, news.reason});
  }
}

/// Those who wait for the end of this connection or of an earlier one.
void net_kernel::tell_waiting(const node_is_down& news) {
  const auto found = of_one_.find(news.node);
  if (found == of_one_.end()) return;
  for (auto& [who, numbers] : found->second) {
    const std::size_t over =
        std::erase_if(numbers, [&news](std::uint64_t number) { return number <= news.connection; });
    for (std::size_t i = 0; i < over; ++i) send(who, nodedown{news.node, news.hidden});
  }
  std::erase_if(found->second, [](const auto& each) { return each.second.empty(); });
  if (found->second.empty()) of_one_.erase(found);
}

void net_kernel::handle_info(const down& gone) {
  watched_.erase(gone.process);
  of_all_.erase(gone.process);
  for (auto& [node, those] : of_one_) those.erase(gone.process);
}

} // namespace coppice::dist::detail
