#include "coppice/runtime/detail/slice.hpp"

#include "coppice/runtime/call.hpp"
#include "coppice/runtime/detail/machine.hpp"
#include "coppice/runtime/detail/signals.hpp"
#include "coppice/runtime/process.hpp"

#include <utility>

namespace coppice::detail {
namespace {

enum class step : std::uint8_t { again, idle, preempted, ended };

/// User code runs while this lives: the worker counts as outside the runtime, so its core may be taken.
class user_section {
public:
  explicit user_section(worker& w) noexcept : worker_(w) { w.inside.store(false, std::memory_order_release); }
  ~user_section() {
    if (!enter_runtime(worker_)) return;
    std::lock_guard wait_for_decision(worker_.handover); // the monitor may just be trying, or announcing us
  }
  user_section(const user_section&) = delete;
  user_section& operator=(const user_section&) = delete;

private:
  worker& worker_;
};

using root_handle = std::coroutine_handle<process::promise_type>;

void destroy_root(process_block& p) noexcept { std::exchange(p.root, {}).destroy(); }

/// The root coroutine has ended: the process ends with it, or the body gets to know.
void root_ended(worker& w, process_block& p) {
  std::exception_ptr error =
      std::exchange(root_handle::from_address(p.root.address()).promise().error, nullptr);
  if (p.program == nullptr) {
    p.faulted = error != nullptr && !p.dying;
    condemn(p, error ? exit_reason::from_exception(error) : exit_reason::normal());
    return;
  }
  user_section user(w);
  p.unwinding = error != nullptr;
  destroy_root(p);
  p.unwinding = false;
  p.program->task_ended(error);
}

/// Resumes coroutines until one waits for something, the root has ended or the slice is over: tasks that
/// await tasks for ever give way, too.
void trampoline(worker& w, process_block& p) {
  p.hibernates = false;
  user_section user(w);
  while (p.resume && p.waiting == nullptr && spend_reduction()) std::exchange(p.resume, {}).resume();
}

/// Whether a wait that began just now is not over for certain. An awaiter suspends because it is not, or
/// because the slice is, or the process is pushed back; and while its thread had no core the monitor may have
/// taken in what had arrived.
bool nothing_has_changed(const worker& w, const process_block& p) noexcept {
  return !lost_core(w) && p.inbox.load(std::memory_order_relaxed) == nullptr && current().budget != 0 &&
         !p.dying && p.blocked_tag == 0 && !p.timer_fired.load(std::memory_order_relaxed) &&
         (p.extras == nullptr || p.extras->orphans.empty());
}

step run_coroutine(worker& w, process_block& p) {
  if (p.waiting != nullptr) {
    // Whoever waits has caught its exception: the callers whose `from` that dropped get an answer now.
    if (p.extras != nullptr && !p.extras->orphans.empty()) answer_orphans(p, exit_reason(atom("noreply")));
    if (!p.waiting->over(*p.waiting, p)) return step::idle;
    if (current().budget == 0) return step::preempted; // over, but others first
    p.waiting = nullptr;
  }
  trampoline(w, p);
  if (p.waiting != nullptr) return nothing_has_changed(w, p) ? step::idle : step::again;
  if (p.root && p.root.done()) root_ended(w, p);
  return step::again;
}

step run_body(worker& w, process_block& p) {
  if (!p.initialised) {
    p.initialised = true;
    user_section user(w);
    p.program->init();
    return step::again;
  }
  if (p.timed_out) {
    clear_deadline(p);
    p.hibernates = false;
    user_section user(w);
    p.program->timed_out();
    return step::again;
  }
  if (p.first == nullptr) return step::idle;
  envelope_ptr message = take_after(p, nullptr);
  spend_reduction();
  p.hibernates = false;
  if (message->form == message_form::call && message->kind == envelope_kind::message) {
    p.serving = from_of(*message).caller();
    p.serving_tag = from_of(*message).tag();
  }
  user_section user(w);
  p.program->receive(std::move(message));
  return step::again;
}

step one_step(worker& w, process_block& p) {
  if (p.zombie) { // announced while it was stuck, or while an operation used its frames
    bury(p);
    return step::ended;
  }
  drain(p);
  if (p.timer_fired.load(std::memory_order_relaxed)) {
    p.timer_fired.store(false, std::memory_order_relaxed);
    std::int64_t now = machine_of(p).time->now().time_since_epoch().count();
    if (p.deadline_ns.load(std::memory_order_relaxed) <= now) p.timed_out = true;
  }
  if (p.dying) {
    bury(p);
    return step::ended;
  }
  if (p.blocked_tag != 0) return step::idle; // pushed back by a full mailbox
  if (current().budget == 0) return step::preempted;
  return p.root ? run_coroutine(w, p) : run_body(w, p);
}

/// Brings the figures that others may read up to date.
void account(process_block& p) noexcept {
  context& c = current();
  std::uint32_t spent = slice_reductions - c.budget;
  p.reductions.store(p.reductions.load(std::memory_order_relaxed) + spent - c.accounted,
                     std::memory_order_relaxed);
  c.accounted = spent;
}

/// Goes to wait. False if something has arrived meanwhile and this thread still has the process.
bool park(process_block& p) noexcept {
  account(p);
  p.status.store(p.hibernates ? process_status::hibernating : process_status::waiting,
                 std::memory_order_relaxed);
  envelope* expected = nullptr;
  if (!p.inbox.compare_exchange_strong(expected, inbox_idle, std::memory_order_seq_cst)) {
    p.status.store(process_status::running, std::memory_order_relaxed);
    return false;
  }
  // From here on others may run it. A timer that fired before it was idle could not wake it: look again.
  if (!p.timer_fired.load(std::memory_order_seq_cst)) return true;
  expected = inbox_idle;
  return !p.inbox.compare_exchange_strong(expected, nullptr, std::memory_order_seq_cst);
}

bool run_until_it_rests(worker& w, process_block& p) {
  for (;;) {
    step s = step::again;
    try {
      s = one_step(w, p);
    } catch (...) { // catch-all: what leaves a body or a receive's predicate is the exit reason
      p.faulted = p.program == nullptr && !p.dying; // behaviours report for themselves
      condemn(p, exit_reason::from_exception(std::current_exception()));
    }
    if (s == step::ended) return true;
    if (s == step::idle && park(p)) return true;
    if (s == step::preempted || lost_core(w)) return false;
  }
}

} // namespace

std::uint32_t run_slice(worker& w, process_block& p, std::uint32_t reductions) noexcept {
  context& c = current();
  c.process = &p;
  c.budget = reductions;
  c.accounted = slice_reductions - reductions;
  w.running = &p;
  w.slices.store(w.slices.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
  p.status.store(process_status::running, std::memory_order_relaxed);
  // After it has come to rest, another thread may run it: it is not touched any more.
  bool rests = run_until_it_rests(w, p);
  std::uint32_t spent = reductions - c.budget;
  c.process = nullptr;
  w.running = nullptr;
  if (!rests) {
    account(p);
    p.status.store(process_status::runnable, std::memory_order_relaxed);
    machine_of(p).requeue(p);
  }
  return spent;
}

} // namespace coppice::detail
