#include "coppice/store/database.hpp"

#include "coppice/store/detail/engine.hpp"
#include "coppice/store/detail/migrate.hpp"
#include "coppice/store/detail/open.hpp"

#include <fmt/format.h>

namespace coppice::store {

namespace {

bool is_postgres(std::string_view where) {
  return where.starts_with("postgresql://") || where.starts_with("postgres://");
}

} // namespace

std::expected<database, std::string> database::open(const database_options& options) {
  std::string place = "a PostgreSQL database";
  try {
    if (options.where.empty()) {
      return std::unexpected("no database is named: give the path of a file, or postgresql://user@host/name");
    }
    detail::target to =
        is_postgres(options.where) ? detail::postgres_target(options) : detail::sqlite_target(options);
    place = to.place;
    if (options.around) {
      to.open = [open = std::move(to.open), around = options.around] { return around(open()); };
    }
    std::unique_ptr<detail::connection> first = to.open();
    detail::migrate(*first, options.schema, options.migrations);
    database_options rest = options;
    if (options.where == ":memory:") rest.readers = 0; // its one connection has the data
    return database(std::make_shared<detail::engine>(place, std::move(to.open), std::move(first), rest));
  } catch (const failure& why) {
    return std::unexpected(fmt::format("cannot open {}: {}", place, why.why().text));
  }
}

void database::close() const { engine_->close(); }

const std::string& database::place() const noexcept { return engine_->place; }

database_statistics database::statistics() const {
  const detail::engine_state& s = *engine_->state;
  database_statistics now;
  now.writes = s.writes_done.load(std::memory_order_relaxed);
  now.commits = s.commits.load(std::memory_order_relaxed);
  now.reads = s.reads_done.load(std::memory_order_relaxed);
  now.committing = std::chrono::nanoseconds(s.committing.load(std::memory_order_relaxed));
  now.waiting = s.writes.size() + s.reads.size();
  return now;
}

} // namespace coppice::store
