#include "servers/chat/core/replica.hpp"

#include <algorithm>
#include <bit>
#include <utility>

namespace coppice::chat {

// --- who is there ---

void replica::start(outside& out) {
  keeps_tenure_ = !std::exchange(started_, true) && peers_.empty();
  for (auto& [node, p] : peers_) p = peer{};
  followers_.clear();
  entrants_.clear();
  if (!peers_.empty()) {
    seek(out);
    return;
  }
  log_.clear();
  base_ = counted_ = out.table().past().last();
  role_ = role::leading;
  leader_ = self_;
  in_step_ = {self_};
}

void replica::meet(outside& out, const std::string& node) {
  if (node == self_ || node.empty() || peers_.contains(node) || peers_.size() + 1 >= most_nodes) return;
  if (peers_.empty()) base_ = counted_ = out.table().past().last();
  peers_.try_emplace(node);
  greet(out, node);
}

void replica::greet(outside& out, const std::string& node) {
  hello m{leader_, {self_}, out.table().past().tenures()};
  for (const auto& [name, p] : peers_) m.members.push_back(name);
  out.send(node, std::move(m));
}

void replica::greet_all(outside& out) {
  for (const auto& [node, p] : peers_) {
    if (p.up || tick_ % search_pause == 0) greet(out, node);
  }
}

void replica::heard(outside& out, const std::string& from, hello&& m) {
  meet(out, from);
  for (const std::string& node : m.members) meet(out, node);
  const auto known = peers_.find(from);
  if (known == peers_.end()) return;
  peer& p = known->second;
  const bool is_new = !std::exchange(p.up, true);
  p.leader = std::move(m.leader);
  p.past = history(std::move(m.past));
  if (is_new) greet(out, from);
  const bool claims = p.leader == from;
  if (led_by(from) && !claims) {
    seek(out);
  } else if (role_ == role::leading && claims) {
    remove(out, from);
    if (yields_to(out, from)) seek(out);
  } else if (role_ == role::seeking) {
    if (from == target_ && !claims) target_.clear();
    if (target_.empty()) seek_leader(out);
    if (target_.empty() && is_next(out)) lead(out);
  }
}

/// Of two leaders one comes in with the other: who has less. A part of the other's table is less whatever its
/// size; else sizes are compared roughly, for they grow while this is said.
bool replica::yields_to(outside& out, const std::string& node) {
  const history& mine = out.table().past();
  const history& theirs = peers_.at(node).past;
  const std::uint64_t common = mine.common_with(theirs).value_or(0);
  const bool all_mine = common == mine.last();
  const bool all_theirs = common == theirs.last();
  if (all_mine != all_theirs) return all_mine;
  const auto mine_size = std::bit_width(mine.last());
  const auto their_size = std::bit_width(theirs.last());
  return their_size != mine_size ? their_size > mine_size : node < self_;
}

void replica::down(outside& out, const std::string& node) {
  const auto known = peers_.find(node);
  if (known == peers_.end()) return;
  known->second = peer{};
  entrants_.erase(node);
  remove(out, node);
  if (led_by(node)) {
    succeed(out);
  } else if (role_ == role::seeking && node == target_) {
    target_.clear();
    seek_leader(out);
  }
  greet(out, node); // it may have been the connection alone
}

// --- who leads ---

/// The leader is gone: of those in step the one with the lowest name follows it.
void replica::succeed(outside& out) {
  in_step_.erase(leader_);
  for (const std::string& node : in_step_) {
    if (node == self_) {
      lead(out);
      return;
    }
    const auto known = peers_.find(node);
    if (known != peers_.end() && known->second.up) break;
  }
  seek(out);
}

void replica::lead(outside& out) {
  role_ = role::leading;
  leader_ = self_;
  target_.clear();
  changes_.clear();
  incoming_.reset();
  in_step_ = {self_};
  followers_.clear();
  entrants_.clear();
  count(out, log_end()); // all that may count already, for the last leader had it from us
  if (!std::exchange(keeps_tenure_, true)) append(out, {"", 0, begin_tenure{out.unique()}});
  const std::deque<waiting> mine = requests_; // counting takes them out
  for (const waiting& w : mine) append(out, w.op);
  advance(out);
  greet_all(out);
}

/// It follows nobody, and finds somebody to follow.
void replica::seek(outside& out) {
  const std::map<std::string, follower> left = std::exchange(followers_, {});
  entrants_.clear();
  role_ = role::seeking;
  keeps_tenure_ = false;
  leader_.clear();
  target_.clear();
  changes_.clear();
  incoming_.reset();
  seeking_since_ = tick_;
  for (const auto& [node, f] : left) out.send(node, drop_out());
  greet_all(out);
  seek_leader(out);
}

void replica::seek_leader(outside& out) {
  const std::string* best = nullptr;
  std::uint64_t size = 0;
  for (const auto& [node, p] : peers_) {
    if (!p.up || p.leader != node) continue;
    const auto its_size = std::bit_width(p.past.last());
    if (best != nullptr && its_size <= size) continue;
    best = &node;
    size = its_size;
  }
  if (best != nullptr) come_in(out, *best);
}

/// Whether all that are known are there and nobody leads, and it has more in its table than they, or as much
/// and the lowest name.
bool replica::is_next(outside& out) const {
  const auto mine = std::bit_width(out.table().past().last());
  for (const auto& [node, p] : peers_) {
    if (!p.up || !p.leader.empty()) return false;
    const auto its = std::bit_width(p.past.last());
    if (its > mine || (its == mine && node < self_)) return false;
  }
  return true;
}

void replica::tick(outside& out) {
  ++tick_;
  while (!requests_.empty() && requests_.front().since + request_lifetime < tick_) requests_.pop_front();
  if (role_ == role::leading) {
    std::vector<std::string> slow;
    for (const auto& [node, f] : followers_) {
      if (f.last < log_end() && f.moved + follower_patience < tick_) slow.push_back(node);
    }
    for (const std::string& node : slow) {
      out.send(node, drop_out());
      remove(out, node);
    }
    std::erase_if(entrants_, [this](const auto& e) { return e.second.since + request_lifetime < tick_; });
  } else if (role_ == role::following) {
    if (!requests_.empty() && requests_.front().since + leader_patience < tick_) {
      peers_[leader_].leader.clear(); // until it is heard of again
      succeed(out);
    }
  } else {
    if (!target_.empty() && answered_ + entry_patience < tick_) target_.clear();
    if (target_.empty()) seek_leader(out);
    if (target_.empty() && seeking_since_ + lonely_patience < tick_) lead(out);
  }
  greet_all(out);
}

// --- the order of changes ---

void replica::submit(outside& out, std::uint64_t request, change what) {
  operation op{self_, request, std::move(what)};
  if (is_alone()) {
    base_ = ++counted_;
    out.apply(std::move(op));
    return;
  }
  requests_.push_back({op, tick_});
  if (role_ == role::leading) {
    append(out, std::move(op));
    advance(out);
  } else if (role_ == role::following) {
    forward m;
    m.operations.push_back(std::move(op));
    out.send(leader_, std::move(m));
  }
}

void replica::append(outside& out, operation op) {
  for (auto& [node, f] : followers_) {
    if (f.last == log_end()) f.moved = tick_;
    keep m{log_end(), {}};
    m.operations.push_back(op);
    out.send(node, std::move(m));
  }
  log_.push_back(std::move(op));
}

void replica::advance(outside& out) {
  std::uint64_t all_have = log_end();
  for (const auto& [node, f] : followers_) all_have = std::min(all_have, f.last);
  if (all_have > counted_) {
    count(out, all_have);
    for (const auto& [node, f] : followers_) out.send(node, commit{counted_});
  }
  answer_entrants(out);
}

void replica::count(outside& out, std::uint64_t last) {
  while (counted_ < last) {
    const operation& op = log_[counted_ - base_];
    ++counted_;
    if (op.origin == self_) {
      std::erase_if(requests_, [&](const waiting& w) { return w.op.request == op.request; });
    }
    out.apply(op);
  }
  while (log_.size() > kept_operations && base_ < counted_) {
    log_.pop_front();
    ++base_;
  }
}

void replica::heard(outside& out, const std::string& from, forward&& m) {
  if (role_ != role::leading || !followers_.contains(from)) return;
  for (operation& op : m.operations) {
    if (op.what.index() > 4) continue; // no change that clients make
    op.origin = from;
    append(out, std::move(op));
  }
  advance(out);
}

void replica::heard(outside& out, const std::string& from, kept&& m) {
  const auto found = followers_.find(from);
  if (found == followers_.end() || m.last > log_end() || m.last <= found->second.last) return;
  found->second = {m.last, tick_};
  advance(out);
}

void replica::heard(outside& out, const std::string& from, keep&& m) {
  if (!led_by(from)) return;
  if (m.after != log_end()) { // something was lost
    seek(out);
    return;
  }
  for (operation& op : m.operations) log_.push_back(std::move(op));
  out.send(from, kept{log_end()});
}

void replica::heard(outside& out, const std::string& from, commit&& m) {
  if (led_by(from)) count(out, std::min(m.last, log_end()));
}

void replica::heard(outside& /*out*/, const std::string& from, in_step&& m) {
  if (led_by(from)) in_step_ = {m.members.begin(), m.members.end()};
}

void replica::heard(outside& out, const std::string& from, drop_out&& /*m*/) {
  if (led_by(from)) seek(out);
}

void replica::tell_in_step(outside& out) {
  in_step_ = {self_};
  for (const auto& [node, f] : followers_) in_step_.insert(node);
  for (const auto& [node, f] : followers_) out.send(node, in_step{{in_step_.begin(), in_step_.end()}});
}

void replica::remove(outside& out, const std::string& node) {
  if (followers_.erase(node) == 0) return;
  tell_in_step(out); // before anything counts that the node does not have
  advance(out);
}

void replica::take(outside& out, const std::string& from, replica_message m) {
  std::visit([&](auto& said) { heard(out, from, std::move(said)); }, m);
}

} // namespace coppice::chat
