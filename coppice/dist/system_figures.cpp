#include "coppice/dist/system_figures.hpp"

#include "coppice/runtime/detail/machine.hpp"
#include "coppice/runtime/node.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <ctime>
#include <fmt/core.h>
#include <fstream>
#include <string>
#include <string_view>
#include <sys/utsname.h>
#include <unistd.h>
#include <vector>

#ifndef COPPICE_SANITIZED
#include <mimalloc.h>
#endif

namespace coppice::dist {

using namespace literals;

namespace {

struct memory {
  std::uint64_t total = 0; ///< resident, in bytes
  std::uint64_t files = 0; ///< of that, mapped files
  [[nodiscard]] std::uint64_t own() const { return total - std::min(files, total); }
};

memory memory_now() {
  std::ifstream statm("/proc/self/statm");
  memory m;
  std::uint64_t size = 0;
  if (!(statm >> size >> m.total >> m.files)) return {};
  const auto page = static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE));
  m.total *= page;
  m.files *= page;
  return m;
}

struct memory_row {
  std::string_view name;
  std::uint64_t (*of)(const memory&);
};

std::uint64_t all_of(const memory& m) { return m.total; }
std::uint64_t own_of(const memory& m) { return m.own(); }
std::uint64_t files_of(const memory& m) { return m.files; }
std::uint64_t not_apart(const memory&) { return 0; }

constexpr auto memory_rows = std::to_array<memory_row>({
    {"total", all_of},
    {"processes", own_of},
    {"processes_used", own_of},
    {"system", files_of},
    {"atom", not_apart},
    {"atom_used", not_apart},
    {"binary", not_apart},
    {"code", files_of},
    {"ets", not_apart},
});

template <class Names>
term memory_of(const Names& names) {
  const memory m = memory_now();
  std::vector<term> all;
  for (const memory_row& row : memory_rows) {
    if (names(row.name)) all.push_back(term::tuple(atom(row.name), row.of(m)));
  }
  return term::list_from(std::move(all));
}

std::uint64_t in_ms(duration d) {
  return static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::milliseconds>(d).count());
}

