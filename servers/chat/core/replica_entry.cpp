// How a replica comes in with a leader.
#include "servers/chat/core/replica.hpp"

#include <algorithm>
#include <utility>

namespace coppice::chat {

// --- of the one who comes in ---

void replica::come_in(outside& out, const std::string& leader) {
  target_ = leader;
  changes_.clear();
  incoming_.reset();
  ask_again(out);
}

void replica::ask_again(outside& out) {
  answered_ = tick_;
  ++attempt_;
  out.send(target_, ask_in{attempt_, out.table().past().tenures()});
}

void replica::heard(outside& out, const std::string& from, admit&& m) {
  if (!is_entry(from, m.attempt)) return;
  if (m.after != counted_) {
    ask_again(out);
    return;
  }
  // What does not count by now never did: those who asked for it ask again.
  log_.resize(counted_ - base_);
  for (operation& op : m.operations) log_.push_back(std::move(op));
  role_ = role::following;
  leader_ = std::exchange(target_, {});
  in_step_ = {self_, leader_};
  out.send(leader_, kept{log_end()});
  forward mine;
  for (const waiting& w : requests_) mine.operations.push_back(w.op);
  if (!mine.operations.empty()) out.send(leader_, std::move(mine));
  count(out, std::min(m.committed, log_end()));
  greet_all(out);
}

void replica::heard(outside& out, const std::string& from, ask_changes&& m) {
  if (!is_entry(from, m.attempt)) return;
  changes_ = out.table().since(m.common);
  given_ = 0;
  send_changes(out);
}

void replica::heard(outside& out, const std::string& from, took_changes&& m) {
  if (is_entry(from, m.attempt)) send_changes(out);
}

void replica::send_changes(outside& out) {
  answered_ = tick_;
  give_changes m{attempt_, {}, false};
  const std::size_t end = std::min(changes_.size(), given_ + changes_at_once);
  for (; given_ < end; ++given_) m.changes.push_back(changes_[given_]);
  m.more = given_ < changes_.size();
  out.send(target_, std::move(m));
}

void replica::heard(outside& out, const std::string& from, give_part&& m) {
  if (!is_entry(from, m.attempt)) return;
  answered_ = tick_;
  if (incoming_ == nullptr) incoming_ = std::make_unique<chat_table>(out.empty());
  const bool is_last = m.part.is_last;
  const std::string last_name = m.part.mailboxes.empty() ? std::string() : m.part.mailboxes.back().user;
  history past(std::move(m.past));
  if (past.tenures().empty() || !incoming_->load(std::move(m.part)) || (!is_last && last_name.empty())) {
    target_.clear(); // no sense: somebody else, or the same one later
    incoming_.reset();
    return;
  }
  if (!is_last) {
    out.send(from, ask_part{attempt_, last_name});
    return;
  }
  incoming_->become(std::move(past), out.table());
  log_.clear();
  base_ = counted_ = incoming_->past().last();
  out.install(std::move(*incoming_));
  incoming_.reset();
  ask_again(out);
}

// --- of the leader ---

void replica::heard(outside& out, const std::string& from, ask_in&& m) {
  if (role_ != role::leading || !peers_.contains(from)) return;
  entrants_.erase(from);
  remove(out, from);
  const history theirs(std::move(m.past));
  const chat_table& own = out.table();
  const std::optional<std::uint64_t> shared = theirs.common_with(own.past());
  const std::uint64_t common = shared.value_or(0);
  if (shared && common == theirs.last() && common >= base_) {
    admit answer{m.attempt, common, {}, counted_};
    answer.operations.assign(log_.begin() + static_cast<std::ptrdiff_t>(common - base_), log_.end());
    followers_[from] = {common, tick_};
    out.send(from, std::move(answer));
    tell_in_step(out);
    return;
  }
  entrant& e = entrants_[from];
  e.attempt = m.attempt;
  e.since = tick_;
  if (common == theirs.last()) { // new, or too long away for what is kept
    e.changes_done = true;
    e.awaited = counted_;
    answer_entrants(out);
  } else {
    out.send(from, ask_changes{m.attempt, common});
  }
}

replica::entrant* replica::entrant_of(const std::string& from, std::uint64_t attempt) {
  const auto found = entrants_.find(from);
  if (role_ != role::leading || found == entrants_.end() || found->second.attempt != attempt) return nullptr;
  found->second.since = tick_;
  return &found->second;
}

void replica::heard(outside& out, const std::string& from, give_changes&& m) {
  entrant* e = entrant_of(from, m.attempt);
  if (e == nullptr || e->changes_done) return;
  for (change& c : m.changes) append(out, {"", 0, std::move(c)});
  e->changes_done = !m.more;
  e->awaited = log_end();
  advance(out);
}

void replica::answer_entrants(outside& out) {
  for (auto& [node, e] : entrants_) {
    if (!e.awaited || *e.awaited > counted_) continue;
    e.awaited.reset();
    if (!e.changes_done) {
      out.send(node, took_changes{e.attempt});
      continue;
    }
    e.table = out.copy();
    out.send(node, part_of(e, ""));
  }
}

give_part replica::part_of(const entrant& e, const std::string& after) {
  const chat_table& t = *e.table;
  return {e.attempt, t.past().tenures(), t.part_after(after)};
}

void replica::heard(outside& out, const std::string& from, ask_part&& m) {
  const entrant* e = entrant_of(from, m.attempt);
  if (e == nullptr || e->table == nullptr) return;
  out.send(from, part_of(*e, m.after));
}

} // namespace coppice::chat
