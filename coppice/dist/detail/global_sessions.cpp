// How two parts of a cluster become one: their servers introduce themselves, their lockers lock both parts,
// the names are exchanged, and all others are told.
#include "coppice/dist/detail/global_locks.hpp"
#include "coppice/dist/detail/global_name_server.hpp"
#include "coppice/dist/erpc.hpp"

#include <algorithm>
#include <utility>

namespace coppice::dist::detail {

using namespace literals;

namespace {

constexpr std::int64_t version_spoken = 8;
/// From here on servers of other nodes answer `init_connect`, and know of lost connections.
constexpr std::int64_t first_with_tags = 8;
constexpr std::int64_t first_with_losses = 7;
/// Lost connections of which is known that they have been told, before the oldest are forgotten.
constexpr std::size_t most_losses = 4096;

void cast_to(const atom& node, const term& message) {
  cast_any(server_name(remote_name{global_server(), node}), message);
}

void send_to(const atom& node, const term& message) { send(remote_name{global_server(), node}, message); }

/// Says to a node of another part that we are in touch, once we are; if we do not get there, it is lost.
process greet(self, pid server, atom node, atom own) {
  const bool up = co_await connect_node(node);
  if (up) {
    cast_to(node, term::tuple("in_sync"_atom, own, true));
  } else {
    send(server, nodedown{node});
  }
}

/// A node in a list of known ones: `Node` or `{Node, Version}`.
std::optional<std::pair<atom, std::int64_t>> known_in(const term& t) {
  if (t.is_atom()) return std::pair(*t.as_atom(), std::int64_t{0});
  if (!t.is_tuple(2) || !t.elements()[0].is_atom()) return std::nullopt;
  return std::pair(*t.elements()[0].as_atom(), t.elements()[1].as_int64().value_or(0));
}

/// As the smaller node of two does it, for both.
std::pair<pid, pid> by_node(pid a, pid b) {
  return compare(term(node_of(a)), term(node_of(b))) < 0 ? std::pair(a, b) : std::pair(b, a);
}

} // namespace

term random_exit_name() { return term::export_fun(mfa{"global"_atom, "random_exit_name"_atom, 3}); }

std::optional<term> settle(const term& method, const term& name, pid first, pid second) {
  const std::optional<mfa> function = method.as_export();
  if (!function || function->module != "global"_atom) return std::nullopt;
  const auto [keeps, loses] = by_node(first, second);
  if (function->function == "random_exit_name"_atom) {
    exit(loses, exit_reason::kill());
    return term(keeps);
  }
  if (function->function == "random_notify_name"_atom) {
    send(loses, term::tuple("global_name_conflict"_atom, name));
    return term(keeps);
  }
  if (function->function == "notify_all_name"_atom) {
    send(first, term::tuple("global_name_conflict"_atom, name, second));
    send(second, term::tuple("global_name_conflict"_atom, name, first));
    return term("none"_atom);
  }
  return std::nullopt;
}

void add_global_functions(function_table& table) {
  table.add("global"_atom, "resolve_it"_atom, 4, [](const function_call& call) -> term {
    const std::vector<term>& a = call.arguments;
    const std::optional<pid> first = a[2].as_pid();
    const std::optional<pid> second = a[3].as_pid();
    if (!first || !second) raise_error("badarg"_atom);
    std::optional<term> winner = settle(a[0], a[1], *first, *second);
    if (!winner) raise_error("undef"_atom);
    return std::move(*winner);
  });
}

// --- nodes come and go ---

void global_name_server::handle_info(const nodeup& news) {
  if (!news.hidden) begin(news.node);
}

void global_name_server::begin(const atom& node) {
  if (known_.contains(node) || sessions_.contains(node)) return;
  const std::int64_t tag = ++last_tag_;
  sessions_[node].my_tag = tag;
  cast_to(node, term::tuple("init_connect"_atom, term::tuple(version_spoken, tag), own_,
                            term::tuple("locker"_atom, "no_longer_a_pid"_atom, term::map({}), locker_)));
}

void global_name_server::handle_info(const nodedown& news) {
  if (news.hidden) return;
  const bool dropped = removing_.erase(news.node) > 0;
  if (!dropped) {
    spread_loss(term::tuple("lost_connection"_atom, own_, static_cast<std::int64_t>(self_pid().id),
                            ++last_tag_, news.node),
                news.node);
  }
  lost(news.node);
}

/// It is no part of our cluster any more, connected or not.
void global_name_server::lost(const atom& node) {
  end_session(node);
  synced_.erase(node);
  if (known_.erase(node) > 0) tell_locker_known();
  wait_no_more_for(node);
}

void global_name_server::end_session(const atom& node, std::vector<std::pair<atom, term>> farewell) {
  const auto found = sessions_.find(node);
  if (found == sessions_.end()) return;
  send(locker_, exchange_over{node, found->second.my_tag, std::move(farewell)});
  sessions_.erase(found);
}

void global_name_server::restart(const atom& node) {
  end_session(node);
  begin(node);
}

void global_name_server::tell_locker_known() {
  known_nodes all;
  all.nodes.reserve(known_.size());
  for (const auto& [node, version] : known_) all.nodes.push_back(node);
  send(locker_, std::move(all));
}

term global_name_server::known_list(bool with_versions) const {
  std::vector<term> all;
  all.reserve(known_.size());
  for (const auto& [node, version] : known_) {
    all.push_back(with_versions ? term::tuple(node, version) : term(node));
  }
  return term::list_from(std::move(all));
}

void global_name_server::synced_with(const atom& node) {
  synced_.insert(node);
  wait_no_more_for(node);
}

void global_name_server::wait_no_more_for(const atom& node) {
  std::erase_if(syncing_, [&node](syncing& s) {
    s.nodes.erase(node);
    if (!s.nodes.empty()) return false;
    s.who.reply(true);
    return true;
  });
}

/// Those that we did not know are to hear from us.
void global_name_server::add_known(const term& nodes) {
  bool changed = false;
  for (const term& t : nodes.items()) {
    const auto node = known_in(t);
    if (!node || node->first == own_) continue;
    std::int64_t& version = known_.try_emplace(node->first, -1).first->second;
    if (version < 0) {
      changed = true;
      version = node->second;
    } else if (version == 0) {
      version = node->second;
    }
  }
  if (changed) tell_locker_known();
}

// --- what other servers say ---

global_name_server::session* global_name_server::session_of(const atom& node, const term& my_tag) {
  const auto found = sessions_.find(node);
  if (found == sessions_.end() || my_tag != term(found->second.my_tag)) return nullptr;
  return &found->second;
}

/// `{init_connect, {Version, HisTag}, Node, {locker, _, _, Locker}}`
void global_name_server::introduced(const term& message) {
  const std::span<const term> e = message.elements();
  if (!e[1].is_tuple() || e[1].elements().size() < 2 || !e[2].is_atom() ||
      !e[3].is_tagged("locker"_atom, 4)) {
    return;
  }
  const atom node = *e[2].as_atom();
  const std::optional<std::int64_t> version = e[1].elements()[0].as_int64();
  const std::optional<pid> locker = e[3].elements()[3].as_pid();
  if (!version || !locker || node == own_ || known_.contains(node)) return;
  const term his_tag = e[1].elements()[1];
  begin(node);
  if (sessions_[node].version != 0) { // a second time: both start over
    send_to(node, term::tuple("cancel_connect"_atom, own_, his_tag));
    return restart(node);
  }
  session& s = sessions_[node];
  s.his_tag = his_tag;
  s.version = *version;
  send(locker_, exchange_wanted{node, *locker, s.my_tag, his_tag, *version});
  if (*version >= first_with_tags) {
    send_to(node, term::tuple("init_connect_ack"_atom, own_, his_tag, s.my_tag));
  }
}

/// Both parts are locked.
void global_name_server::handle_info(const both_locked& news) {
  session* s = session_of(news.node, term(news.my_tag));
  if (s == nullptr) return send(locker_, exchange_over{news.node, news.my_tag, {}});
  std::vector<term> names;
  names.reserve(names_.size());
  for (const auto& [name, e] : names_) names.push_back(term::tuple(name, e.process, e.method));
  s->requester = news.requester;
  cast_to(news.node,
          term::tuple("exchange"_atom, own_, term::list_from(std::move(names)), term::list(), s->his_tag));
  if (s->his_names) {
    std::vector<term> his = std::move(*s->his_names);
    s->his_names.reset();
    cast_any(server_name(self_pid()), term::tuple("exchange"_atom, news.node, term::list_from(std::move(his)),
                                                  term::list(), s->my_tag));
  }
}

/// Compares his names with ours, and tells him what he has to change.
task<> global_name_server::names_of(atom node, std::vector<term> names) {
  std::vector<term> for_us;
  std::vector<term> for_him;
  const bool we_settle = compare(term(own_), term(node)) < 0;
  for (const term& named : names) {
    if (!named.is_tuple(3)) continue;
    const term& name = named.elements()[0];
    const std::optional<pid> his = named.elements()[1].as_pid();
    const auto ours = names_.find(name);
    if (!his || (ours != names_.end() && ours->second.process == *his)) continue;
    if (ours == names_.end()) {
      for_us.push_back(term::tuple("insert"_atom, named));
      continue;
    }
    if (!we_settle) continue;
    const pid other = ours->second.process;
    const term method = ours->second.method;
    std::optional<term> winner = settle(method, name, *his, other);
    if (!winner) {
      constexpr duration long_enough = std::chrono::seconds(5);
      std::vector<term> arguments{method, name, *his, other};
      term told =
          co_await rpc(node_of(other), "global"_atom, "resolve_it"_atom, std::move(arguments), long_enough);
      winner = std::move(told);
    }
    if (winner->as_pid() == other) {
      for_him.push_back(term::tuple("insert"_atom, term::tuple(name, other, method)));
    } else if (winner->as_pid() == *his || winner->is_tagged("badrpc"_atom, 2)) {
      for_us.push_back(term::tuple("insert"_atom, named));
    } else {
      for_us.push_back(term::tuple("delete"_atom, name));
      for_him.push_back(term::tuple("delete"_atom, name));
    }
  }
  const auto found = sessions_.find(node);
  if (found == sessions_.end()) co_return;
  session& s = found->second;
  cast_to(node,
          term::tuple("resolved"_atom, own_, term::list_from(std::move(for_him)),
                      known_list(s.version >= first_with_losses), "unused"_atom, term::list(), s.his_tag));
  s.operations = std::move(for_us);
  both_done(node);
}

/// When both have said what is to be changed: it is, and the rest of our part is told.
void global_name_server::both_done(const atom& node) {
  const auto found = sessions_.find(node);
  if (found == sessions_.end() || !found->second.operations || !found->second.resolved) return;
  session s = std::move(found->second);
  found->second.my_tag = s.my_tag;
  const std::span<const term> e = s.resolved->elements();
  std::vector<term> all = std::move(*s.operations);
  for (const term& operation : e[2].items()) all.push_back(operation);
  const term operations = term::list_from(std::move(all));
  std::vector<term> new_nodes{term::tuple(node, s.version)};
  for (const term& t : e[3].items()) {
    const auto his = known_in(t);
    if (!his || his->first == own_) continue;
    new_nodes.push_back(term::tuple(his->first, his->second));
    spawn(&greet, self_pid(), his->first, own_);
    end_session(his->first);
  }
  apply(operations);
  const term news = term::list_from(std::move(new_nodes));
  const term lock_id = term::tuple("global"_atom, s.requester.value_or(term::list()));
  const term extra = term::list(term::tuple("vsn"_atom, s.version), term::tuple("lock"_atom, lock_id));
  std::vector<std::pair<atom, term>> farewell;
  farewell.reserve(known_.size());
  for (const auto& [other, version] : known_) {
    farewell.emplace_back(other, term::tuple("new_nodes"_atom, own_, operations, term::list(), news, extra));
  }
  end_session(node, std::move(farewell));
  add_known(news);
  synced_with(node);
}

task<> global_name_server::handle_cast(term message) {
  const std::span<const term> e = message.elements();
  if (message.is_tagged("init_connect"_atom, 4)) {
    introduced(message);
  } else if (message.is_tagged("lock_set"_atom, 5) || message.is_tagged("lock_set"_atom, 4)) {
    const std::optional<pid> his_locker = e[1].as_pid();
    if (!his_locker) co_return;
    const atom node = node_of(*his_locker);
    const auto found = sessions_.find(node);
    if (found == sessions_.end() || (e.size() > 4 && e[4] != term(found->second.my_tag))) co_return;
    const session& s = found->second;
    const auto held = locks_.find(term("global"_atom));
    send(locker_, other_has_lock{node, e[2].is_atom("true"_atom),
                                 exchange_wanted{node, *his_locker, s.my_tag, s.his_tag, s.version},
                                 held == locks_.end() ? term("undefined"_atom) : held->second.requester});
  } else if (message.is_tagged("exchange"_atom, 5) && e[1].is_atom()) {
    session* s = session_of(*e[1].as_atom(), e[4]);
    if (s == nullptr) co_return;
    std::vector<term> names;
    for (const term& named : e[2].items()) names.push_back(named);
    if (s->requester) {
      atom node = *e[1].as_atom();
      co_await names_of(std::move(node), std::move(names));
    } else {
      s->his_names = std::move(names);
    }
  } else if (message.is_tagged("resolved"_atom, 7) && e[1].is_atom()) {
    session* s = session_of(*e[1].as_atom(), e[6]);
    if (s == nullptr) co_return;
    s->resolved = message;
    both_done(*e[1].as_atom());
  } else if (message.is_tagged("new_nodes"_atom, 6)) {
    for (const term& t : e[4].items()) {
      const auto node = known_in(t);
      if (node && node->first != own_ && !known_.contains(node->first))
        spawn(&greet, self_pid(), node->first, own_);
    }
    add_known(e[4]);
    apply(e[2]);
  } else if (message.is_tagged("in_sync"_atom, 3) && e[1].is_atom()) {
    const atom node = *e[1].as_atom();
    end_session(node);
    synced_with(node);
  }
}

void global_name_server::handle_info(const term& message) {
  const std::span<const term> e = message.elements();
  if (e.size() < 2 || !e[1].is_atom()) return;
  const atom node = *e[1].as_atom();
  if (message.is_tagged("init_connect_ack"_atom, 4)) {
    const auto found = sessions_.find(node);
    const bool same = found != sessions_.end() && e[2] == term(found->second.my_tag) &&
                      (e[3] == found->second.his_tag || found->second.version == 0);
    // A session that is over may have been quicker than this.
    if (same || found == sessions_.end()) return;
    send_to(node, term::tuple("cancel_connect"_atom, own_, e[3]));
    restart(node);
  } else if (message.is_tagged("cancel_connect"_atom, 3)) {
    if (session_of(node, e[2]) != nullptr) restart(node);
  } else if (message.is_tagged("remove_connection"_atom, 2)) {
    if (!known_.contains(node) && !sessions_.contains(node)) return;
    removing_.insert(node);
    lost(node);
    disconnect_node(node);
  } else if (message.is_tagged("lost_connection"_atom, 5)) {
    other_lost(message);
  }
}

// --- against partitions that overlap ---

void global_name_server::spread_loss(const term& message, const atom& except) {
  for (const auto& [node, version] : known_) {
    if (node != except && version >= first_with_losses) send_to(node, message);
  }
  for (const auto& [node, s] : sessions_) {
    if (node != except && s.version >= first_with_losses && !known_.contains(node)) send_to(node, message);
  }
}

/// `{lost_connection, A, Creation, Number, B}`: who is connected with A keeps no connection with B.
void global_name_server::other_lost(const term& message) {
  const std::span<const term> e = message.elements();
  if (!e[4].is_atom()) return;
  const atom from = *e[1].as_atom();
  const atom to = *e[4].as_atom();
  auto [at, is_new] = losses_.try_emplace({from, to});
  if (!is_new && at->second.first == e[2] && compare(e[3], at->second.second) <= 0) return;
  at->second = {e[2], e[3]};
  if (losses_.size() > most_losses) losses_.erase(losses_.begin() == at ? std::next(at) : losses_.begin());
  spread_loss(message, from);
  const atom drop = to == own_ ? from : to;
  const auto known = known_.find(drop);
  const auto pending = sessions_.find(drop);
  if (known == known_.end() && (pending == sessions_.end() || pending->second.version == 0)) return;
  const std::int64_t version = known != known_.end() ? known->second : pending->second.version;
  removing_.insert(drop);
  if (version < first_with_losses) {
    disconnect_node(drop);
  } else {
    send_to(drop, term::tuple("remove_connection"_atom, own_));
  }
  lost(drop);
}

} // namespace coppice::dist::detail
