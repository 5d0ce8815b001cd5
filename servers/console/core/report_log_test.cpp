#include "servers/console/core/report_log.hpp"

#include <gtest/gtest.h>

namespace coppice::console {
namespace {

log_entry named(std::string name) {
  log_entry e;
  e.name = std::move(name);
  return e;
}

TEST(report_log, numbers_and_gives_what_is_newer) {
  report_log log;
  EXPECT_TRUE(log.since(0).empty());
  for (const char* name : {"a", "b", "c"}) log.add(named(name));
  std::vector<log_entry> all = log.since(1);
  ASSERT_EQ(all.size(), 2U);
  EXPECT_EQ(all[0].seq, 2U);
  EXPECT_EQ(all[0].name, "b");
  EXPECT_EQ(all[1].name, "c");
  EXPECT_TRUE(log.since(3).empty());
  EXPECT_TRUE(log.since(99).empty());
  EXPECT_EQ(log.since(0, 1).at(0).name, "a");
  EXPECT_EQ(log.latest(1).at(0).name, "c");
  EXPECT_EQ(log.latest(9).size(), 3U);
}

TEST(report_log, keeps_the_latest) {
  report_log log;
  for (std::size_t i = 0; i < report_log::capacity + 7; ++i) log.add(named("x"));
  std::vector<log_entry> all = log.since(0);
  EXPECT_EQ(all.size(), report_log::capacity);
  EXPECT_EQ(all.front().seq, 8U);
  EXPECT_EQ(all.back().seq, report_log::capacity + 7);
}

TEST(report_log, gives_up_starts_before_all_else) {
  report_log log;
  log.add(named("the crash"));
  for (std::size_t i = 0; i < report_log::capacity; ++i) {
    log_entry e = named("a start");
    e.kind = entry_kind::progress;
    log.add(std::move(e));
  }
  EXPECT_EQ(log.since(0).front().name, "the crash");
  EXPECT_EQ(log.since(0).size(), report_log::capacity);
  EXPECT_EQ(log.since(1).front().seq, 3U);
}

TEST(report_log, cuts_what_is_long_between_characters) {
  report_log log;
  log_entry e;
  e.text = std::string(report_log::text_limit - 1, 'a') + "\xc3\xa9" + "end";
  log.add(e);
  EXPECT_EQ(log.since(0)[0].text, std::string(report_log::text_limit - 1, 'a'));
}

} // namespace
} // namespace coppice::console
