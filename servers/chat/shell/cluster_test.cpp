// The chat on several nodes in one program, over loopback, with people at pages on each.
#include "coppice/dist/detail/test_cluster.hpp"
#include "servers/chat/application.hpp"
#include "servers/chat/shell/chat_server.hpp"
#include "servers/chat/shell/mailbox_store.hpp"
#include "servers/chat/shell/test_page.hpp"

#include <condition_variable>
#include <fmt/format.h>
#include <functional>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <mutex>
#include <random>

namespace coppice::chat::test {
namespace {

using namespace std::chrono_literals;
using testing::Contains;
using testing::ElementsAre;
using testing::UnorderedElementsAre;

/// A page that the test and the process that serves it share; it outlives the process and its node.
class shared_page {
public:
  explicit shared_page(const std::string& user) : page_(chat(), user) {}

  /// Waits until it looks like that; false if that takes too long.
  bool when(const std::function<bool(const page&)>& so) {
    std::unique_lock held(lock_);
    return changed_.wait_for(held, 12s, [&] { return so(page_); });
  }
  /// Does something with it in its process.
  template <class F>
  void with(F f) {
    {
      const std::scoped_lock held(lock_);
      f(page_);
    }
    changed_.notify_all();
  }
  page seen() {
    const std::scoped_lock held(lock_);
    return page_;
  }

private:
  std::mutex lock_;
  std::condition_variable changed_;
  page page_;
};
/// A handle of one, which may go into processes: all access is under its lock.
class page_ptr {
public:
  explicit page_ptr(const std::string& user) : page_(std::make_shared<shared_page>(user)) {}
  shared_page* operator->() const { return page_.get(); }

private:
  std::shared_ptr<shared_page> page_;
};

struct do_write {
  std::string to, text;
};
struct do_join {
  std::string room;
};

/// Sits at the page, on a node.
process sit(self me, chat c, page_ptr p) {
  p->with([&](page& its) { its.go_to(c); });
  for (;;) {
    auto got = co_await me.receive<to_client, down, do_write, do_join>(50ms);
    p->with([&](page& its) {
      if (got) {
        if (auto* said = std::get_if<to_client>(&*got)) its.take(*said);
        if (auto* ended = std::get_if<down>(&*got)) its.ended(*ended);
        if (auto* m = std::get_if<do_write>(&*got)) its.write(m->to, m->text);
        if (auto* r = std::get_if<do_join>(&*got)) its.join(r->room);
      }
      its.look_at_clock(now());
    });
  }
}

/// A node with the chat.
class chat_node {
public:
  chat_node(const std::string& name, std::uint16_t epmd_port, const std::vector<std::string>& peers)
      : node_(name, epmd_port, true), chat_(options{.node_name = name + "@127.0.0.1", .peers = peers}) {
    root_ = node_.run(
        [](self, chat c) -> task<pid> {
          std::vector<child_spec> top{top_child(c)};
          auto root = co_await start_link<plain_supervisor>(patient(strategy::one_for_one), top);
          EXPECT_TRUE(root.has_value());
          const pid started = *root->resolve();
          unlink(started);
          co_return started;
        },
        chat_);
  }
  /// The chat ends first, as in `coppice run`: without the others it would go on alone, and accept what
  /// nobody else has.
  ~chat_node() {
    node_.run(
        [](self, pid root) -> task<> {
          const server_name top(root);
          std::expected<ok, exit_reason> stopped = co_await stop(top);
          EXPECT_TRUE(stopped.has_value());
        },
        root_);
  }
  chat_node(const chat_node&) = delete;
  chat_node& operator=(const chat_node&) = delete;
  pid seat(const page_ptr& p) {
    return node_.run([](self, chat c, page_ptr at) -> task<pid> { co_return spawn(&sit, c, at); }, chat_, p);
  }
  template <class Order>
  void tell(pid seat, Order o) {
    node_.run(
        [](self, pid to, Order what) -> task<> {
          send(to, std::move(what));
          co_return;
        },
        seat, std::move(o));
  }
  dist::test_member& node() { return node_; }
  void wait_a_little() {
    node_.run([](self me) -> task<> { co_await me.receive<do_join>(50ms); });
  }
  [[nodiscard]] std::string text() const {
    return chat_.read([](const chat_table& t) {
      std::string all = t.epoch();
      for (const std::string& user : t.users()) {
        all += '\n' + user;
        for (const event_ptr& e : t.events_after(user, 0).events) {
          all += fmt::format(" {}{}", e->seq, e->message() == nullptr ? "r" : ":" + e->message()->text);
        }
      }
      return all;
    });
  }
  /// Whether so many nodes are in step here.
  bool is_in_step(std::size_t count) {
    return node_.run(
        [](self me, std::size_t so_many) -> task<bool> {
          for (int tries = 600; tries > 0; --tries) {
            std::expected<term, exit_reason> state = co_await sys::get_state("mailbox_store");
            std::size_t there = 0;
            if (state) {
              for (const term& node : state->elements()[2].elements()[1].items()) there += node.is_binary();
            }
            if (there == so_many) co_return true;
            co_await me.receive<do_join>(50ms);
          }
          co_return false;
        },
        count);
  }

private:
  dist::test_member node_;
  chat chat_;
  pid root_;
};

/// Someone, at one node or another.
struct person {
  explicit person(const std::string& user) : at(user) {}

