#include "coppice/dist/erlang_functions.hpp"

#include "coppice/dist/function_arguments.hpp"
#include "coppice/dist/process_items.hpp"
#include "coppice/dist/system_figures.hpp"
#include "coppice/otp/application.hpp"
#include "coppice/otp/supervisor.hpp"
#include "coppice/otp/sys.hpp"
#include "coppice/runtime/node.hpp"

#include <algorithm>
#include <chrono>
#include <memory>
#include <optional>

namespace coppice::dist {

using namespace literals;

namespace {

using shared_facts = std::shared_ptr<const node_facts>;

constexpr std::uint64_t longest_seq = 1'000'000;
constexpr std::size_t most_items = 100; ///< of process_info/2; OTP has half as many
constexpr std::uint32_t slots_at_once = 4096;

term or_badarg(std::optional<term> value) {
  if (!value) raise_error("badarg"_atom);
  return *value;
}

template <class T>
term list_of(const std::vector<T>& all) {
  return term::list_from(std::vector<term>(all.begin(), all.end()));
}

// --- nodes ---

term nodes_of(const node_facts& facts, const std::vector<atom>& kinds) {
  static constexpr std::array<std::string_view, 4> known{"visible", "hidden", "connected", "known"};
  std::vector<atom> all;
  for (const atom& kind : kinds) {
    if (kind == "this"_atom) {
      all.push_back(facts.name());
    } else if (std::ranges::find(known, kind.name()) != known.end()) {
      std::ranges::copy(facts.nodes(kind.name()), std::back_inserter(all));
    } else {
      raise_error("badarg"_atom);
    }
  }
  std::ranges::sort(all);
  const auto repeated = std::ranges::unique(all);
  all.erase(repeated.begin(), repeated.end());
  return list_of(all);
}

task<term> ping(shared_facts facts, function_call call) {
  const atom whom = atom_argument(call, 0);
  bool answers = whom == facts->name();
  if (!answers) {
    bool reached = co_await facts->ping(whom);
    answers = reached;
  }
  co_return answers ? "pong"_atom : "pang"_atom;
}

void add_nodes(function_table& table, const shared_facts& facts) {
  const atom erlang("erlang");
  table.add(erlang, "node"_atom, 0, [facts](const function_call&) { return term(facts->name()); });
  table.add(erlang, "nodes"_atom, 0,
            [facts](const function_call&) { return nodes_of(*facts, {"visible"_atom}); });
  table.add(erlang, "nodes"_atom, 1,
            [facts](const function_call& c) { return nodes_of(*facts, atoms_argument(c, 0)); });
  table.add("net_adm"_atom, "ping"_atom, 1, [facts](function_call c) { return ping(facts, std::move(c)); });
  table.add("net_kernel"_atom, "get_net_ticktime"_atom, 0, [facts](const function_call&) {
    return term(std::chrono::ceil<std::chrono::seconds>(facts->net_ticktime).count());
  });
}

// --- processes ---

term whereis_name(const function_call& call) {
  const std::optional<pid> found = whereis(atom_argument(call, 0));
  return found ? term(*found) : term("undefined"_atom);
}

task<term> process_info_1(function_call call) {
  std::optional<process_details> details = co_await details_of(local_pid_argument(call, 0));
  if (!details) co_return "undefined"_atom;
  co_return process_items(*details);
}

task<term> process_info_2(function_call call) {
  const term asked = call.arguments[1];
  const std::size_t count = asked.is_list() ? asked.length().value_or(SIZE_MAX) : 1;
  if (count > most_items) raise_error("badarg"_atom);
  std::optional<process_details> details = co_await details_of(local_pid_argument(call, 0));
  const process_details shown = details.value_or(process_details());
  const term which = asked.is_list() ? asked : term::list(asked);
  std::vector<term> all;
  all.reserve(count);
  for (const term& each : which.items())
    all.push_back(or_badarg(process_item(shown, each))); // of the dead too
  if (!details) co_return "undefined"_atom;
  if (asked.is_list()) co_return term::list_from(std::move(all));
  if (asked.is_atom("registered_name"_atom) && shown.summary.registered_name.empty()) co_return term();
  co_return all.front();
}

task<term> translate_initial_call(shared_facts facts, function_call call) {
  const std::optional<pid> who = server_argument(call, 0, facts->name()).resolve();
  const std::optional<process_summary> seen = who && who->local() ? this_node().summary(*who) : std::nullopt;
  co_return translated_initial_call_of(seen.value_or(process_summary()));
}

void add_processes(function_table& table, const shared_facts& facts) {
  const atom erlang("erlang");
  table.add(erlang, "processes"_atom, 0, [](const function_call&) { return list_of(live_processes()); });
  table.add(erlang, "registered"_atom, 0, [](const function_call&) { return list_of(registered()); });
  table.add(erlang, "whereis"_atom, 1, whereis_name);
  table.add(erlang, "is_process_alive"_atom, 1,
            [](const function_call& c) { return term(is_process_alive(local_pid_argument(c, 0))); });
  table.add(erlang, "process_info"_atom, 1, process_info_1);
  table.add(erlang, "process_info"_atom, 2, process_info_2);
  table.add("proc_lib"_atom, "translate_initial_call"_atom, 1,
            [facts](function_call c) { return translate_initial_call(facts, std::move(c)); });
  if (!facts->allow_exit) return;
  table.add(erlang, "exit"_atom, 2, [](const function_call& c) {
    exit(pid_argument(c, 0), exit_reason(c.arguments[1]));
    return term(true);
  });
}

// --- the node ---

void add_figures(function_table& table) {
  const atom erlang("erlang");
  table.add(erlang, "system_info"_atom, 1,
            [](const function_call& c) { return or_badarg(system_info(c.arguments[0])); });
  table.add(erlang, "memory"_atom, 0, [](const function_call&) { return memory_figures(); });
  table.add(erlang, "memory"_atom, 1, [](const function_call& c) {
    if (c.arguments[0].is_atom()) return or_badarg(memory_figure(atom_argument(c, 0)));
    std::vector<term> all;
    for (const atom& name : atoms_argument(c, 0)) {
      all.push_back(term::tuple(name, or_badarg(memory_figure(name))));
    }
    return term::list_from(std::move(all));
  });
  table.add(erlang, "statistics"_atom, 1,
            [reader = std::make_shared<statistics_reader>()](const function_call& c) {
              return or_badarg(reader->read(atom_argument(c, 0)));
            });
}

// --- modules ---

/// The behaviour of a class that some process runs.
std::optional<atom> behaviour_of_class(const atom& module) {
  std::optional<atom> found;
  const auto look = [&](const process_glimpse& g) {
    const std::string_view behaviour = g.behaviour;
    if (found || g.runs == nullptr || behaviour == "process" || module.name() != g.runs) return;
    found = passing_atom(behaviour, "process"_atom);
  };
  std::optional<std::uint32_t> next = 0;
  while (next && !found) next = this_node().glimpse(*next, slots_at_once, look);
  return found;
}

bool is_module(const function_table& table, const atom& module) {
  return table.has_module(module) || behaviour_of_class(module).has_value();
}

term module_info(const function_table& table, const function_call& call) {
  const atom& module = call.function.module;
  const atom item = atom_argument(call, 0);
  const std::optional<atom> behaviour = behaviour_of_class(module);
  if (!behaviour && !table.has_module(module)) raise_error("undef"_atom);
  if (item == "module"_atom) return module;
  if (item == "attributes"_atom) {
    return behaviour ? term::list(term::tuple("behaviour"_atom, term::list(*behaviour))) : term();
  }
  if (item != "exports"_atom && item != "functions"_atom) raise_error("badarg"_atom);
  std::vector<term> all;
  for (const mfa& f : table.functions_of(module)) all.push_back(term::tuple(f.function, f.arity));
  return term::list_from(std::move(all));
}

void add_modules(function_table& table) {
  table.add("erlang"_atom, "function_exported"_atom, 3, [&table](const function_call& c) {
    const std::optional<std::int64_t> arity = c.arguments[2].as_int64();
    if (!arity || *arity < 0) raise_error("badarg"_atom);
    if (*arity > UINT8_MAX) return term(false);
    return term(
        table.exported({atom_argument(c, 0), atom_argument(c, 1), static_cast<std::uint32_t>(*arity)}));
  });
  table.add("code"_atom, "ensure_loaded"_atom, 1, [&table](const function_call& c) {
    const atom module = atom_argument(c, 0);
    if (is_module(table, module)) return term::tuple("module"_atom, module);
    return term::tuple("error"_atom, "nofile"_atom);
  });
  table.add(atom(), "module_info"_atom, 1,
            [&table](const function_call& c) { return module_info(table, c); });
}

// --- otp ---

task<term> which_applications(function_call) {
  if (!whereis("application_controller"_atom)) co_return term();
  std::vector<application_info> all = co_await application::which_applications();
  co_return to_term(all);
}

/// Ends the call as OTP's functions do whose server does not answer: `{Why, {M, F, Args}}`.
[[noreturn]] void no_answer(const exit_reason& why, const function_call& call) {
  term asked = term::tuple(call.function.module, call.function.function,
                           term::list_from(std::span<const term>(call.arguments)));
  exit(exit_reason(term::tuple(why.value(), std::move(asked))));
}

template <class Request>
task<term> ask_supervisor(shared_facts facts, function_call call) {
  server_name whom = server_argument(call, 0, facts->name());
  std::expected<term, exit_reason> answer = co_await try_call_any<term>(std::move(whom), Request());
  if (!answer) no_answer(answer.error(), call);
  co_return std::move(*answer);
}

duration sys_timeout(const function_call& call) {
  return call.arguments.size() > 1 ? timeout_argument(call, 1) : default_call_timeout;
}

task<term> get_state(shared_facts facts, function_call call) {
  server_name whom = server_argument(call, 0, facts->name());
  std::expected<term, exit_reason> state = co_await sys::get_state(std::move(whom), sys_timeout(call));
  if (!state) no_answer(state.error(), call);
  co_return std::move(*state);
}

task<term> get_status(shared_facts facts, function_call call) {
  server_name whom = server_argument(call, 0, facts->name());
  std::expected<sys::status, exit_reason> status =
      co_await sys::get_status(std::move(whom), sys_timeout(call));
  if (!status) no_answer(status.error(), call);
  co_return to_term(*status);
}

void add_otp(function_table& table, const shared_facts& facts) {
  const auto with_facts = [&](const char* module, const char* name, std::uint8_t arity,
                              task<term> (*f)(shared_facts, function_call)) {
    table.add(atom(module), atom(name), arity,
              [facts, f](function_call c) { return f(facts, std::move(c)); });
  };
  table.add("application"_atom, "which_applications"_atom, 0, which_applications);
  table.add("application"_atom, "which_applications"_atom, 1, which_applications);
  table.add("application"_atom, "get_env"_atom, 3, [](const function_call& c) { return c.arguments[2]; });
  with_facts("supervisor", "which_children", 1, ask_supervisor<coppice::detail::asked::which_children>);
  with_facts("supervisor", "count_children", 1, ask_supervisor<coppice::detail::asked::count_children>);
  with_facts("sys", "get_state", 1, get_state);
  with_facts("sys", "get_state", 2, get_state);
  with_facts("sys", "get_status", 1, get_status);
  with_facts("sys", "get_status", 2, get_status);
}

// --- ends and lists ---

term seq(const function_call& call) {
  const std::optional<std::int64_t> from = call.arguments[0].as_int64();
  const std::optional<std::int64_t> to = call.arguments[1].as_int64();
  if (!from || !to) raise_error("badarg"_atom);
  if (*to < *from) {
    if (*from - 1 == *to) return {};
    raise_error("function_clause"_atom);
  }
  const std::uint64_t more = static_cast<std::uint64_t>(*to) - static_cast<std::uint64_t>(*from);
  if (more >= longest_seq) raise_error("system_limit"_atom);
  std::vector<term> all;
  for (std::uint64_t n = 0; n <= more; ++n) all.emplace_back(*from + static_cast<std::int64_t>(n));
  return term::list_from(std::move(all));
}

void add_ends(function_table& table) {
  const atom erlang("erlang");
  table.add(erlang, "error"_atom, 1, [](const function_call& c) -> term { raise_error(c.arguments[0]); });
  table.add(erlang, "exit"_atom, 1,
            [](const function_call& c) -> term { exit(exit_reason(c.arguments[0])); });
  table.add(erlang, "throw"_atom, 1,
            [](const function_call& c) -> term { throw raised(raised::kind::thrown, c.arguments[0]); });
  table.add("lists"_atom, "seq"_atom, 2, seq);
}

} // namespace

void add_erlang_functions(function_table& table, node_facts facts) {
  const auto shared = std::make_shared<const node_facts>(std::move(facts));
  add_nodes(table, shared);
  add_processes(table, shared);
  add_figures(table);
  add_modules(table);
  add_otp(table, shared);
  add_ends(table);
}

} // namespace coppice::dist
