// The protocol of pg's scopes among nodes, as OTP 25 to 28 speak it. OTP 25's scope ends at any message that
// it does not know: what is sent here is exactly that.
#include "coppice/otp/detail/pg_table.hpp"
#include "coppice/otp/pg.hpp"
#include "coppice/runtime/node.hpp"

#include <cstdint>
#include <optional>

namespace coppice::pg {

using namespace literals;

namespace {

/// Of a pid or a list of them, those of that node: no peer speaks for others.
std::vector<pid> pids_of(std::uint32_t node, const term& one_or_more) {
  std::vector<pid> pids;
  const auto take = [&pids, node](const term& t) {
    const std::optional<pid> p = t.as_pid();
    if (p && p->node == node) pids.push_back(*p);
  };
  if (!one_or_more.is_list()) take(one_or_more);
  for (const term& t : one_or_more.items()) take(t);
  return pids;
}

} // namespace

void scope::handle_info(const node_came& news) {
  send(remote_name{name_, news.node}, term::tuple("discover"_atom, me_));
}

void scope::handle_info(const term& message) {
  const std::span<const term> e = message.elements();
  if (e.size() < 2) return;
  const std::optional<pid> from = e[1].as_pid();
  if (!from || from->local()) return;
  // The third element, of OTP 26 and later, is the version of the protocol, of which there is one so far.
  if (message.is_tagged("discover"_atom, 2) || message.is_tagged("discover"_atom, 3)) {
    discovered_by(*from);
  } else if (message.is_tagged("join"_atom, 4)) {
    peer_joined(*from, e[2], e[3]);
  } else if (message.is_tagged("leave"_atom, 4)) {
    peer_left(*from, e[2], e[3]);
  }
}

void scope::handle_cast(const term& message) {
  if (!message.is_tagged("sync"_atom, 3)) return;
  const std::optional<pid> from = message.elements()[1].as_pid();
  if (from && !from->local()) synchronize(*from, message.elements()[2]);
}

/// To the scopes that have had our members.
void scope::announce(const term& change) {
  for (const auto& [process, p] : peers_) {
    if (p.knows_us) send(process, change);
  }
}

scope::peer& scope::meet(pid process) {
  const auto [found, is_new] = peers_.try_emplace(process);
  if (is_new) found->second.ref = coppice::monitor(process);
  return found->second;
}

void scope::discovered_by(pid process) {
  const bool is_new = !peers_.contains(process);
  cast_any(server_name(process), term::tuple("sync"_atom, me_, own_members()));
  meet(process).knows_us = true;
  if (is_new) send(process, term::tuple("discover"_atom, me_));
}

term scope::own_members() const {
  std::unordered_map<term, std::vector<term>> groups;
  for (const auto& [process, m] : members_) {
    for (const term& group : m.groups) groups[group].emplace_back(process);
  }
  std::vector<term> all;
  all.reserve(groups.size());
  for (auto& [group, pids] : groups) all.push_back(term::tuple(group, term::list_from(std::move(pids))));
  return term::list_from(std::move(all));
}

/// All that the peer's node has; what we thought of it before counts no more.
void scope::synchronize(pid process, const term& groups) {
  peer& there = meet(process);
  std::unordered_map<term, std::vector<pid>> before = std::move(there.groups);
  std::unordered_map<term, std::vector<pid>> now;
  for (const term& entry : groups.items()) {
    if (!entry.is_tuple(2)) continue;
    std::vector<pid> pids = pids_of(process.node, entry.elements()[1]);
    if (!pids.empty()) now[entry.elements()[0]] = std::move(pids);
  }
  for (const auto& [group, pids] : before) {
    const auto still = now.find(group);
    remove(group, still == now.end() ? pids : detail::without(pids, still->second));
  }
  for (const auto& [group, pids] : now) {
    const auto already = before.find(group);
    add(group, already == before.end() ? pids : detail::without(pids, already->second));
  }
  there.groups = std::move(now);
}

void scope::peer_joined(pid process, const term& group, const term& processes) {
  const auto found = peers_.find(process);
  if (found == peers_.end()) return; // all will come by `sync`
  const std::vector<pid> pids = pids_of(process.node, processes);
  if (pids.empty()) return;
  std::vector<pid>& members = found->second.groups[group];
  members.insert(members.end(), pids.begin(), pids.end());
  add(group, pids);
}

void scope::peer_left(pid process, const term& processes, const term& groups) {
  const auto found = peers_.find(process);
  if (found == peers_.end()) return;
  const std::vector<pid> pids = pids_of(process.node, processes);
  for (const term& group : groups.items()) {
    const auto at = found->second.groups.find(group);
    if (at == found->second.groups.end()) continue;
    std::vector<pid> rest = detail::without(at->second, pids);
    remove(group, detail::without(at->second, rest)); // those only that were in it
    if (rest.empty()) {
      found->second.groups.erase(at);
    } else {
      at->second = std::move(rest);
    }
  }
}

void scope::peer_is_down(const down& gone) {
  const auto found = peers_.find(gone.process);
  if (found == peers_.end() || found->second.ref != gone.ref) return;
  const std::unordered_map<term, std::vector<pid>> groups = std::move(found->second.groups);
  peers_.erase(found);
  for (const auto& [group, pids] : groups) remove(group, pids);
}

} // namespace coppice::pg
