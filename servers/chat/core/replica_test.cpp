// Tables on several nodes, with messages in any order between pairs, lost nodes and cut networks, by seed.
#include "servers/chat/core/replica.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>
#include <random>

namespace coppice::chat {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

struct outcome {
  bool taken = false;
};

/// All of a table, as text.
std::string text_of(const chat_table& t) {
  std::string all = t.epoch() + '\n';
  for (const tenure& n : t.past().tenures()) all += fmt::format("{}:{} ", n.id, n.last);
  std::string after;
  for (;;) {
    const table_part part = t.part_after(after);
    for (const mailbox_image& m : part.mailboxes) {
      all += fmt::format("\n{} {} {}", m.user, m.last, m.acked);
      for (const membership_mark& r : m.rooms) all += fmt::format(" in {}@{}", r.room, r.made);
      for (const membership_mark& r : m.left) all += fmt::format(" out {}@{}", r.room, r.made);
      for (const known_message& k : m.known) all += fmt::format(" [{} {}]", k.key, k.recipients);
      for (const event_image& e : m.events) {
        all += fmt::format(" {}@{}:{}/{}/{}/{}/{}", e.seq, e.made, e.id, e.from, e.to, e.text, e.by);
      }
      after = m.user;
    }
    if (part.is_last) return all;
  }
}

class world;

/// A node: its table and its part in keeping it.
class member final : public replica::outside {
public:
  member(world& w, std::string name, unsigned life);
  void send(const std::string& node, replica_message m) override;
  void apply(operation op) override;
  const chat_table& table() override { return *table_; }
  std::shared_ptr<const chat_table> copy() override { return std::make_shared<const chat_table>(*table_); }
  chat_table empty() override { return chat_table("", limits_); }
  void install(chat_table t) override { *table_ = std::move(t); }
  std::string unique() override;

  std::string name;
  replica part;
  std::map<std::uint64_t, outcome> outcomes; // by request
  std::vector<std::string> posted;           // ids, in the order in which they came to count here

private:
  world& world_;
  table_limits limits_;
  std::unique_ptr<chat_table> table_;
};

/// The nodes and what is between them.
class world {
public:
  explicit world(unsigned seed) : random(seed) {}

  member& add(const std::string& name, const std::vector<std::string>& knows) {
    nodes[name] = std::make_unique<member>(*this, name, ++lives);
    member& m = *nodes[name];
    for (const std::string& other : knows) m.part.meet(m, other);
    m.part.start(m);
    return m;
  }
  member& at(const std::string& name) { return *nodes.at(name); }
  [[nodiscard]] bool is_cut(const std::string& a, const std::string& b) const {
    return cuts.contains({std::min(a, b), std::max(a, b)});
  }
  void send(const std::string& from, const std::string& to, replica_message m) {
    if (!nodes.contains(to) || is_cut(from, to)) return;
    links[{from, to}].emplace_back(std::move(m));
  }
  /// Both hear that the other is gone, before anything else of it.
  void lose(const std::string& a, const std::string& b) {
    links[{a, b}].clear();
    links[{b, a}].clear();
    links[{a, b}].emplace_back(std::nullopt);
    links[{b, a}].emplace_back(std::nullopt);
  }
  void cut(const std::string& a, const std::string& b) {
    if (cuts.insert({std::min(a, b), std::max(a, b)}).second) lose(a, b);
  }
  /// The node is no more, and all that it had.
  void kill(const std::string& name) {
    for (const auto& [other, m] : nodes) {
      if (other != name) lose(name, other);
    }
    nodes.erase(name);
  }
  /// One message, of any pair.
  bool deliver_one() {
    std::vector<std::pair<std::string, std::string>> busy;
    for (const auto& [between, link] : links) {
      if (!link.empty()) busy.push_back(between);
    }
    if (busy.empty()) return false;
    const auto between = busy[random() % busy.size()];
    auto& link = links[between];
    std::optional<replica_message> m = std::move(link.front());
    link.pop_front();
    const auto to = nodes.find(between.second);
    if (to == nodes.end()) return true;
    if (m) {
      to->second->part.take(*to->second, between.first, std::move(*m));
    } else {
      to->second->part.down(*to->second, between.first);
    }
    return true;
  }
  void deliver_all() {
    while (deliver_one()) {
    }
  }
  void tick() {
    for (const auto& [name, m] : nodes) m->part.tick(*m);
  }
  /// Lets time pass in which everything arrives.
  void settle(int ticks = 20) {
    for (int i = 0; i < ticks; ++i) {
      tick();
      deliver_all();
    }
  }

