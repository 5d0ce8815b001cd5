// PostgreSQL by libpq, in pipelines: what begins, parts and ends transactions travels with the next
// statement. https://www.postgresql.org/docs/15/libpq.html
#include "coppice/store/detail/open.hpp"

#include <fmt/format.h>
#include <libpq-fe.h>

#include <array>
#include <bit>
#include <charconv>
#include <cstring>
#include <unordered_map>
#include <utility>
#include <vector>

namespace coppice::store::detail {

namespace {

/// Types by their numbers in pg_type.
enum oid : unsigned {
  oid_bool = 16,
  oid_bytea = 17,
  oid_name = 19,
  oid_int8 = 20,
  oid_int2 = 21,
  oid_int4 = 23
};
enum oid_more : unsigned { oid_text = 25, oid_float4 = 700, oid_float8 = 701, oid_varchar = 1043 };

using result_ptr = std::unique_ptr<PGresult, decltype(&PQclear)>;
using options_ptr = std::unique_ptr<PQconninfoOption, decltype(&PQconninfoFree)>;

error_kind kind_of(std::string_view state) {
  const std::string_view group = state.substr(0, 2);
  if (group == "23") return error_kind::constraint;
  if (state == "53100") return error_kind::full;
  if (group == "40" || group == "53" || state == "55P03" || state == "57014") return error_kind::busy;
  if (state == "08P01") return error_kind::invalid; // another number of parameters
  if (group == "08" || state.starts_with("57P")) return error_kind::connection;
  if (group == "58" || group == "XX") return error_kind::io;
  if (group == "54") return error_kind::too_big;
  return error_kind::invalid;
}

std::string one_line(std::string_view text) {
  std::string line(text.substr(0, text.find_last_not_of(" \n") + 1));
  for (char& c : line) {
    if (c == '\n' || c == '\t') c = ' ';
  }
  return line;
}

/// Integers and doubles travel with their most significant byte first.
template <class U>
U swapped(U value) noexcept {
  if constexpr (std::endian::native == std::endian::little) {
    if constexpr (sizeof(U) == 8) return __builtin_bswap64(value);
    if constexpr (sizeof(U) == 4) return __builtin_bswap32(value);
    if constexpr (sizeof(U) == 2) return __builtin_bswap16(value);
  }
  return value;
}
template <class U>
U read_number(const char* from) noexcept {
  U value = 0;
  std::memcpy(&value, from, sizeof value);
  return swapped(value);
}

/// Parameters as libpq takes them. Views of what it was made of, and of itself.
struct wire_parameters {
  explicit wire_parameters(std::span<const parameter> all) : numbers(all.size()) {
    for (std::size_t i = 0; i < all.size(); ++i) add(all[i].get(), numbers[i]);
  }

