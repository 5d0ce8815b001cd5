#include "servers/console/core/tree.hpp"

#include <gtest/gtest.h>

#include <deque>
#include <set>

namespace coppice::console {
namespace {

constexpr pid process(std::uint32_t slot) { return pid{(std::uint64_t{1} << pid::slot_bits) | slot}; }

class tree_test : public testing::Test {
protected:
  void add(pid p, pid parent, std::string label, std::string kind = "gen_server", place where = {}) {
    process_summary s;
    s.process = p;
    s.parent = parent;
    s.label = std::move(label);
    s.behaviour = std::move(kind);
    processes.push_back(std::move(s));
    known.push_back(std::move(where));
  }
  const tree& build() {
    return built.emplace_back(
        tree::build({.processes = processes, .places = known, .vacancies = idle, .root = process(1)}));
  }
  /// root with two supervisors of two and three workers.
  void grow() {
    add(process(1), process(900), "root_sup", "supervisor");
    add(process(2), process(1), "a_sup", "supervisor", {"a_sup", false, 1});
    add(process(3), process(1), "b_sup", "supervisor", {"b_sup", false, 2});
    for (std::uint32_t i = 0; i < 5; ++i) {
      add(process(10 + i), process(i < 2 ? 2 : 3), "worker:" + std::to_string(i));
    }
  }
  static std::vector<std::string> keys(const selection& s) {
    std::vector<std::string> all;
    for (const row* r : s.rows) all.push_back(r->key);
    return all;
  }

