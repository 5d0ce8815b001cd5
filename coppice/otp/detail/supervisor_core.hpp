// The supervisor's decisions, without processes: (state, event, time) -> actions. A thin shell owns the
// process, performs the actions in order and feeds back what happens.
//
// OTP's supervisor waits inside a step (for a child to start, or to end); this one remembers where it is
// instead. Events that OTP would leave in the mailbox meanwhile are put off, in order, so a shell may feed
// them as they come. Semantics: OTP 25, supervisor(3).
#pragma once

#include "coppice/otp/child_spec.hpp"
#include "coppice/otp/detail/restart_window.hpp"
#include "coppice/otp/detail/ring.hpp"
#include "coppice/otp/detail/supervisor_events.hpp"

#include <boost/unordered/unordered_flat_map.hpp>

#include <cstddef>
#include <expected>
#include <functional>
#include <list>
#include <memory>
#include <vector>

namespace coppice::detail {

class supervisor_core {
public:
  using time = std::chrono::nanoseconds; ///< since any fixed moment, never going back

  /// Checks everything, starts nothing. Under simple_one_for_one exactly one specification.
  static std::expected<supervisor_core, spec_error> make(const supervisor_flags& flags,
                                                         std::vector<child_spec> specs);

  /// Starts the children in order; ends in `initialized`, or `stop_self` after a failed start.
  void start(time now, supervision::actions& out);

  /// Decides on one event. O(1) but for work proportional to the children concerned.
  void step(supervision::event e, time now, supervision::actions& out);

  /// Waiting for a child to start or to end: other events are put off.
  [[nodiscard]] bool busy() const noexcept { return op_.step != step_kind::idle; }
  /// `stop_self` was given; events are ignored from now on. Requests put off are never answered: their
  /// callers see the supervisor's own exit, as in OTP.
  [[nodiscard]] bool stopped() const noexcept { return op_.step == step_kind::stopped; }

  [[nodiscard]] const supervisor_flags& flags() const noexcept { return flags_; }
  /// At most `limit` rows, the newest.
  [[nodiscard]] std::vector<child_info> which_children(std::size_t limit = SIZE_MAX) const;
  [[nodiscard]] child_counts count_children() const;

  /// Every running child of a simple_one_for_one supervisor.
  template <class F>
  void for_each_dynamic(F&& f) const {
    for (const auto& entry : live_) f(entry.first);
  }

private:
  enum class child_state : std::uint8_t { undefined, running, restarting };
  struct child {
    std::shared_ptr<const child_spec> spec;
    coppice::pid pid{}; // while restarting: the last one, for reports
    child_state state = child_state::undefined;
  };
  using child_list = std::list<child>;
  using child_it = child_list::iterator;

  // Which operation is under way, and what it waits for.
  enum class op_kind : std::uint8_t { init, start_child, restart_child, terminate_child, restart, stop };
  enum class step_kind : std::uint8_t {
    idle,
    terminating,      // going down from `cursor` to the boundary
    awaiting_exit,    // of the child before `cursor`, or of the dynamic child `pid`
    awaiting_dynamic, // of all dynamic children
    starting,         // going up from `cursor` to `end`
    awaiting_start,
    stopped,
  };
  enum class scope : std::uint8_t { one, rest, all };
  struct operation {
    op_kind kind = op_kind::init;
    step_kind step = step_kind::idle;
    scope reach = scope::one;
    child_it first{};  // scope one and rest: the lowest child concerned
    child_it cursor{}; // see step_kind
    child_it end{};
    supervision::request_token token = 0;
    supervision::timer_token timer = 0;
    coppice::pid pid{}; // awaiting_exit: whose; simple_one_for_one restart: the old one
    child_args args{};  // simple_one_for_one: of the child being started
    supervision::stop_self ending{};
  };

  supervisor_core(const supervisor_flags& flags, std::vector<child_spec> specs);

  [[nodiscard]] bool simple() const noexcept { return flags_.strategy == strategy::simple_one_for_one; }
  [[nodiscard]] const std::shared_ptr<const child_spec>& dynamic_spec() const {
    return children_.front().spec;
  }