  void go(chat_node& n) {
    node = &n;
    seat = n.seat(at);
    EXPECT_TRUE(at->when([](const page& p) { return p.is_online(); }));
  }
  void write(const std::string& to, const std::string& text) {
    node->tell(seat, do_write{to, text});
    ++written;
    EXPECT_TRUE(at->when([this](const page& p) { return p.written() == written; }));
  }
  void join(const std::string& room) const { node->tell(seat, do_join{room}); }
  [[nodiscard]] bool shows(std::size_t messages) const {
    return at->when([=](const page& p) { return p.shown().size() == messages && p.unaccepted() == 0; });
  }

  page_ptr at;
  chat_node* node = nullptr;
  pid seat;
  std::size_t written = 0;
};

class cluster : public testing::Test {
protected:
  chat_node& start(const std::string& name) {
    return *(nodes[name] = std::make_unique<chat_node>(name, epmd_port, everybody));
  }
  void start_all() {
    for (const std::string& name : names) start(name);
    expect_in_step();
  }
  void expect_in_step() {
    for (const auto& [name, n] : nodes) EXPECT_TRUE(n->is_in_step(nodes.size())) << name;
  }
  /// Soon: receipts may be under way.
  void expect_same_tables() {
    const auto differ = [this] {
      return std::ranges::any_of(nodes, [this](const auto& n) { return n.second->text() != at("a").text(); });
    };
    for (int tries = 600; tries > 0 && differ(); --tries) at("a").wait_a_little();
    EXPECT_FALSE(differ());
  }
  chat_node& at(const std::string& name) { return *nodes.at(name); }

