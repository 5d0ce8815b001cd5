#include "coppice/dist/detail/global_name_server.hpp"

#include "coppice/dist/detail/global_locks.hpp"
#include "coppice/runtime/node.hpp"

#include <algorithm>
#include <utility>

namespace coppice::dist::detail {

using namespace literals;

void global_name_server::init() {
  trap_exit(true); // so that `terminate` is called
  own_ = node_name();
  shared_ = this_node().part<global_names>();
  shared_->clear();
  locker_ = spawn_link(&global_locker, self_pid(), own_);
  send(self_pid(), watch_all());
}

void global_name_server::terminate(const exit_reason&) { shared_->clear(); }

term global_name_server::state() const {
  std::vector<term> names;
  names.reserve(names_.size());
  for (const auto& [name, e] : names_) names.push_back(term::tuple(name, e.process));
  return term::tuple(global_server(), known_list(false), term::list_from(std::move(names)));
}

result<> global_name_server::handle_info(const coppice::exit_signal& gone) {
  if (gone.from == locker_) return result<>().stop(gone.reason);
  return {};
}

/// Not in `init`: until that is over the net kernel, which starts this, does not answer.
task<> global_name_server::handle_info(watch_all) {
  co_await monitor_nodes(true);
  for (const atom& node : nodes(node_kind::visible)) begin(node);
}

// --- requests ---

void global_name_server::handle_call(global_sync, reply_to<bool> who) {
  std::set<atom> missing;
  for (const atom& node : nodes(node_kind::visible)) {
    if (!synced_.contains(node)) missing.insert(node);
  }
  if (missing.empty()) return who.reply(true);
  syncing_.push_back({std::move(who), std::move(missing)});
}

result<term> global_name_server::handle_call(const term& request, from who) {
  const std::span<const term> e = request.elements();
  if (request.is_tagged("set_lock"_atom, 2)) {
    who.reply(term(set_lock(e[1], who.caller())));
  } else if (request.is_tagged("del_lock"_atom, 2)) {
    del_lock(e[1], who.caller());
    who.reply(term(true));
  } else if (request.is_tagged("register"_atom, 4) || request.is_tagged("register_ext"_atom, 5)) {
    if (const std::optional<pid> process = e[2].as_pid()) insert(e[1], *process, e[3]);
    who.reply(term("yes"_atom));
  } else if (request.is_tagged("unregister"_atom, 2)) {
    remove(e[1]);
    who.reply(term("ok"_atom));
  } else if (request.is_atom("get_known"_atom)) {
    who.reply(known_list(false));
  } else if (request.is_atom("get_synced"_atom)) {
    std::vector<term> all(synced_.begin(), synced_.end());
    who.reply(term::list_from(std::move(all)));
  } else if (request.is_atom("get_names_ext"_atom)) {
    who.reply(term::list());
  } else if (request.is_atom("get_protocol_version"_atom)) {
    constexpr std::int64_t version = 8;
    who.reply(term(version));
  } else {
    who.fail(exit_reason(term::tuple("bad_request"_atom, request)));
  }
  return {};
}

// --- names ---

void global_name_server::insert(const term& name, pid process, const term& method) {
  remove(name);
  const reference ref = monitor(process);
  names_[name] = entry{process, method, ref};
  name_of_[ref] = name;
  shared_->set(name, process);
}

void global_name_server::remove(const term& name) {
  const auto found = names_.find(name);
  if (found == names_.end()) return;
  demonitor(found->second.ref, true);
  name_of_.erase(found->second.ref);
  names_.erase(found);
  shared_->erase(name);
}

/// `{insert, {Name, Pid, Method}}` and `{delete, Name}`, in any number.
void global_name_server::apply(const term& operations) {
  for (const term& operation : operations.items()) {
    if (!operation.is_tagged("insert"_atom, 2)) continue;
    const term& named = operation.elements()[1];
    if (!named.is_tuple(3)) continue;
    const std::span<const term> e = named.elements();
    if (const std::optional<pid> process = e[1].as_pid()) insert(e[0], *process, e[2]);
  }
  for (const term& operation : operations.items()) {
    if (operation.is_tagged("delete"_atom, 2)) remove(operation.elements()[1]);
  }
}

// --- locks ---

/// `{ResourceId, Requester}`: of one requester, whoever acts for it.
bool global_name_server::set_lock(const term& id, pid holder) {
  if (!id.is_tuple(2)) return false;
  const term& resource = id.elements()[0];
  lock& l = locks_[resource];
  if (!l.holders.empty() && l.requester != id.elements()[1]) return false;
  l.requester = id.elements()[1];
  if (l.holders.contains(holder)) return true;
  const reference ref = monitor(holder);
  l.holders[holder] = ref;
  lock_of_[ref] = {resource, holder};
  return true;
}

void global_name_server::del_lock(const term& id, pid holder) {
  if (!id.is_tuple(2)) return;
  const auto found = locks_.find(id.elements()[0]);
  if (found == locks_.end() || found->second.requester != id.elements()[1]) return;
  const auto held = found->second.holders.find(holder);
  if (held == found->second.holders.end()) return;
  demonitor(held->second, true);
  lock_of_.erase(held->second);
  found->second.holders.erase(held);
  if (found->second.holders.empty()) locks_.erase(found);
}

/// Whoever ends has no names and no locks any more.
void global_name_server::handle_info(const down& gone) {
  if (const auto named = name_of_.find(gone.ref); named != name_of_.end()) {
    const term name = named->second;
    return remove(name);
  }
  const auto locked = lock_of_.find(gone.ref);
  if (locked == lock_of_.end()) return;
  const auto [resource, holder] = locked->second;
  lock_of_.erase(locked);
  const auto found = locks_.find(resource);
  if (found == locks_.end()) return;
  found->second.holders.erase(holder);
  if (found->second.holders.empty()) locks_.erase(found);
}

} // namespace coppice::dist::detail
