// A transaction as a work sees it: SQL in, rows out.
#pragma once

#include "coppice/store/error.hpp"

#include <array>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace coppice::store {

/// Bytes that are no text, as a parameter or a column. A view: what it shows must outlive its use.
struct blob {
  std::string_view bytes;
  explicit blob(std::string_view of) noexcept : bytes(of) {}
};

/// A parameter of a statement: null, an integer, a double, text or a blob. A view of what it is made of.
class parameter {
public:
  using content = std::variant<std::monostate, std::int64_t, double, std::string_view, blob>;

  /// @{
  /// Implicit, so that statements read well. Text may not have a NUL in it.
  parameter(std::nullptr_t) noexcept {}
  template <std::integral I>
  parameter(I value) noexcept : content_(static_cast<std::int64_t>(value)) {
    static_assert(sizeof(I) < sizeof(std::int64_t) || std::is_signed_v<I>,
                  "parameter: databases have no unsigned integers of 64 bits; cast it");
  }
  parameter(double value) noexcept : content_(value) {}
  parameter(std::string_view value) noexcept : content_(value) {}
  parameter(const std::string& value) noexcept : content_(std::string_view(value)) {}
  parameter(const char* value) noexcept : content_(std::string_view(value)) {}
  parameter(blob value) noexcept : content_(value) {}
  template <class T>
  parameter(const std::optional<T>& value) noexcept {
    if (value) *this = parameter(*value);
  }
  /// @}

  [[nodiscard]] const content& get() const noexcept { return content_; }

private:
  content content_;
};

namespace detail {
template <class T>
inline constexpr bool is_optional = false;
template <class T>
inline constexpr bool is_optional<std::optional<T>> = true;
class connection;
} // namespace detail

/// One value of a result.
struct cell {
  enum class type : std::uint8_t { null, integer, real, text, blob };
  type kind = type::null;
  std::int64_t integer = 0;
  double real = 0;
  std::string bytes; ///< text or blob
};

class rows;

/// One row of a result; a reference into it.
class row {
public:
  explicit row(std::span<cell> cells) noexcept : cells_(cells) {}

  [[nodiscard]] std::size_t size() const noexcept { return cells_.size(); }
  [[nodiscard]] bool is_null(std::size_t column) const { return at(column).kind == cell::type::null; }

  /// The value of a column, from 0: an integer, `bool`, `double`, `std::string`, `std::string_view` (as long
  /// as the rows live), `blob` (likewise), or an optional of one, without a value for null. Throws `failure`
  /// (`invalid`) if the column has another type, or the number has no room.
  template <class T>
  [[nodiscard]] T get(std::size_t column) const {
    if constexpr (detail::is_optional<T>) {
      if (is_null(column)) return std::nullopt;
      return get<typename T::value_type>(column);
    } else if constexpr (std::same_as<T, bool>) {
      return integer_at(column, 0, 1) != 0;
    } else if constexpr (std::integral<T>) {
      using limits = std::numeric_limits<T>;
      constexpr std::int64_t most = std::cmp_less(limits::max(), INT64_MAX) ? limits::max() : INT64_MAX;
      return static_cast<T>(integer_at(column, limits::min(), most));
    } else if constexpr (std::same_as<T, double>) {
      return real_at(column);
    } else {
      return T(bytes_at(column));
    }
  }
  /// The text or blob of a column, without a copy: it is then empty in the rows.
  [[nodiscard]] std::string take(std::size_t column) const { return std::move(bytes_at(column)); }

private:
  [[nodiscard]] cell& at(std::size_t column) const;
  [[nodiscard]] std::int64_t integer_at(std::size_t column, std::int64_t least, std::int64_t most) const;
  [[nodiscard]] double real_at(std::size_t column) const;
  [[nodiscard]] std::string& bytes_at(std::size_t column) const;

  std::span<cell> cells_;
};

/// A result: all its rows. At most `max_result_bytes`, else the query fails with `too_big`.
class rows {
public:
  static constexpr std::size_t max_result_bytes = 64U << 20U;

  class iterator {
  public:
    iterator(rows* of, std::size_t index) noexcept : of_(of), index_(index) {}
    row operator*() const { return (*of_)[index_]; }
    iterator& operator++() noexcept {
      ++index_;
      return *this;
    }
    bool operator==(const iterator&) const = default;

  private:
    rows* of_;
    std::size_t index_;
  };

  [[nodiscard]] std::size_t size() const noexcept { return count_; }
  [[nodiscard]] bool empty() const noexcept { return count_ == 0; }
  [[nodiscard]] row operator[](std::size_t index) {
    return row(std::span(cells_).subspan(index * columns_, columns_));
  }
  [[nodiscard]] iterator begin() noexcept { return {this, 0}; }
  [[nodiscard]] iterator end() noexcept { return {this, count_}; }

  /// @cond internal
  void set_columns(std::size_t columns) noexcept { columns_ = columns; }
  [[nodiscard]] std::span<cell> add_row();
  void count_bytes(std::size_t bytes);
  /// @endcond

private:
  std::size_t columns_ = 0;
  std::size_t count_ = 0;
  std::size_t bytes_ = 0;
  std::vector<cell> cells_;
};

/// What a work does its statements with; of that work alone, on that thread, until it returns. Once a
/// statement has failed all later ones fail likewise, and the work is undone even if it returns.
class transaction {
public:
  explicit transaction(detail::connection& on) noexcept : on_(on) {}
  transaction(const transaction&) = delete;
  transaction& operator=(const transaction&) = delete;

  /// Runs one statement, whose parameters stand as `$1`, `$2`... The number of rows that it changed. Throws
  /// `failure`. The text must be one of few, as a program has them: each is prepared once and kept.
  template <class... Args>
  std::int64_t execute(std::string_view sql, const Args&... args) {
    const std::array<parameter, sizeof...(Args)> list{parameter(args)...};
    return run(sql, list, nullptr);
  }
  /// Runs one statement that gives rows. Throws `failure`.
  template <class... Args>
  [[nodiscard]] rows query(std::string_view sql, const Args&... args) {
    const std::array<parameter, sizeof...(Args)> list{parameter(args)...};
    rows result;
    run(sql, list, &result);
    return result;
  }

  /// @cond internal
  [[nodiscard]] const std::optional<error>& failed() const noexcept { return failed_; }
  /// @endcond

private:
  std::int64_t run(std::string_view sql, std::span<const parameter> parameters, rows* result);

  detail::connection& on_;
  std::optional<error> failed_;
};

} // namespace coppice::store
