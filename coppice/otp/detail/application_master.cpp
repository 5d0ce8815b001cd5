#include "coppice/otp/detail/application_controller.hpp"
#include "coppice/otp/detail/child_starter.hpp"
#include "coppice/runtime/detail/inspect.hpp"
#include "coppice/runtime/detail/signals.hpp"

namespace coppice::detail {

using namespace literals;

namespace {

/// Starts what a specification describes and waits for the outcome.
task<std::expected<pid, exit_reason>> start_and_wait(std::shared_ptr<const child_starter> starter) {
  std::optional<task<std::expected<pid, exit_reason>>> own = starter->run();
  if (own) {
    std::expected<pid, exit_reason> started = co_await *own;
    co_return started;
  }
  start_begun begun = starter->begin(child_args());
  if (begun.tag == 0) co_return begun.process;
  receive_response<start_ack> wait(request_id<start_ack>{begun.tag}, begun.timeout);
  std::optional<std::expected<start_ack, exit_reason>> ack = co_await wait;
  if (!ack) {
    unlink(begun.process);
    exit(begun.process, exit_reason::kill());
    co_return std::unexpected(exit_reason::timeout());
  }
  if (!*ack) co_return std::unexpected(std::move(ack->error()));
  co_return (*ack)->process;
}

process start_top(std::shared_ptr<const child_starter> starter, std::expected<pid, exit_reason>* outcome) {
  std::expected<pid, exit_reason> started = co_await start_and_wait(std::move(starter));
  *outcome = std::move(started);
}

/// Runs a function of the user's; what it throws must not keep the application from stopping.
task<> call_back(application_spec::callback function, std::string name) {
  try {
    co_await function();
  } catch (...) { // catch-all: reported, as OTP catches it
    exit_reason why = exit_reason::from_exception(std::current_exception());
    this_node().report(report{
        severity::error, "application_error", self_pid(), {{"application", atom(name)}}, std::move(why)});
  }
}

/// Kills the processes outside of the tree that have this one as their group leader.
void kill_group() {
  const pid me = self_pid();
  for (const process_summary& p : this_node().processes()) {
    if (p.process == me) continue;
    inspect(
        this_node(), p.process,
        [me](process_block& other) {
          if (other.group_leader == me) condemn(other, exit_reason::killed());
        },
        [] {});
  }
}

process end_application(std::shared_ptr<const application_spec> spec, pid top) {
  if (top) {
    if (spec->before_stop()) co_await call_back(spec->before_stop(), spec->name());
    reference ref = monitor(top);
    exit(top, exit_reason::shutdown());
    self me(running_process());
    auto ours = [ref](const down& d) { return d.ref == ref; };
    co_await me.receive_if<down>(ours); // however long it takes: its supervisors know their limits
  }
  if (spec->after_stop()) co_await call_back(spec->after_stop(), spec->name());
  kill_group();
}

class application_master final : public gen_process {
public:
  explicit application_master(std::shared_ptr<const application_spec> spec) : spec_(std::move(spec)) {}
  [[nodiscard]] std::string_view label() const noexcept override { return "application_master"; }

protected:
  void on_init() override {
    trap_exit(true);
    set_group_leader(self_pid(), self_pid());
    run(start_top(spec_->top()->spec().start, &top_), [this] {
      if (!top_) refuse(std::move(top_.error()));
      started();
    });
  }

  void on_message(message_ptr message) override {
    if (message->kind == envelope_kind::message && message->ops->type->hash == type_hash<exit_signal>()) {
      exit_signal& signal = message->as<exit_signal>();
      if (top_ && signal.from == *top_) finish(pid(), std::move(signal.reason));
      return;
    }
    if (message->form == message_form::call) {
      from_of(*message).fail(exit_reason(term::tuple("bad_request"_atom, message_as_term(*message))));
    }
  }

  void on_end(exit_reason reason) override {
    if (top_) finish(*top_, std::move(reason));
  }
  void on_terminate(const exit_reason&) override {}
  [[nodiscard]] term state_as_term() const override { return atom(spec_->name()); }
  bool replace_state(const term&) override { return false; }
  std::optional<exit_reason> on_code_change(const term&, const term&) override { return std::nullopt; }
  [[nodiscard]] atom module() const override { return "application_master"_atom; }

private:
  void finish(pid top, exit_reason reason) {
    run(end_application(spec_, top), [this, why = std::move(reason)]() mutable { leave(std::move(why)); });
  }

  std::shared_ptr<const application_spec> spec_;
  std::expected<pid, exit_reason> top_ = std::unexpected(exit_reason());
};

} // namespace

std::unique_ptr<gen_process> make_application_master(std::shared_ptr<const application_spec> spec) {
  return std::make_unique<application_master>(std::move(spec));
}

} // namespace coppice::detail
