#include "coppice/dist/detail/global_locker.hpp"

#include "coppice/dist/detail/global_locks.hpp"
#include "coppice/otp/gen.hpp"
#include "coppice/runtime/timer.hpp"

#include <algorithm>
#include <optional>
#include <random>
#include <variant>

namespace coppice::dist::detail {

using namespace literals;

namespace {

struct locker_state {
  pid server;
  atom own;
  std::vector<atom> known;
  std::vector<exchange_wanted> wanted;

  void forget(const atom& node, std::int64_t my_tag) {
    std::erase_if(wanted, [&](const exchange_wanted& w) { return w.node == node && w.my_tag == my_tag; });
  }
  [[nodiscard]] bool wants(const atom& node, std::int64_t my_tag) const {
    return std::ranges::any_of(
        wanted, [&](const exchange_wanted& w) { return w.node == node && w.my_tag == my_tag; });
  }
};

/// What is said of one session.
class of_session {
public:
  of_session(atom node, std::int64_t my_tag) : node_(std::move(node)), my_tag_(my_tag) {}
  bool operator()(const exchange_over& e) const { return e.node == node_ && e.my_tag == my_tag_; }
  bool operator()(const other_has_lock& e) const { return e.node == node_ && e.him.my_tag == my_tag_; }

private:
  atom node_;
  std::int64_t my_tag_;
};

term lock_of(term requester) { return term::tuple("global"_atom, std::move(requester)); }

/// Both lockers lock in the same name, so what both sides have in common is locked by both.
term requester_for(pid a, pid b) {
  const term one = a;
  const term other = b;
  return compare(one, other) < 0 ? term::list(one, other) : term::list(other, one);
}

/// The same, in the order in which the other has locked our node already: that is what must be equal.
term requester_of(const term& held, pid me, pid other) {
  std::vector<term> both;
  for (const term& t : held.items()) both.push_back(t);
  const bool theirs = both.size() == 2 && std::ranges::find(both, term(me)) != both.end() &&
                      std::ranges::find(both, term(other)) != both.end();
  return theirs ? held : requester_for(me, other);
}

void tell_lock(const locker_state& s, const exchange_wanted& him, bool set) {
  std::vector<term> known;
  if (set) {
    for (const atom& node : s.known) known.emplace_back(node);
  }
  constexpr std::int64_t first_with_tags = 8;
  const term list = term::list_from(std::move(known));
  const term message = him.version < first_with_tags
                           ? term::tuple("lock_set"_atom, self_pid(), set, list)
                           : term::tuple("lock_set"_atom, self_pid(), set, list, him.his_tag);
  cast_any(server_name(remote_name{global_server(), him.node}), message);
}

/// The boss, then us and `extra`, then all that we know: on all, or on none.
task<bool> lock_safely(const locker_state* s, term id, std::vector<atom> extra) {
  std::vector<atom> all = s->known;
  all.push_back(s->own);
  const atom boss = boss_of(all);
  std::vector<atom> first{boss};
  const bool have_boss = co_await set_global_lock(first, id);
  if (!have_boss) co_return false;
  std::vector<atom> second = std::move(extra);
  second.push_back(s->own);
  std::erase(second, boss);
  const bool have_us = co_await set_global_lock(second, id);
  if (!have_us) {
    co_await del_global_lock(std::move(first), id);
    co_return false;
  }
  std::vector<atom> rest = s->known;
  std::erase(rest, boss);
  const bool have_all = co_await set_global_lock(std::move(rest), id);
  if (have_all) co_return true;
  second.push_back(boss);
  co_await del_global_lock(std::move(second), id);
  co_return false;
}

/// Both sides are locked: until the server says that the session is over.
task<> hold(locker_state* s, self me, exchange_wanted him, std::vector<atom> locked, term requester) {
  send(s->server, both_locked{him.node, him.my_tag, requester});
  const of_session his(him.node, him.my_tag);
  const exchange_over end = co_await me.receive_if<exchange_over>(his);
  for (const auto& [node, message] : end.farewell) {
    cast_any(server_name(remote_name{global_server(), node}), message);
  }
  co_await del_global_lock(std::move(locked), lock_of(requester));
  s->forget(him.node, him.my_tag);
}

/// Takes the lock on both sides, and sees whether the other has done the same.
task<> try_exchange(locker_state* s, self me, exchange_wanted him) {
  const term requester = requester_for(me, him.locker);
  std::vector<atom> there{him.node};
  const bool locked = co_await lock_safely(s, lock_of(requester), std::move(there));
  if (!locked) co_return;
  std::vector<atom> all = s->known;
  all.push_back(s->own);
  all.push_back(him.node);
  tell_lock(*s, him, true);
  const of_session of_him(him.node, him.my_tag);
  const std::variant<other_has_lock, exchange_over> outcome =
      co_await me.receive_if<other_has_lock, exchange_over>(of_him);
  const auto* answer = std::get_if<other_has_lock>(&outcome);
  if (answer != nullptr && answer->set) {
    co_await hold(s, me, std::move(him), std::move(all), requester);
    co_return;
  }
  if (answer == nullptr) s->forget(him.node, him.my_tag);
  co_await del_global_lock(std::move(all), lock_of(requester));
}

/// The other was first: it waits for our answer, whatever that is.
task<> answer_lock(locker_state* s, self me, other_has_lock news) {
  if (!news.set) co_return;
  const exchange_wanted him = std::move(news.him);
  const term requester = requester_of(news.requester, me, him.locker);
  if (!s->wants(him.node, him.my_tag)) {
    tell_lock(*s, him, false);
    co_return;
  }
  const bool locked = co_await lock_safely(s, lock_of(requester), std::vector<atom>());
  tell_lock(*s, him, locked);
  if (!locked) co_return;
  std::vector<atom> all = s->known;
  all.push_back(s->own);
  co_await hold(s, me, him, std::move(all), requester);
}

/// Until one tries by oneself: above zero, or those who lose would hardly ever win.
duration patience(const locker_state& s) {
  if (s.wanted.empty()) return infinity;
  std::random_device device;
  const std::int64_t spread = device() % 100;
  if (s.known.empty()) return std::chrono::milliseconds(150 + spread);
  const auto nodes = static_cast<std::int64_t>(s.known.size());
  return std::chrono::milliseconds(std::min<std::int64_t>(1000 + 100 * nodes, 3000) + spread);
}

} // namespace

process global_locker(self me, pid server, atom own) {
  locker_state s{server, std::move(own), {}, {}};
  for (;;) {
    const duration at_most = patience(s);
    std::optional<std::variant<exchange_wanted, exchange_over, other_has_lock, known_nodes>> event =
        co_await me.receive<exchange_wanted, exchange_over, other_has_lock, known_nodes>(at_most);
    if (!event) {
      std::random_device device;
      const exchange_wanted him = s.wanted[device() % s.wanted.size()];
      co_await try_exchange(&s, me, him);
    } else if (auto* wanted = std::get_if<exchange_wanted>(&*event)) {
      s.wanted.push_back(std::move(*wanted));
    } else if (auto* over = std::get_if<exchange_over>(&*event)) {
      s.forget(over->node, over->my_tag);
    } else if (auto* known = std::get_if<known_nodes>(&*event)) {
      s.known = std::move(known->nodes);
      std::erase_if(s.wanted, [&s](const exchange_wanted& w) {
        return std::ranges::find(s.known, w.node) != s.known.end();
      });
    } else if (auto* other = std::get_if<other_has_lock>(&*event)) {
      co_await answer_lock(&s, me, std::move(*other));
    }
  }
}

} // namespace coppice::dist::detail