  std::vector<std::uint64_t> numbers;
  std::vector<Oid> types;
  std::vector<const char*> values;
  std::vector<int> lengths;
  std::vector<int> formats;

private:
  void add(const parameter::content& value, std::uint64_t& number) {
    if (const auto* integer = std::get_if<std::int64_t>(&value)) {
      number = swapped(static_cast<std::uint64_t>(*integer));
      add(oid_int8, {reinterpret_cast<const char*>(&number), sizeof number});
    } else if (const auto* real = std::get_if<double>(&value)) {
      number = swapped(std::bit_cast<std::uint64_t>(*real));
      add(oid_float8, {reinterpret_cast<const char*>(&number), sizeof number});
    } else if (const auto* text = std::get_if<std::string_view>(&value)) {
      add(oid_text, *text);
    } else if (const auto* bytes = std::get_if<blob>(&value)) {
      add(oid_bytea, bytes->bytes);
    } else {
      types.push_back(0);
      values.push_back(nullptr);
      lengths.push_back(0);
      formats.push_back(1);
    }
  }
  void add(Oid type, std::string_view bytes) {
    if (bytes.size() > rows::max_result_bytes) throw failure(error_kind::too_big, "a parameter is too big");
    types.push_back(type);
    values.push_back(bytes.data() == nullptr ? "" : bytes.data());
    lengths.push_back(static_cast<int>(bytes.size()));
    formats.push_back(1);
  }
};

void read_cell(cell& to, const PGresult& from, int line, int column) {
  if (PQgetisnull(&from, line, column) != 0) return;
  const char* data = PQgetvalue(&from, line, column);
  const auto size = static_cast<std::size_t>(PQgetlength(&from, line, column));
  to.kind = cell::type::integer;
  switch (PQftype(&from, column)) {
  case oid_bool: to.integer = *data != 0 ? 1 : 0; break;
  case oid_int2: to.integer = static_cast<std::int16_t>(read_number<std::uint16_t>(data)); break;
  case oid_int4: to.integer = static_cast<std::int32_t>(read_number<std::uint32_t>(data)); break;
  case oid_int8: to.integer = static_cast<std::int64_t>(read_number<std::uint64_t>(data)); break;
  case oid_float4:
    to.kind = cell::type::real;
    to.real = std::bit_cast<float>(read_number<std::uint32_t>(data));
    break;
  case oid_float8:
    to.kind = cell::type::real;
    to.real = std::bit_cast<double>(read_number<std::uint64_t>(data));
    break;
  case oid_text:
  case oid_varchar:
  case oid_name:
    to.kind = cell::type::text;
    to.bytes.assign(data, size);
    break;
  case oid_bytea:
    to.kind = cell::type::blob;
    to.bytes.assign(data, size);
    break;
  default:
    throw failure(error_kind::invalid,
                  fmt::format("column {} is of a type that is not read: cast it to bigint, double precision, "
                              "text or bytea",
                              column));
  }
}

void read_rows(rows& into, const PGresult& from) {
  if (PQresultMemorySize(&from) > 2 * rows::max_result_bytes) into.count_bytes(rows::max_result_bytes + 1);
  into.set_columns(static_cast<std::size_t>(PQnfields(&from)));
  for (int line = 0; line < PQntuples(&from); ++line) {
    std::size_t bytes = 0;
    std::span<cell> to = into.add_row();
    for (std::size_t i = 0; i < to.size(); ++i) {
      read_cell(to[i], from, line, static_cast<int>(i));
      bytes += to[i].bytes.size();
    }
    into.count_bytes(bytes);
  }
}

class postgres_connection final : public connection {
public:
  postgres_connection(const std::string& url, durability durable) {
    // What stands before the URL is what it may change.
    const std::array<const char*, 7> names = {"application_name",
                                              "connect_timeout",
                                              "keepalives_idle",
                                              "tcp_user_timeout",
                                              "client_encoding",
                                              "dbname",
                                              nullptr};
    const std::array<const char*, 7> values = {"coppice", "10", "30", "30000", "UTF8", url.c_str(), nullptr};
    on_ = PQconnectdbParams(names.data(), values.data(), 1);
    try {
      if (PQstatus(on_) != CONNECTION_OK) {
        throw failure(error_kind::connection, one_line(PQerrorMessage(on_)) +
                                                  ": see that the server runs, and who may connect to it");
      }
      PQsetNoticeReceiver(on_, [](void*, const PGresult*) {}, nullptr);
      const char* encoding = PQparameterStatus(on_, "server_encoding");
      if (encoding == nullptr || std::string_view(encoding) != "UTF8") {
        throw failure(error_kind::invalid, "its encoding is not UTF8: create it with ENCODING 'UTF8'");
      }
      run_script(std::string("SET statement_timeout = '60s'; SET lock_timeout = '10s'; "
                             "SET standard_conforming_strings = on; SET synchronous_commit = ") +
                 (durable == durability::full ? "on" : "off"));
      if (PQenterPipelineMode(on_) == 0) fail_connection();
    } catch (...) { // catch-all: thrown on
      PQfinish(on_);
      throw;
    }
  }
  postgres_connection(const postgres_connection&) = delete;
  postgres_connection& operator=(const postgres_connection&) = delete;
  ~postgres_connection() override { PQfinish(on_); }

