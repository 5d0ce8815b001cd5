#include "coppice/otp/pg.hpp"

#include "coppice/runtime/node.hpp"

#include <algorithm>
#include <mutex>
#include <shared_mutex>

namespace coppice {

using namespace literals;

namespace {

template <class Change>
term change_as_term(const Change& e, const atom& what) {
  std::vector<term> members(e.members.begin(), e.members.end());
  return term::tuple(e.ref, what, e.group, term::list_from(std::move(members)));
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

/// The members of one scope's groups: written by its process, read by all.
class table {
public:
  void join(const term& group, const std::vector<pid>& processes) {
    std::unique_lock guard(mutex_);
    std::vector<pid>& members = groups_[group];
    members.insert(members.end(), processes.begin(), processes.end());
  }
  /// Each once.
  void leave(const term& group, const std::vector<pid>& processes) {
    std::unique_lock guard(mutex_);
    auto found = groups_.find(group);
    if (found == groups_.end()) return;
    std::vector<pid>& members = found->second;
    for (pid p : processes) {
      auto at = std::ranges::find(members, p);
      if (at != members.end()) members.erase(at);
    }
    if (members.empty()) groups_.erase(found);
  }
  [[nodiscard]] std::vector<pid> members(const term& group) const {
    std::shared_lock guard(mutex_);
    auto found = groups_.find(group);
    return found == groups_.end() ? std::vector<pid>() : found->second;
  }
  [[nodiscard]] std::vector<std::pair<term, std::vector<pid>>> all() const {
    std::shared_lock guard(mutex_);
    return {groups_.begin(), groups_.end()};
  }
  [[nodiscard]] std::vector<term> names() const {
    std::shared_lock guard(mutex_);
    std::vector<term> names;
    names.reserve(groups_.size());
    for (const auto& [group, members] : groups_) names.push_back(group);
    return names;
  }

private:
  mutable std::shared_mutex mutex_;
  std::unordered_map<term, std::vector<pid>> groups_;
};

/// The scopes of a node.
class scopes {
public:
  std::shared_ptr<table> add(const atom& name) {
    std::unique_lock guard(mutex_);
    return tables_[name] = std::make_shared<table>();
  }
  void remove(const atom& name, const std::shared_ptr<table>& t) {
    std::unique_lock guard(mutex_);
    auto found = tables_.find(name);
    if (found != tables_.end() && found->second == t) tables_.erase(found);
  }
  [[nodiscard]] std::shared_ptr<table> find(const atom& name) const {
    std::shared_lock guard(mutex_);
    auto found = tables_.find(name);
    return found == tables_.end() ? nullptr : found->second;
  }

private:
  mutable std::shared_mutex mutex_;
  std::unordered_map<atom, std::shared_ptr<table>> tables_;
};

namespace {

std::shared_ptr<table> find(const atom& scope) { return this_node().part<scopes>()->find(scope); }

bool is_local(pid p) noexcept { return p.node == 0; }

} // namespace
} // namespace detail

atom default_scope() { return "pg"_atom; }

// --- the process of a scope ---

scope::scope(atom name) : name_(std::move(name)), table_(this_node().part<detail::scopes>()->add(name_)) {}

scope::~scope() { this_node().part<detail::scopes>()->remove(name_, table_); }

ok scope::handle_call(const detail::join& request) {
  for (pid p : request.processes) {
    auto [found, is_new] = members_.try_emplace(p);
    if (is_new) found->second.ref = coppice::monitor(p);
    found->second.groups.push_back(request.group);
  }
  table_->join(request.group, request.processes);
  tell<joined>(request.group, request.processes);
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
    table_->leave(request.group, gone);
    tell<left>(request.group, gone);
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
  if (found == members_.end() || found->second.ref != gone.ref) return;
  std::vector<term> groups = std::move(found->second.groups);
  members_.erase(found);
  for (const term& group : groups) {
    table_->leave(group, {gone.process});
    tell<left>(group, {gone.process});
  }
}

template <class Change>
void scope::tell(const term& group, const std::vector<pid>& processes) {
  if (processes.empty()) return;
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

} // namespace

call_awaiter<ok> join(atom scope, term group, std::vector<pid> processes) {
  return ask<ok>(scope, detail::join{std::move(group), std::move(processes)});
}
call_awaiter<ok> join(term group, pid process) {
  return ask<ok>(default_scope(), detail::join{std::move(group), {process}});
}
call_awaiter<bool> leave(atom scope, term group, std::vector<pid> processes) {
  return ask<bool>(scope, detail::leave{std::move(group), std::move(processes)});
}
call_awaiter<bool> leave(term group, pid process) {
  return ask<bool>(default_scope(), detail::leave{std::move(group), {process}});
}

std::vector<pid> get_members(const atom& scope, const term& group) {
  std::shared_ptr<detail::table> t = detail::find(scope);
  return t == nullptr ? std::vector<pid>() : t->members(group);
}
std::vector<pid> get_members(const term& group) { return get_members(default_scope(), group); }

std::vector<pid> get_local_members(const atom& scope, const term& group) {
  std::vector<pid> members = get_members(scope, group);
  std::erase_if(members, [](pid p) { return !detail::is_local(p); });
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