std::uint64_t processor_ms() {
  timespec used{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
  return static_cast<std::uint64_t>(used.tv_sec) * 1000 +
         static_cast<std::uint64_t>(used.tv_nsec) / 1'000'000;
}

term queues_of_cores() {
  std::vector<term> all;
  for (const core_statistics& core : this_node().cores()) all.emplace_back(core.run_queue);
  return term::list_from(std::move(all));
}

unsigned cores() { return this_node().statistics().cores; }
std::int64_t configured() { return sysconf(_SC_NPROCESSORS_CONF); }
std::int64_t online() { return sysconf(_SC_NPROCESSORS_ONLN); }

term architecture() {
  utsname name{};
  if (uname(&name) != 0) return term::charlist("unknown");
  std::string system = name.sysname;
  std::ranges::transform(system, system.begin(),
                         [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return term::charlist(fmt::format("{}-{}", name.machine, system));
}

struct system_row {
  std::string_view name;
  term (*value)();
};

constexpr auto system_rows = std::to_array<system_row>({
    {"alloc_util_allocators", [] { return term(); }},
    {"atom_count", [] { return term(atom::peer_count()); }},
    {"dirty_cpu_schedulers", [] { return term(0); }},
    {"dirty_cpu_schedulers_online", [] { return term(0); }},
    {"dirty_io_schedulers", [] { return term(this_node().internals().options.blocking_threads); }},
    {"kernel_poll", [] { return term(true); }},
    {"logical_processors", [] { return term(configured()); }},
    {"logical_processors_available", [] { return term(online()); }},
    {"logical_processors_online", [] { return term(online()); }},
    {"machine", [] { return term::charlist("Coppice"); }},
    {"multi_scheduling", [] { return term("enabled"_atom); }},
    {"otp_release", [] { return term::charlist("25"); }},
    {"port_count", [] { return term(0); }},
    {"process_count", [] { return term(this_node().statistics().processes); }},
    {"process_limit", [] { return term(this_node().internals().options.max_processes); }},
    {"schedulers", [] { return term(cores()); }},
    {"schedulers_online", [] { return term(cores()); }},
    {"smp_support", [] { return term(true); }},
    {"system_architecture", architecture},
    {"system_version",
     [] { return term::charlist(fmt::format("Coppice {} [64-bit] [smp:{}]\n", COPPICE_VERSION, cores())); }},
    {"thread_pool_size", [] { return term(0); }},
    {"threads", [] { return term(true); }},
    {"version", [] { return term::charlist(COPPICE_VERSION); }},
    {"wordsize", [] { return term(8); }},
});
static_assert(std::ranges::is_sorted(system_rows, {}, &system_row::name));

} // namespace

term memory_figures() {
  return memory_of([](std::string_view) { return true; });
}

term memory_summary() {
  static constexpr auto shown =
      std::to_array<std::string_view>({"total", "processes", "ets", "atom", "code", "binary"});
  return memory_of([](std::string_view name) { return std::ranges::find(shown, name) != shown.end(); });
}

std::optional<term> memory_figure(const atom& name) {
  const auto* const found = std::ranges::find(memory_rows, name.name(), &memory_row::name);
  if (found == memory_rows.end()) return std::nullopt;
  return term(found->of(memory_now()));
}

term io_figures() {
  std::ifstream io("/proc/self/io");
  std::string read_name;
  std::string written_name;
  std::uint64_t read = 0;
  std::uint64_t written = 0;
  if (!(io >> read_name >> read >> written_name >> written)) read = written = 0;
  return term::tuple(term::tuple("input"_atom, read), term::tuple("output"_atom, written));
}

term core_times() {
  const std::int64_t uptime = std::max<std::int64_t>(this_node().statistics().uptime.count(), 1);
  std::vector<term> all;
  for (const core_statistics& core : this_node().cores()) {
    all.push_back(term::tuple(all.size() + 1, std::min<std::int64_t>(core.busy.count(), uptime), uptime));
  }
  return term::list_from(std::move(all));
}

term allocator_figures() {
  const std::uint64_t blocks = memory_now().own();
  std::uint64_t carriers = blocks;
#ifndef COPPICE_SANITIZED
  std::size_t committed = 0;
  mi_process_info(nullptr, nullptr, nullptr, nullptr, nullptr, &committed, nullptr, nullptr);
  // Counted by threads apart, it may be below zero for a while: then it says nothing.
  if (committed <= SIZE_MAX / 2) carriers = std::max<std::uint64_t>(carriers, committed);
#endif
  const term used =
      term::list(term::tuple("mimalloc"_atom, term::list(term::tuple("size"_atom, blocks, 0, 0))));
  const term sizes =
      term::list(term::tuple("blocks"_atom, used), term::tuple("carriers_size"_atom, carriers, 0, 0));
  const term instance = term::tuple("instance"_atom, 0, term::list(term::tuple("mbcs"_atom, sizes)));
  return term::list(term::tuple("mimalloc"_atom, term::list(instance)));
}

/// `{Total, SinceLastCall}`
term statistics_reader::changed(std::uint64_t now, std::uint64_t& last) {
  std::lock_guard guard(lock_);
  const std::uint64_t before = std::exchange(last, std::max(now, last));
  return term::tuple(now, now - std::min(before, now));
}

std::optional<term> statistics_reader::read(const atom& item) {
  const std::string_view name = item.name();
  const node_statistics s = this_node().statistics();
  if (name == "run_queue" || name == "total_run_queue_lengths" || name == "total_run_queue_lengths_all") {
    return term(s.run_queue);
  }
  if (name == "run_queue_lengths" || name == "run_queue_lengths_all") return queues_of_cores();
  if (name == "reductions") return changed(s.reductions, reductions_);
  if (name == "runtime") return changed(processor_ms(), runtime_);
  if (name == "wall_clock") return changed(in_ms(s.uptime), wall_clock_);
  if (name == "io") return io_figures();
  if (name == "garbage_collection") return term::tuple(0, 0, 0);
  if (name == "scheduler_wall_time" || name == "scheduler_wall_time_all") return core_times();
  return std::nullopt;
}

std::optional<term> system_info(const term& item) {
  if (item.is_tagged("wordsize"_atom, 2)) {
    const term& which = item.elements()[1];
    if (which.is_atom("internal"_atom) || which.is_atom("external"_atom)) return term(8);
  }
  if (!item.is_atom()) return std::nullopt;
  const atom name = *item.as_atom();
  const auto* const found = std::ranges::lower_bound(system_rows, name.name(), {}, &system_row::name);
  if (found == system_rows.end() || found->name != name.name()) return std::nullopt;
  return found->value();
}

} // namespace coppice::dist