  void begin(bool writes) override {
    pending_.clear();
    pending_.push_back(writes ? "BEGIN" : "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY");
    open_ = true;
  }
  void commit() override {
    open_ = false;
    if (pending_.size() == 1 && pending_.front().starts_with("BEGIN")) { // nothing has been asked
      pending_.clear();
      return;
    }
    pending_.emplace_back("COMMIT");
    committing_ = true;
    std::string done;
    try {
      done = flush();
    } catch (const failure&) {
      committing_ = false;
      throw;
    }
    committing_ = false;
    if (done != "COMMIT") throw failure(error_kind::io, "the database has undone the transaction");
  }
  void roll_back() noexcept override {
    const bool begun = PQtransactionStatus(on_) != PQTRANS_IDLE;
    pending_.clear();
    open_ = false;
    if (!usable() || !begun) return;
    try {
      pending_.emplace_back("ROLLBACK");
      flush();
    } catch (const failure&) { // nothing to do: the connection is of no use any more
      broken_ = true;
    }
  }
  void begin_part() override { pending_.emplace_back("SAVEPOINT part"); }
  void end_part() override { pending_.emplace_back("RELEASE part"); }
  void undo_part() override {
    pending_.emplace_back("ROLLBACK TO part");
    pending_.emplace_back("RELEASE part");
  }
  /// The server looks through all locks of a transaction whenever a part ends, and each part has one.
  [[nodiscard]] std::size_t most_parts() const noexcept override { return 64; }
  [[nodiscard]] bool in_transaction() const noexcept override { return open_ && usable(); }
  [[nodiscard]] bool usable() const noexcept override { return !broken_ && PQstatus(on_) == CONNECTION_OK; }

  std::int64_t run(std::string_view sql, std::span<const parameter> parameters, rows* result) override {
    const wire_parameters given(parameters);
    const auto [name, is_new] = name_of(sql, given.types);
    const std::size_t before = send_pending();
    if (is_new && PQsendPrepare(on_, name.c_str(), std::string(sql).c_str(),
                                static_cast<int>(given.types.size()), given.types.data()) == 0) {
      fail_connection();
    }
    if (PQsendQueryPrepared(on_, name.c_str(), static_cast<int>(given.values.size()), given.values.data(),
                            given.lengths.data(), given.formats.data(), 1) == 0) {
      fail_connection();
    }
    const result_ptr done = receive(before + (is_new ? 1 : 0) + 1);
    if (is_new) names_.emplace(key_of(sql, given.types), name);
    if (result != nullptr) read_rows(*result, *done);
    std::int64_t count = 0;
    const std::string_view changed = PQcmdTuples(done.get());
    if (!std::string_view(PQcmdStatus(done.get())).starts_with("SELECT")) {
      std::from_chars(changed.data(), changed.data() + changed.size(), count);
    }
    return count;
  }

  void run_script(const std::string& sql) override {
    const bool pipelined = PQpipelineStatus(on_) == PQ_PIPELINE_ON;
    if (pipelined) {
      flush();
      PQexitPipelineMode(on_);
    }
    const result_ptr done(PQexec(on_, sql.c_str()), PQclear);
    const ExecStatusType status = PQresultStatus(done.get());
    if (pipelined) PQenterPipelineMode(on_);
    if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK) fail(done.get());
  }
  void lock_schema() override { run_script("SELECT pg_advisory_xact_lock(7165290)"); }

  [[nodiscard]] std::string_view word(std::string_view name) const noexcept override {
    if (name == "text") return "text COLLATE \"C\"";
    if (name == "blob") return "bytea";
    if (name == "int") return "bigint";
    if (name == "real") return "double precision";
    if (name == "rowless") return "";
    return {};
  }

