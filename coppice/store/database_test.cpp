// What a database promises, whatever its kind.
#include "coppice/store/database.hpp"

#include "coppice/runtime/api.hpp"
#include "coppice/runtime/node.hpp"
#include "coppice/store/detail/store_test.hpp"

#include <gmock/gmock.h>

#include <atomic>
#include <csignal>
#include <functional>
#include <limits>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

namespace coppice::store {
namespace {

using testing::on_both;
using namespace std::chrono_literals;
using ::testing::HasSubstr;

const std::vector<migration> numbers = {{1, "CREATE TABLE number (value {int} PRIMARY KEY, what {text})"}};

std::int64_t count(const database& db) {
  return db
      .read_now([](transaction& t) { return t.query("SELECT count(*) FROM number")[0].get<std::int64_t>(0); })
      .value();
}

void insert(transaction& t, int value) { t.execute("INSERT INTO number (value) VALUES ($1)", value); }

/// Waits until so many works wait.
void until_waiting(const database& db, std::size_t waiting) {
  while (db.statistics().waiting < waiting) std::this_thread::yield();
}

/// A work of a thread of its own that holds the writer until something is so; made when it has begun.
class held_writer {
public:
  held_writer(const database& db, std::size_t waiting)
      : held_writer(db, [db, waiting] { return db.statistics().waiting >= waiting; }) {}
  held_writer(const database& db, const std::function<bool()>& over)
      : begun_(std::make_shared<std::atomic<bool>>(false)), caller_([db, over, begun = begun_] {
          auto r = db.write_now([over, begun](transaction& t) {
            begun->store(true);
            while (!over()) std::this_thread::yield();
            insert(t, 1000);
          });
          EXPECT_TRUE(r);
        }) {
    while (!begun_->load()) std::this_thread::yield();
  }
  held_writer(const held_writer&) = delete;
  held_writer& operator=(const held_writer&) = delete;
  ~held_writer() { caller_.join(); }

private:
  std::shared_ptr<std::atomic<bool>> begun_;
  std::thread caller_;
};

class a_database : public on_both {
protected:
  database numbers_at(std::size_t max_waiting = 1000) {
    database_options options = at();
    options.migrations = numbers;
    options.max_waiting = max_waiting;
    return must_open(options);
  }
};
COPPICE_ON_BOTH(a_database);

TEST_P(a_database, counts_bytes) {
  database db = must_open(at());
  auto bytes = [&](const char* text) {
    return db.read_now([&](transaction& t) {
      return t.query("SELECT octet_length(CAST($1 AS text))", text)[0].get<std::int64_t>(0);
    });
  };
  EXPECT_EQ(bytes("a☃").value(), 4);
  EXPECT_EQ(bytes("").value(), 0);
}

TEST_P(a_database, gives_back_what_it_was_given) {
  database_options options = at();
  options.migrations = {{1, "CREATE TABLE v (i {int}, r {real}, s {text}, b {blob})"}};
  const database db = must_open(options);
  const std::string bytes("\0\xff\x80'\"$1", 7);
  const std::string text = "žluťoučký 'kůň' \"$1\" \n\t\xf0\x9f\x8c\xb3";
  auto written = db.write_now([&](transaction& t) {
    const char* sql = "INSERT INTO v (i, r, s, b) VALUES ($1, $2, $3, $4)";
    t.execute(sql, std::numeric_limits<std::int64_t>::min(), 0.1, text, blob(bytes));
    t.execute(sql, std::numeric_limits<std::int64_t>::max(), -1e300, "", blob(""));
    t.execute(sql, nullptr, std::optional<double>(), std::optional<std::string>(), std::optional<blob>());
    return t.execute("UPDATE v SET r = r WHERE i IS NOT NULL");
  });
  ASSERT_TRUE(written) << written.error().text;
  EXPECT_EQ(*written, 2);
  auto read =
      db.read_now([](transaction& t) { return t.query("SELECT i, r, s, b FROM v ORDER BY i IS NULL, i"); });
  ASSERT_TRUE(read) << read.error().text;
  rows& found = *read;
  ASSERT_EQ(found.size(), 3U);
  EXPECT_EQ(found[0].get<std::int64_t>(0), std::numeric_limits<std::int64_t>::min());
  EXPECT_EQ(found[0].get<double>(1), 0.1);
  EXPECT_EQ(found[0].get<std::string>(2), text);
  EXPECT_EQ(found[0].get<blob>(3).bytes, bytes);
  EXPECT_EQ(found[1].get<std::int64_t>(0), std::numeric_limits<std::int64_t>::max());
  EXPECT_EQ(found[1].get<double>(1), -1e300);
  EXPECT_EQ(found[1].get<std::optional<std::string>>(2), "");
  EXPECT_EQ(found[1].get<blob>(3).bytes, "");
  for (std::size_t i = 0; i < 4; ++i) EXPECT_TRUE(found[2].is_null(i)) << i;
  EXPECT_EQ(found[2].get<std::optional<std::int64_t>>(0), std::nullopt);
  EXPECT_EQ(found[0].take(2), text);
}

TEST_P(a_database, takes_its_parameters_by_number) {
  const database db = numbers_at();
  auto r = db.write_now([](transaction& t) {
    t.execute("INSERT INTO number (what, value) VALUES ($2, $1)", 7, "seven");
    return t.query("SELECT what FROM number WHERE value = $1 AND value + 0 = $1", 7)[0].get<std::string>(0);
  });
  ASSERT_TRUE(r) << r.error().text;
  EXPECT_EQ(*r, "seven");
}

TEST_P(a_database, takes_null_where_it_took_a_value) {
  const database db = numbers_at();
  auto r = db.write_now([](transaction& t) {
    for (const std::optional<std::string>& what :
         {std::optional<std::string>("a"), std::optional<std::string>()}) {
      t.execute("INSERT INTO number (value, what) VALUES ($1, $2)", what ? 1 : 2, what);
    }
    return t.query("SELECT value FROM number WHERE what IS NULL")[0].get<int>(0);
  });
  ASSERT_TRUE(r) << r.error().text;
  EXPECT_EQ(*r, 2);
}

TEST_P(a_database, says_what_is_wrong_with_a_work) {
  const database db = numbers_at();
  auto kind_of = [&](auto work) {
    auto r = db.write_now(std::move(work));
    return r ? std::string("none") : std::string(to_string(r.error().kind));
  };
  ASSERT_EQ(kind_of([](transaction& t) { insert(t, 1); }), "none");
  EXPECT_EQ(kind_of([](transaction& t) { insert(t, 1); }), "constraint");
  EXPECT_EQ(kind_of([](transaction& t) { t.execute("SELEKT"); }), "invalid");
  EXPECT_EQ(kind_of([](transaction& t) { t.execute("SELECT 1; SELECT 2"); }), "invalid");
  EXPECT_EQ(kind_of([](transaction& t) { t.execute("SELECT $1 + $2", 1); }), "invalid");
  EXPECT_EQ(kind_of([](transaction& t) { t.execute("UPDATE number SET what = $1", std::string("a\0b", 3)); }),
            "invalid");
  EXPECT_EQ(kind_of([](transaction& t) { return t.query("SELECT 1")[0].get<std::string>(0); }), "invalid");
  EXPECT_EQ(kind_of([](transaction& t) { return t.query("SELECT 300")[0].get<signed char>(0); }), "invalid");
  EXPECT_EQ(kind_of([](transaction& t) { return t.query("SELECT 1")[0].get<int>(1); }), "invalid");
  EXPECT_EQ(kind_of([](transaction&) { throw failure(error_kind::busy, "mine"); }), "busy");
  auto read = db.read_now([](transaction& t) { insert(t, 2); });
  ASSERT_FALSE(read);
  EXPECT_EQ(read.error().kind, error_kind::invalid);
  EXPECT_EQ(count(db), 1);
}

TEST_P(a_database, undoes_a_work_that_goes_on_after_a_failure) {
  const database db = numbers_at();
  auto r = db.write_now([](transaction& t) {
    insert(t, 1);
    for (int i = 0; i < 2; ++i) {
      try {
        insert(t, 1);
      } catch (const failure&) { // nothing to do: the transaction keeps it in mind
      }
    }
  });
  ASSERT_FALSE(r);
  EXPECT_EQ(r.error().kind, error_kind::constraint);
  EXPECT_EQ(count(db), 0);
}

TEST_P(a_database, keeps_a_result_within_bounds) {
  const database db = numbers_at();
  auto r = db.write_now([](transaction& t) {
    const std::string large(1U << 20U, 'x');
    for (int i = 0; i < 70; ++i) t.execute("INSERT INTO number (value, what) VALUES ($1, $2)", i, large);
  });
  ASSERT_TRUE(r) << r.error().text;
  auto read = db.read_now([](transaction& t) { return t.query("SELECT what FROM number").size(); });
  ASSERT_FALSE(read);
  EXPECT_EQ(read.error().kind, error_kind::too_big);
}

TEST_P(a_database, keeps_what_was_committed_when_it_is_opened_again) {
  {
    const database db = numbers_at();
    ASSERT_TRUE(db.write_now([](transaction& t) { insert(t, 1); }));
  }
  EXPECT_EQ(count(numbers_at()), 1);
}

TEST_P(a_database, does_what_it_took_when_it_is_closed_and_takes_no_more) {
  const database db = numbers_at();
  std::vector<std::thread> callers;
  {
    std::atomic<bool> waiting{false};
    const held_writer held(db, [&] { return waiting.load(); });
    for (int i = 0; i < 5; ++i) {
      callers.emplace_back([db, i] { EXPECT_TRUE(db.write_now([i](transaction& t) { insert(t, i); })); });
    }
    until_waiting(db, 5);
    waiting.store(true);
    db.close();
  }
  for (std::thread& caller : callers) caller.join();
  auto after = db.write_now([](transaction& t) { insert(t, 100); });
  ASSERT_FALSE(after);
  EXPECT_EQ(after.error().kind, error_kind::closed);
  EXPECT_EQ(count(numbers_at()), 6);
}

// --- migrations ---

TEST_P(a_database, applies_each_migration_once) {
  database_options options = at();
  options.migrations = numbers;
  must_open(options).close();
  options.migrations.push_back(
      {2, "INSERT INTO number (value) VALUES (1); INSERT INTO number (value) VALUES (2)"});
  must_open(options).close();
  EXPECT_EQ(count(must_open(options)), 2);
}

TEST_P(a_database, undoes_a_migration_that_fails_and_names_it) {
  database_options options = at();
  options.migrations = numbers;
  options.migrations.push_back({2, "INSERT INTO number (value) VALUES (1); INSERT INTO nowhere VALUES (2)"});
  auto opened = database::open(options);
  ASSERT_FALSE(opened);
  EXPECT_THAT(opened.error(), HasSubstr("step 2 of its tables 'main'"));
  EXPECT_THAT(opened.error(), HasSubstr("nowhere"));
  options.migrations.pop_back();
  EXPECT_EQ(count(must_open(options)), 0);
}

TEST_P(a_database, of_a_newer_program_is_refused) {
  database_options options = at();
  options.migrations = numbers;
  must_open(options).close();
  options.migrations.clear();
  auto opened = database::open(options);
  ASSERT_FALSE(opened);
  EXPECT_THAT(opened.error(), HasSubstr("'main' are of version 1"));
}

TEST_P(a_database, can_hold_the_tables_of_several) {
  database_options options = at();
  options.migrations = numbers;
  must_open(options).close();
  options.schema = "other";
  options.migrations = {{1, "CREATE TABLE other (x {int} PRIMARY KEY)"}};
  EXPECT_EQ(count(must_open(options)), 0);
}

// --- processes ---

node_options quiet() {
  node_options options;
  options.cores = 2;
  options.on_report = [](const report&) {};
  return options;
}

struct done {
  int value;
  bool well;
};

/// Writes one number, and says how it went.
process writer(self me, pid to, database db, int value) {
  auto work = [value](transaction& t) { insert(t, value); };
  std::expected<void, error> r = co_await db.write(work);
  send(to, done{value, r.has_value()});
  (void)me;
}

task<int> many_writers(self me, database db, int processes) {
  for (int i = 0; i < processes; ++i) spawn(&writer, me.id(), db, i / 2); // each number twice
  int well = 0;
  for (int i = 0; i < processes; ++i) {
    done d = co_await me.receive<done>();
    if (d.well) ++well;
  }
  co_return well;
}

TEST_P(a_database, commits_the_works_of_many_processes_together_and_undoes_some_alone) {
  const database db = numbers_at();
  node home(quiet());
  {
    const held_writer held(db, 200);
    EXPECT_EQ(home.run(&many_writers, db, 200), 100);
  }
  EXPECT_EQ(count(db), 101);
  EXPECT_EQ(db.statistics().writes, 201U);
  EXPECT_LE(db.statistics().commits, 5U); // PostgreSQL does well with no more than 64 at a time
}

struct own_exception : std::runtime_error {
  own_exception() : runtime_error("own") {}
};

task<std::string> a_work_that_throws(self, database db) {
  auto work = [](transaction& t) -> int {
    insert(t, 1);
    throw own_exception();
  };
  try {
    std::expected<int, error> r = co_await db.write(work);
    co_return r ? "well" : "error";
  } catch (const own_exception& e) {
    co_return e.what();
  }
}

TEST_P(a_database, hands_an_exception_of_a_work_to_its_process) {
  const database db = numbers_at();
  node home(quiet());
  EXPECT_EQ(home.run(&a_work_that_throws, db), "own");
  EXPECT_EQ(count(db), 0);
}

task<> kills_writers(self me, database db) {
  std::vector<pid> writers;
  for (int i = 0; i < 50; ++i) {
    pid p = spawn(&writer, me.id(), db, i);
    writers.push_back(p);
  }
  for (pid p : writers) exit(p, exit_reason::kill());
  co_return;
}

TEST_P(a_database, survives_the_death_of_who_waits) {
  const database db = numbers_at();
  node home(quiet());
  home.run(&kills_writers, db);
  ASSERT_TRUE(home.shutdown());
  db.close();
  EXPECT_LE(count(numbers_at()), 50);
}

TEST_P(a_database, outlives_the_node_of_who_waits) {
  const database db = numbers_at();
  {
    const held_writer held(db, 2);
    {
      node home(quiet());
      home.spawn(&writer, pid(), db, 1);
      until_waiting(db, 1);
    }
    EXPECT_TRUE(db.write_now([](transaction& t) { insert(t, 2); }));
  }
  EXPECT_EQ(count(db), 3);
}

TEST_P(a_database, refuses_when_too_many_wait) {
  const database db = numbers_at(3);
  std::vector<std::thread> callers;
  {
    std::atomic<bool> refused{false};
    const held_writer held(db, [&] { return refused.load(); });
    for (int i = 0; i < 3; ++i) {
      callers.emplace_back([db, i] { EXPECT_TRUE(db.write_now([i](transaction& t) { insert(t, i); })); });
    }
    until_waiting(db, 3);
    auto r = db.write_now([](transaction& t) { insert(t, 3); });
    refused.store(true);
    ASSERT_FALSE(r);
    EXPECT_EQ(r.error().kind, error_kind::overloaded);
  }
  for (std::thread& caller : callers) caller.join();
  EXPECT_EQ(count(db), 4);
}

task<int> writes_and_reads(self, database db) {
  for (int i = 0; i < 10; ++i) {
    auto write = [i](transaction& t) { insert(t, i); };
    std::expected<void, error> w = co_await db.write(write);
    if (!w) co_return -1;
  }
  auto read = [](transaction& t) { return t.query("SELECT count(*) FROM number")[0].get<int>(0); };
  std::expected<int, error> r = co_await db.read(read);
  co_return r.value_or(-2);
}

TEST_P(a_database, works_within_the_await_on_a_stepped_node) {
  const database db = numbers_at();
  node home(stepped());
  EXPECT_EQ(home.run(&writes_and_reads, db), 10);
}

TEST_P(a_database, has_in_a_read_what_was_answered) {
  const database db = numbers_at();
  node home(quiet());
  EXPECT_EQ(home.run(&writes_and_reads, db), 10);
}

// --- kill -9 ---

/// Writes numbers and says each that is committed.
[[noreturn]] void write_for_ever(const database_options& options, int to) {
  auto opened = database::open(options);
  for (int i = 0; opened && i < 1000000; ++i) {
    if (!opened->write_now([i](transaction& t) { insert(t, i); })) break;
    if (::write(to, "x", 1) != 1) break;
  }
  ::_exit(1);
}

TEST_P(a_database, has_all_that_was_committed_before_a_sigkill) {
  for (durability durable : {durability::full, durability::normal}) {
    database_options options = at();
    options.migrations = numbers;
    options.durable = durable;
    must_open(options).write_now([](transaction& t) { t.execute("DELETE FROM number"); }).value();
    std::array<int, 2> ends{};
    ASSERT_EQ(::pipe(ends.data()), 0);
    const pid_t child = ::fork();
    if (child == 0) write_for_ever(options, ends[1]);
    ::close(ends[1]);
    std::int64_t said = 0;
    char byte = 0;
    while (said < 100 && ::read(ends[0], &byte, 1) == 1) ++said;
    ::kill(child, SIGKILL);
    ::waitpid(child, nullptr, 0);
    while (::read(ends[0], &byte, 1) == 1) ++said;
    ::close(ends[0]);
    EXPECT_GE(said, 100);
    const std::int64_t kept = count(must_open(options));
    EXPECT_GE(kept, said);
    EXPECT_LE(kept, said + 1);
  }
}

} // namespace
} // namespace coppice::store
