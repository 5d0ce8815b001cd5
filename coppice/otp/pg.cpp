#include "coppice/otp/pg.hpp"

#include "coppice/otp/detail/pg_table.hpp"
#include "coppice/runtime/node.hpp"

#include <algorithm>

namespace coppice {

using namespace literals;

namespace {

term pids_as_term(const std::vector<pid>& pids) {
  return term::list_from(std::vector<term>(pids.begin(), pids.end()));
}

template <class Change>
term change_as_term(const Change& e, const atom& what) {
  return term::tuple(e.ref, what, e.group, pids_as_term(e.members));
}

template <class Change>
std::expected<Change, decode_error> change_from_term(const term& t, const atom& what) {
  if (t.is_tuple() && t.elements().size() == 4 && t.elements()[0].as_reference() &&
      t.elements()[1] == term(what)) {
    auto members = from_term<std::vector<pid>>(t.elements()[3]);
    if (members) return Change{*t.elements()[0].as_reference(), t.elements()[2], std::move(*members)};
  }
  return std::unexpected(mismatch("{Ref, join | leave, Group, Pids}", t));
}

} // namespace

term describe<pg::joined>::to(const pg::joined& e) { return change_as_term(e, "join"_atom); }
term describe<pg::left>::to(const pg::left& e) { return change_as_term(e, "leave"_atom); }
std::expected<pg::joined, decode_error> describe<pg::joined>::from(const term& t) {
  return change_from_term<pg::joined>(t, "join"_atom);
}
std::expected<pg::left, decode_error> describe<pg::left>::from(const term& t) {
  return change_from_term<pg::left>(t, "leave"_atom);
}

namespace pg {
namespace detail {

namespace {

std::shared_ptr<table> find(const atom& scope) { return this_node().part<scopes>()->find(scope); }

} // namespace
} // namespace detail

atom default_scope() { return "pg"_atom; }

// --- the process of a scope ---

scope::scope(atom name) : name_(std::move(name)), table_(this_node().part<detail::scopes>()->add(name_)) {}

scope::~scope() {
  this_node().part<node_events>()->unsubscribe(me_);
  this_node().part<detail::scopes>()->remove(name_, table_);
}

void scope::init() {
  me_ = self_pid();
  for (const atom& node : this_node().part<node_events>()->subscribe(me_)) handle_info(node_came{node});
}

ok scope::handle_call(const detail::join& request) {
  for (pid p : request.processes) {
    auto [found, is_new] = members_.try_emplace(p);
    if (is_new) found->second.ref = coppice::monitor(p);
    found->second.groups.push_back(request.group);
  }
  add(request.group, request.processes);
  if (!request.processes.empty()) {
    announce(term::tuple("join"_atom, me_, request.group, pids_as_term(request.processes)));
  }
  return {};
}

bool scope::handle_call(const detail::leave& request) {
  std::vector<pid> gone;
  for (pid p : request.processes) {
    auto found = members_.find(p);
    if (found == members_.end()) continue;
    std::vector<term>& groups = found->second.groups;
    auto at = std::ranges::find(groups, request.group);
    if (at == groups.end()) continue;
    groups.erase(at);
    gone.push_back(p);
    if (!groups.empty()) continue;
    coppice::demonitor(found->second.ref, true);
    members_.erase(found);
  }
  if (!gone.empty()) {
    remove(request.group, gone);
    announce(term::tuple("leave"_atom, me_, pids_as_term(gone), term::list_from({request.group})));
  }
  return gone.size() == request.processes.size();
}

group_monitor scope::handle_call(detail::watch_group request) {
  reference ref = coppice::monitor(request.watcher);
  group_monitor answer{ref, table_->members(request.group)};
  watchers_.emplace(ref, watcher{request.watcher, std::move(request.group)});
  return answer;
}

scope_monitor scope::handle_call(const detail::watch_scope& request) {
  reference ref = coppice::monitor(request.watcher);
  watchers_.emplace(ref, watcher{request.watcher, std::nullopt});
  return {ref, table_->all()};
}

bool scope::handle_call(const detail::unwatch& request) {
  if (watchers_.erase(request.ref) == 0) return false;
  coppice::demonitor(request.ref, true);
  return true;
}

void scope::handle_info(const down& gone) {
  if (watchers_.erase(gone.ref) > 0) return;
  auto found = members_.find(gone.process);
  if (found == members_.end() || found->second.ref != gone.ref) return peer_is_down(gone);
  std::vector<term> groups = std::move(found->second.groups);
  members_.erase(found);
  for (const term& group : groups) remove(group, {gone.process});
  announce(term::tuple("leave"_atom, me_, gone.process, term::list_from(std::move(groups))));
}

void scope::add(const term& group, const std::vector<pid>& processes) {
  if (processes.empty()) return;
  table_->join(group, processes);
  tell<joined>(group, processes);
}

void scope::remove(const term& group, const std::vector<pid>& processes) {
  if (processes.empty()) return;
  table_->leave(group, processes);
  tell<left>(group, processes);
}

template <class Change>
void scope::tell(const term& group, const std::vector<pid>& processes) {
  for (const auto& [ref, w] : watchers_) {
    if (!w.group || *w.group == group) send(w.process, Change{ref, group, processes});
  }
}

// --- what others call ---

start_server<scope> start_link(atom name) { return coppice::start_link<scope>(local(name), name); }
start_server<scope> start(atom name) { return coppice::start<scope>(local(name), name); }

namespace {

template <class R, class Request>
call_awaiter<R> ask(const atom& scope, Request request) {
  return call_awaiter<R>(server_name(scope), std::move(request), infinity);
}

/// Who is a member is for its own node to say.
std::vector<pid> expect_local(std::vector<pid> processes) {
  for (pid p : processes) {
    if (!p.local()) throw exit_exception(exit_reason(term::tuple("nolocal"_atom, p)));
  }
  return processes;
}

} // namespace

call_awaiter<ok> join(atom scope, term group, std::vector<pid> processes) {
  return ask<ok>(scope, detail::join{std::move(group), expect_local(std::move(processes))});
}
call_awaiter<ok> join(term group, pid process) { return join(default_scope(), std::move(group), {process}); }
call_awaiter<bool> leave(atom scope, term group, std::vector<pid> processes) {
  return ask<bool>(scope, detail::leave{std::move(group), expect_local(std::move(processes))});
}
call_awaiter<bool> leave(term group, pid process) {
  return leave(default_scope(), std::move(group), {process});
}

std::vector<pid> get_members(const atom& scope, const term& group) {
  std::shared_ptr<detail::table> t = detail::find(scope);
  return t == nullptr ? std::vector<pid>() : t->members(group);
}
std::vector<pid> get_members(const term& group) { return get_members(default_scope(), group); }

std::vector<pid> get_local_members(const atom& scope, const term& group) {
  std::vector<pid> members = get_members(scope, group);
  std::erase_if(members, [](pid p) { return !p.local(); });
  return members;
}
std::vector<pid> get_local_members(const term& group) { return get_local_members(default_scope(), group); }

std::vector<term> which_groups(const atom& scope) {
  std::shared_ptr<detail::table> t = detail::find(scope);
  return t == nullptr ? std::vector<term>() : t->names();
}

call_awaiter<group_monitor> monitor(atom scope, term group) {
  return ask<group_monitor>(scope, detail::watch_group{std::move(group), self_pid()});
}
call_awaiter<group_monitor> monitor(term group) { return monitor(default_scope(), std::move(group)); }
call_awaiter<scope_monitor> monitor_scope(atom scope) {
  return ask<scope_monitor>(scope, detail::watch_scope{self_pid()});
}
call_awaiter<bool> demonitor(atom scope, reference ref) { return ask<bool>(scope, detail::unwatch{ref}); }
call_awaiter<bool> demonitor(reference ref) { return demonitor(default_scope(), ref); }

} // namespace pg
} // namespace coppice
