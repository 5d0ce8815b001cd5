// A node: schedulers, process table, names, timers, clock. Everything that would be global elsewhere.
#pragma once

#include "coppice/runtime/api.hpp"
#include "coppice/runtime/clock.hpp"
#include "coppice/runtime/info.hpp"
#include "coppice/runtime/poller.hpp"
#include "coppice/runtime/report.hpp"
#include "coppice/runtime/schedule.hpp"

#include <functional>
#include <future>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace coppice {

namespace detail {
class machine;
}

/// How a node is made. The defaults are those of a server on this machine.
struct node_options {
  unsigned cores = 0; ///< worker threads, each with a run queue; 0: as many as the machine has
  /// No threads: the caller of `run` does the work, one process at a time in a fixed order, and `time`
  /// (a manual clock) jumps to the next timer when nothing can run. For tests.
  bool stepped = false;
  std::shared_ptr<schedule_source> schedule; ///< of a stepped node: chooses what runs; then it may have cores
  std::shared_ptr<clock> time;               ///< default: the system's; for a stepped node a manual_clock
  poller_factory make_poller;                ///< default: make_sleep_poller; net/ supplies one on sockets
  report_sink on_report;                     ///< default: errors to stderr, a line each
  severity report_from = severity::debug;    ///< with `on_report`: what is below that is not reported
  std::uint32_t max_processes = 1U << 24U;   ///< that live at once, from 16 to 2^26; then `spawn` throws
  duration hog_after =
      std::chrono::milliseconds(4); ///< user code this long on a core loses the core; infinity: never
  duration shutdown_timeout =
      std::chrono::seconds(10);  ///< for the supervised part, before the rest is killed
  unsigned blocking_threads = 8; ///< at most, for `blocking`
  std::uint64_t seed = 0x5eed;   ///< of the scheduler's own choices
};

/// Options of a stepped node: single-threaded, virtual time. For tests.
inline node_options stepped() {
  node_options options;
  options.stepped = true;
  options.cores = 1;
  return options;
}

/// The figures of a node as a whole.
struct node_statistics {
  std::size_t processes = 0;    ///< that have not ended
  std::size_t run_queue = 0;    ///< runnable processes that wait for a core
  unsigned cores = 0;           ///< run queues, each with a thread unless stepped
  std::uint64_t spawned = 0;    ///< processes since the start
  std::uint64_t reductions = 0; ///< of all slices since the start
  std::uint64_t messages = 0;   ///< sent by processes since the start, replies and signals too
  std::uint64_t hogs = 0;       ///< how often a core was taken from a stuck thread
  std::size_t timers = 0;       ///< of `send_after` and `start_timer` that run
  duration uptime{};            ///< since the start, by the node's clock
};

/// The figures of one core.
struct core_statistics {
  std::size_t run_queue = 0;    ///< runnable processes that wait for it
  std::uint64_t reductions = 0; ///< of the slices that it ran
  std::uint64_t messages = 0;   ///< sent by processes on it, replies and signals too
  duration busy{}; ///< processor time of the thread that has the core now; zero where there is none
};

/// An Erlang node without its distribution: owns its processes and threads. Several may live in one OS
/// process. All members may be called from any thread.
class node {
public:
  /// Starts its threads; a stepped node has none.
  explicit node(node_options options = {});
  ~node(); ///< shuts down (see `shutdown`); threads that are left behind keep the node's inside alive
  node(const node&) = delete;
  node& operator=(const node&) = delete;

  /// Runs `function(self, args...) -> task<T>` in a new process and waits for its result; an exception that
  /// leaves it is rethrown here. On a stepped node this call does the work, and throws std::runtime_error
  /// if the process waits for something that can no longer happen. Not to be called from a process.
  template <class F, class... Args>
  auto run(F function, Args&&... args);

  /// Starts a process from outside.
  template <class F, class... Args>
  pid spawn(F function, Args&&... args) {
    detail::process_block& p = detail::prepare(*this, function, std::forward<Args>(args)...);
    pid id = p.self();
    detail::launch(p, spawn_options{});
    return id;
  }

  /// Sends from outside.
  template <class T>
  void send(pid to, T&& message) {
    static_assert(sendable<std::decay_t<T>>, "send: the message type must be sendable");
    detail::deliver(*this, to, detail::make_message<std::decay_t<T>>(std::forward<T>(message)));
  }

  /// The process of that name, or nothing (Erlang: `whereis/1`). A lock held for a hash look-up.
  [[nodiscard]] std::optional<pid> whereis(const atom& name) const;
  /// Sends an exit signal from outside.
  void exit(pid process, exit_reason reason);
  /// Whether a local process has not ended yet. Already stale when it returns; constant time.
  [[nodiscard]] bool is_process_alive(pid process) const;

