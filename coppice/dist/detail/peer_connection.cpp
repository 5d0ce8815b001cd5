// How connections to a peer come and go, and what its loss means to those who are tied to it.
#include "coppice/dist/detail/network.hpp"
#include "coppice/dist/detail/peer.hpp"
#include "coppice/runtime/detail/inspect.hpp"

#include <utility>

namespace coppice::dist::detail {

using namespace literals;
using coppice::detail::envelope_kind;
using coppice::detail::make_message;
using coppice::detail::send_signal;
using local_signal = coppice::detail::signal;

/// Who is to be told that the connection is lost, taken out of the tables under the lock.
struct peer::farewell {
  boost::unordered_flat_map<std::uint64_t, asked> asked_for;
  boost::unordered_flat_map<link_key, link_state, link_hash> links;
  boost::unordered_flat_map<std::uint64_t, watch> watches;
  std::vector<std::pair<pid, std::uint64_t>> held_up;
  std::vector<from> connecting;
};

peer::farewell peer::take_ties() {
  farewell all;
  all.asked_for.swap(asked_);
  all.links.swap(links_);
  all.watches.swap(watches_);
  all.held_up.swap(held_up_);
  watch_numbers_.clear();
  replies_.clear();
  out_.clear();
  before_.clear();
  before_bytes_ = 0;
  writer_.reset();
  poked_ = overfull_ = false;
  return all;
}

void peer::tell(farewell all) {
  for (auto& [unique, a] : all.asked_for) {
    const bool call = static_cast<bool>(a.who);
    tell_lost(unique, std::move(a),
              call ? exit_reason(term::tuple("nodedown"_atom, name_)) : exit_reason::noconnection());
  }
  for (const auto& [ends, link] : all.links) {
    if (!link.active || !ends.first.local()) continue;
    send_signal(all_.home, ends.first, envelope_kind::exit, 0,
                local_signal{ends.second, exit_reason::noconnection(), {link.remote, link.local}, true});
  }
  for (const auto& [number, w] : all.watches) {
    pid watched;
    if (const auto* name = std::get_if<atom>(&w.watched)) {
      watched = all_.home.whereis(*name).value_or(pid());
    } else {
      watched = std::get<pid>(w.watched);
    }
    if (!watched || !watched.local()) continue;
    send_signal(all_.home, watched, envelope_kind::demonitor, number, local_signal{w.watcher, exit_reason()});
  }
  for (const auto& [process, tag] : all.held_up) {
    coppice::detail::complete(all_.home, process, tag, make_message<coppice::detail::room>());
  }
  for (from& who : all.connecting) who.reply(false);
}

/// A call fails; who asked for a process to be started is told so, too.
void peer::tell_lost(std::uint64_t unique, asked a, exit_reason reason) {
  if (a.who) return a.who.fail(std::move(reason));
  tell_down(unique, std::move(a), std::move(reason));
}

void peer::lost(std::uint64_t connection) {
  farewell all;
  {
    std::lock_guard guard(lock_);
    if (state_ != state::up || connection_ != connection) return;
    state_ = state::idle;
    with_ = {};
    all = take_ties();
  }
  tell(std::move(all));
}

admission peer::admit() const {
  std::lock_guard guard(lock_);
  if (state_ == state::up) return admission::alive;
  if (attempt_) return when_simultaneous(all_.names.own().name(), name_.name());
  return admission::ok;
}

bool peer::begin_attempt(pid process) {
  std::lock_guard guard(lock_);
  if (state_ != state::pending || attempt_) return false;
  attempt_ = process;
  return true;
}

void peer::expect_connection(pid process) {
  std::lock_guard guard(lock_);
  if (state_ != state::idle) return;
  state_ = state::pending;
  attempt_ = process;
}

bool peer::attempts(pid process) const {
  std::lock_guard guard(lock_);
  return attempt_ == process;
}

/// Of two connections that were made at the same time, each by another side, the one that the node with the
/// greater name dialled stays: both sides come to the same.
bool peer::gives_way_to(const connected_node& newer) const {
  if (newer.replaces || newer.dialled == with_.dialled) return true;
  const bool ours_is_greater = all_.names.own().name() > name_.name();
  return newer.dialled == ours_is_greater;
}

void peer::attempt_failed(pid process) {
  farewell all;
  {
    std::lock_guard guard(lock_);
    if (attempt_ != process) return;
    attempt_ = pid();
    if (state_ == state::up) return;
    state_ = state::idle;
    all = take_ties();
    all.connecting.swap(connecting_);
  }
  tell(std::move(all));
}

std::optional<std::uint64_t> peer::established(const connected_node& with) {
  std::unique_lock lock(lock_);
  const bool had_one = state_ == state::up;
  while (state_ == state::up) {
    if (!gives_way_to(with)) return std::nullopt;
    const std::uint64_t before = connection_;
    const pid old = with_.carrier;
    lock.unlock();
    lost(before);
    coppice::detail::deliver(all_.home, old, make_message<close_connection>("connection_closed"_atom));
    lock.lock();
  }
  if (with.dialled && !had_one && attempt_ != with.carrier)
    return std::nullopt; // of an attempt that was to stop
  begin_connection(with);
  const std::uint64_t number = connection_;
  std::vector<std::pair<pid, std::uint64_t>> held_up;
  if (out_.bytes() <= all_.limits.busy / 2) held_up.swap(held_up_);
  std::vector<from> waiting = std::move(connecting_);
  connecting_.clear();
  lock.unlock();
  for (const auto& [process, tag] : held_up) {
    coppice::detail::complete(all_.home, process, tag, make_message<coppice::detail::room>());
  }
  for (from& who : waiting) who.reply(true);
  return number;
}

/// Under the lock.
void peer::begin_connection(const connected_node& with) {
  state_ = state::up;
  ++connection_;
  with_ = with;
  with_.number = connection_;
  attempt_ = pid();
  altact_ = with.common.has(capability::altact_sig);
  writer_.emplace(with.common, names());
  for (auto& [signal, sender] : before_) out_.push(std::move(signal), sender, *writer_);
  before_.clear();
  before_bytes_ = 0;
}

void peer::connect(from who) {
  std::unique_lock lock(lock_);
  if (state_ == state::up) {
    lock.unlock();
    who.reply(true);
    return;
  }
  connecting_.push_back(std::move(who));
  wake(lock);
}

bool peer::disconnect(const atom& reason) {
  const std::optional<connected_node> with = connection();
  if (!with) return false;
  coppice::detail::deliver(all_.home, with->carrier, make_message<close_connection>(reason));
  return true;
}

bool peer::is_up() const { return connection().has_value(); }

std::optional<connected_node> peer::connection() const {
  std::lock_guard guard(lock_);
  if (state_ != state::up) return std::nullopt;
  return with_;
}

peer::tie_counts peer::ties() const {
  std::lock_guard guard(lock_);
  return {asked_.size(), links_.size(), watches_.size(), replies_.size()};
}

} // namespace coppice::dist::detail