  std::vector<process_summary> processes;
  std::vector<place> known;
  std::vector<vacancy> idle;
  std::deque<tree> built; ///< selections point into it
};

using texts = std::vector<std::string>;

TEST_F(tree_test, stands_children_below_those_that_spawned_them) {
  grow();
  const tree& all = build();
  EXPECT_EQ(keys(select(all, {.all_open = true})),
            (texts{"root", "root/a_sup", "root/a_sup/worker:0", "root/a_sup/worker:1", "root/b_sup",
                   "root/b_sup/worker:2", "root/b_sup/worker:3", "root/b_sup/worker:4"}));
  const row* r = all.find(process(3));
  EXPECT_EQ(r->parent, "root");
  EXPECT_EQ(r->children.size(), 3U);
  EXPECT_TRUE(r->branch);
  EXPECT_EQ(r->kind, "supervisor");
  EXPECT_EQ(all.find(process(99)), nullptr);
}

TEST_F(tree_test, orphans_stand_below_others) {
  grow();
  add(process(50), process(777), "stray", "process");
  const tree& all = build();
  selection s = select(all, {.all_open = true});
  EXPECT_EQ(s.rows.back()->key, "others/stray");
  EXPECT_EQ(s.rows.at(s.rows.size() - 2)->key, "others");
  EXPECT_FALSE(s.rows.at(s.rows.size() - 2)->process);
  EXPECT_EQ(s.rows.back()->kind, "process");
}

TEST_F(tree_test, the_key_is_the_child_id_else_a_unique_name_else_the_pid) {
  add(process(1), pid(), "root_sup", "supervisor");
  add(process(2), process(1), "label", "gen_server", {"id", false, 1});
  add(process(3), process(1), "twin", "gen_server", {"session", true, 2});
  add(process(4), process(1), "twin", "gen_server", {"session", true, 3});
  add(process(5), process(1), "single", "gen_server", {"session", true, 4});
  add(process(6), process(1), "a/b", "gen_server", {"session", true, 5});
  add(process(7), process(1), "", "gen_server", {"a|b", false, 6});
  EXPECT_EQ(
      keys(select(build(), {.all_open = true})),
      (texts{"root", "root/id", "root/<0.3.1>", "root/<0.4.1>", "root/single", "root/a|b", "root/<0.7.1>"}));
}

TEST_F(tree_test, keys_stay_below_400_characters_and_unique) {
  add(process(1), pid(), "root_sup", "supervisor");
  for (std::uint32_t i = 2; i < 60; ++i) add(process(i), process(i - 1), std::string(90, 'x'));
  selection s = select(build(), {.all_open = true});
  std::set<std::string> seen;
  for (const row* r : s.rows) {
    EXPECT_LE(r->key.size(), 400U);
    EXPECT_TRUE(seen.insert(r->key).second) << r->key;
  }
  EXPECT_EQ(seen.size(), 59U);
}

TEST_F(tree_test, children_that_do_not_run_keep_their_place) {
  grow();
  known[1].order = 5;
  idle.push_back({process(1), "c_sup", true, 3, 4});
  idle.push_back({process(1), "d", false, 9, 0});
  const tree& all = build();
  selection s = select(all, {});
  EXPECT_EQ(s.rows.at(1)->key, "root/b_sup");
  const row& gone = *s.rows.at(5);
  EXPECT_EQ(gone.key, "root/c_sup");
  EXPECT_FALSE(gone.process);
  EXPECT_EQ(gone.status, row_status::restarting);
  EXPECT_EQ(gone.restarts, 4U);
  EXPECT_EQ(s.rows.back()->status, row_status::stopped);
}

TEST_F(tree_test, two_floors_are_open_before_a_page_says_otherwise) {
  grow();
  add(process(60), process(10), "helper", "process");
  selection s = select(build(), {});
  EXPECT_EQ(s.rows.size(), 8U);
  EXPECT_EQ(keys(select(build(), {.open = texts{}})), (texts{"root"}));
  EXPECT_EQ(keys(select(build(), {.open = texts{"root"}})), (texts{"root", "root/a_sup", "root/b_sup"}));
  // Open below what is closed: not seen.
  EXPECT_EQ(keys(select(build(), {.open = texts{"root/a_sup"}})), (texts{"root"}));
}

TEST_F(tree_test, limits_children) {
  grow();
  selection s = select(build(), {.all_open = true, .limits = {{"root/b_sup", 1}}});
  EXPECT_EQ(s.rows.back()->key, "root/b_sup/worker:2");
  EXPECT_EQ(select(build(), {.all_open = true, .limit = 1}).rows.size(), 3U);
}

TEST_F(tree_test, filters_by_name_pid_module_and_kind_with_ancestors) {
  grow();
  processes[4].module = "Chat_Server";
  const tree& all = build();
  selection s = select(all, {.filter = "WORKER:3"});
  EXPECT_EQ(keys(s), (texts{"root", "root/b_sup", "root/b_sup/worker:3"}));
  EXPECT_EQ(s.matched, 1U);
  EXPECT_EQ(select(all, {.filter = "chat_s"}).matched, 1U);
  EXPECT_EQ(select(all, {.filter = "<0.12."}).matched, 1U);
  EXPECT_EQ(select(all, {.filter = "supervisor"}).matched, 3U);
  EXPECT_EQ(keys(select(all, {.filter = "supervisor"})), (texts{"root", "root/a_sup", "root/b_sup"}));
  EXPECT_EQ(select(all, {.filter = "nobody"}).matched, 0U);
  EXPECT_TRUE(select(all, {.filter = "nobody"}).rows.empty());
}

TEST_F(tree_test, counts_the_children_that_it_was_not_given) {
  grow();
  const std::vector<std::pair<pid, std::size_t>> missing{{process(10), 7}, {process(99), 3}};
  tree::input in;
  in.processes = processes;
  in.places = known;
  in.root = process(1);
  in.left_out = missing;
  const tree all = tree::build(in);
  EXPECT_EQ(all.find(process(10))->left_out, 7U);
  EXPECT_EQ(all.find(process(1))->left_out, 0U);
}

TEST(tree_picker, keeps_supervisors_and_some_children_of_each) {
  tree_picker choose;
  process_glimpse g;
  g.behaviour = "process";
  std::size_t picked = 0;
  for (std::uint32_t i = 0; i < 100'000; ++i) {
    g.process = pid{i};
    g.parent = pid{i % 2 == 0 ? 1U : 1000U + i % 20};
    if (choose.pick(g)) ++picked;
  }
  EXPECT_EQ(picked, 18'000U);
  g.behaviour = "supervisor";
  g.parent = pid{1};
  EXPECT_TRUE(choose.pick(g));
  const auto left_out = choose.left_out();
  const auto family = std::ranges::find(left_out, pid{1}, &std::pair<pid, std::size_t>::first);
  ASSERT_NE(family, left_out.end());
  EXPECT_EQ(family->second, 50'000U - tree_picker::most_children);
}

TEST_F(tree_test, ten_thousand_processes_are_bounded_in_what_is_given) {
  add(process(1), pid(), "root_sup", "supervisor");
  for (std::uint32_t i = 0; i < 10; ++i)
    add(process(2 + i), process(1), "sup" + std::to_string(i), "supervisor");
  for (std::uint32_t i = 0; i < 10'000; ++i)
    add(process(100 + i), process(2 + i % 10), "w" + std::to_string(i));
  const tree& all = build();
  EXPECT_EQ(all.rows().size(), 10'011U);
  EXPECT_EQ(select(all, {.all_open = true, .limit = view::most_children}).rows.size(), view::most_rows);
  selection s = select(all, {.filter = "w"});
  EXPECT_EQ(s.matched, 10'000U);
  EXPECT_EQ(s.rows.size(), view::most_matches + 2);
}

} // namespace
} // namespace coppice::console