  /// All live processes, as of their last slices. Time and memory linear in the number of processes.
  [[nodiscard]] std::vector<process_summary> processes(std::size_t limit = SIZE_MAX) const;
  /// What `processes` says of one; nothing if it is dead. Looks through the registered names if it has one.
  [[nodiscard]] std::optional<process_summary> summary(pid process) const;
  /// Nobody is stopped for it: figures of the same moment only as far as nothing happens meanwhile.
  [[nodiscard]] node_statistics statistics() const;
  /// By core. One lock held, and a system call for each.
  [[nodiscard]] std::vector<core_statistics> cores() const;

  /// Shows the live processes among `slots` places of the table from `from` on, and gives where to go on, or
  /// nothing at the end. So all can be looked at in pieces, however many they are; whoever starts meanwhile
  /// may be missed.
  std::optional<std::uint32_t> glimpse(std::uint32_t from, std::uint32_t slots,
                                       const std::function<void(const process_glimpse&)>& each) const;
  /// The label that the process gave itself, if it did.
  [[nodiscard]] std::optional<std::string> label(pid process) const;
  /// All registered names, and whose they are.
  [[nodiscard]] std::vector<std::pair<atom, pid>> names() const;

  /// The clock of `node_options::time`, or what stands for it there; lives as long as the node.
  [[nodiscard]] const clock& time() const noexcept;
  /// Hands a report to the sink, on this thread, unless it is below the sink's level.
  void report(const coppice::report& what);
  /// What is below `from` is not reported; with no sink nothing is.
  void set_report_sink(report_sink sink, severity from = severity::debug);
  /// Whether a report of that level would go anywhere: asked before making one that takes work.
  [[nodiscard]] bool reports(severity level) const noexcept;

  /// What a higher layer keeps for the whole node, instead of a global: the node's one T, default-constructed
  /// at its first use. Lives as long as the node. One lock and a search among few; keep the pointer.
  template <class T>
  std::shared_ptr<T> part() {
    return std::static_pointer_cast<T>(
        part_of(type_hash<T>(), [] { return std::shared_ptr<void>(std::make_shared<T>()); }));
  }

  /// A stepped node only: works until nothing can run now; timers do not make time move.
  void run_until_idle();
  /// A stepped node only: lets that much time pass, timer by timer.
  void advance(duration by);

  /// The process that `shutdown` ends first, with `shutdown` and in order: what supervises everything else.
  void set_root(pid supervisor);
  /// Ends the root in supervision order, then kills what is left, all within the deadline of the options;
  /// then stops the threads. Threads that are still in user code after that are left behind for `_exit`.
  /// Idempotent. Returns false if the deadline passed; again, when it is called again.
  bool shutdown();
  /// Blocks until SIGTERM or SIGINT (which it takes over for the OS process) or `request_stop`, then
  /// `shutdown`. Returns the exit status for main. Calls `meanwhile` about each 100 ms, on this thread.
  int run_until_stopped(const std::function<void()>& meanwhile = {});
  /// Makes `run_until_stopped` return, with that status if the shutdown is a clean one.
  void request_stop(int status = 0);

  /// @cond internal
  [[nodiscard]] detail::machine& internals() noexcept { return *machine_; }
  /// @endcond

private:
  friend class detail::machine;
  /// The node as its own processes know it: lives as long as the machine, which may be longer than what
  /// the user made.
  explicit node(detail::machine& inside) noexcept : machine_(&inside) {}
  void wait_for(pid process, const std::function<bool()>& done);
  std::shared_ptr<void> part_of(std::uint64_t type, std::shared_ptr<void> (*make)());

  std::shared_ptr<detail::machine> owned_; ///< null in the inner node
  detail::machine* machine_;
};

/// The node of the running process.
node& this_node();
/// Now, by the node's clock (Erlang: `erlang:monotonic_time/0`).
time_point now();

namespace detail {

template <class T>
struct run_result;

template <class F, class T, class... Args>
process run_and_tell(self me, F function, std::unique_ptr<std::promise<T>> result, Args... args) {
  try {
    if constexpr (std::is_void_v<T>) {
      co_await function(me, std::move(args)...);
      result->set_value();
    } else {
      T value = co_await function(me, std::move(args)...);
      result->set_value(std::move(value));
    }
  } catch (...) { // catch-all: rethrown to the caller of node::run, and it is this process's exit reason
    result->set_exception(std::current_exception());
    throw;
  }
}

template <class Task>
struct task_value;
template <class T>
struct task_value<task<T>> {
  using type = T;
};

} // namespace detail

template <class F, class... Args>
auto node::run(F function, Args&&... args) {
  using T = typename detail::task_value<std::invoke_result_t<F, self, std::decay_t<Args>...>>::type;
  auto promise = std::make_unique<std::promise<T>>();
  std::future<T> future = promise->get_future();
  detail::process_block& p = detail::prepare(*this, &detail::run_and_tell<F, T, std::decay_t<Args>...>,
                                             function, std::move(promise), std::forward<Args>(args)...);
  pid id = p.self();
  detail::launch(p, spawn_options{});
  wait_for(id, [&future] { return future.wait_for(std::chrono::seconds(0)) == std::future_status::ready; });
  return future.get();
}

} // namespace coppice
