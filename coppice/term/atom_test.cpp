#include "coppice/term/atom.hpp"

#include <gtest/gtest.h>
#include <stdexcept>
#include <string>
#include <thread>
#include <unordered_set>
#include <vector>

namespace coppice {
namespace {

TEST(atom, is_equal_by_name) {
  EXPECT_EQ(atom("ok"), atom("ok"));
  EXPECT_NE(atom("ok"), atom("error"));
  EXPECT_EQ(atom("ok"), "ok"_atom);
  EXPECT_EQ(atom("ok").index(), "ok"_atom.index());
  EXPECT_EQ(atom("ok").name(), "ok");
}

TEST(atom, default_is_the_empty_atom) {
  EXPECT_EQ(atom(), atom(""));
  EXPECT_EQ(atom().name(), "");
  EXPECT_TRUE(atom().empty());
  EXPECT_EQ(atom::from_peer("").value(), atom());
  EXPECT_EQ(std::hash<atom>{}(atom()), std::hash<atom>{}(atom("")));
}

TEST(atom, is_ordered_by_name_not_by_age) {
  const atom late("zz_order"); // made first, so with the lower index
  const atom early("aa_order");
  EXPECT_LT(early, late);
  EXPECT_LT(atom("\xc3\xa9"), atom("\xe2\x82\xac")); // U+00E9 before U+20AC
  EXPECT_LT(atom("aa"), atom("aaa"));
}

TEST(atom, refuses_long_and_malformed_names) {
  EXPECT_NO_THROW(atom(std::string(255, 'x')));
  EXPECT_THROW(atom(std::string(256, 'x')), std::length_error);
  std::string wide; // 255 characters of two bytes
  for (int i = 0; i < 255; ++i) wide += "\xc3\xa9";
  EXPECT_NO_THROW(atom{wide});
  EXPECT_THROW(atom(wide + "\xc3\xa9"), std::length_error);
  for (const char* bad : {"\xff", "\xc3", "\xc0\x80", "\xed\xa0\x80", "\xf4\x90\x80\x80", "a\x80"}) {
    EXPECT_THROW(atom{bad}, std::invalid_argument) << bad;
    EXPECT_EQ(atom::from_peer(bad).error(), atom_error::bad_utf8);
  }
  EXPECT_EQ(atom::from_peer(std::string(256, 'x')).error(), atom_error::too_long);
}

TEST(atom, of_a_peer_goes_with_its_last_copy) {
  const std::size_t before = atom::peer_count();
  {
    const auto made = atom::from_peer("peer_only_1").value();
    EXPECT_EQ(atom::peer_count(), before + 1);
    const atom copy = made; // NOLINT(performance-unnecessary-copy-initialization)
    const auto again = atom::from_peer("peer_only_1").value();
    EXPECT_EQ(copy, again);
    EXPECT_EQ(copy.name(), "peer_only_1");
    EXPECT_EQ(atom::peer_count(), before + 1);
    EXPECT_EQ(atom::existing("peer_only_1"), made);
  }
  EXPECT_EQ(atom::peer_count(), before);
  EXPECT_FALSE(atom::existing("peer_only_1"));
}

TEST(atom, of_a_peer_stays_once_the_program_names_it) {
  const std::size_t before = atom::peer_count();
  std::optional<atom> counted = atom::from_peer("peer_then_ours").value();
  const atom ours("peer_then_ours");
  EXPECT_EQ(atom::peer_count(), before);
  EXPECT_EQ(*counted, ours);
  EXPECT_EQ(std::hash<atom>{}(*counted), std::hash<atom>{}(ours));
  counted.reset();
  EXPECT_EQ(ours.name(), "peer_then_ours");
  EXPECT_TRUE(atom::existing("peer_then_ours"));
}

TEST(atom, of_peers_are_limited_in_number) {
  const std::size_t now = atom::peer_count();
  atom::set_peer_limit(now + 2);
  const auto a = atom::from_peer("limited_a");
  auto b = atom::from_peer("limited_b");
  EXPECT_TRUE(a && b);
  EXPECT_EQ(atom::from_peer("limited_c").error(), atom_error::limit);
  EXPECT_EQ(atom::from_peer("limited_a"), a) << "what is there already needs no room";
  b = std::unexpected(atom_error::limit);
  EXPECT_TRUE(atom::from_peer("limited_c"));
  atom::set_peer_limit(std::size_t{1} << 20);
}

TEST(atom, existing_finds_and_never_adds) {
  EXPECT_FALSE(atom::existing("nobody_made_this_one"));
  EXPECT_FALSE(atom::existing("nobody_made_this_one"));
  const atom made("somebody_made_this_one");
  EXPECT_EQ(atom::existing("somebody_made_this_one"), made);
}

TEST(atom, assignment_and_moves_keep_the_count) {
  const std::size_t before = atom::peer_count();
  atom a = atom::from_peer("moved_about").value();
  atom b = std::move(a);
  a = b;
  a = *&a;
  b = atom("ok");
  EXPECT_EQ(a.name(), "moved_about");
  EXPECT_EQ(atom::peer_count(), before + 1);
  a = std::move(b);
  b = atom();
  EXPECT_EQ(a, "ok"_atom);
  EXPECT_EQ(atom::peer_count(), before);
}

TEST(atom, slots_are_used_again) {
  const std::size_t before = atom::peer_count();
  std::unordered_set<std::uint32_t> indices;
  for (int i = 0; i < 10000; ++i) {
    indices.insert(atom::from_peer("short_lived_" + std::to_string(i)).value().index());
  }
  EXPECT_EQ(atom::peer_count(), before);
  EXPECT_LT(indices.size(), 100u);
}

TEST(atom, many_threads_agree) {
  constexpr int threads = 4;
  constexpr int rounds = 3000;
  const std::size_t before = atom::peer_count();
  std::vector<std::thread> all;
  std::vector<int> wrong(threads, 0);
  for (int t = 0; t < threads; ++t) {
    all.emplace_back([t, &wrong] {
      atom kept;
      for (int i = 0; i < rounds; ++i) {
        const std::string name = "shared_" + std::to_string(i % 7);
        const atom mine = atom::from_peer(name).value();
        const atom copy = mine; // NOLINT(performance-unnecessary-copy-initialization)
        if (copy.name() != name || copy != mine) ++wrong[static_cast<std::size_t>(t)];
        kept = copy;
        const atom ours("ours_" + std::to_string(i % 5));
        if (ours.name() != "ours_" + std::to_string(i % 5)) ++wrong[static_cast<std::size_t>(t)];
        if (i % 100 == t) {
          const auto becomes = atom::from_peer("becomes_" + std::to_string(i)).value();
          if (atom("becomes_" + std::to_string(i)) != becomes) ++wrong[static_cast<std::size_t>(t)];
        }
      }
    });
  }
  for (auto& thread : all) thread.join();
  EXPECT_EQ(wrong, std::vector<int>(threads, 0));
  EXPECT_EQ(atom::peer_count(), before);
}

} // namespace
} // namespace coppice
