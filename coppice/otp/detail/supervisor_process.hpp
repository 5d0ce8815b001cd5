// What runs a supervisor: the process around the core's decisions.
#pragma once

#include "coppice/otp/detail/callbacks.hpp"
#include "coppice/otp/detail/child_starter.hpp"
#include "coppice/otp/detail/gen_process.hpp"
#include "coppice/otp/detail/supervisor_core.hpp"
#include "coppice/otp/detail/supervisor_protocol.hpp"
#include "coppice/otp/result.hpp"

#include <boost/unordered/unordered_flat_map.hpp>

#include <memory>
#include <optional>
#include <utility>
#include <vector>

namespace coppice::detail {

class supervisor_shell : public gen_process {
protected:
  /// What the user's class says.
  struct plan {
    init_result first;
    supervisor_flags flags;
    std::vector<child_spec> children;
  };
  virtual plan make_plan() = 0;

  void on_init() final;
  void on_message(message_ptr message) final;
  void on_timeout() final;
  void on_terminate(const exit_reason&) final {} // the children are gone already
  void on_end(exit_reason reason) final;
  [[nodiscard]] term state_as_term() const final;
  bool replace_state(const term&) final { return false; }
  std::optional<exit_reason> on_code_change(const term&, const term&) final { return std::nullopt; }
  [[nodiscard]] atom module() const final;

private:
  enum class answer : std::uint8_t { ok, child, children, counts, spec };
  struct caller {
    from who;
    answer form = answer::ok;
  };

  // Events in.
  void feed(supervision::event e);
  void settle();
  void take_info(envelope& e);
  void take_exit(coppice::exit_signal& e);
  void take_down(coppice::down& d);
  bool take_request(envelope& e);
  template <class Request>
  bool take(envelope& e);
  void ask(from who, answer form, supervision::request what);
  void on(asked::start_child& r, from who);
  void on(asked::start_dynamic& r, from who);
  void on(asked::terminate_child& r, from who);
  void on(asked::restart_child& r, from who);
  void on(asked::delete_child& r, from who);
  void on(asked::get_childspec& r, from who);
  void on(asked::which_children& r, from who);
  void on(asked::which_children_limit& r, from who);
  void on(asked::count_children& r, from who);

  // Actions out.
  void perform(supervision::start_child& a, const supervision::action* next);
  void perform(supervision::signal_child& a, const supervision::action* next);
  void perform(supervision::signal_all& a, const supervision::action* next);
  void perform(supervision::start_timer& a, const supervision::action* next);
  void perform(supervision::cancel_timer& a, const supervision::action* next);
  void perform(supervision::report& a, const supervision::action* next);
  void perform(supervision::reply& a, const supervision::action* next);
  void perform(supervision::retry_later& a, const supervision::action* next);
  void perform(supervision::initialized& a, const supervision::action* next);
  void perform(supervision::stop_self& a, const supervision::action* next);
  void begin(const child_starter& starter, const child_args& args);
  void finish_start(std::expected<pid, exit_reason> outcome);
  void tell(pid child, supervision::exit_signal signal);
  [[nodiscard]] supervisor_core::time clock_now() const;

  std::optional<supervisor_core> core_;
  supervision::actions out_;  // what the core asked for
  supervision::actions todo_; // of that, what is being done
  supervision::request_token last_token_ = 0;
  boost::unordered_flat_map<supervision::request_token, caller> callers_;
  boost::unordered_flat_map<pid, reference, std::hash<pid>> watched_; // children that are told to end
  start_begun starting_;
  std::optional<std::expected<pid, exit_reason>> started_at_once_;
  supervision::timer_token timer_ = 0;
};

template <class S>
class supervisor_process final : public supervisor_shell {
public:
  template <class... Args>
  static std::unique_ptr<gen_process> make(Args&&... args) {
    auto p = std::make_unique<supervisor_process>();
    p->arguments_ = std::make_unique<deferred_args<S, std::decay_t<Args>...>>(std::forward<Args>(args)...);
    return p;
  }
  [[nodiscard]] std::string_view label() const noexcept override { return type_name<S>(); }

private:
  plan make_plan() override {
    std::optional<S> user;
    std::exchange(arguments_, nullptr)->build(user);
    plan all;
    if constexpr (requires(S& s) { s.init(); }) all.first = user->init();
    if (all.first.is_ignored()) return all;
    static_assert(
        requires(S& s) { std::vector<child_spec>(s.children()); },
        "a supervisor needs `std::vector<child_spec> children()`");
    all.flags = user->flags();
    all.children = user->children();
    return all;
  }

  std::unique_ptr<deferred<S>> arguments_;
};

} // namespace coppice::detail
