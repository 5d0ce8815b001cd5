// The one core under all behaviours: start and names, system messages, the parent's exit, ends and their
// reports. A behaviour derives from it and handles what is left.
#pragma once

#include "coppice/otp/detail/callbacks.hpp"
#include "coppice/otp/start.hpp"
#include "coppice/otp/sys.hpp"
#include "coppice/runtime/body.hpp"
#include "coppice/runtime/process.hpp"

#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace coppice::detail {

/// What ends a behaviour from inside a callback: the reason, after terminate has been called.
class gen_process : public body {
public:
  /// Before the process runs: who is told when it is ready, how it is called, and after how long a wait it
  /// hibernates.
  void prepare(from starter, server_name name, pid parent, duration hibernate_after);

  // --- body ---
  void init() final;
  void receive(message_ptr message) final;
  void timed_out() final;
  void task_ended(const std::exception_ptr& error) final;
  [[nodiscard]] std::string_view behaviour() const noexcept final { return module().name(); }

protected:
  // --- what the behaviour does ---

  /// Builds the state; calls `started`, `refuse` or `start_callback`. What it throws fails the start.
  virtual void on_init() = 0;
  /// A message that is no system message.
  virtual void on_message(message_ptr message) = 0;
  virtual void on_timeout() {}
  /// Whether a message ends a wait for the time-out; else that comes in any case.
  [[nodiscard]] virtual bool messages_end_timeouts() const noexcept { return false; }
  /// The parent has ended, or somebody asked for an end by `stop` or `sys::terminate`. Whoever has things to
  /// wait for first calls `stop` later.
  virtual void on_end(exit_reason reason) { stop(std::move(reason)); }
  /// The last thing to do before the end (OTP: terminate/2).
  virtual void on_terminate(const exit_reason& reason) = 0;
  [[nodiscard]] virtual term state_as_term() const = 0;
  /// False if the behaviour cannot.
  virtual bool replace_state(const term& state) = 0;
  /// An error, or nothing (OTP: code_change/3).
  virtual std::optional<exit_reason> on_code_change(const term& old_vsn, const term& extra) = 0;
  [[nodiscard]] virtual atom module() const = 0;

  // --- what it may use ---

  /// Tells the starter that the process is up.
  void started();
  /// Ends a start: with `ignored()`, or a reason.
  [[noreturn]] void refuse(exit_reason reason);
  /// Calls terminate, reports if the end is not clean, and throws what ends the process.
  [[noreturn]] void stop(exit_reason reason);
  /// Ends the process without terminate and without a report: its owner reports the end.
  [[noreturn]] void leave(exit_reason reason);
  /// Runs a callback that awaits; `finish` is called when it is over, with what it threw. Meanwhile no
  /// message is handled.
  void run(process coroutine, std::function<void()> finish);
  /// Calls back and hands the result on: at once, or when a callback that awaits is over. True if it awaits.
  template <class Call, class Take>
  bool call_back(Call&& call, Take take) {
    using returned = std::invoke_result_t<Call>;
    using value = typename callback_result<returned>::type;
    if constexpr (callback_result<returned>::awaits && std::is_void_v<value>) {
      run(await_callback(call()), [kept = std::make_shared<Take>(std::move(take))] { (*kept)(); });
    } else if constexpr (callback_result<returned>::awaits) {
      auto kept = std::make_shared<std::pair<std::shared_ptr<std::optional<value>>, Take>>(
          std::make_shared<std::optional<value>>(), std::move(take));
      run(await_callback<value>(call(), kept->first), [kept] { kept->second(std::move(**kept->first)); });
    } else if constexpr (std::is_void_v<returned>) {
      call();
      take();
    } else {
      take(call());
    }
    return callback_result<returned>::awaits;
  }
  /// Reports a message that no callback takes; the process lives on, as with OTP's default handle_info.
  void unexpected(std::string_view kind, const term& message);
  /// Whether events are logged or traced: then `note_event` is worth its cost.
  [[nodiscard]] bool observed() const noexcept { return debug_ != nullptr; }
  void note_event(std::string_view what, const term& event);

  [[nodiscard]] const server_name& name() const noexcept { return name_; }
  [[nodiscard]] term name_for_reports() const;
  [[nodiscard]] pid parent() const noexcept { return parent_; }
  [[nodiscard]] bool up() const noexcept { return up_; }

private:
  struct debug_state : pooled {
    bool suspended = false;
    bool time_is_up = false; ///< it came while suspended
    bool tracing = false;
    std::size_t log_size = 0;
    std::deque<term> log;
    std::optional<sys::statistics> figures; ///< the reductions are those before the counting began
    std::deque<message_ptr> held;           ///< what came while suspended
    std::vector<std::pair<term, std::function<term(const term&)>>> installed; ///< by id
  };

  /// What leaves a callback becomes the reason; terminate is called, and an exit is thrown.
  template <class F>
  void guarded(F&& callback) {
    try {
      callback();
    } catch (...) { // catch-all: rethrown as an exit
      if (stopping_) throw;
      failed(std::current_exception());
    }
  }
  [[noreturn]] void failed(const std::exception_ptr& error);
  bool handle_system(envelope& message);
  void answer(const sys_request& request, from who);
  void set_debugging(const sys_request& request);
  void answer_get_state(from& who);
  void answer_get_statistics(from& who);
  void answer_replace_state(const sys_request& request, from& who);
  void answer_change_code(const sys_request& request, from& who);
  [[nodiscard]] sys::status status() const;
  void resume_handling();
  void rest();
  void stop_dozing();
  void report_event(const term& entry);
  void show_installed(const term& entry);
  debug_state& debug();
  void report_end(const exit_reason& reason);
  [[nodiscard]] term visible_state() const;
  /// Why, from the exception being handled.
  [[nodiscard]] static exit_reason callback_failed(const atom& which);

  from starter_;
  server_name name_;
  pid parent_;
  std::unique_ptr<debug_state> debug_;
  std::unique_ptr<std::function<void()>> after_task_;
  std::uint32_t hibernate_after_ms_ = UINT32_MAX; ///< that: never
  bool up_ = false;
  bool stopping_ = false;
  bool serves_ = false; ///< what it handles is a call, not its own time-out or a message that none waits for
  bool hibernating_ = false; ///< until a message comes that is not of sys
  bool dozing_ = false;      ///< the time-out that it waits for is that of hibernate_after
};

} // namespace coppice::detail
