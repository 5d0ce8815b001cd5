#include "coppice/dist/process_items.hpp"

#include "coppice/dist/function_arguments.hpp"
#include "coppice/runtime/node.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <string_view>

namespace coppice::dist {

using namespace literals;

namespace {

constexpr std::size_t word = 8; ///< bytes
constexpr std::uint32_t slots_at_once = 4096;
constexpr std::size_t max_ancestors = 64; ///< of a chain that is longer, what is nearest counts

bool is_behaviour(const process_summary& p) { return p.behaviour != "process"; }

const atom& status_name(run_status s) {
  switch (s) {
  case run_status::runnable: return "runnable"_atom;
  case run_status::running: return "running"_atom;
  case run_status::waiting:
  case run_status::hibernating: break;
  case run_status::exiting: return "exiting"_atom;
  }
  return "waiting"_atom;
}

const atom& priority_name(priority p) {
  switch (p) {
  case priority::max: return "max"_atom;
  case priority::high: return "high"_atom;
  case priority::normal: break;
  case priority::low: return "low"_atom;
  }
  return "normal"_atom;
}

/// `{M, F, A}` of a label that is written `m:f/a`, as those of functions that other nodes call.
std::optional<term> as_mfa(std::string_view label) {
  const std::size_t colon = label.find(':');
  const std::size_t slash = label.rfind('/');
  if (colon == 0 || colon == std::string_view::npos || slash == std::string_view::npos ||
      slash <= colon + 1) {
    return std::nullopt;
  }
  std::uint8_t arity = 0;
  const char* const end = label.data() + label.size();
  const auto [read, error] = std::from_chars(label.data() + slash + 1, end, arity);
  if (error != std::errc() || read != end) return std::nullopt;
  return term::tuple(passing_atom(label.substr(0, colon), "process"_atom),
                     passing_atom(label.substr(colon + 1, slash - colon - 1), "run"_atom), arity);
}

term list_of(const std::vector<pid>& all) {
  return term::list_from(std::vector<term>(all.begin(), all.end()));
}

/// Who started it, who started that one, and so on, as far as they live: names where they have them.
term ancestors_of(const process_summary& p) {
  std::vector<term> all;
  pid up = p.parent;
  while (up && all.size() < max_ancestors) {
    const std::optional<process_summary> parent = this_node().summary(up);
    const bool named = parent && !parent->registered_name.empty();
    all.push_back(named ? term(parent->registered_name) : term(up));
    up = parent ? parent->parent : pid();
  }
  return term::list_from(std::move(all));
}

term dictionary_of(const process_details& d) {
  std::vector<term> all;
  all.push_back(term::tuple("$ancestors"_atom, ancestors_of(d.summary)));
  all.push_back(term::tuple("$initial_call"_atom, initial_call_of(d.summary)));
  if (!d.summary.label.empty()) all.push_back(term::tuple("$process_label"_atom, d.summary.label));
  return term::list_from(std::move(all));
}

term monitors_of(const process_details& d) {
  std::vector<term> all;
  all.reserve(d.monitors.size());
  for (pid whom : d.monitors) all.push_back(term::tuple("process"_atom, whom));
  return term::list_from(std::move(all));
}

term collection_of(const process_details&) {
  return term::list(term::tuple("max_heap_size"_atom, term::map({})),
                    term::tuple("min_bin_vheap_size"_atom, 0), term::tuple("min_heap_size"_atom, 0),
                    term::tuple("fullsweep_after"_atom, 0), term::tuple("minor_gcs"_atom, 0));
}

term stack_of(const process_details& d) {
  const term now = current_function_of(d.summary);
  return term::list(term::tuple(now.elements()[0], now.elements()[1], now.elements()[2], term()));
}

term words_of(const process_details& d) { return d.memory / word; }
term none(const process_details&) { return {}; }
term zero(const process_details&) { return 0; }

struct item {
  std::string_view name;
  term (*value)(const process_details&);
};

constexpr auto items = std::to_array<item>({
    {"async_dist", [](const process_details&) { return term(false); }},
    {"backtrace", [](const process_details&) { return term(""); }},
    {"binary", none},
    {"catchlevel", zero},
    {"current_function", [](const process_details& d) { return current_function_of(d.summary); }},
    {"current_location", [](const process_details& d) { return term(stack_of(d).head()); }},
    {"current_stacktrace", stack_of},
    {"dictionary", dictionary_of},
    {"error_handler", [](const process_details&) { return term("error_handler"_atom); }},
    {"garbage_collection", collection_of},
    {"group_leader", [](const process_details& d) { return term(d.group_leader); }},
    {"heap_size", words_of},
    {"initial_call", [](const process_details& d) { return initial_call_of(d.summary); }},
    {"label",
     [](const process_details& d) {
       return d.summary.label.empty() ? "undefined"_atom : term(d.summary.label);
     }},
    {"last_calls", [](const process_details&) { return term(false); }},
    {"links", [](const process_details& d) { return list_of(d.links); }},
    {"memory", [](const process_details& d) { return term(d.memory); }},
    {"message_queue_data", [](const process_details&) { return term("off_heap"_atom); }},
    {"message_queue_len", [](const process_details& d) { return term(d.summary.message_queue_len); }},
    {"messages",
     [](const process_details& d) {
       return term::list_from(std::vector<term>(d.messages.begin(), d.messages.end()));
     }},
    {"min_heap_size", zero},
    {"monitored_by", [](const process_details& d) { return list_of(d.monitored_by); }},
    {"monitors", monitors_of},
    {"parent",
     [](const process_details& d) { return d.summary.parent ? term(d.summary.parent) : "undefined"_atom; }},
    {"priority", [](const process_details& d) { return term(priority_name(d.prio)); }},
    {"reductions", [](const process_details& d) { return term(d.summary.reductions); }},
    {"registered_name",
     [](const process_details& d) {
       return d.summary.registered_name.empty() ? term() : term(d.summary.registered_name);
     }},
    {"sequential_trace_token", none},
    {"stack_size", zero},
    {"status", [](const process_details& d) { return term(status_name(d.summary.status)); }},
    {"suspending", none},
    {"total_heap_size", words_of},
    {"trace", zero},
    {"trap_exit", [](const process_details& d) { return term(d.trap_exit); }},
});
static_assert(std::ranges::is_sorted(items, {}, &item::name));

/// What process_info/1 shows, but for the name, which only a process that has one shows.
constexpr auto usual = std::to_array<std::string_view>(
    {"current_function", "initial_call", "status", "message_queue_len", "links", "dictionary", "trap_exit",
     "error_handler", "priority", "group_leader", "total_heap_size", "heap_size", "stack_size", "reductions",
     "garbage_collection", "suspending"});

} // namespace

std::vector<pid> live_processes() {
  std::vector<pid> all;
  std::optional<std::uint32_t> next = 0;
  while (next) {
    next = this_node().glimpse(*next, slots_at_once,
                               [&all](const process_glimpse& g) { all.push_back(g.process); });
  }
  return all;
}

term initial_call_of(const process_summary& p) {
  if (is_behaviour(p)) {
    return term::tuple(passing_atom(p.module.empty() ? p.behaviour : p.module, "process"_atom), "init"_atom,
                       1);
  }
  if (std::optional<term> known = as_mfa(p.label)) return *known;
  return term::tuple("process"_atom, p.label.empty() ? "run"_atom : passing_atom(p.label, "run"_atom), 0);
}

term current_function_of(const process_summary& p) {
  if (p.status == run_status::hibernating) return term::tuple("erlang"_atom, "hibernate"_atom, 3);
  return term::tuple(passing_atom(p.behaviour, "process"_atom), status_name(p.status), 0);
}

term translated_initial_call_of(const process_summary& p) {
  return is_behaviour(p) ? initial_call_of(p) : term::tuple("proc_lib"_atom, "init_p"_atom, 5);
}

task<std::optional<process_details>> details_of(pid process, duration timeout) {
  std::optional<process_summary> seen = this_node().summary(process);
  if (!seen) co_return std::nullopt;
  std::optional<process_details> told;
  if (timeout > duration::zero()) {
    std::optional<process_details> answer = co_await process_info(process, timeout);
    told = std::move(answer);
  }
  if (!told) {
    if (!is_process_alive(process)) co_return std::nullopt;
    told.emplace();
    told->summary = *seen;
  }
  told->summary.status = seen->status; // while it tells, it runs
  co_return told;
}

std::optional<term> process_item(const process_details& of, const term& which) {
  if (which.is_tagged("dictionary"_atom, 2)) {
    term value("undefined"_atom);
    const term all = dictionary_of(of);
    for (const term& each : all.items()) {
      if (each.elements()[0] == which.elements()[1]) value = each.elements()[1];
    }
    return term::tuple(which, std::move(value));
  }
  if (!which.is_atom()) return std::nullopt;
  const atom name = *which.as_atom();
  const auto* const found = std::ranges::lower_bound(items, name.name(), {}, &item::name);
  if (found == items.end() || found->name != name.name()) return std::nullopt;
  return term::tuple(name, found->value(of));
}

term process_items(const process_details& of) {
  std::vector<term> all;
  if (!of.summary.registered_name.empty()) {
    all.push_back(term::tuple("registered_name"_atom, of.summary.registered_name));
  }
  for (const std::string_view name : usual) all.push_back(*process_item(of, atom(name)));
  return term::list_from(std::move(all));
}

} // namespace coppice::dist
