#include "tests/partition/tracker.hpp"

#include "coppice/dist/distribution.hpp"

#include <map>
#include <unordered_map>
#include <variant>

namespace coppice::partition {

using namespace literals;

namespace {

/// What has been heard of the ties of one process.
class account {
public:
  void tie(const atom& node, const std::vector<pid>& targets) {
    for (const pid t : targets) {
      link(t);
      links_[t] = 0;
      for (int twice = 0; twice < 2; ++twice) monitors_[monitor(t)] = 0;
    }
    monitors_[monitor(remote_name{"hub"_atom, node})] = 0;
  }
  void note(const down& d) { note(monitors_.find(d.ref), monitors_.end(), d.reason); }
  void note(const exit_signal& e) { note(links_.find(e.from), links_.end(), e.reason); }
  [[nodiscard]] std::int64_t told() const { return told_; }
  [[nodiscard]] term summary() const {
    return term::tuple(monitors_.size(), links_.size(), lost_, planned_, other_, doubled_, strange_);
  }

private:
  template <class Found>
  void note(Found found, Found none, const exit_reason& reason) {
    if (found == none) {
      ++strange_;
      return;
    }
    if (++found->second > 1) {
      ++doubled_;
      return;
    }
    ++told_;
    ++(reason.is("noconnection") ? lost_ : reason.is("planned") ? planned_ : other_);
  }

  std::unordered_map<pid, int> links_;
  std::unordered_map<reference, int> monitors_;
  std::int64_t told_ = 0;
  int lost_ = 0;
  int planned_ = 0;
  int other_ = 0;
  int doubled_ = 0;
  int strange_ = 0;
};

/// What a process has been told of one node.
struct seen_of_node {
  int ups = 0;
  int downs = 0;
  bool up = false;
  int out_of_turn = 0;

  void note(bool came) {
    ++(came ? ups : downs);
    if (up == came) ++out_of_turn;
    up = came;
  }
};

/// Of {nodes, Node, Ups, Downs, From}.
bool answer(const term& wish, const std::map<atom, seen_of_node>& seen) {
  const std::span<const term> parts = wish.elements();
  const auto found = seen.find(*parts[1].as_atom());
  if (found == seen.end()) return false;
  const seen_of_node& is = found->second;
  if (is.ups < *parts[2].as_int64() || is.downs < *parts[3].as_int64()) return false;
  send(*parts[4].as_pid(), term::tuple(is.ups, is.downs, is.out_of_turn));
  return true;
}

} // namespace

process tracker(self me, atom node, std::vector<pid> targets, pid asker) {
  trap_exit(true);
  register_name("tracker"_atom, me);
  account kept;
  kept.tie(node, targets);
  for (const pid t : targets) send(t, term::tuple("hello"_atom, me.id()));
  std::size_t here = 0;
  std::int64_t awaited = 0;
  pid waits;
  for (;;) {
    std::variant<down, exit_signal, term> got = co_await me.receive<down, exit_signal, term>();
    if (const auto* d = std::get_if<down>(&got)) kept.note(*d);
    if (const auto* e = std::get_if<exit_signal>(&got)) kept.note(*e);
    if (const auto* t = std::get_if<term>(&got)) {
      if (t->is_tagged("here"_atom, 2) && ++here == targets.size()) send(asker, term("tied"_atom));
      if (t->is_tagged("told"_atom, 3)) {
        awaited = *t->elements()[1].as_int64();
        waits = *t->elements()[2].as_pid();
      }
      if (t->is_tagged("untie"_atom, 2)) {
        send(*t->elements()[1].as_pid(), kept.summary());
        co_return;
      }
    }
    if (waits && kept.told() >= awaited) send(std::exchange(waits, pid()), kept.summary());
  }
}

process gazer(self me) {
  register_name("gazer"_atom, me);
  co_await dist::monitor_nodes(true);
  std::map<atom, seen_of_node> seen;
  std::optional<term> wish;
  for (;;) {
    std::variant<dist::nodeup, dist::nodedown, term> got =
        co_await me.receive<dist::nodeup, dist::nodedown, term>();
    if (const auto* came = std::get_if<dist::nodeup>(&got)) seen[came->node].note(true);
    if (const auto* went = std::get_if<dist::nodedown>(&got)) seen[went->node].note(false);
    if (auto* t = std::get_if<term>(&got)) wish = std::move(*t);
    if (wish && answer(*wish, seen)) wish.reset();
  }
}

} // namespace coppice::partition