  std::mt19937 random;
  std::map<std::string, std::unique_ptr<member>> nodes;

private:
  unsigned lives = 0;
  std::map<std::pair<std::string, std::string>, std::deque<std::optional<replica_message>>> links;
  std::set<std::pair<std::string, std::string>> cuts;

public:
  void heal() { cuts.clear(); }
};

member::member(world& w, std::string own, unsigned life)
    : name(std::move(own)), part(name, std::uint64_t{life} << 32), world_(w),
      table_(std::make_unique<chat_table>(fmt::format("{}-{}", name, life))) {}

void member::send(const std::string& node, replica_message m) { world_.send(name, node, std::move(m)); }

std::string member::unique() { return fmt::format("{}-{:08x}", name, world_.random()); }

void member::apply(operation op) {
  bool taken = true;
  if (const auto* m = std::get_if<put_message>(&op.what)) {
    taken = table_->post(m->from, m->id, m->to, m->text, m->at).has_value();
    if (taken) posted.push_back(m->id);
  }
  if (const auto* m = std::get_if<open_mailbox>(&op.what)) taken = table_->open(m->user).has_value();
  if (const auto* m = std::get_if<join_room>(&op.what)) taken = table_->join(m->user, m->room).has_value();
  if (const auto* m = std::get_if<leave_room>(&op.what)) taken = table_->leave(m->user, m->room).has_value();
  if (const auto* m = std::get_if<ack_events>(&op.what)) {
    table_->ack(m->user, table_->knows(m->user, m->epoch, m->seq) ? m->seq : 0);
  }
  if (const auto* m = std::get_if<begin_tenure>(&op.what)) table_->begin(*m);
  if (const auto* m = std::get_if<adopt_message>(&op.what)) table_->adopt(*m);
  if (const auto* m = std::get_if<adopt_membership>(&op.what)) table_->adopt(*m);
  if (op.origin == name) outcomes[op.request] = {taken};
}

std::uint64_t ask(member& m, change what) {
  const std::uint64_t n = m.part.new_request();
  m.part.submit(m, n, std::move(what));
  return n;
}

std::string id_of(int n) { return fmt::format("message-{}", n); }

/// Somebody with a page: writes, one message at a time, and shows what comes.
struct person {
  std::string name;
  std::string node;
  std::string epoch = {};
  std::uint64_t seq = 0;
  std::deque<put_message> outbox = {};
  std::uint64_t request = 0; // of the first in the outbox; 0: to be sent
  int patience = 0;
  std::vector<std::string> shown = {};
  std::set<std::string> known = {};
  int written = 0;

