// Why a process ended: a term, as in Erlang, and for a C++ exception where it was thrown.
#pragma once

#include "coppice/term/atom.hpp"
#include "coppice/term/term.hpp"

#include <exception>
#include <memory>
#include <string>
#include <vector>

namespace coppice {

/// What is known of an exception that ended a process.
struct crash_details {
  std::string type;          ///< the exception's C++ type, demangled
  std::string text;          ///< its what(), if it has one
  std::vector<void*> frames; ///< return addresses at the throw, innermost first; empty if not captured

  /// The frames as text, one line each. Slow: looks up symbols.
  [[nodiscard]] std::vector<std::string> stack() const;
};

/// Why a process ended (Erlang: the exit reason). A value: cheap to copy and share between threads.
///
/// A reason is any term. `normal`, `shutdown` and `{shutdown, Term}` are clean ends; anything else is a
/// crash. A C++ exception of type T becomes `{'T', <<"what">>}` with its details beside it.
class exit_reason {
public:
  /// `normal`
  exit_reason();
  /// @{
  /// Any term is a reason.
  explicit exit_reason(term value) : value_(std::move(value)) {}
  explicit exit_reason(atom value) : value_(value) {}
  /// @}
  /// From the exception being handled or any other; `exit_exception` gives its own reason.
  static exit_reason from_exception(const std::exception_ptr& error);

  /// `normal`: nothing is wrong; it does not end those who are linked.
  static exit_reason normal() { return exit_reason(); }
  static exit_reason shutdown();            ///< what a supervisor ends its children with
  static exit_reason shutdown(term detail); ///< `{shutdown, Detail}`
  static exit_reason kill();                ///< as a signal: cannot be trapped
  static exit_reason killed();              ///< what the links of a killed process see
  static exit_reason noproc();              ///< there is no such process
  static exit_reason noconnection();        ///< the connection to its node was lost
  static exit_reason timeout();             ///< no reply, or no start, in the time given

  /// The reason as Erlang has it.
  [[nodiscard]] const term& value() const noexcept { return value_; }
  /// What is known of the exception that it was made from; null for any other reason.
  [[nodiscard]] const crash_details* details() const noexcept { return details_.get(); }
  /// Whether it is `normal`; `shutdown` is not.
  [[nodiscard]] bool is_normal() const noexcept { return is("normal"); }
  /// normal, shutdown or {shutdown, _}: no crash report is due (OTP: proc_lib's rule)
  [[nodiscard]] bool is_clean() const noexcept;
  /// Whether the reason is this very atom.
  [[nodiscard]] bool is(std::string_view name) const noexcept;
  /// As Erlang prints it, cut to `limit` bytes; 0 for all.
  [[nodiscard]] std::string to_string(std::size_t limit = 0) const;

  friend bool operator==(const exit_reason& a, const exit_reason& b) { return a.value_ == b.value_; }

private:
  exit_reason(term value, std::shared_ptr<const crash_details> details)
      : value_(std::move(value)), details_(std::move(details)) {}

  term value_;
  std::shared_ptr<const crash_details> details_;
};

/// Thrown to end the running process with a reason. A `catch (...)` in a process must rethrow it.
class exit_exception : public std::exception {
public:
  /// What the process that it leaves ends with.
  explicit exit_exception(exit_reason reason) : reason_(std::move(reason)) {}
  /// As it was given.
  [[nodiscard]] const exit_reason& reason() const noexcept { return reason_; }
  /// Always the same text: the reason is a term.
  [[nodiscard]] const char* what() const noexcept override { return "coppice::exit"; }

private:
  exit_reason reason_;
};

/// Ends the running process (Erlang: `exit/1`). Outside a process it is an ordinary exception.
[[noreturn]] void exit(exit_reason reason);

/// Whether stacks are captured at the throw inside processes; on by default, process-wide.
void capture_stacks(bool on) noexcept;

} // namespace coppice
