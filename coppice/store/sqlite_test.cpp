// What is of SQLite alone: files.
#include "coppice/store/detail/store_test.hpp"

#include <gmock/gmock.h>

#include <fstream>
#include <sys/stat.h>

namespace coppice::store {
namespace {

using ::testing::HasSubstr;
using testing::scratch;

const std::vector<migration> notes = {{1, "CREATE TABLE note (id {int} PRIMARY KEY, what {text})"}};

database_options at(const std::string& where) {
  database_options options;
  options.where = where;
  options.migrations = notes;
  return options;
}

std::int64_t count(const database& db) {
  return db
      .read_now([](transaction& t) { return t.query("SELECT count(*) FROM note")[0].get<std::int64_t>(0); })
      .value();
}

mode_t mode_of(const std::string& file) {
  struct stat s{};
  return ::stat(file.c_str(), &s) == 0 ? s.st_mode & 0777U : 0;
}

TEST(an_sqlite_file, is_its_owners_alone) {
  const scratch folder;
  auto db = database::open(at(folder.file("a.db")));
  ASSERT_TRUE(db) << db.error();
  ASSERT_TRUE(db->write_now([](transaction& t) { t.execute("INSERT INTO note (id) VALUES (1)"); }));
  EXPECT_EQ(mode_of(folder.file("a.db")), 0600U);
  EXPECT_EQ(mode_of(folder.file("a.db-wal")), 0600U);
}

TEST(an_sqlite_file, that_cannot_be_says_where_and_why) {
  const scratch folder;
  auto nowhere = database::open(at(folder.file("no/such/a.db")));
  ASSERT_FALSE(nowhere);
  EXPECT_THAT(nowhere.error(), HasSubstr(folder.file("no/such/a.db")));
  EXPECT_THAT(nowhere.error(), HasSubstr("see that its folder is there"));
  std::ofstream(folder.file("b.db")) << std::string(4096, 'x');
  auto other = database::open(at(folder.file("b.db")));
  ASSERT_FALSE(other);
  EXPECT_THAT(other.error(), HasSubstr("not a database"));
  EXPECT_FALSE(database::open(at("")));
}

TEST(an_sqlite_file, is_copied_as_of_one_moment_while_it_is_written) {
  const scratch folder;
  auto db = database::open(at(folder.file("a.db")));
  ASSERT_TRUE(db) << db.error();
  for (int i = 0; i < 10; ++i) {
    ASSERT_TRUE(db->write_now([i](transaction& t) { t.execute("INSERT INTO note (id) VALUES ($1)", i); }));
  }
  auto copied = db->back_up_now(folder.file("copy.db"));
  ASSERT_TRUE(copied) << copied.error().text;
  ASSERT_TRUE(db->write_now([](transaction& t) { t.execute("INSERT INTO note (id) VALUES (10)"); }));
  EXPECT_EQ(mode_of(folder.file("copy.db")), 0600U);
  auto copy = database::open(at(folder.file("copy.db")));
  ASSERT_TRUE(copy) << copy.error();
  EXPECT_EQ(count(*copy), 10);
  auto nowhere = db->back_up_now(folder.file("no/such/copy.db"));
  ASSERT_FALSE(nowhere);
  EXPECT_EQ(nowhere.error().kind, error_kind::io);
}

TEST(sqlite_in_memory, has_one_set_of_data_for_all_and_can_be_copied) {
  const scratch folder;
  auto db = database::open(at(":memory:"));
  ASSERT_TRUE(db) << db.error();
  ASSERT_TRUE(db->write_now([](transaction& t) { t.execute("INSERT INTO note (id) VALUES (1)"); }));
  EXPECT_EQ(count(*db), 1);
  ASSERT_TRUE(db->back_up_now(folder.file("copy.db")));
  auto copy = database::open(at(folder.file("copy.db")));
  ASSERT_TRUE(copy) << copy.error();
  EXPECT_EQ(count(*copy), 1);
}

} // namespace
} // namespace coppice::store
