// SQLite: https://www.sqlite.org/c3ref/intro.html
#include "coppice/store/detail/open.hpp"

#include <fmt/format.h>
#include <sqlite3.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <fcntl.h>
#include <system_error>
#include <unistd.h>
#include <unordered_map>
#include <utility>
#include <vector>

namespace coppice::store::detail {

namespace {

error_kind kind_of(int code) {
  switch (code & 0xff) {
  case SQLITE_CONSTRAINT: return error_kind::constraint;
  case SQLITE_BUSY:
  case SQLITE_LOCKED: return error_kind::busy;
  case SQLITE_FULL: return error_kind::full;
  case SQLITE_TOOBIG: return error_kind::too_big;
  case SQLITE_IOERR:
  case SQLITE_CORRUPT:
  case SQLITE_NOTADB:
  case SQLITE_CANTOPEN:
  case SQLITE_READONLY:
  case SQLITE_PERM:
  case SQLITE_NOMEM: return error_kind::io;
  default: return error_kind::invalid;
  }
}

/// A statement that was prepared, and which of its parameters is `$1`, `$2`...
class statement {
public:
  statement(sqlite3* on, std::string_view sql) : on_(on) {
    const char* rest = nullptr;
    if (sqlite3_prepare_v3(on, sql.data(), static_cast<int>(sql.size()), SQLITE_PREPARE_PERSISTENT, &made_,
                           &rest) != SQLITE_OK) {
      fail();
    }
    const std::string_view after = sql.substr(static_cast<std::size_t>(rest - sql.data()));
    if (made_ == nullptr || after.find_first_not_of(" \n;") != std::string_view::npos) {
      sqlite3_finalize(made_);
      throw failure(error_kind::invalid, "not one statement: " + std::string(sql));
    }
    for (int i = 1; i <= sqlite3_bind_parameter_count(made_); ++i) places_.push_back(place_of(i));
  }
  statement(statement&& other) noexcept
      : on_(other.on_), made_(std::exchange(other.made_, nullptr)), places_(std::move(other.places_)) {}
  statement& operator=(statement&&) = delete;
  ~statement() { sqlite3_finalize(made_); }

  /// What it holds of the database goes, and so do its parameters, which were views.
  void reset() noexcept {
    sqlite3_reset(made_);
    sqlite3_clear_bindings(made_);
  }

  void bind(std::span<const parameter> parameters) {
    const std::size_t last = places_.empty() ? 0 : *std::max_element(places_.begin(), places_.end());
    if (last != parameters.size() || std::find(places_.begin(), places_.end(), 0U) != places_.end()) {
      throw failure(error_kind::invalid, fmt::format("a statement with {} parameters, and {} are given: {}",
                                                     last, parameters.size(), sqlite3_sql(made_)));
    }
    for (std::size_t i = 0; i < places_.size(); ++i) {
      if (bind_one(static_cast<int>(i) + 1, parameters[places_[i] - 1].get()) != SQLITE_OK) fail();
    }
  }
  /// Whether there is a row.
  [[nodiscard]] bool step() {
    const int code = sqlite3_step(made_);
    if (code != SQLITE_ROW && code != SQLITE_DONE) fail();
    return code == SQLITE_ROW;
  }
  [[nodiscard]] int columns() const noexcept { return sqlite3_column_count(made_); }
  [[nodiscard]] bool changes_rows() const noexcept { return sqlite3_stmt_readonly(made_) == 0; }

  void read(rows& into) {
    std::size_t bytes = 0;
    std::span<cell> to = into.add_row();
    for (std::size_t i = 0; i < to.size(); ++i) {
      const int column = static_cast<int>(i);
      switch (sqlite3_column_type(made_, column)) {
      case SQLITE_INTEGER:
        to[i].kind = cell::type::integer;
        to[i].integer = sqlite3_column_int64(made_, column);
        break;
      case SQLITE_FLOAT:
        to[i].kind = cell::type::real;
        to[i].real = sqlite3_column_double(made_, column);
        break;
      case SQLITE_TEXT:
      case SQLITE_BLOB: bytes += read_bytes(to[i], column); break;
      default: break; // null, as it is made
      }
    }
    into.count_bytes(bytes);
  }

private:
  [[noreturn]] void fail() const {
    const int code = sqlite3_extended_errcode(on_);
    throw failure(kind_of(code), fmt::format("{} (SQLite {})", sqlite3_errmsg(on_), code));
  }

