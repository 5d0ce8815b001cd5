// How fast data becomes durable and is found again.
//
//   store_bench writes WHERE full|normal PROCESSES SECONDS    small writes, each process waits for its own
//   store_bench archive WHERE OWNERS MESSAGES PAGES           fills archives, then reads pages of 50 of them
#include "coppice/runtime/api.hpp"
#include "coppice/runtime/node.hpp"
#include "coppice/store/database.hpp"
#include "servers/messaging/storage/archive.hpp"

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <random>
#include <string>
#include <string_view>
#include <vector>

namespace {

using namespace coppice;
namespace storage = messaging::storage;
using wall = std::chrono::steady_clock;

double seconds_since(wall::time_point begin) {
  return std::chrono::duration<double>(wall::now() - begin).count();
}

store::database open_at(const std::string& where, store::durability durable) {
  store::database_options options;
  options.where = where;
  options.schema = storage::schema_name;
  options.migrations = storage::migrations();
  options.durable = durable;
  auto opened = store::database::open(options);
  if (!opened) {
    std::fprintf(stderr, "%s\n", opened.error().c_str());
    std::exit(1);
  }
  return *opened;
}

struct finished {
  std::int64_t writes;
};

process writer(self me, pid parent, store::database db, int number, std::int64_t until_ns) {
  std::int64_t n = 0;
  while (wall::now().time_since_epoch().count() < until_ns) {
    auto work = [number, n](store::transaction& t) {
      t.execute(
          "INSERT INTO bench (writer, n, what) VALUES ($1, $2, $3)", number, n,
          "some hundred bytes, as small messages have them, so that pages do fill up as they do in practice");
    };
    std::expected<void, store::error> r = co_await db.write(work);
    if (!r) {
      std::fprintf(stderr, "%s\n", r.error().text.c_str());
      std::exit(1);
    }
    ++n;
  }
  send(parent, finished{n});
  (void)me;
}

task<std::int64_t> many_writers(self me, store::database db, int processes, int seconds) {
  const std::int64_t until = (wall::now() + std::chrono::seconds(seconds)).time_since_epoch().count();
  for (int i = 0; i < processes; ++i) spawn(&writer, me.id(), db, i, until);
  std::int64_t all = 0;
  for (int i = 0; i < processes; ++i) {
    finished f = co_await me.receive<finished>();
    all += f.writes;
  }
  co_return all;
}

int writes(const std::string& where, std::string_view durable, int processes, int seconds) {
  const store::database db =
      open_at(where, durable == "full" ? store::durability::full : store::durability::normal);
  const auto made = db.write_now([](store::transaction& t) {
    t.execute("DROP TABLE IF EXISTS bench");
    t.execute("CREATE TABLE bench (writer bigint NOT NULL, n bigint NOT NULL, what text NOT NULL, "
              "PRIMARY KEY (writer, n))");
  });
  if (!made) return 1;
  node home;
  const wall::time_point begin = wall::now();
  const std::int64_t all = home.run(&many_writers, db, processes, seconds);
  const double took = seconds_since(begin);
  std::printf("%d processes, %s: %.0f writes/s, %.1f writes a commit\n", processes,
              std::string(durable).c_str(), static_cast<double>(all) / took,
              static_cast<double>(all) / static_cast<double>(db.statistics().commits));
  return 0;
}

void fill(const store::database& db, int owners, std::int64_t messages) {
  const std::string stanza = "<message from='romeo@example.com/orchard' to='juliet@example.com' type='chat' "
                             "id='0123456789abcdef'><body>" +
                             std::string(200, 'x') + "</body></message>";
  const wall::time_point begin = wall::now();
  for (std::int64_t id = 1; id <= messages;) {
    auto r = db.write_now([&](store::transaction& t) {
      for (int i = 0; i < 1000 && id <= messages; ++i, ++id) {
        const std::string owner = "user" + std::to_string(id % owners) + "@example.com";
        const std::string with = "contact" + std::to_string(id / owners % 20) + "@example.com";
        storage::append_to_archive(t, owner, {id, with, "phone", storage::from_column(id), stanza, ""});
      }
    });
    if (!r) std::exit(1);
  }
  std::printf("%lld messages archived, %.0f/s\n", static_cast<long long>(messages),
              static_cast<double>(messages) / seconds_since(begin));
}

void read_pages(const store::database& db, const char* what, int owners, std::int64_t messages, int pages,
                bool with_contact) {
  std::mt19937_64 choose(1);
  std::vector<double> times;
  for (int i = 0; i < pages; ++i) {
    const std::string owner =
        "user" + std::to_string(choose() % static_cast<unsigned>(owners)) + "@example.com";
    storage::archive_filter filter;
    filter.before =
        static_cast<std::int64_t>(choose() % static_cast<std::uint64_t>(messages)) + messages / 10;
    if (with_contact) filter.with_bare = "contact7@example.com";
    auto r = db.read_now([&](store::transaction& t) {
      const wall::time_point begin = wall::now();
      const storage::archive_page page = storage::load_archive(t, owner, filter, 50, true);
      times.push_back(seconds_since(begin) * 1e6);
      return page.entries.size();
    });
    if (!r) std::exit(1);
  }
  std::ranges::sort(times);
  std::printf("page of 50, %s: median %.0f us, 99 %% within %.0f us\n", what, times[times.size() / 2],
              times[times.size() * 99 / 100]);
}

int archive(const std::string& where, int owners, std::int64_t messages, int pages) {
  const store::database db = open_at(where, store::durability::normal);
  fill(db, owners, messages);
  read_pages(db, "the latest before a message", owners, messages, pages, false);
  read_pages(db, "the same with one contact", owners, messages, pages, true);
  return 0;
}

} // namespace

int main(int argc, char** argv) {
  const std::vector<std::string> words(argv + 1, argv + argc);
  if (words.size() == 5 && words[0] == "writes") {
    return writes(words[1], words[2], std::atoi(words[3].c_str()), std::atoi(words[4].c_str()));
  }
  if (words.size() == 5 && words[0] == "archive") {
    return archive(words[1], std::atoi(words[2].c_str()), std::atoll(words[3].c_str()),
                   std::atoi(words[4].c_str()));
  }
  std::fprintf(stderr, "store_bench writes WHERE full|normal PROCESSES SECONDS\n"
                       "store_bench archive WHERE OWNERS MESSAGES PAGES\n");
  return 2;
}