  void back_up(const std::string& /*path*/) override {
    throw failure(error_kind::invalid, "PostgreSQL makes its own copies: use pg_dump or pg_basebackup");
  }

private:
  static std::string key_of(std::string_view sql, const std::vector<Oid>& types) {
    std::string key(sql);
    for (Oid type : types) key += '\0' + std::to_string(type);
    return key;
  }
  /// Under which name the server knows a statement; whether it has to be told. Names are never used again, as
  /// a statement that failed may be known to it or not.
  std::pair<std::string, bool> name_of(std::string_view sql, const std::vector<Oid>& types) {
    auto found = names_.find(key_of(sql, types));
    if (found != names_.end()) return {found->second, false};
    if (names_.size() >= max_statements) {
      pending_.emplace_back("DEALLOCATE ALL");
      names_.clear();
    }
    return {"s" + std::to_string(++named_), true};
  }
  std::size_t send_pending() {
    const std::size_t count = pending_.size();
    for (const std::string& command : pending_) {
      if (PQsendQueryParams(on_, command.c_str(), 0, nullptr, nullptr, nullptr, nullptr, 1) == 0) {
        fail_connection();
      }
    }
    pending_.clear();
    return count;
  }
  /// Has the server do what waits; the last command's own word for it.
  std::string flush() {
    const std::size_t count = send_pending();
    if (count == 0) return {};
    const result_ptr done = receive(count);
    return PQcmdStatus(done.get());
  }
  /// Takes the results of that many commands; the last one's. Throws the first error among them.
  result_ptr receive(std::size_t count) {
    if (PQpipelineSync(on_) == 0) fail_connection();
    result_ptr last(nullptr, PQclear);
    result_ptr bad(nullptr, PQclear);
    for (std::size_t i = 0; i < count; ++i) {
      result_ptr one(PQgetResult(on_), PQclear);
      if (one == nullptr) fail_connection();
      const ExecStatusType status = PQresultStatus(one.get());
      if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK && status != PGRES_PIPELINE_ABORTED &&
          !bad) {
        bad = std::move(one);
      } else {
        last = std::move(one);
      }
      if (PQstatus(on_) != CONNECTION_OK) break;
      while (PQgetResult(on_) != nullptr) {
      } // the end of that command
    }
    if (PQstatus(on_) != CONNECTION_OK) fail_connection();
    result_ptr sync(PQgetResult(on_), PQclear);
    if (bad) fail(bad.get());
    if (PQresultStatus(sync.get()) != PGRES_PIPELINE_SYNC) fail_connection();
    return last;
  }

  [[noreturn]] void fail(const PGresult* result) {
    const char* state = PQresultErrorField(result, PG_DIAG_SQLSTATE);
    if (state == nullptr || PQstatus(on_) != CONNECTION_OK) fail_connection();
    const char* what = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
    const error_kind kind = kind_of(state);
    if (kind == error_kind::connection) broken_ = true;
    throw failure(error(kind, fmt::format("{} (PostgreSQL {})", what == nullptr ? "" : what, state),
                        kind == error_kind::connection && committing_));
  }
  [[noreturn]] void fail_connection() {
    broken_ = true;
    throw failure(error(error_kind::connection,
                        "the connection to PostgreSQL is lost: " + one_line(PQerrorMessage(on_)),
                        committing_));
  }

  static constexpr std::size_t max_statements = 512;
  PGconn* on_ = nullptr;
  std::vector<std::string> pending_; ///< commands that go before the next statement
  std::unordered_map<std::string, std::string> names_;
  std::uint64_t named_ = 0;
  bool open_ = false;       ///< a transaction
  bool committing_ = false; ///< what is lost now may have been applied
  bool broken_ = false;
};

/// `user@host/name`, of what libpq makes of the URL: never its password.
std::string place_of(const PQconninfoOption* options) {
  std::string user;
  std::string host;
  std::string name;
  std::string port;
  for (const PQconninfoOption* o = options; o->keyword != nullptr; ++o) {
    if (o->val == nullptr) continue;
    const std::string_view keyword = o->keyword;
    if (keyword == "user") user = o->val;
    if (keyword == "host" || keyword == "hostaddr") host = o->val;
    if (keyword == "dbname") name = o->val;
    if (keyword == "port") port = o->val;
  }
  return fmt::format("postgresql://{}{}{}{}{}/{}", user, user.empty() ? "" : "@", host,
                     port.empty() ? "" : ":", port, name);
}

} // namespace

target postgres_target(const database_options& options) {
  char* why = nullptr;
  const options_ptr parsed(PQconninfoParse(options.where.c_str(), &why), PQconninfoFree);
  PQfreemem(why); // may show what is in the URL
  if (parsed == nullptr) {
    throw failure(error_kind::invalid,
                  "its URL cannot be read: write it as postgresql://user@host:port/name, "
                  "with other characters as %XX");
  }
  return {place_of(parsed.get()), [url = options.where, durable = options.durable] {
            return std::make_unique<postgres_connection>(url, durable);
          }};
}

} // namespace coppice::store::detail