  // supervisor_core.cpp: the machine.
  bool answer(supervision::event& e, supervision::actions& out);
  void run(supervision::actions& out);
  void handle(supervision::event e, supervision::actions& out);
  void put_off(supervision::event e);
  bool take_early_exit(coppice::pid pid, supervision::exit_info& why);
  static void respond(supervision::request_token t, supervision::reply_value value,
                      supervision::actions& out);
  void finish() { op_ = operation{}; }
  void terminate_next(supervision::actions& out);
  void start_next(supervision::actions& out);
  void on_started(supervision::child_started e, supervision::actions& out);
  void on_ignored(supervision::actions& out);
  void on_start_failed(supervision::start_failed e, supervision::actions& out);
  void on_terminated(const supervision::exit_info& why, supervision::actions& out);
  void settle_terminated(supervision::actions& out);
  void on_timer(supervision::actions& out);
  void send_exit(coppice::pid pid, const child_spec& spec, supervision::actions& out);
  void arm_timer(const child_spec& spec, supervision::actions& out);
  void disarm_timer(supervision::actions& out);
  void on_child_exited(coppice::pid pid, const supervision::exit_info& why, supervision::actions& out);
  void restart_child(child_it c, supervision::actions& out);
  void try_again(child_it c, const supervision::reason_value& reason, supervision::actions& out);
  void begin_stop(supervision::stop_self ending, supervision::actions& out);
  void stop_now(supervision::actions& out);
  [[nodiscard]] bool shut_down_after(const child_spec& gone) const;
  [[nodiscard]] child_it boundary() { return op_.reach == scope::all ? children_.begin() : op_.first; }
  static bool clean_end(const child_spec& spec, supervision::exit_class kind);

  // supervisor_core_children.cpp: the children and the requests.
  child_it add(std::shared_ptr<const child_spec> spec);
  void erase(child_it c);
  void drop_or_keep(child_it c);
  void set_state(child_it c, child_state s, coppice::pid pid);
  child_it find(const supervision::child_key& key);
  void handle_request(supervision::requested r, supervision::actions& out);
  void on(supervision::request_token t, supervision::start_child_request& r, supervision::actions& out);
  void on(supervision::request_token t, supervision::start_dynamic_request& r, supervision::actions& out);
  void on(supervision::request_token t, supervision::terminate_child_request& r, supervision::actions& out);
  void on(supervision::request_token t, supervision::restart_child_request& r, supervision::actions& out);
  void on(supervision::request_token t, supervision::delete_child_request& r, supervision::actions& out);
  void on(supervision::request_token t, supervision::get_childspec_request& r, supervision::actions& out);
  void on(supervision::request_token t, supervision::which_children_request& r, supervision::actions& out);
  void on(supervision::request_token t, supervision::count_children_request& r, supervision::actions& out);

  // One strategy a file.
  void restart_one_for_one(child_it c);
  void restart_one_for_all();
  void restart_rest_for_one(child_it c);
  // strategy_simple_one_for_one.cpp
  void dynamic_exited(coppice::pid pid, const supervision::exit_info& why, supervision::actions& out);
  void dynamic_restart(coppice::pid old, child_args args, supervision::actions& out);
  void dynamic_retry(coppice::pid old, supervision::actions& out);
  void dynamic_start(op_kind kind, child_args args, supervision::actions& out);
  void dynamic_started(supervision::child_started e, supervision::actions& out);
  void dynamic_ignored(supervision::actions& out);
  void dynamic_start_failed(supervision::start_failed e, supervision::actions& out);
  void dynamic_terminate(supervision::request_token t, coppice::pid pid, bool alive,
                         supervision::actions& out);
  void dynamic_terminated(const supervision::exit_info& why, supervision::actions& out);
  void dynamic_stop(supervision::actions& out);
  void dynamic_stopped_one(coppice::pid pid, const supervision::exit_info& why, supervision::actions& out);
  void note_dynamic_end(const supervision::exit_info& why);
  void finish_dynamic_stop(supervision::actions& out);

  supervisor_flags flags_;
  restart_window window_;
  time now_{0};
  child_list children_; // in start order; under simple_one_for_one only the template
  boost::unordered_flat_map<child_id, child_it, std::hash<child_id>> by_id_;
  boost::unordered_flat_map<coppice::pid, child_it, std::hash<coppice::pid>> by_pid_;
  std::size_t significant_ = 0; // children with a state other than undefined that are significant
  // simple_one_for_one: a child is its pid and its arguments.
  boost::unordered_flat_map<coppice::pid, child_args, std::hash<coppice::pid>> live_;
  boost::unordered_flat_map<coppice::pid, child_args, std::hash<coppice::pid>> restarting_;
  struct bad_end {
    supervision::reason_value reason;
    std::size_t count = 0;
  };
  boost::unordered_flat_map<term, bad_end, std::hash<term>> bad_ends_;
  operation op_;
  supervision::timer_token last_timer_ = 0;
  ring<supervision::event> deferred_;
  boost::unordered_flat_map<coppice::pid, supervision::exit_info, std::hash<coppice::pid>> early_exits_;
};

} // namespace coppice::detail
