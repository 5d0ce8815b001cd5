// What a supervisor is told and what it answers: flags, child specifications, lists and counts.
// Names and defaults are those of OTP's supervisor(3).
#pragma once

#include "coppice/runtime/exit_reason.hpp"
#include "coppice/term/id.hpp"
#include "coppice/term/sendable.hpp"
#include "coppice/term/term.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace coppice {

/// Names a child within its supervisor: any term, compared by value (`=:=`).
using child_id = term;

/// Which siblings a restart takes along.
enum class strategy : std::uint8_t {
  one_for_one,        ///< only the child that ended
  one_for_all,        ///< every child
  rest_for_one,       ///< the child that ended and those started after it
  simple_one_for_one, ///< one_for_one over any number of children made from a single specification
};

/// When a child that ended is started again.
enum class restart : std::uint8_t {
  permanent, ///< always
  transient, ///< unless it ended with `normal`, `shutdown` or `{shutdown, _}`
  temporary, ///< never; its specification goes with it
};

/// What the child is: `supervisor` if it supervises others itself.
enum class child_type : std::uint8_t { worker, supervisor };

/// Whether the end of significant children ends the supervisor too.
enum class auto_shutdown : std::uint8_t {
  never,
  any_significant, ///< with the first significant child that ends by itself
  all_significant, ///< with the last one
};

/// How a child is told to end: `brutal_kill`, or exit(`shutdown`) followed by a kill when it takes longer
/// than the given time (never, with `infinity`).
class child_shutdown {
public:
  /// At most `wait`, at least 0.
  constexpr child_shutdown(std::chrono::milliseconds wait) : wait_(wait), kind_(kind::timed) {}
  /// No time at all: it is killed.
  static constexpr child_shutdown brutal_kill() { return child_shutdown(kind::brutal); }
  /// Any time: for supervisors, whose own children have limits.
  static constexpr child_shutdown infinity() { return child_shutdown(kind::endless); }

  /// @{
  /// Which of the three it is.
  [[nodiscard]] constexpr bool is_brutal_kill() const { return kind_ == kind::brutal; }
  [[nodiscard]] constexpr bool is_infinity() const { return kind_ == kind::endless; }
  [[nodiscard]] constexpr bool is_timed() const { return kind_ == kind::timed; }
  /// @}
  /// The time to wait; 0 unless `is_timed()`.
  [[nodiscard]] constexpr std::chrono::milliseconds wait() const { return wait_; }

  friend constexpr bool operator==(const child_shutdown&, const child_shutdown&) = default;

private:
  enum class kind : std::uint8_t { timed, brutal, endless };
  constexpr explicit child_shutdown(kind k) : kind_(k) {}
  std::chrono::milliseconds wait_{0};
  kind kind_;
};

/// How a child is started. Supplied by the runtime's side of a supervisor; opaque to its decisions.
class child_starter;

/// Extra start arguments of one child of a simple_one_for_one supervisor; opaque, may be null.
class start_arguments;
/// What `start_child` was given besides, as the supervisor keeps it.
using child_args = std::shared_ptr<const start_arguments>;

/// Both are immutable and shared by whoever knows the specification.
template <>
struct enable_sendable<child_starter> {
  static constexpr bool value = true;
};
template <>
struct enable_sendable<start_arguments> {
  static constexpr bool value = true;
};

/// A child specification (`supervisor:child_spec()`).
struct child_spec {
  child_id id;                                ///< unlike that of any other child of the supervisor
  std::shared_ptr<const child_starter> start; ///< made by `child` and its like; must not be null
  coppice::restart restart = coppice::restart::permanent; ///< whether it is started again after its end
  /// Takes part in auto_shutdown. Neither for permanent children nor under `auto_shutdown::never`.
  bool significant = false;
  /// When absent: 5000 ms for a worker, infinity for a supervisor.
  std::optional<child_shutdown> shutdown{};
  child_type type = child_type::worker; ///< whether it supervises others; `shutdown` goes by it
  /// As `which_children` lists them; informative.
  std::vector<std::string> modules{};
};