  void write(const std::string& to) {
    const std::string text = fmt::format("{} to {}: {}", name, to, ++written);
    outbox.push_back({name, fmt::format("{}-{:06}", name, written), to, text, 0});
  }
  /// Signs in there, and resumes.
  void go(world& w, const std::string& where) {
    node = where;
    request = 0;
    if (!w.nodes.contains(where)) return;
    ask(w.at(where), open_mailbox{name});
  }
  void send(world& w) {
    if (outbox.empty() || !w.nodes.contains(node)) return;
    member& m = w.at(node);
    if (request != 0) {
      const auto done = m.outcomes.find(request);
      if (done != m.outcomes.end()) {
        EXPECT_TRUE(done->second.taken) << outbox.front().text;
        outbox.pop_front();
        request = 0;
      } else if (--patience > 0) {
        return;
      }
    }
    if (outbox.empty()) return;
    request = ask(m, outbox.front());
    patience = 200;
  }
  void look(world& w) {
    if (!w.nodes.contains(node)) return;
    member& m = w.at(node);
    const chat_table& t = m.table();
    if (t.epoch() != epoch) {
      if (!t.knows(name, epoch, seq)) seq = t.state_of(name) ? t.state_of(name)->acked : 0;
      epoch = t.epoch();
    }
    for (const event_ptr& e : t.events_after(name, seq).events) {
      seq = e->seq;
      const chat_message* said = e->message();
      if (said != nullptr && known.insert(said->from + ' ' + said->id).second) shown.push_back(said->text);
    }
    if (w.random() % 4 == 0) ask(m, ack_events{name, seq, epoch});
  }
};

/// What one has shown of what another wrote to somebody.
std::vector<std::string> of(const person& p, const std::string& from, const std::string& to) {
  std::vector<std::string> some;
  for (const std::string& text : p.shown) {
    if (text.starts_with(from + " to " + to + ":")) some.push_back(text);
  }
  return some;
}

void expect_same_tables(world& w) {
  const std::string first = text_of(w.nodes.begin()->second->table());
  for (const auto& [name, m] : w.nodes) EXPECT_TRUE(text_of(m->table()) == first) << name;
}

std::string leaders(const world& w) {
  std::string all;
  for (const auto& [name, m] : w.nodes) all += name + "->" + m->part.leader() + " ";
  return all;
}

TEST(replica, alone_it_decides_at_once) {
  world w(1);
  member& a = w.add("a", {});
  EXPECT_TRUE(a.part.leads());
  const std::uint64_t n = ask(a, put_message{"ann", id_of(1), "bob", "hi", 0});
  EXPECT_TRUE(a.outcomes.at(n).taken);
}

TEST(replica, a_change_counts_when_all_in_step_have_it) {
  world w(1);
  member& a = w.add("a", {"b"});
  member& b = w.add("b", {"a"});
  w.settle();
  EXPECT_EQ(leaders(w), "a->a b->a ");
  const std::uint64_t n = ask(a, put_message{"ann", id_of(1), "bob", "hi", 0});
  EXPECT_FALSE(a.outcomes.contains(n));
  EXPECT_FALSE(a.table().state_of("bob"));
  w.deliver_all();
  EXPECT_TRUE(a.outcomes.at(n).taken);
  EXPECT_THAT(b.posted, ElementsAre(id_of(1)));
  const std::uint64_t m = ask(b, put_message{"bob", id_of(2), "ann", "hello", 0});
  w.deliver_all();
  EXPECT_TRUE(b.outcomes.at(m).taken);
  EXPECT_FALSE(a.outcomes.contains(m));
  expect_same_tables(w);
}

TEST(replica, a_refusal_is_told_where_it_was_asked_for) {
  world w(1);
  w.add("a", {"b"});
  member& b = w.add("b", {"a"});
  w.settle();
  const std::uint64_t n = ask(b, put_message{"bob", id_of(1), "#nowhere", "hello", 0});
  w.deliver_all();
  EXPECT_FALSE(b.outcomes.at(n).taken);
}

TEST(replica, the_next_leads_when_the_leader_is_lost_and_numbers_go_on) {
  world w(1);
  w.add("a", {"b", "c"});
  member& b = w.add("b", {"a"});
  w.add("c", {"a"});
  w.settle();
  ask(b, put_message{"bob", id_of(1), "ann", "one", 0});
  w.deliver_all();
  const std::string epoch = b.table().epoch();
  w.kill("a");
  ask(b, put_message{"bob", id_of(2), "ann", "two", 0});
  w.settle();
  EXPECT_EQ(leaders(w), "b->b c->b ");
  EXPECT_NE(b.table().epoch(), epoch);
  EXPECT_TRUE(b.table().knows("ann", epoch, 1));
  EXPECT_FALSE(b.table().knows("ann", epoch, 2)); // the lost one may have told another
  EXPECT_EQ(b.table().state_of("ann")->last, 2U);
  expect_same_tables(w);
}

TEST(replica, who_comes_back_empty_is_given_everything) {
  world w(1);
  w.add("a", {});
  member& b = w.add("b", {"a"});
  w.settle();
  for (int n = 0; n < 200; ++n) {
    ask(b, put_message{"bob", id_of(n), fmt::format("user{}", n % 70), std::string(3900, 'x'), 0});
  }
  ask(b, join_room{"bob", "#lobby"});
  w.settle();
  w.kill("a");
  w.settle();
  const std::string epoch = b.table().epoch();
  w.add("a", {"b"});
  w.settle();
  EXPECT_EQ(leaders(w), "a->b b->b ");
  EXPECT_EQ(w.at("a").table().epoch(), epoch);
  EXPECT_EQ(w.at("a").table().members("#lobby")->size(), 1U);
  expect_same_tables(w);
}

TEST(replica, who_was_away_for_a_moment_is_given_what_it_missed) {
  world w(1);
  member& a = w.add("a", {"b"});
  member& b = w.add("b", {"a"});
  w.settle();
  w.cut("a", "b");
  w.deliver_all();
  ask(a, put_message{"ann", id_of(1), "bob", "hi", 0});
  w.heal();
  w.settle();
  EXPECT_EQ(b.table().state_of("bob")->last, 1U);
  expect_same_tables(w);
}

TEST(replica, one_that_does_not_answer_holds_the_others_up_for_a_moment_only) {
  world w(1);
  member& a = w.add("a", {"b", "c"});
  w.add("b", {"a"});
  w.add("c", {"a"});
  w.settle();
  member& silent = w.at("b");
  const std::uint64_t n = ask(a, put_message{"ann", id_of(1), "bob", "hi", 0});
  static_cast<void>(silent);
  for (std::uint64_t i = 0; i < 2 * replica::follower_patience; ++i) a.part.tick(a); // nobody else lives
  EXPECT_TRUE(a.outcomes.at(n).taken);
  w.settle();
  EXPECT_EQ(leaders(w), "a->a b->a c->a ");
  expect_same_tables(w);
}

TEST(replica, both_sides_of_a_cut_keep_what_they_accepted) {
  world w(1);
  member& a = w.add("a", {"b"});
  member& b = w.add("b", {"a"});
  w.settle();
  ask(a, join_room{"ann", "#lobby"});
  ask(a, join_room{"bob", "#lobby"});
  w.deliver_all();
  w.cut("a", "b");
  w.settle();
  const std::string epoch_of_b = b.table().epoch();
  EXPECT_EQ(leaders(w), "a->a b->b ");
  const std::uint64_t x = ask(a, put_message{"ann", id_of(1), "#lobby", "here", 0});
  const std::uint64_t y = ask(b, put_message{"bob", id_of(2), "#lobby", "there", 0});
  ask(b, leave_room{"ann", "#lobby"});
  ask(b, join_room{"cid", "#garden"});
  EXPECT_TRUE(a.outcomes.at(x).taken);
  EXPECT_TRUE(b.outcomes.at(y).taken);
  w.heal();
  w.settle();
  EXPECT_EQ(w.at("a").part.leader(), w.at("b").part.leader());
  EXPECT_TRUE(a.table().knows("bob", a.table().epoch(), 2));
  EXPECT_FALSE(a.table().knows("bob", epoch_of_b, 1)); // that number was given twice
  EXPECT_EQ(a.table().state_of("ann")->last, 2U);
  EXPECT_EQ(a.table().state_of("bob")->last, 2U);
  EXPECT_THAT(*a.table().members("#lobby"), ElementsAre("bob"));
  EXPECT_THAT(*a.table().members("#garden"), ElementsAre("cid"));
  expect_same_tables(w);
}

TEST(replica, nonsense_of_others_changes_nothing) {
  world w(1);
  member& a = w.add("a", {"b"});
  member& b = w.add("b", {"a"});
  w.settle();
  ask(a, put_message{"ann", id_of(1), "bob", "hi", 0});
  w.settle();
  const std::string before = text_of(b.table());
  b.part.take(b, "x", keep{0, {}});
  b.part.take(b, "x", commit{99});
  b.part.take(b, "a", commit{99});
  b.part.take(b, "x", admit{7, 0, {}, 9});
  b.part.take(b, "x", give_part{});
  a.part.take(a, "b", kept{99});
  a.part.take(a, "x", kept{99});
  a.part.take(a, "x", forward{{{"x", 1, put_message{"ann", id_of(2), "bob", "ha", 0}}}});
  a.part.take(a, "b", forward{{{"b", 1, begin_tenure{"mine"}}}});
  a.part.take(a, "b", give_changes{1, {begin_tenure{"mine"}}, false});
  b.part.take(b, "x", hello{"x", {}, {{"t", 5}, {"u", 3}}});
  w.settle();
  EXPECT_EQ(text_of(b.table()), before);
  expect_same_tables(w);
}

class disasters : public testing::TestWithParam<unsigned> {};

/// Three nodes, of which one at a time is lost with all that it had, its store is killed, or a link breaks
/// for a moment; people go to another node and resume. Everything is shown once, and in order.
TEST_P(disasters, lose_no_message_that_was_accepted) {
  world w(GetParam());
  const std::vector<std::string> names{"a", "b", "c"};
  for (const std::string& name : names) w.add(name, names);
  w.settle();
  std::vector<person> people{{"ann", "a"}, {"bob", "b"}, {"cid", "c"}};
  for (person& p : people) p.go(w, p.node);
  w.settle();
  for (int step = 0; step < 1500; ++step) {
    person& p = people[w.random() % people.size()];
    if (w.random() % 8 == 0) p.write(people[w.random() % people.size()].name);
    p.send(w);
    p.look(w);
    for (unsigned n = w.random() % 12; n > 0; --n) w.deliver_one();
    if (w.random() % 40 == 0) w.tick();
    if (w.random() % 60 == 0) p.go(w, names[w.random() % names.size()]);
    if (step % 150 != 149) continue;
    const std::string victim = names[w.random() % names.size()];
    if (w.random() % 3 == 0) {
      member& m = w.at(victim); // its store ends and begins again
      for (const std::string& other : names) {
        if (other != victim) w.lose(victim, other);
      }
      m.part.start(m);
    } else {
      w.kill(victim);
      for (unsigned n = w.random() % 60; n > 0; --n) w.deliver_one();
      for (person& one : people) {
        if (one.node == victim) one.go(w, names[w.random() % names.size()]);
      }
      for (unsigned n = w.random() % 100; n > 0; --n) w.deliver_one();
      w.add(victim, names);
    }
    w.settle(); // one disaster at a time
  }
  for (person& p : people) {
    if (!w.nodes.contains(p.node)) p.go(w, "a");
  }
  for (int i = 0; i < 2000; ++i) {
    for (person& p : people) {
      p.send(w);
      p.look(w);
    }
    if (i % 10 == 0) w.tick();
    w.deliver_all();
  }
  expect_same_tables(w);
  for (const person& from : people) {
    EXPECT_THAT(from.outbox, IsEmpty()) << from.name;
    for (const person& to : people) {
      for (const person* reader : {&from, &to}) {
        std::vector<std::string> due;
        for (int n = 1; n <= from.written; ++n) {
          const std::string text = fmt::format("{} to {}: {}", from.name, to.name, n);
          if (std::ranges::find(reader->shown, text) != reader->shown.end()) due.push_back(text);
        }
        EXPECT_EQ(of(*reader, from.name, to.name), due) << reader->name; // in order, and once
        EXPECT_EQ(of(from, from.name, to.name).size(), of(to, from.name, to.name).size());
      }
    }
  }
  std::size_t shown = 0;
  for (const person& p : people) {
    EXPECT_EQ(std::ranges::count_if(p.shown, [&](const auto& t) { return t.starts_with(p.name + " to "); }),
              p.written);
    shown += p.shown.size();
  }
  EXPECT_GT(shown, 100U);
}

/// The network falls apart and comes together, again and again; people stay where they are.
TEST_P(disasters, a_cut_network_loses_nothing_either) {
  world w(GetParam());
  const std::vector<std::string> names{"a", "b", "c", "d"};
  for (const std::string& name : names) w.add(name, names);
  w.settle();
  std::vector<person> people{{"ann", "a"}, {"bob", "b"}, {"cid", "c"}, {"dan", "d"}};
  for (person& p : people) {
    p.go(w, p.node);
    ask(w.at(p.node), join_room{p.name, "#lobby"});
  }
  w.settle();
  for (int step = 0; step < 1500; ++step) {
    person& p = people[w.random() % people.size()];
    if (w.random() % 8 == 0)
      p.write(w.random() % 2 == 0 ? "#lobby" : people[w.random() % people.size()].name);
    p.send(w);
    p.look(w);
    for (unsigned n = w.random() % 12; n > 0; --n) w.deliver_one();
    if (w.random() % 20 == 0) w.tick();
    if (w.random() % 100 == 0) {
      const unsigned side = w.random() % 16; // any way to fall apart in two
      for (unsigned i = 0; i < 4; ++i) {
        for (unsigned k = i + 1; k < 4; ++k) {
          if ((side >> i & 1U) != (side >> k & 1U)) w.cut(names[i], names[k]);
        }
      }
    }
    if (w.random() % 100 == 0) w.heal();
  }
  w.heal();
  for (int i = 0; i < 3000; ++i) {
    for (person& p : people) {
      p.send(w);
      p.look(w);
    }
    if (i % 10 == 0) w.tick();
    w.deliver_all();
  }
  expect_same_tables(w);
  for (const person& p : people) {
    EXPECT_THAT(p.outbox, IsEmpty()) << p.name;
    for (const person& reader : people) {
      for (const std::string to : {"#lobby", "ann", "bob", "cid", "dan"}) {
        const std::vector<std::string> own = of(p, p.name, to);
        const bool concerned = to == "#lobby" || to == reader.name || p.name == reader.name;
        EXPECT_EQ(of(reader, p.name, to), concerned ? own : std::vector<std::string>())
            << reader.name << " of " << p.name << " to " << to;
      }
    }
    EXPECT_EQ(std::ranges::count_if(p.shown, [&](const auto& t) { return t.starts_with(p.name + " to "); }),
              p.written);
  }
}

INSTANTIATE_TEST_SUITE_P(seeds, disasters, testing::Range(1U, 101U));

} // namespace
} // namespace coppice::chat
