// One connection to a database, of whatever kind: what the kinds have to be able to do.
#pragma once

#include "coppice/store/transaction.hpp"

#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace coppice::store::detail {

/// Used by one thread at a time. All members but those that are noexcept throw `failure`.
class connection {
public:
  connection() = default;
  connection(const connection&) = delete;
  connection& operator=(const connection&) = delete;
  virtual ~connection() = default;

  /// Begins a transaction; one that only reads sees one state of the data throughout.
  virtual void begin(bool writes) = 0;
  /// Ends it. If it throws, the transaction is over and undone (but see `error::maybe_applied`).
  virtual void commit() = 0;
  /// Ends it without a trace. No transaction is a case of nothing to do.
  virtual void roll_back() noexcept = 0;

  /// @{
  /// A part of a transaction that can be undone alone.
  virtual void begin_part() = 0;
  virtual void end_part() = 0;
  virtual void undo_part() = 0;
  /// @}
  /// So many parts are as many as one transaction does well.
  [[nodiscard]] virtual std::size_t most_parts() const noexcept = 0;
  /// Whether the transaction goes on: some errors end all of it.
  [[nodiscard]] virtual bool in_transaction() const noexcept = 0;
  /// Whether it is of further use; if not, another is opened in its stead.
  [[nodiscard]] virtual bool usable() const noexcept = 0;

  /// One statement. `result` may be null. The number of rows changed.
  virtual std::int64_t run(std::string_view sql, std::span<const parameter> parameters, rows* result) = 0;
  /// Several statements, without parameters.
  virtual void run_script(const std::string& sql) = 0;
  /// Keeps others that change the schema away until the transaction ends.
  virtual void lock_schema() = 0;
  /// What the kind puts in the place of `{name}` in a script; '' if it does not know it.
  [[nodiscard]] virtual std::string_view word(std::string_view name) const noexcept = 0;
  /// Copies all data, as of one moment, into a file.
  virtual void back_up(const std::string& path) = 0;
};

/// Opens one more connection to the same database.
using connector = std::function<std::unique_ptr<connection>()>;

} // namespace coppice::store::detail