/// Supervisor flags (`supervisor:sup_flags()`).
struct supervisor_flags {
  coppice::strategy strategy = coppice::strategy::one_for_one; ///< whom a restart takes along
  /// More restarts than this within `period` end the supervisor.
  std::int64_t intensity = 1;
  std::chrono::milliseconds period = std::chrono::seconds(5); ///< a sliding window, above 0
  /// Whether the end of its significant children is its own.
  coppice::auto_shutdown auto_shutdown = coppice::auto_shutdown::never;
};

/// Why flags or a specification are refused; named after OTP's error tags.
enum class spec_fault : std::uint8_t {
  invalid_intensity,
  invalid_period,
  missing_start,
  invalid_shutdown,
  bad_combination,
  duplicate_child_name,
  bad_start_spec,
};

/// Why specifications are refused, as `supervisor:check_childspecs/1` does.
struct spec_error {
  spec_fault fault;                ///< which rule is broken
  std::string message;             ///< the place and the remedy, for people
  std::optional<child_id> child{}; ///< whose specification it is, if it is one's
};

/// Checks flags as OTP does. Ranges: intensity 0..2^32-1, period above 0; no auto_shutdown under
/// simple_one_for_one.
[[nodiscard]] std::expected<void, spec_error> check_flags(const supervisor_flags& flags);

/// Checks one specification against the supervisor's auto_shutdown (`supervisor:check_childspecs/2`).
[[nodiscard]] std::expected<void, spec_error> check_child_spec(const child_spec& spec,
                                                               auto_shutdown mode = auto_shutdown::never);

/// Checks a whole start specification: each child, and that no id comes twice.
[[nodiscard]] std::expected<void, spec_error> check_child_specs(const std::vector<child_spec>& specs,
                                                                auto_shutdown mode = auto_shutdown::never);

/// A row of `supervisor:which_children/1`. Under simple_one_for_one there is no id.
struct child_info {
  std::optional<child_id> id; ///< as in its specification
  coppice::pid pid;           ///< no process: not running, or restarting
  bool restarting = false;    ///< it has ended, could not be started again yet, and will be tried once more
  child_type type = child_type::worker; ///< whether it can be asked for children of its own
  std::vector<std::string> modules;     ///< the name of its class, if that was said
};

/// The answer of `supervisor:count_children/1`.
struct child_counts {
  std::size_t specs = 0;       ///< specifications; under simple_one_for_one 1
  std::size_t active = 0;      ///< children that run
  std::size_t supervisors = 0; ///< children of that type, whether they run or not
  std::size_t workers = 0;     ///< the others, likewise
  friend bool operator==(const child_counts&, const child_counts&) = default;
};

/// What `{error, _}` holds in a supervisor's answer.
enum class supervisor_error : std::uint8_t {
  already_started, ///< `{already_started, Pid}`
  already_present,
  running,
  restarting,
  not_found,
  simple_one_for_one, ///< the request makes no sense for such a supervisor
  start_failed,       ///< the child's start function failed
  bad_child_spec,
  no_answer, ///< there is no such supervisor, it ended meanwhile, or it is the one who asks
};

/// `supervisor_error` under OTP's name.
[[nodiscard]] const char* to_string(supervisor_error e) noexcept;

/// Why a supervisor did not do what it was asked.
struct child_error {
  supervisor_error what = supervisor_error::no_answer; ///< which says whether the others hold anything
  pid process{};                                       ///< of already_started
  exit_reason reason; ///< of start_failed, bad_child_spec (a text) and no_answer

  /// As OTP has it behind `error`.
  [[nodiscard]] term as_term() const;
  /// That read back; what is none of OTP's errors is start_failed for that reason.
  static child_error from_term(const term& reason);
};

} // namespace coppice
