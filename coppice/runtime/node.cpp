#include "coppice/runtime/node.hpp"

#include "coppice/runtime/detail/machine.hpp"
#include "coppice/runtime/detail/signals.hpp"

#include <algorithm>
#include <climits>
#include <csignal>
#include <pthread.h>
#include <stdexcept>
#include <unordered_map>

namespace coppice {

namespace {

/// Signals to the OS process as a whole: none of a node's threads takes them, so that `run_until_stopped`, or
/// whoever else waits for them, does.
sigset_t process_signals() noexcept {
  sigset_t signals;
  sigfillset(&signals);
  for (int own : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGTRAP, SIGSYS, SIGPROF})
    sigdelset(&signals, own);
  return signals;
}

/// SIGTERM and SIGINT, which ask for the end.
sigset_t ending_signals() noexcept {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  return signals;
}

} // namespace

node::node(node_options options)
    : owned_(std::make_shared<detail::machine>(std::move(options))), machine_(owned_.get()) {
  sigset_t masked = process_signals();
  sigset_t before;
  pthread_sigmask(SIG_BLOCK, &masked, &before); // threads inherit it
  machine_->start();
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

node::~node() {
  if (owned_ != nullptr) shutdown();
}

const clock& node::time() const noexcept { return *machine_->time; }

std::optional<pid> node::whereis(const atom& name) const { return machine_->names.find(name); }

void node::exit(pid process, exit_reason reason) {
  detail::send_signal(*this, process, detail::envelope_kind::exit, 0,
                      detail::signal{pid(), std::move(reason), {}, false});
}

bool node::is_process_alive(pid process) const {
  detail::process_block* p = process.local() ? machine_->table.find(process.id) : nullptr;
  return p != nullptr && p->id.load(std::memory_order_acquire) == process.id &&
         p->inbox.load(std::memory_order_acquire) != detail::inbox_dead;
}

bool node::reports(severity level) const noexcept {
  return static_cast<int>(level) >= machine_->report_from.load(std::memory_order_relaxed);
}

void node::report(const coppice::report& what) {
  if (!reports(what.level)) return;
  report_sink sink;
  {
    std::lock_guard guard(machine_->sink_mutex);
    sink = machine_->sink;
  }
  if (sink) sink(what);
}

std::shared_ptr<void> node::part_of(std::uint64_t type, std::shared_ptr<void> (*make)()) {
  std::lock_guard guard(machine_->parts_mutex);
  for (const auto& [key, part] : machine_->parts) {
    if (key == type) return part;
  }
  return machine_->parts.emplace_back(type, make()).second;
}

void node::set_report_sink(report_sink sink, severity from) {
  std::lock_guard guard(machine_->sink_mutex);
  machine_->report_from.store(sink ? static_cast<int>(from) : INT_MAX, std::memory_order_relaxed);
  machine_->sink = std::move(sink);
}

// --- looking ---

namespace {

run_status as_run_status(detail::process_status s) noexcept {
  switch (s) {
  case detail::process_status::running: return run_status::running;
  case detail::process_status::runnable: return run_status::runnable;
  case detail::process_status::hibernating: return run_status::hibernating;
  case detail::process_status::exiting: return run_status::exiting;
  default: return run_status::waiting;
  }
}

std::optional<process_summary> summarize(const detail::process_block& p, const detail::label_table& labels) {
  std::uint64_t id = p.id.load(std::memory_order_acquire);
  if (p.inbox.load(std::memory_order_acquire) == detail::inbox_dead) return std::nullopt;
  process_summary s;
  s.process = pid{id};
  s.parent = pid{p.parent_id.load(std::memory_order_relaxed)};
  const char* label = p.label.load(std::memory_order_relaxed);
  s.behaviour = p.behaviour.load(std::memory_order_relaxed);
  if (label != nullptr) (s.behaviour == "process" ? s.label : s.module) = label;
  if (auto own = labels.find(s.process)) s.label = std::move(*own);
  s.status = as_run_status(p.status.load(std::memory_order_relaxed));
  s.message_queue_len = p.length;
  s.reductions = p.reductions.load(std::memory_order_relaxed);
  if (p.id.load(std::memory_order_acquire) != id) return std::nullopt; // the slot changed hands meanwhile
  return s;
}

} // namespace

std::optional<std::uint32_t> node::glimpse(std::uint32_t from, std::uint32_t slots,
                                           const std::function<void(const process_glimpse&)>& each) const {
  const std::uint32_t used = machine_->table.used();
  const std::uint32_t end = from + std::min(slots, used - std::min(from, used));
  for (std::uint32_t slot = from; slot < end; ++slot) {
    const detail::process_block* p = machine_->table.at(slot);
    if (p == nullptr || p->inbox.load(std::memory_order_acquire) == detail::inbox_dead) continue;
    process_glimpse g;
    const std::uint64_t id = p->id.load(std::memory_order_acquire);
    g.process = pid{id};
    g.parent = pid{p->parent_id.load(std::memory_order_relaxed)};
    g.named = p->is_named(g.process);
    g.behaviour = p->behaviour.load(std::memory_order_relaxed);
    g.runs = p->label.load(std::memory_order_relaxed);
    g.status = as_run_status(p->status.load(std::memory_order_relaxed));
    g.message_queue_len = p->length;
    g.reductions = p->reductions.load(std::memory_order_relaxed);
    if (p->id.load(std::memory_order_acquire) == id) each(g); // else the slot changed hands meanwhile
  }
  if (end >= used) return std::nullopt;
  return end;
}

std::optional<std::string> node::label(pid process) const { return machine_->labels.find(process); }

std::vector<std::pair<atom, pid>> node::names() const { return machine_->names.all(); }

std::vector<process_summary> node::processes(std::size_t limit) const {
  std::unordered_map<pid, atom> names;
  for (auto& [name, owner] : machine_->names.all()) names.emplace(owner, name);
  std::vector<process_summary> all;
  std::uint32_t used = machine_->table.used();
  for (std::uint32_t slot = 0; slot < used && all.size() < limit; ++slot) {
    detail::process_block* p = machine_->table.at(slot);
    std::optional<process_summary> s = p == nullptr ? std::nullopt : summarize(*p, machine_->labels);
    if (!s) continue;
    if (auto found = names.find(s->process); found != names.end()) s->registered_name = found->second;
    all.push_back(std::move(*s));
  }
  return all;
}

std::optional<process_summary> node::summary(pid process) const {
  if (!is_process_alive(process)) return std::nullopt;
  std::optional<process_summary> s = summarize(*machine_->table.find(process.id), machine_->labels);
  if (!s || s->process != process) return std::nullopt;
  if (!machine_->table.find(process.id)->is_named(process)) return s;
  s->registered_name = machine_->names.name_of(process).value_or(atom());
  return s;
}

node_statistics node::statistics() const {
  node_statistics s;
  // Ends are read before starts, so that a process on its way from one core to another is never missed.
  std::uint64_t ended = machine_->foreign_ended.load(std::memory_order_acquire);
  for (const auto& c : machine_->cores) ended += c->ended.read();
  s.spawned = machine_->foreign_spawned.load(std::memory_order_acquire);
  for (const auto& c : machine_->cores) {
    s.spawned += c->spawned.read();
    s.reductions += c->reductions.read();
    s.messages += c->messages.read();
    s.run_queue += c->queue.length();
  }
  s.processes = static_cast<std::size_t>(s.spawned - ended);
  s.cores = static_cast<unsigned>(machine_->cores.size());
  s.hogs = machine_->hogs.load(std::memory_order_relaxed);
  s.timers = machine_->timers.count();
  s.uptime = machine_->time->now() - machine_->started;
  return s;
}

std::vector<core_statistics> node::cores() const {
  std::vector<core_statistics> all;
  all.reserve(machine_->cores.size());
  for (const auto& c : machine_->cores) {
    all.push_back({c->queue.length(), c->reductions.read(), c->messages.read(), {}});
  }
  machine_->workers.add_processor_times(all);
  return all;
}

// --- running ---

namespace {

constexpr std::uint64_t batch =
    1000; ///< slices of a stepped node between two looks at what it is to wait for
constexpr int busy_batches = 100;

} // namespace

void node::run_until_idle() { machine_->workers.run_until_idle(); }

void node::advance(duration by) {
  auto& clock = dynamic_cast<manual_clock&>(*machine_->time);
  time_point end = clock.now() + by;
  for (;;) {
    run_until_idle();
    std::optional<time_point> next = machine_->next_due();
    if (!next || *next > end) break;
    clock.advance_to(*next);
  }
  clock.advance_to(end);
  run_until_idle();
}

void node::wait_for(pid process, const std::function<bool()>& done) {
  if (detail::current().process != nullptr)
    throw std::logic_error("node::run may not be called from a process");
  if (machine_->options.stepped) {
    auto& clock = dynamic_cast<manual_clock&>(*machine_->time);
    for (int patience = busy_batches; patience > 0;) {
      bool idle = machine_->workers.run_until_idle(batch);
      if (done()) { // the others may finish what they do, unless they never do
        if (idle) return;
        --patience;
        continue;
      }
      if (!idle) continue;
      std::optional<time_point> next = machine_->next_due();
      if (!next) {
        exit(process, exit_reason::kill());
        run_until_idle();
        throw std::runtime_error("node::run: the process waits for something that can no longer happen");
      }
      clock.advance_to(*next);
    }
    return;
  }
  std::unique_lock lock(machine_->finished_mutex);
  machine_->table.find(process.id)->awaited.store(true, std::memory_order_seq_cst);
  machine_->finished.wait(lock, [&] { return done() || !is_process_alive(process); });
}

// --- stopping ---

void node::set_root(pid supervisor) { machine_->root.store(supervisor.id, std::memory_order_release); }

bool node::shutdown() {
  detail::machine& m = *machine_;
  std::lock_guard one_at_a_time(m.shutdown_mutex);
  if (m.shut_down.exchange(true)) return m.ended_cleanly;
  time_point deadline = m.time->now() + m.options.shutdown_timeout;
  pid root{m.root.load(std::memory_order_acquire)};
  auto wait_until = [&](time_point until, const std::function<bool()>& over) {
    if (m.options.stepped) {
      auto& clock = dynamic_cast<manual_clock&>(*m.time);
      while (!over() && clock.now() < until) {
        bool idle = m.workers.run_until_idle(batch);
        if (idle && over()) return;
        if (idle && !m.work_waits()) {
          clock.advance_to(std::min(m.next_due().value_or(until), until));
        } else { // somebody never rests: time passes all the same
          clock.advance(std::chrono::milliseconds(1));
        }
      }
      return;
    }
    m.shutting_down.store(true, std::memory_order_relaxed);
    while (!over() && m.time->now() < until) {
      std::unique_lock lock(m.finished_mutex);
      m.finished.wait_for(lock, std::chrono::milliseconds(10));
    }
    m.shutting_down.store(false, std::memory_order_relaxed);
  };
  if (root && is_process_alive(root)) {
    exit(root, exit_reason::shutdown());
    wait_until(deadline, [&] { return !is_process_alive(root); });
  }
  time_point last =
      std::max(deadline, m.time->now() + std::chrono::milliseconds(500)); // to kill takes time, too
  wait_until(last, [&] { // again and again: what was running may have started others meanwhile
    for (const process_summary& p : processes()) exit(p.process, exit_reason::kill());
    return statistics().processes == 0;
  });
  bool clean = statistics().processes == 0;
  bool stopped = m.stop(std::max(last, m.time->now() + std::chrono::milliseconds(500)));
  m.ended_cleanly = clean && stopped;
  return m.ended_cleanly;
}

void node::request_stop(int status) {
  machine_->stop_status.store(status, std::memory_order_relaxed);
  machine_->stop_requested.store(true, std::memory_order_release);
  std::lock_guard guard(machine_->finished_mutex);
  machine_->finished.notify_all();
}

int node::run_until_stopped(const std::function<void()>& meanwhile) {
  // The signals are taken by a thread that waits for them: no handler, nothing runs in signal context. They
  // stay blocked, so that a second one does not cut the shutdown short.
  sigset_t wanted = ending_signals();
  pthread_sigmask(SIG_BLOCK, &wanted, nullptr);
  while (!machine_->stop_requested.load(std::memory_order_acquire)) {
    timespec period{.tv_sec = 0, .tv_nsec = 100'000'000};
    if (sigtimedwait(&wanted, nullptr, &period) > 0) break;
    if (meanwhile) meanwhile();
  }
  return shutdown() ? machine_->stop_status.load(std::memory_order_relaxed) : 1;
}

node& this_node() { return detail::running_node(); }
time_point now() { return this_node().time().now(); }

} // namespace coppice
