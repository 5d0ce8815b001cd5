// XEP-0313.
#include "servers/messaging/storage/archive.hpp"

#include "servers/messaging/storage/storage_test.hpp"

#include <gmock/gmock.h>

namespace coppice::messaging::storage {
namespace {

using store::transaction;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

archive_entry entry(std::int64_t id, std::string with = "b@h", std::string resource = "r") {
  return {id, std::move(with), std::move(resource), at_us(id), "<m n='" + std::to_string(id) + "'/>", ""};
}

class an_archive : public on_tables {
protected:
  void append(const archive_entry& e, std::string_view owner = "a@h") {
    in([&](transaction& t) { append_to_archive(t, owner, e); });
  }
  std::vector<std::int64_t> ids(const archive_filter& filter, std::size_t most = 100,
                                bool backwards = false) {
    archive_page page = in([&](transaction& t) { return load_archive(t, "a@h", filter, most, backwards); });
    complete_ = page.complete;
    std::vector<std::int64_t> result;
    result.reserve(page.entries.size());
    for (const archive_entry& e : page.entries) result.push_back(e.id);
    return result;
  }
  void fill() {
    for (int i = 10; i <= 60; i += 10) append(entry(i, i % 20 == 0 ? "b@h" : "c@h", i < 40 ? "r" : "s"));
    append(entry(35, "b@h"), "other@h");
  }
  bool complete_ = false;
};
COPPICE_ON_BOTH(an_archive);

TEST_P(an_archive, gives_back_what_it_keeps) {
  archive_entry e = entry(7, "b@h", "");
  e.at = at_us(5);
  e.origin = "o1";
  append(e);
  archive_entry again = e;
  again.stanza = "<other/>";
  append(again);
  again.id = 8; // its sender has not heard that it came
  append(again);
  const archive_page page = in([](transaction& t) { return load_archive(t, "a@h", {}, 10); });
  ASSERT_EQ(page.entries.size(), 1U);
  const archive_entry& got = page.entries.front();
  EXPECT_EQ(got.id, 7);
  EXPECT_EQ(got.with_bare, "b@h");
  EXPECT_EQ(got.with_resource, "");
  EXPECT_EQ(got.at, at_us(5));
  EXPECT_EQ(got.stanza, e.stanza);
  EXPECT_EQ(got.origin, "o1");
}

// 4.1: filters
TEST_P(an_archive, gives_what_is_meant) {
  fill();
  EXPECT_THAT(ids({}), ElementsAre(10, 20, 30, 40, 50, 60));
  EXPECT_THAT(ids({.with_bare = "b@h"}), ElementsAre(20, 40, 60));
  EXPECT_THAT(ids({.with_bare = "b@h", .with_resource = "s"}), ElementsAre(40, 60));
  EXPECT_THAT(ids({.with_bare = "x@h"}), IsEmpty());
  EXPECT_THAT(ids({.start = at_us(30)}), ElementsAre(30, 40, 50, 60));
  EXPECT_THAT(ids({.end = at_us(30)}), ElementsAre(10, 20, 30));
  EXPECT_THAT(ids({.with_bare = "b@h", .start = at_us(11), .end = at_us(59)}), ElementsAre(20, 40));
  EXPECT_THAT(ids({.after = 30}), ElementsAre(40, 50, 60));
  EXPECT_THAT(ids({.before = 30}), ElementsAre(10, 20));
  EXPECT_THAT(ids({.after = 10, .before = 50}), ElementsAre(20, 30, 40));
  EXPECT_THAT(ids({.start = at_us(-5), .end = at_us(1000)}), ElementsAre(10, 20, 30, 40, 50, 60));
}

TEST_P(an_archive, finds_times_where_ids_have_run_ahead) {
  for (std::int64_t id : {100, 101, 102, 103}) {
    archive_entry e = entry(id);
    e.at = at_us(id < 103 ? 100 : 101);
    append(e);
  }
  EXPECT_THAT(ids({.end = at_us(100)}), ElementsAre(100, 101, 102));
  EXPECT_THAT(ids({.start = at_us(100)}), ElementsAre(100, 101, 102, 103));
}

// 4.3 and XEP-0059
TEST_P(an_archive, gives_pages_from_either_end) {
  fill();
  EXPECT_THAT(ids({}, 4), ElementsAre(10, 20, 30, 40));
  EXPECT_FALSE(complete_);
  EXPECT_THAT(ids({.after = 40}, 4), ElementsAre(50, 60));
  EXPECT_TRUE(complete_);
  EXPECT_THAT(ids({}, 4, true), ElementsAre(30, 40, 50, 60));
  EXPECT_FALSE(complete_);
  EXPECT_THAT(ids({.before = 30}, 2, true), ElementsAre(10, 20));
  EXPECT_TRUE(complete_);
  EXPECT_THAT(ids({.with_bare = "b@h"}, 2, true), ElementsAre(40, 60));
  EXPECT_THAT(ids({}, 0), IsEmpty());
  EXPECT_FALSE(complete_);
}

TEST_P(an_archive, counts_up_to_a_bound) {
  fill();
  auto count = [&](const archive_filter& filter, std::size_t most) {
    return in([&](transaction& t) { return count_archive(t, "a@h", filter, most); });
  };
  EXPECT_EQ(count({}, 6), 6U);
  EXPECT_EQ(count({}, 5), std::nullopt);
  EXPECT_EQ(count({.with_bare = "b@h", .end = at_us(40)}, 5), 2U);
  EXPECT_EQ(count({.with_bare = "b@h", .with_resource = "s"}, 5), 2U);
}

// 4.1.4: a list of ids, one of which is not there
TEST_P(an_archive, gives_single_messages) {
  fill();
  auto load = [&](std::vector<std::int64_t> wanted) {
    auto got = in([&](transaction& t) { return load_archive_entries(t, "a@h", wanted); });
    std::vector<std::int64_t> ids;
    for (const archive_entry& e : got.value_or(std::vector<archive_entry>())) ids.push_back(e.id);
    return ids;
  };
  EXPECT_THAT(load({50, 10}), ElementsAre(50, 10));
  EXPECT_THAT(load({50, 35}), IsEmpty());
  EXPECT_TRUE(in([](transaction& t) { return is_archived(t, "a@h", 50); }));
  EXPECT_FALSE(in([](transaction& t) { return is_archived(t, "a@h", 35); }));
}

// 5: metadata
TEST_P(an_archive, knows_its_ends) {
  auto ends = [&] { return in([](transaction& t) { return find_archive_ends(t, "a@h"); }); };
  EXPECT_FALSE(ends());
  fill();
  ASSERT_TRUE(ends());
  EXPECT_EQ(ends()->first_id, 10);
  EXPECT_EQ(ends()->last_id, 60);
  EXPECT_EQ(ends()->last_at, at_us(60));
}

TEST_P(an_archive, expires_in_steps) {
  fill();
  auto expire = [&](std::size_t most) {
    return in([&](transaction& t) { return expire_archives(t, at_us(50), most); });
  };
  EXPECT_EQ(expire(3), 3U);
  EXPECT_THAT(ids({}), ElementsAre(40, 50, 60));
  EXPECT_EQ(expire(3), 2U);
  EXPECT_EQ(expire(3), 0U);
  EXPECT_THAT(ids({}), ElementsAre(50, 60));
  in([](transaction& t) { remove_archive(t, "a@h"); });
  EXPECT_THAT(ids({}), IsEmpty());
}

// XEP-0441
TEST_P(an_archive, keeps_preferences) {
  auto load = [&] { return in([](transaction& t) { return load_archive_preferences(t, "a@h"); }); };
  EXPECT_FALSE(load());
  xmpp::archive_preferences p;
  p.otherwise = xmpp::archive_preferences::policy::roster;
  p.always = {jid("b@h"), jid("c@h/r")};
  p.never = {jid("b@h"), jid("d@h")};
  in([&](transaction& t) { save_archive_preferences(t, "a@h", p); });
  EXPECT_EQ(load(), p);
  p.always.clear();
  p.otherwise = xmpp::archive_preferences::policy::never;
  in([&](transaction& t) { save_archive_preferences(t, "a@h", p); });
  EXPECT_EQ(load(), p);
}

// --- how it is looked up ---

/// What the database would do for a statement; parameters are written out, as it must not know them.
std::string plan(transaction& t, const std::string& sql, bool sqlite) {
  std::string text;
  for (const store::row& r : t.query((sqlite ? "EXPLAIN QUERY PLAN " : "EXPLAIN ") + sql)) {
    text += r.get<std::string>(r.size() - 1) + "\n";
  }
  return text;
}

TEST_P(an_archive, is_never_read_as_a_whole) {
  const bool sqlite = GetParam() == store::testing::kind::sqlite;
  in([&](transaction& t) {
    if (!sqlite) t.execute("SET LOCAL enable_seqscan = off"); // tables that are empty are read as a whole
    const std::string from = " FROM archive WHERE owner = 'a@h' AND id > 1 AND id < 9 ";
    for (const char* way : {"ORDER BY owner, id LIMIT 50", "ORDER BY owner DESC, id DESC LIMIT 50"}) {
      for (const char* with : {"", "AND with_bare = 'b@h' "}) {
        const std::string found = plan(t, "SELECT stanza" + from + with + way, sqlite);
        EXPECT_THAT(found, HasSubstr(sqlite ? "USING INDEX" : "Index Scan")) << with << way;
        EXPECT_THAT(found, Not(HasSubstr("SCAN archive"))) << with << way;
        EXPECT_THAT(found, Not(HasSubstr(sqlite ? "TEMP B-TREE" : "Sort"))) << found;
        EXPECT_TRUE(!sqlite || *with == 0 || found.find("archive_with") != std::string::npos) << found;
      }
    }
    const std::string expired =
        plan(t, "SELECT owner, id FROM archive WHERE at < 5 ORDER BY at LIMIT 9", sqlite);
    EXPECT_THAT(expired, HasSubstr("archive_at"));
    EXPECT_THAT(expired, Not(HasSubstr("Sort")));
  });
}

} // namespace
} // namespace coppice::messaging::storage