  [[nodiscard]] std::size_t place_of(int index) const {
    const char* name = sqlite3_bind_parameter_name(made_, index);
    std::size_t place = 0;
    if (name != nullptr && *name == '$') std::from_chars(name + 1, name + std::strlen(name), place);
    return place;
  }

  int bind_one(int index, const parameter::content& value) {
    if (const auto* integer = std::get_if<std::int64_t>(&value)) {
      return sqlite3_bind_int64(made_, index, *integer);
    }
    if (const auto* real = std::get_if<double>(&value)) return sqlite3_bind_double(made_, index, *real);
    if (const auto* text = std::get_if<std::string_view>(&value)) {
      const char* data = text->data() == nullptr ? "" : text->data(); // no data would be null
      return sqlite3_bind_text64(made_, index, data, text->size(), SQLITE_STATIC, SQLITE_UTF8);
    }
    if (const auto* bytes = std::get_if<blob>(&value)) {
      if (bytes->bytes.empty()) return sqlite3_bind_zeroblob(made_, index, 0);
      return sqlite3_bind_blob64(made_, index, bytes->bytes.data(), bytes->bytes.size(), SQLITE_STATIC);
    }
    return sqlite3_bind_null(made_, index);
  }

  std::size_t read_bytes(cell& to, int column) {
    to.kind = sqlite3_column_type(made_, column) == SQLITE_TEXT ? cell::type::text : cell::type::blob;
    const auto* data = static_cast<const char*>(sqlite3_column_blob(made_, column));
    const auto size = static_cast<std::size_t>(sqlite3_column_bytes(made_, column));
    if (size > 0) to.bytes.assign(data, size);
    return size;
  }

  sqlite3* on_;
  sqlite3_stmt* made_ = nullptr;
  std::vector<std::size_t> places_;
};

/// A hash for look-ups by a view.
struct view_hash {
  using is_transparent = void;
  std::size_t operator()(std::string_view text) const noexcept { return std::hash<std::string_view>()(text); }
};

/// PostgreSQL's, which SQLite has from 3.43 on: bytes of a text or blob.
void octet_length(sqlite3_context* context, int /*count*/, sqlite3_value** values) {
  if (sqlite3_value_type(*values) == SQLITE_NULL) return;
  sqlite3_result_int64(context, sqlite3_value_bytes(*values));
}

class sqlite_connection final : public connection {
public:
  sqlite_connection(const std::string& path, durability durable) {
    make_private(path);
    const int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX;
    if (sqlite3_open_v2(path.c_str(), &db_, flags, nullptr) != SQLITE_OK) {
      const std::string why = db_ == nullptr ? "no memory" : sqlite3_errmsg(db_);
      sqlite3_close_v2(db_);
      throw failure(error_kind::io, why + ": see that the folder is there and may be written to");
    }
    try {
      sqlite3_extended_result_codes(db_, 1);
      sqlite3_busy_timeout(db_, 5000);
      sqlite3_create_function_v2(db_, "octet_length", 1, SQLITE_UTF8 | SQLITE_DETERMINISTIC, nullptr,
                                 &octet_length, nullptr, nullptr, nullptr);
      run_script(std::string("PRAGMA journal_mode=WAL; PRAGMA foreign_keys=ON; PRAGMA temp_store=MEMORY;"
                             "PRAGMA wal_autocheckpoint=4000; PRAGMA journal_size_limit=67108864;"
                             "PRAGMA cache_size=-16000; PRAGMA synchronous=") +
                 (durable == durability::full ? "FULL" : "NORMAL"));
    } catch (const failure& why) {
      sqlite3_close_v2(db_);
      if (why.why().kind != error_kind::io) throw;
      throw failure(error_kind::io, why.why().text +
                                        ": see that it is a database of this program, that it and "
                                        "its folder may be written to, and the disk has room");
    }
  }
  sqlite_connection(const sqlite_connection&) = delete;
  sqlite_connection& operator=(const sqlite_connection&) = delete;
  ~sqlite_connection() override {
    statements_.clear();
    sqlite3_close_v2(db_);
  }

