#include "coppice/runtime/persistent.hpp"

#include "coppice/runtime/node.hpp"

#include <gtest/gtest.h>

#include <string>
#include <thread>
#include <vector>

namespace coppice {
namespace {

struct settings {
  std::string greeting = "none";
  std::string same = "none";
};

TEST(persistent, is_replaced_as_a_whole) {
  persistent<settings> current;
  EXPECT_EQ(current.get()->greeting, "none");
  current.put(settings{"hello", "hello"});
  EXPECT_EQ(current.get()->greeting, "hello");
  persistent<settings> handle = current;
  handle.put(settings{"bye", "bye"});
  EXPECT_EQ(current.get()->same, "bye") << "copies are handles to the same value";
}

TEST(persistent, the_old_value_stays_with_who_holds_it_and_goes_with_the_last) {
  auto life = std::make_shared<const int>(7);
  persistent<std::vector<std::shared_ptr<const int>>> current(std::vector{life});
  std::weak_ptr<const int> watched = life;
  life.reset();
  auto held = current.get();
  current.put({});
  EXPECT_FALSE(watched.expired());
  EXPECT_EQ(*held->front(), 7);
  held.reset();
  EXPECT_TRUE(watched.expired()) << "nobody holds it any more";
}

TEST(persistent, goes_with_its_last_handle) {
  auto life = std::make_shared<const int>(7);
  std::weak_ptr<const int> watched = life;
  std::shared_ptr<const std::vector<std::shared_ptr<const int>>> held;
  {
    persistent<std::vector<std::shared_ptr<const int>>> current(std::vector{std::move(life)});
    held = current.get();
  }
  EXPECT_FALSE(watched.expired());
  held.reset();
  EXPECT_TRUE(watched.expired());
}

TEST(persistent, readers_see_whole_values_that_never_grow_older) {
  persistent<std::pair<int, int>> current(std::pair(0, 0));
  constexpr int last = 2000;
  std::vector<std::jthread> readers;
  std::array<bool, 3> good{};
  for (bool& whole : good) {
    readers.emplace_back([&whole, current] {
      whole = true;
      for (int newest = 0; newest < last;) {
        auto seen = current.get();
        whole = whole && seen->first == seen->second && seen->first >= newest;
        newest = seen->first;
      }
    });
  }
  for (int i = 1; i <= last; ++i) current.put(std::pair(i, i));
  readers.clear();
  for (bool whole : good) EXPECT_TRUE(whole);
}

process reads_after(self, persistent<settings> current, pid to) {
  send(to, current.get()->greeting);
  co_return;
}

TEST(persistent, is_one_for_a_node_and_travels_in_messages) {
  node n(stepped());
  n.run([](self me) -> task<> {
    auto mine = this_node().part<persistent<settings>>();
    mine->put(settings{"of the node", ""});
    EXPECT_EQ(this_node().part<persistent<settings>>()->get()->greeting, "of the node");
    spawn(reads_after, *mine, me.id());
    std::string seen = co_await me.receive<std::string>();
    EXPECT_EQ(seen, "of the node");
  });
}

} // namespace
} // namespace coppice
