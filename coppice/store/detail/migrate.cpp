#include "coppice/store/detail/migrate.hpp"

#include <fmt/format.h>

#include <cstddef>
#include <exception>

namespace coppice::store::detail {

namespace {

/// The script with the words of that kind of database in it.
std::string spelled_for(const connection& on, std::string_view sql) {
  std::string out;
  while (!sql.empty()) {
    const std::size_t open = sql.find('{');
    out += sql.substr(0, open);
    if (open == std::string_view::npos) break;
    const std::size_t close = sql.find('}', open);
    const std::string_view name =
        close == std::string_view::npos ? sql.substr(open) : sql.substr(open + 1, close - open - 1);
    const std::string_view word = on.word(name);
    if (word.data() == nullptr) {
      throw failure(error_kind::invalid, fmt::format("no such word in a migration: {{{}}}", name));
    }
    out += word;
    sql.remove_prefix(close + 1);
  }
  return out;
}

/// Does something in a transaction of its own.
template <class F>
void in_transaction(connection& on, F what) {
  on.begin(true);
  try {
    what();
    on.commit();
  } catch (...) { // catch-all: thrown on
    on.roll_back();
    throw;
  }
}

int version_of(connection& on, const std::string& schema) {
  transaction t(on);
  rows found = t.query("SELECT version FROM coppice_schema WHERE name = $1", schema);
  return found.empty() ? 0 : found[0].get<int>(0);
}

void apply(connection& on, const std::string& schema, const migration& step) {
  in_transaction(on, [&] {
    on.lock_schema();
    if (version_of(on, schema) >= step.number) return; // another program was quicker
    on.run_script(spelled_for(on, step.sql));
    transaction t(on);
    t.execute("INSERT INTO coppice_schema (name, version) VALUES ($1, $2) "
              "ON CONFLICT (name) DO UPDATE SET version = excluded.version",
              schema, step.number);
  });
}

} // namespace

void migrate(connection& on, const std::string& schema, std::span<const migration> steps) {
  in_transaction(on, [&] {
    on.lock_schema();
    on.run_script(spelled_for(on, "CREATE TABLE IF NOT EXISTS coppice_schema "
                                  "(name {text} PRIMARY KEY, version {int} NOT NULL)"));
  });
  int version = 0;
  in_transaction(on, [&] { version = version_of(on, schema); });
  const int newest = steps.empty() ? 0 : steps.back().number;
  if (version > newest) {
    throw failure(error_kind::invalid,
                  fmt::format("its tables '{}' are of version {}, and this program knows them up to version "
                              "{}: use the program that made them, or a newer one",
                              schema, version, newest));
  }
  int before = 0;
  for (const migration& step : steps) {
    if (step.number != ++before) {
      throw failure(error_kind::invalid, fmt::format("migration {} where {} should be", step.number, before));
    }
    if (step.number <= version) continue;
    try {
      apply(on, schema, step);
    } catch (const failure& why) {
      throw failure(why.why().kind, fmt::format("step {} of its tables '{}' cannot be applied: {}",
                                                step.number, schema, why.why().text));
    }
  }
}

} // namespace coppice::store::detail