  const std::vector<std::string> names{"a", "b", "c"};
  const std::vector<std::string> everybody{"a@127.0.0.1", "b@127.0.0.1", "c@127.0.0.1"};
  const std::uint16_t epmd_port = dist::port_for_mapper();
  dist::test_member mapper{"mapper", epmd_port, false}; // outlives the others, and serves the port mapper
  std::map<std::string, std::unique_ptr<chat_node>> nodes;
};

TEST_F(cluster, people_on_different_nodes_talk) {
  start_all();
  person ann("ann");
  person bob("bob");
  ann.go(at("a"));
  bob.go(at("b"));
  EXPECT_TRUE(ann.at->when([](const page& p) { return p.online().contains("bob"); }));
  ann.write("bob", "hi");
  EXPECT_TRUE(bob.shows(1));
  bob.write("ann", "hello");
  EXPECT_TRUE(ann.shows(2));
  EXPECT_TRUE(ann.at->when([](const page& p) { return p.delivered().contains("hi"); }));
  ann.join("#lobby");
  bob.join("#lobby");
  for (const person* p : {&ann, &bob}) {
    EXPECT_TRUE(p->at->when([](const page& its) {
      const auto members = its.members().find("#lobby");
      return members != its.members().end() && members->second.size() == 2;
    }));
    EXPECT_TRUE(p->at->when([](const page& its) {
      const auto room = its.rooms().find("#lobby");
      return room != its.rooms().end() && room->second == "2*";
    }));
  }
  bob.write("#lobby", "all");
  EXPECT_TRUE(ann.shows(3));
  EXPECT_TRUE(bob.shows(3));
  EXPECT_THAT(ann.at->seen().shown(), ElementsAre("ann bob: hi", "bob ann: hello", "bob #lobby: all"));
  person again("bob");
  again.go(at("c")); // the same user at two nodes
  ann.write("bob", "to both");
  EXPECT_TRUE(bob.shows(4));
  EXPECT_TRUE(again.at->when(
      [](const page& p) { return !p.shown().empty() && p.shown().back() == "ann bob: to both"; }));
  nodes.erase("c");
  EXPECT_TRUE(ann.at->when([](const page& p) { return p.online().contains("bob"); }));
  nodes.erase("b");
  EXPECT_TRUE(ann.at->when([](const page& p) { return p.online() == std::set<std::string>{"ann"}; }));
}

TEST_F(cluster, programs_ask_any_node) {
  start_all();
  at("b").node().run([](self) -> task<> {
    cast<send_message>(server_ref<chat_server>("chat_server"), "bob", "hi");
    co_return;
  });
  at("c").node().run([](self me) -> task<> {
    const server_ref<chat_server> there{server_name(remote_name{atom("chat_server"), atom("a@127.0.0.1")})};
    std::vector<std::string> texts;
    for (int tries = 600; tries > 0 && texts.empty(); --tries) {
      std::vector<std::string> kept_there = co_await call<get_messages>(there, "bob");
      texts = std::move(kept_there);
      co_await me.receive<do_join>(20ms);
    }
    EXPECT_THAT(texts, ElementsAre("hi"));
  });
}

class lost_nodes : public cluster, public testing::WithParamInterface<unsigned> {};

/// One node at a time is lost, with all that it had, and comes back empty; its people go elsewhere.
TEST_P(lost_nodes, cost_nobody_a_message) {
  std::mt19937 random(GetParam());
  start_all();
  std::deque<person> people;
  std::map<std::string, std::size_t> due; // messages to be shown
  for (const std::string& name : names) {
    people.emplace_back("user-" + name).go(at(name));
    people.back().join("#lobby");
  }
  for (person& p : people) {
    EXPECT_TRUE(p.at->when([](const page& its) {
      const auto room = its.rooms().find("#lobby");
      return room != its.rooms().end() && room->second == "3*";
    }));
  }
  std::size_t written = 0;
  const auto talk = [&] {
    for (int n = 0; n < 5; ++n) people[random() % 3].write("#lobby", fmt::format("{:03}", ++written));
  };
  for (int round = 0; round < 3; ++round) {
    talk();
    const std::string victim = names[random() % 3];
    chat_node* lost = nodes.at(victim).get();
    nodes.erase(victim);
    for (person& p : people) {
      if (p.node == lost) p.go(*nodes.begin()->second);
    }
    talk();
    for (person& p : people) EXPECT_TRUE(p.shows(written));
    start(victim);
    expect_in_step();
  }
  const std::vector<std::string> first = people[0].at->seen().shown();
  for (const person& p : people) {
    const page seen = p.at->seen();
    EXPECT_THAT(seen.shown(), testing::UnorderedElementsAreArray(first));
    for (const char* from : {"user-a", "user-b", "user-c"}) {
      std::vector<std::string> its;
      for (const std::string& text : seen.shown()) {
        if (text.starts_with(from)) its.push_back(text);
      }
      EXPECT_TRUE(std::ranges::is_sorted(its)) << from;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(seeds, lost_nodes, testing::Range(1U, 5U));

TEST_F(cluster, a_connection_that_breaks_costs_nothing) {
  start_all();
  person ann("ann");
  person bob("bob");
  ann.go(at("a"));
  bob.go(at("b"));
  for (std::size_t round = 1; round <= 5; ++round) {
    at("a").node().run([](self) -> task<> {
      dist::disconnect_node(atom("b@127.0.0.1"));
      dist::disconnect_node(atom("c@127.0.0.1"));
      co_return;
    });
    ann.write("bob", fmt::format("a{}", round));
    bob.write("ann", fmt::format("b{}", round));
    const std::size_t so_many = 2 * round;
    EXPECT_TRUE(ann.shows(so_many)) << round;
    EXPECT_TRUE(bob.shows(so_many)) << round;
  }
  expect_in_step();
  expect_same_tables();
}

} // namespace
} // namespace coppice::chat::test
