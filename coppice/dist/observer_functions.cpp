#include "coppice/dist/observer_functions.hpp"

#include "coppice/dist/function_arguments.hpp"
#include "coppice/dist/observer_applications.hpp"
#include "coppice/dist/process_items.hpp"
#include "coppice/dist/system_figures.hpp"
#include "coppice/runtime/node.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <string_view>

namespace coppice::dist {

using namespace literals;
using namespace std::chrono_literals;

namespace {

constexpr std::size_t processes_at_once = 10'000; ///< in one message, as in OTP
constexpr duration patience = 100ms;              ///< with one process
constexpr duration patience_in_all = 2s;          ///< with those that do not answer
constexpr duration shortest_interval = 20ms;

// --- processes ---

std::vector<pid> other_processes() {
  std::vector<pid> all = live_processes();
  std::erase(all, self_pid());
  return all;
}

/// `#etop_proc_info{}`
term row_of(const process_details& d) {
  const process_summary& p = d.summary;
  term name = p.registered_name.empty() ? initial_call_of(p) : term(p.registered_name);
  return term::tuple("etop_proc_info"_atom, p.process, d.memory, p.reductions, std::move(name), 0,
                     current_function_of(p), p.message_queue_len);
}

/// Looks at processes one after the other.
class process_rows {
public:
  process_rows() : all_(other_processes()) {}

  [[nodiscard]] bool more() const noexcept { return next_ < all_.size(); }
  /// The next so many that are still alive.
  task<term> take(std::size_t most) {
    std::vector<term> rows;
    for (; more() && rows.size() < most; ++next_) {
      const time_point asked = now();
      std::optional<process_details> details = co_await details_of(all_[next_], std::min(patience, left_));
      if (details) rows.push_back(row_of(*details));
      if (const duration waited = now() - asked; waited >= patience) left_ -= std::min(waited, left_);
    }
    co_return term::list_from(std::move(rows));
  }

private:
  std::vector<pid> all_;
  std::size_t next_ = 0;
  duration left_ = patience_in_all;
};

task<term> procs_info(function_call call) {
  const pid collector = pid_argument(call, 0);
  process_rows rows;
  do { // an empty list too is awaited
    term part = co_await rows.take(processes_at_once);
    send(collector, term::tuple("procs_info"_atom, self_pid(), std::move(part)));
  } while (rows.more());
  co_return "ok"_atom;
}

/// `erlang:timestamp/0`
term timestamp() {
  const auto us = std::chrono::duration_cast<std::chrono::microseconds>(
                      this_node().time().system_now().time_since_epoch())
                      .count();
  constexpr std::int64_t million = 1'000'000;
  return term::tuple(us / million / million, us / million % million, us % million);
}

task<term> etop_collect(function_call call) {
  const pid collector = pid_argument(call, 0);
  process_rows rows;
  term all = co_await rows.take(SIZE_MAX);
  const std::size_t count = all.length().value_or(0);
  term info = term::tuple("etop_info"_atom, timestamp(), count, "undefined"_atom, core_times(),
                          this_node().statistics().run_queue, term(), memory_summary(), std::move(all));
  send(collector, term::tuple(self_pid(), std::move(info)));
  co_return "ok"_atom;
}

// --- charts ---

task<term> fetch_stats(function_call call) {
  const pid parent = pid_argument(call, 0);
  const duration every = std::max(timeout_argument(call, 1), shortest_interval);
  self me(coppice::detail::running_process());
  trap_exit(true);
  for (;;) {
    std::optional<term> anything = co_await me.receive<term>(every);
    if (anything) co_return "ok"_atom;
    send(parent, term::tuple("stats"_atom, 1, core_times(), io_figures(), memory_figures()));
  }
}

// --- the system ---

/// The items of `sys_info/0` that system_info/1 has under the same name, in its order.
constexpr auto asked_of_the_system = std::to_array<std::string_view>(
    {"logical_processors", "logical_processors_online", "logical_processors_available", "schedulers",
     "schedulers_online", "otp_release", "version", "system_architecture", "kernel_poll", "smp_support",
     "threads", "thread_pool_size", "process_count", "atom_count", "process_limit", "port_count"});

term sys_info(const function_call&) {
  const node_statistics s = this_node().statistics();
  const term io = io_figures();
  std::vector<term> all;
  const auto add = [&all](const char* name, term value) {
    all.push_back(term::tuple(atom(name), std::move(value)));
  };
  add("uptime", std::chrono::duration_cast<std::chrono::milliseconds>(s.uptime).count());
  add("run_queue", s.run_queue);
  add("io_input", io.elements()[0].elements()[1]);
  add("io_output", io.elements()[1].elements()[1]);
  for (const std::string_view name : asked_of_the_system) {
    all.push_back(term::tuple(atom(name), *system_info(atom(name))));
  }
  add("schedulers_available", s.cores);
  add("wordsize_internal", 8);
  add("wordsize_external", 8);
  add("alloc_info", allocator_figures());
  const term memory = memory_figures();
  for (const term& figure : memory.items()) all.push_back(figure);
  return term::list_from(std::move(all));
}

// --- what there is not ---

process tell_the_end_of_table(self me, pid parent) {
  link(parent);
  send(parent, term::tuple(me.id(), "$end_of_table"_atom));
  co_return;
}

term get_table(const function_call& call) { return spawn(&tell_the_end_of_table, pid_argument(call, 0)); }

term get_table_list(const function_call& call) {
  if (atom_argument(call, 0) == "ets"_atom) return {};
  throw raised(raised::kind::thrown,
               term::tuple("error"_atom, term::charlist("A Coppice node has no such tables")));
}

term nothing(const function_call&) { return {}; }

} // namespace

void add_observer_functions(function_table& table) {
  const atom backend("observer_backend");
  table.add(backend, "vsn"_atom, 0,
            [](const function_call&) { return term::tuple("ok"_atom, term::charlist("1.19")); });
  table.add(backend, "sys_info"_atom, 0, sys_info);
  table.add(backend, "procs_info"_atom, 1, procs_info);
  table.add(backend, "etop_collect"_atom, 1, etop_collect);
  table.add(backend, "fetch_stats"_atom, 2, fetch_stats);
  table.add(backend, "get_port_list"_atom, 0, nothing);
  table.add(backend, "get_socket_list"_atom, 0, nothing);
  table.add(backend, "socket_info"_atom, 0, [](const function_call&) {
    return term::list(term::tuple("iov_max"_atom, 1024), term::tuple("num_monitors"_atom, 0));
  });
  table.add(backend, "get_table_list"_atom, 2, get_table_list);
  table.add(backend, "get_table"_atom, 3, get_table);
  table.add("appmon_info"_atom, "start_link2"_atom, 3, start_application_monitor);
}

} // namespace coppice::dist