  void begin(bool writes) override {
    reading_ = false;
    command(writes ? "BEGIN IMMEDIATE" : "BEGIN");
    reading_ = !writes;
  }
  void commit() override { command("COMMIT"); }
  void roll_back() noexcept override {
    if (in_transaction()) sqlite3_exec(db_, "ROLLBACK", nullptr, nullptr, nullptr);
  }
  void begin_part() override { command("SAVEPOINT part"); }
  void end_part() override { command("RELEASE part"); }
  void undo_part() override {
    command("ROLLBACK TO part");
    command("RELEASE part");
  }
  [[nodiscard]] std::size_t most_parts() const noexcept override { return SIZE_MAX; }
  [[nodiscard]] bool in_transaction() const noexcept override { return sqlite3_get_autocommit(db_) == 0; }
  [[nodiscard]] bool usable() const noexcept override { return true; }

  std::int64_t run(std::string_view sql, std::span<const parameter> parameters, rows* result) override {
    statement& s = prepared(sql);
    if (reading_ && s.changes_rows()) throw failure(error_kind::invalid, "a read may not change anything");
    struct resetting {
      statement& what;
      explicit resetting(statement& s) noexcept : what(s) {}
      resetting(const resetting&) = delete;
      resetting& operator=(const resetting&) = delete;
      ~resetting() { what.reset(); }
    } at_end(s);
    s.bind(parameters);
    if (result != nullptr) result->set_columns(static_cast<std::size_t>(s.columns()));
    while (s.step()) {
      if (result != nullptr) s.read(*result);
    }
    return s.changes_rows() ? sqlite3_changes64(db_) : 0;
  }
  void run_script(const std::string& sql) override {
    if (sqlite3_exec(db_, sql.c_str(), nullptr, nullptr, nullptr) != SQLITE_OK) {
      const int code = sqlite3_extended_errcode(db_);
      throw failure(kind_of(code), fmt::format("{} (SQLite {})", sqlite3_errmsg(db_), code));
    }
  }
  void lock_schema() override {} // who has begun to write is alone

  [[nodiscard]] std::string_view word(std::string_view name) const noexcept override {
    if (name == "text") return "TEXT";
    if (name == "blob") return "BLOB";
    if (name == "int") return "INTEGER";
    if (name == "real") return "REAL";
    if (name == "rowless") return "WITHOUT ROWID";
    return {};
  }

  void back_up(const std::string& path) override;

private:
  void command(const char* sql) { run(sql, {}, nullptr); }

  /// A new file is its owner's alone; what SQLite puts beside it takes after it.
  static void make_private(const std::string& path) {
    if (path == ":memory:") return;
    const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0) {
      throw failure(error_kind::io, std::generic_category().message(errno) +
                                        ": see that its folder is there and that both may be written to");
    }
    ::close(fd);
  }

  statement& prepared(std::string_view sql) {
    auto found = statements_.find(sql);
    if (found != statements_.end()) return found->second;
    if (statements_.size() >= max_statements) statements_.clear();
    statement made(db_, sql);
    return statements_.emplace(std::string(sql), std::move(made)).first->second;
  }

  static constexpr std::size_t max_statements = 512;
  sqlite3* db_ = nullptr;
  bool reading_ = false;
  std::unordered_map<std::string, statement, view_hash, std::equal_to<>> statements_;
};

/// Into a file beside it first: nobody takes half a copy for a whole one.
void sqlite_connection::back_up(const std::string& path) {
  const std::string part = path + ".part";
  ::unlink(part.c_str());
  make_private(part);
  sqlite3* to = nullptr;
  int code = sqlite3_open_v2(part.c_str(), &to, SQLITE_OPEN_READWRITE, nullptr);
  if (code == SQLITE_OK) {
    sqlite3_backup* copy = sqlite3_backup_init(to, "main", db_, "main");
    if (copy != nullptr) sqlite3_backup_step(copy, -1);
    code = copy == nullptr ? sqlite3_errcode(to) : sqlite3_backup_finish(copy);
  }
  const std::string why = code == SQLITE_OK ? "" : sqlite3_errmsg(to);
  sqlite3_close_v2(to);
  if (code == SQLITE_OK && ::rename(part.c_str(), path.c_str()) == 0) return;
  const std::string renaming = std::generic_category().message(errno);
  ::unlink(part.c_str());
  throw failure(code == SQLITE_OK ? error_kind::io : kind_of(code),
                fmt::format("no copy in {}: {}", path, code == SQLITE_OK ? renaming : why));
}

} // namespace

target sqlite_target(const database_options& options) {
  return {options.where, [path = options.where, durable = options.durable] {
            return std::make_unique<sqlite_connection>(path, durable);
          }};
}

} // namespace coppice::store::detail
