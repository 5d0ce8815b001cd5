#include "coppice/runtime/table.hpp"

#include "coppice/runtime/node.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <string>

namespace coppice {
namespace {

using namespace std::chrono_literals;
using namespace literals;

using stock = table<std::string, int>;
struct get_ready {};
struct say_size {
  pid to;
};
struct size_is {
  std::size_t n;
};
struct end_now {};

TEST(table, is_written_by_its_owner_and_read_by_all) {
  node n(stepped());
  n.run([](self me) -> task<> {
    stock t = stock::make();
    EXPECT_EQ(t.owner(), me.id());
    t.insert("apples", 3);
    t.insert("apples", 4);
    EXPECT_TRUE(t.insert_new("pears", 1));
    EXPECT_FALSE(t.insert_new("pears", 2));
    EXPECT_EQ(t.lookup("apples"), 4);
    EXPECT_EQ(t.lookup("pears"), 1);
    EXPECT_EQ(t.lookup("plums"), std::nullopt);
    EXPECT_TRUE(t.update("pears", [](int& count) { ++count; }));
    EXPECT_FALSE(t.update("plums", [](int&) {}));
    EXPECT_EQ(t.take("pears"), 2);
    EXPECT_FALSE(t.erase("pears"));
    EXPECT_TRUE(t.contains("apples"));
    EXPECT_EQ(t.size(), 1U);
    t.clear();
    EXPECT_EQ(t.size(), 0U);

    auto other = [](self, stock there, pid to) -> process {
      int got = there.lookup("plums").value_or(-1);
      bool refused = false;
      try {
        there.insert("plums", 0);
      } catch (const table_error&) {
        refused = true;
      }
      send(to, std::pair<int, bool>(got, refused));
      co_return;
    };
    t.insert("plums", 9);
    spawn(other, t, me.id());
    std::pair<int, bool> seen = co_await me.receive<std::pair<int, bool>>();
    EXPECT_EQ(seen.first, 9);
    EXPECT_TRUE(seen.second) << "only the owner writes";
    EXPECT_EQ(t.lookup("plums"), 9);
  });
}

TEST(table, lists_all_keys_once) {
  node n(stepped());
  n.run([](self) -> task<> {
    table<int, int> t = table<int, int>::make();
    for (int i = 0; i < 1000; ++i) t.insert(i, -i);
    std::vector<std::pair<int, int>> all = t.to_vector();
    EXPECT_EQ(all.size(), 1000U);
    std::ranges::sort(all);
    for (int i = 0; i < 1000; ++i) EXPECT_EQ(all[static_cast<std::size_t>(i)], std::pair(i, -i));
    co_return;
  });
}

process owns_for_a_while(self me, pid to) {
  stock t = stock::make();
  t.insert("apples", 1);
  send(to, t);
  co_await me.receive<end_now>();
}

TEST(table, ends_with_its_owner_before_anybody_hears_of_the_end) {
  node n(stepped());
  n.run([](self me) -> task<> {
    monitored owner = spawn_monitor(owns_for_a_while, me.id());
    stock t = co_await me.receive<stock>();
    EXPECT_EQ(t.lookup("apples"), 1);
    EXPECT_TRUE(t.alive());
    send(owner.process, end_now{});
    co_await me.receive<down>();
    EXPECT_FALSE(t.alive());
    EXPECT_EQ(t.owner(), pid());
    EXPECT_THROW((void)t.lookup("apples"), table_error);
    EXPECT_THROW((void)t.size(), table_error);
    EXPECT_THROW(t.insert("apples", 1), table_error);
  });
}

struct counted {
  explicit counted(std::shared_ptr<std::atomic<int>> n) : live(std::move(n)) { ++*live; }
  counted(const counted& other) : live(other.live) { ++*live; }
  counted(counted&& other) noexcept : live(other.live) { ++*live; }
  counted& operator=(const counted&) = default;
  ~counted() { --*live; }
  std::shared_ptr<std::atomic<int>> live;
};

} // namespace

template <>
struct enable_sendable<counted> {
  static constexpr bool value = true;
};
template <>
struct enable_sendable<std::shared_ptr<std::atomic<int>>> {
  static constexpr bool value = true;
};

namespace {

process owns_counted(self me, std::shared_ptr<std::atomic<int>> live, pid to) {
  auto t = table<int, counted>::make();
  for (int i = 0; i < 100; ++i) t.insert(i, counted(live));
  send(to, t);
  co_await me.receive<end_now>();
}

TEST(table, frees_its_content_at_its_end_though_handles_are_left) {
  node n(stepped());
  auto live = std::make_shared<std::atomic<int>>(0);
  n.run(
      [](self me, std::shared_ptr<std::atomic<int>> count) -> task<> {
        monitored owner = spawn_monitor(owns_counted, count, me.id());
        auto t = co_await me.receive<table<int, counted>>();
        EXPECT_EQ(*count, 100);
        exit(owner.process, exit_reason::kill());
        co_await me.receive<down>();
        co_await yield();
        EXPECT_EQ(*count, 0);
        EXPECT_FALSE(t.alive());
      },
      live);
}

process gives_it_away(self me, pid to, pid tester) {
  stock t = stock::make();
  t.insert("apples", 5);
  t.give_away(to, "take it"_atom);
  bool refused = false;
  try {
    t.insert("apples", 6);
  } catch (const table_error&) {
    refused = true;
  }
  send(tester, refused);
  co_await me.receive<end_now>();
}

TEST(table, can_be_given_away) {
  node n(stepped());
  n.run([](self me) -> task<> {
    monitored giver = spawn_monitor(gives_it_away, me.id(), me.id());
    table_transfer<std::string, int> got = co_await me.receive<table_transfer<std::string, int>>();
    EXPECT_EQ(got.from, giver.process);
    EXPECT_EQ(got.data, term("take it"_atom));
    EXPECT_EQ(got.what.owner(), me.id());
    bool refused = co_await me.receive<bool>();
    EXPECT_TRUE(refused) << "what was given away is no longer one's own";
    got.what.insert("apples", 7);
    send(giver.process, end_now{});
    co_await me.receive<down>();
    EXPECT_EQ(got.what.lookup("apples"), 7) << "the end of who gave it away means nothing to it";
    EXPECT_THROW(got.what.give_away(giver.process), table_error) << "not to the dead";
    EXPECT_THROW(got.what.give_away(me.id()), table_error);
    EXPECT_EQ(got.what.owner(), me.id());
  });
}

process names_an_heir(self me, pid heir) {
  stock t = stock::make();
  t.insert("apples", 8);
  t.set_heir(heir, "inherit"_atom);
  co_await me.receive<end_now>();
}

TEST(table, goes_to_the_heir_when_its_owner_ends) {
  node n(stepped());
  n.run([](self me) -> task<> {
    monitored owner = spawn_monitor(names_an_heir, me.id());
    co_await yield();
    exit(owner.process, exit_reason::kill());
    auto first = co_await me.receive<table_transfer<std::string, int>, down>();
    EXPECT_EQ(first.index(), 0U) << "the table comes before the news of the end";
    auto& got = std::get<0>(first);
    EXPECT_EQ(got.from, owner.process);
    EXPECT_EQ(got.data, term("inherit"_atom));
    EXPECT_EQ(got.what.lookup("apples"), 8);
    got.what.insert("apples", 9);
    EXPECT_EQ(got.what.lookup("apples"), 9);
  });
}

process waits_for_ever(self me) { co_await me.receive<end_now>(); }

TEST(table, ends_when_its_heir_is_dead_too) {
  node n(stepped());
  n.run([](self me) -> task<> {
    pid heir = spawn(waits_for_ever);
    auto owner_with_heir = [](self self_, pid to, pid tester) -> process {
      stock t = stock::make();
      t.set_heir(to);
      send(tester, t);
      co_await self_.receive<end_now>();
    };
    monitored owner = spawn_monitor(owner_with_heir, heir, me.id());
    stock t = co_await me.receive<stock>();
    monitor(heir);
    exit(heir, exit_reason::kill());
    co_await me.receive<down>();
    send(owner.process, end_now{});
    co_await me.receive<down>();
    EXPECT_FALSE(t.alive());
  });
}

TEST(table, can_only_be_made_in_a_process) { EXPECT_THROW((void)stock::make(), std::logic_error); }

// The two halves of a value are always equal: a reader that saw them differ would have seen a write halfway.
struct twins {
  std::uint64_t one = 0;
  std::uint64_t other = 0;
};

process reads_twins(self, table<int, twins> t, pid to, std::uint64_t until) {
  std::uint64_t newest = 0;
  bool whole = true;
  while (newest < until) {
    twins seen = t.lookup(1).value_or(twins{});
    whole = whole && seen.one == seen.other && seen.one >= newest;
    newest = seen.one;
    co_await yield();
  }
  send(to, whole);
}

TEST(table, readers_on_other_cores_never_see_half_a_write) {
  node_options options;
  options.cores = 2;
  node n(options);
  n.run([](self me) -> task<> {
    constexpr std::uint64_t last = 20'000;
    table<int, twins> t = table<int, twins>::make();
    t.insert(1, twins{});
    for (int i = 0; i < 4; ++i) spawn(reads_twins, t, me.id(), last);
    for (std::uint64_t i = 1; i <= last; ++i) {
      t.insert(1, twins{i, i});
      if (i % 64 == 0) co_await yield();
    }
    for (int i = 0; i < 4; ++i) {
      bool whole = co_await me.receive<bool>();
      EXPECT_TRUE(whole);
    }
  });
}

} // namespace
} // namespace coppice
