#include "coppice/store/transaction.hpp"

#include "coppice/store/detail/connection.hpp"

#include <fmt/format.h>

namespace coppice::store {

std::string_view to_string(error_kind kind) noexcept {
  switch (kind) {
  case error_kind::constraint: return "constraint";
  case error_kind::busy: return "busy";
  case error_kind::full: return "full";
  case error_kind::io: return "io";
  case error_kind::connection: return "connection";
  case error_kind::overloaded: return "overloaded";
  case error_kind::closed: return "closed";
  case error_kind::too_big: return "too_big";
  case error_kind::invalid: return "invalid";
  }
  return "invalid";
}

cell& row::at(std::size_t column) const {
  if (column >= cells_.size()) {
    throw failure(error_kind::invalid, fmt::format("column {} of a row of {}", column, cells_.size()));
  }
  return cells_[column];
}

std::int64_t row::integer_at(std::size_t column, std::int64_t least, std::int64_t most) const {
  const cell& c = at(column);
  if (c.kind != cell::type::integer) {
    throw failure(error_kind::invalid, fmt::format("column {} is no integer", column));
  }
  if (c.integer < least || c.integer > most) {
    throw failure(error_kind::invalid, fmt::format("column {} has no room for {}", column, c.integer));
  }
  return c.integer;
}

double row::real_at(std::size_t column) const {
  const cell& c = at(column);
  if (c.kind == cell::type::integer) return static_cast<double>(c.integer);
  if (c.kind == cell::type::real) return c.real;
  throw failure(error_kind::invalid, fmt::format("column {} is no number", column));
}

std::string& row::bytes_at(std::size_t column) const {
  cell& c = at(column);
  if (c.kind != cell::type::text && c.kind != cell::type::blob) {
    throw failure(error_kind::invalid, fmt::format("column {} is neither text nor a blob", column));
  }
  return c.bytes;
}

std::span<cell> rows::add_row() {
  ++count_;
  count_bytes(columns_ * sizeof(cell));
  cells_.resize(cells_.size() + columns_);
  return std::span(cells_).last(columns_);
}

void rows::count_bytes(std::size_t bytes) {
  bytes_ += bytes;
  if (bytes_ > max_result_bytes) {
    throw failure(error_kind::too_big,
                  fmt::format("a result of more than {} MiB: ask for it in pages", max_result_bytes >> 20U));
  }
}

std::int64_t transaction::run(std::string_view sql, std::span<const parameter> parameters, rows* result) {
  if (failed_) throw failure(*failed_);
  try {
    for (const parameter& p : parameters) {
      const auto* text = std::get_if<std::string_view>(&p.get());
      if (text != nullptr && text->find('\0') != std::string_view::npos) {
        throw failure(error_kind::invalid, "a parameter of text with a NUL in it: give it as a blob");
      }
    }
    return on_.run(sql, parameters, result);
  } catch (const failure& why) {
    failed_ = why.why();
    throw;
  }
}

} // namespace coppice::store
