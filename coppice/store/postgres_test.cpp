// What is of PostgreSQL alone: connections.
#include "coppice/store/detail/store_test.hpp"

#include <gmock/gmock.h>

namespace coppice::store {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using testing::postgres_server;

class by_connection : public testing::on_both {
protected:
  database_options notes() {
    database_options options = at();
    options.migrations = {{1, "CREATE TABLE note (id {int} PRIMARY KEY, what {text})"}};
    return options;
  }
};
INSTANTIATE_TEST_SUITE_P(postgres, by_connection, ::testing::Values(testing::kind::postgres));

std::expected<void, error> write_note(const database& db, int id) {
  return db.write_now([id](transaction& t) { t.execute("INSERT INTO note (id) VALUES ($1)", id); });
}

std::string name_in(const std::string& url) {
  return url.substr(url.find("/test") + 1, url.find('?') - url.find("/test") - 1);
}

TEST_P(by_connection, that_was_cut_a_work_says_so_and_the_next_has_a_new_one) {
  const database_options options = notes();
  const database db = must_open(options);
  ASSERT_TRUE(write_note(db, 1));
  postgres_server::instance().cut_off(name_in(options.where));
  auto cut = write_note(db, 2);
  ASSERT_FALSE(cut);
  EXPECT_EQ(cut.error().kind, error_kind::connection);
  EXPECT_FALSE(cut.error().maybe_applied);
  auto after = write_note(db, 3);
  EXPECT_TRUE(after) << after.error().text;
}

TEST_P(by_connection, that_was_cut_within_a_work_it_is_undone) {
  const database_options options = notes();
  const database db = must_open(options);
  auto cut = db.write_now([&](transaction& t) {
    t.execute("INSERT INTO note (id) VALUES (1)");
    postgres_server::instance().cut_off(name_in(options.where));
  });
  ASSERT_FALSE(cut);
  EXPECT_EQ(cut.error().kind, error_kind::connection);
  EXPECT_TRUE(cut.error().maybe_applied); // the commit's answer never came
  auto count =
      db.read_now([](transaction& t) { return t.query("SELECT count(*) FROM note")[0].get<int>(0); });
  EXPECT_EQ(count.value(), 0);
}

TEST_P(by_connection, that_cannot_be_shows_no_password) {
  for (const char* where : {"postgresql://u:secr3t@127.0.0.1:1/x?connect_timeout=2",
                            "postgresql://u:se%zzcr3t@h/x", "postgresql://u:secr3t@h/x?nonsense=1"}) {
    database_options options;
    options.where = where;
    auto opened = database::open(options);
    ASSERT_FALSE(opened);
    EXPECT_THAT(opened.error(), ::testing::AnyOf(HasSubstr("u@127.0.0.1:1/x"), HasSubstr("PostgreSQL")));
    EXPECT_THAT(opened.error(), Not(HasSubstr("cr3t")));
  }
}

TEST_P(by_connection, an_encoding_that_cannot_hold_all_text_is_refused) {
  postgres_server& server = postgres_server::instance();
  server.run("postgres", "CREATE DATABASE latin ENCODING 'LATIN1' LOCALE 'C' TEMPLATE template0");
  database_options options;
  options.where = server.url("latin");
  auto opened = database::open(options);
  ASSERT_FALSE(opened);
  EXPECT_THAT(opened.error(), HasSubstr("ENCODING 'UTF8'"));
}

TEST_P(by_connection, a_copy_is_left_to_its_own_programs) {
  auto copied = must_open(notes()).back_up_now("nowhere");
  ASSERT_FALSE(copied);
  EXPECT_THAT(copied.error().text, HasSubstr("pg_dump"));
}

} // namespace
} // namespace coppice::store
