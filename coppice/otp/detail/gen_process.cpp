#include "coppice/otp/detail/gen_process.hpp"

#include "coppice/otp/ok.hpp"
#include "coppice/runtime/detail/ancestors.hpp"
#include "coppice/runtime/detail/machine.hpp"
#include "coppice/runtime/node.hpp"

#include <algorithm>
#include <utility>

namespace coppice {

using namespace literals;

exit_reason ignored() { return exit_reason("ignore"_atom); }

namespace detail {

// --- the starter's side ---

start_awaiter::start_awaiter(std::unique_ptr<gen_process> program, start_mode mode, start_options options)
    : program_(std::move(program)), mode_(mode), options_(std::move(options)),
      tag_(next_unique(running_node())) {}

start_awaiter::~start_awaiter() = default;

bool start_awaiter::await_ready() {
  process_block& me = running_process();
  program_->prepare(from(*me.home, me.self(), tag_), options_.name,
                    mode_ == start_mode::link ? me.self() : pid(), options_.hibernate_after);
  expect_completion(me, tag_);
  spawn_options spawn = options_.spawn;
  spawn.link = spawn.link || mode_ == start_mode::link;
  spawn.monitor = mode_ == start_mode::monitor;
  monitored child = spawn_body(spawn, std::move(program_));
  process_ = child.process;
  monitor_ = child.ref;
  wait_.emplace(me, pid(), tag_, nullptr, options_.timeout);
  return wait_->ready();
}

std::expected<pid, exit_reason> start_awaiter::await_resume() {
  envelope_ptr answer = wait_->finish();
  if (answer == nullptr) { // OTP: the process is killed, and what it was about to say is lost
    if (mode_ == start_mode::link || options_.spawn.link) unlink(process_);
    exit(process_, exit_reason::kill());
    return std::unexpected(exit_reason::timeout());
  }
  std::expected<start_ack, exit_reason> ack = read_reply<start_ack>(std::move(answer));
  if (!ack) return std::unexpected(std::move(ack.error()));
  return ack->process;
}

// --- the life of the process ---

void gen_process::prepare(from starter, server_name name, pid parent, duration hibernate_after) {
  starter_ = std::move(starter);
  name_ = std::move(name);
  parent_ = parent;
  // OTP counts in milliseconds, up to 2^32 - 1; whoever waits longer than that does so for ever.
  if (hibernate_after >= std::chrono::milliseconds(UINT32_MAX)) return;
  auto wait = std::chrono::ceil<std::chrono::milliseconds>(std::max(hibernate_after, duration::zero()));
  hibernate_after_ms_ = static_cast<std::uint32_t>(wait.count());
}

void gen_process::init() {
  if (std::optional<pid> owner = name_.claim(self_pid())) {
    name_ = server_name(); // it is not ours to give up
    starter_.fail(exit_reason(term::tuple("already_started"_atom, *owner)));
    stopping_ = true;
    exit(exit_reason::normal());
  }
  guarded([this] { on_init(); });
  rest();
}

void gen_process::started() {
  up_ = true;
  starter_.reply(start_ack{self_pid()});
}

void gen_process::refuse(exit_reason reason) {
  // The name goes before the starter is told: a retry must not meet it.
  name_.give_up();
  stopping_ = true;
  bool ignore = reason == ignored();
  starter_.fail(reason);
  exit(ignore ? exit_reason::normal() : std::move(reason));
}

void gen_process::leave(exit_reason reason) {
  stopping_ = true;
  exit(std::move(reason));
}

void gen_process::stop(exit_reason reason) {
  stopping_ = true;
  exit_reason final_reason = std::move(reason);
  try {
    on_terminate(final_reason);
  } catch (const exit_exception& e) { // OTP: what terminate exits with takes the reason's place
    final_reason = e.reason();
  } catch (...) { // catch-all: likewise for what it throws
    final_reason = exit_reason::from_exception(std::current_exception());
  }
  report_end(final_reason);
  exit(std::move(final_reason));
}

void gen_process::failed(const std::exception_ptr& error) {
  exit_reason reason = exit_reason::from_exception(error);
  if (!up_) {
    report_end(reason);
    refuse(std::move(reason));
  }
  stop(std::move(reason));
}

void gen_process::receive(message_ptr message) {
  // Whoever is still here caught its exception: those it left without an answer get one.
  answer_orphans(running_process(), exit_reason("noreply"_atom));
  if (dozing_) stop_dozing();
  serves_ = message->form == message_form::call && message->kind == envelope_kind::message;
  guarded([this, &message] {
    if (message->form != message_form::info && handle_system(*message)) {
      if (hibernating_) hibernate(); // OTP: it goes back to what it did
      return;
    }
    hibernating_ = false;
    if (message->kind == envelope_kind::message && message->ops->type->hash == type_hash<exit_signal>()) {
      // The parent's, or one from outside of all processes: the node is shutting down.
      const exit_signal& signal = message->as<exit_signal>();
      if (signal.from == parent_ || !signal.from) return on_end(signal.reason);
    }
    if (debug_ != nullptr) {
      if (debug_->suspended) {
        debug_->held.push_back(std::move(message));
        return;
      }
      note_event("in", message_as_term(*message));
    }
    on_message(std::move(message));
  });
  rest();
}

void gen_process::timed_out() {
  if (dozing_) {
    dozing_ = false;
    if (running_process().first == nullptr) hibernate(); // else it has something to do, and waits anew
    hibernating_ = running_process().hibernates;
    return;
  }
  hibernating_ = false;
  if (debug_ != nullptr && debug_->suspended) {
    debug_->time_is_up = true;
    return;
  }
  serves_ = false;
  guarded([this] { on_timeout(); });
  rest();
}

/// Before it waits: unless it waits for a time-out, for a callback or to be resumed, it hibernates after a
/// while.
void gen_process::rest() {
  process_block& me = running_process();
  hibernating_ = me.hibernates;
  if (hibernate_after_ms_ == UINT32_MAX || hibernating_ || after_task_ != nullptr) return;
  if (debug_ != nullptr && debug_->suspended) return;
  if (me.deadline_ns.load(std::memory_order_relaxed) != no_deadline) return;
  set_deadline(me, std::chrono::milliseconds(hibernate_after_ms_));
  dozing_ = true;
}

void gen_process::stop_dozing() {
  dozing_ = false;
  clear_deadline(running_process());
}

void gen_process::run(process coroutine, std::function<void()> finish) {
  after_task_ = std::make_unique<std::function<void()>>(std::move(finish));
  start_task(std::move(coroutine));
}

void gen_process::task_ended(const std::exception_ptr& error) {
  std::unique_ptr<std::function<void()>> finish = std::move(after_task_);
  guarded([&] {
    if (error) std::rethrow_exception(error);
    (*finish)();
  });
  rest();
}

term gen_process::name_for_reports() const { return name_.empty() ? term(self_pid()) : name_.as_term(); }

exit_reason gen_process::callback_failed(const atom& which) {
  exit_reason why = exit_reason::from_exception(std::current_exception());
  return exit_reason(term::tuple("callback_failed"_atom, which, why.value()));
}

/// The state as far as it can be told: what a server's own state() throws must not end it, nor hide why it
/// ended.
term gen_process::visible_state() const {
  try {
    return state_as_term();
  } catch (...) { // catch-all: told in the state's place
    return callback_failed("state"_atom).value();
  }
}

void gen_process::report_end(const exit_reason& reason) {
  if (reason.is_clean() || !this_node().reports(severity::error)) return;
  // What a node kills at its end has not crashed, nor who is linked with it.
  if (reason.is("killed") && this_node().internals().shut_down) return;
  coppice::report r{severity::error, "crash_report", self_pid(), {}, reason};
  r.fields.emplace_back("behaviour", module());
  r.fields.emplace_back("name", name_for_reports());
  r.fields.emplace_back("initial_call", atom(label()));
  r.fields.emplace_back("parent", parent_);
  r.fields.emplace_back("ancestors", ancestors_of(running_process()));
  if (term linked = neighbours_of(running_process(), parent_); !linked.is_nil()) {
    r.fields.emplace_back("neighbours", std::move(linked));
  }
  if (serves_) r.fields.emplace_back("callers", term::list(running_process().serving));
  if (auto label = this_node().label(self_pid())) r.fields.emplace_back("label", *label);
  if (up_) r.fields.emplace_back("state", visible_state());
  this_node().report(r);
}

void gen_process::unexpected(std::string_view kind, const term& message) {
  this_node().report(
      report{severity::error,
             std::string(kind),
             self_pid(),
             {{"name", name_for_reports()}, {"initial_call", atom(label())}, {"message", message}},
             exit_reason()});
}

} // namespace detail

task<std::expected<ok, exit_reason>> stop(server_name server, exit_reason reason, duration timeout) {
  std::optional<pid> target = server.resolve();
  if (!target) co_return std::unexpected(exit_reason::noproc());
  if (*target == self_pid()) co_return std::unexpected(detail::calling_self());
  reference ref = monitor(*target);
  detail::sys_request request{.request = detail::sys_request::what::terminate, .reason = reason};
  const std::uint64_t tag = send_request_to(*target, std::move(request));
  detail::process_block& asking = detail::running_process();
  detail::close_request(asking, tag); // the answer is of no use: the end is what is waited for
  self me(asking);
  auto is_it = [ref](const down& d) { return d.ref == ref; };
  std::optional<down> gone = co_await me.receive_if<down>(is_it, timeout);
  if (!gone) {
    demonitor(ref, true);
    co_return std::unexpected(exit_reason::timeout());
  }
  if (gone->reason == reason) co_return ok();
  co_return std::unexpected(gone->reason);
}

} // namespace coppice
