#include "cli/remote_look.hpp"

#include "coppice/dist/distribution.hpp"
#include "coppice/dist/erpc.hpp"
#include "coppice/term/text.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <map>
#include <optional>
#include <set>
#include <tuple>
#include <utility>

namespace coppice::cli {
namespace {

using namespace coppice::literals;
using dist::applied;
using dist::erpc_result;

constexpr std::size_t at_once = 200; ///< calls under way; each is a process there
constexpr std::size_t deepest = 64;
constexpr std::size_t most_supervisors = 100'000;

/// A node that is asked.
struct asked_node {
  asked_node(atom n, duration t) : name(std::move(n)), timeout(t) {}
  atom name;
  duration timeout;
};

std::string why_not(const asked_node& node, const char* function, const exit_reason& why) {
  if (why.value() == term::tuple("erpc"_atom, "timeout"_atom)) {
    return fmt::format("{} has not answered in time; --timeout N waits longer", function);
  }
  if (why.value() == term::tuple("erpc"_atom, "noconnection"_atom)) return "the connection was lost";
  return fmt::format("{} cannot be asked for {}: {}", node.name, function, why.to_string(500));
}

/// One argument each: the results in the order of the calls.
task<std::vector<erpc_result>> call_each(asked_node node, std::vector<applied> calls) {
  std::vector<erpc_result> results;
  for (std::size_t from = 0; from < calls.size(); from += at_once) {
    const std::size_t to = std::min(calls.size(), from + at_once);
    std::vector<applied> some(std::make_move_iterator(calls.begin() + static_cast<std::ptrdiff_t>(from)),
                              std::make_move_iterator(calls.begin() + static_cast<std::ptrdiff_t>(to)));
    std::vector<erpc_result> more = co_await dist::erpc_all(node.name, std::move(some), node.timeout);
    std::ranges::move(more, std::back_inserter(results));
  }
  co_return results;
}

/// `M:F(Each)`, or with a second argument.
template <class All>
std::vector<applied> calls_with(const char* module, const char* function, const All& each,
                                const std::optional<term>& second = {}) {
  std::vector<applied> calls;
  for (const auto& one : each) {
    std::vector<term> arguments{term(one)};
    if (second) arguments.push_back(*second);
    calls.emplace_back(atom(module), atom(function), std::move(arguments));
  }
  return calls;
}

/// The value beside a key of a property list; `[]` if it is not there.
term item(const term& properties, const atom& key) {
  for (const term& each : properties.items()) {
    if (each.is_tagged(key, 2)) return each.elements()[1];
  }
  return {};
}

bool is_mfa(const term& call) {
  return call.is_tuple(3) && call.elements()[0].is_atom() && call.elements()[1].is_atom();
}

std::string mfa_text(const term& call) {
  if (!is_mfa(call)) return to_string(call, {.limit = 200});
  return fmt::format("{}:{}/{}", call.elements()[0], call.elements()[1], call.elements()[2]);
}

bool of_proc_lib(const term& call) { return is_mfa(call) && call.elements()[0].is_atom("proc_lib"_atom); }

/// As the node itself prints it; of another node with its name.
std::string shown(const asked_node& node, pid p) {
  const atom home = dist::node_of(p);
  p.node = 0;
  std::string text = to_string(term(p));
  return home == node.name ? text : fmt::format("{}@{}", text, home);
}

std::vector<pid> pids_of(const term& list) {
  std::vector<pid> all;
  for (const term& each : list.items()) {
    if (const auto p = each.as_pid()) all.push_back(*p);
  }
  return all;
}

// --- processes ---

process_row row_of(const asked_node& node, pid p, const term& info) {
  process_row row;
  row.pid = shown(node, p);
  const term name = item(info, "registered_name"_atom);
  if (name.is_atom()) row.name = to_string(name);
  row.initial_call = mfa_text(item(info, "initial_call"_atom));
  row.status = to_string(item(info, "status"_atom), {.limit = 100});
  row.memory = item(info, "memory"_atom).as_int64().value_or(0);
  row.message_queue_len = item(info, "message_queue_len"_atom).as_int64().value_or(0);
  row.reductions = item(info, "reductions"_atom).as_int64().value_or(0);
  return row;
}

/// What really started those that proc_lib did.
task<std::vector<process_row>> with_initial_calls(asked_node node, std::vector<process_row> rows,
                                                  std::vector<pid> started, std::vector<std::size_t> places) {
  std::vector<erpc_result> calls =
      co_await call_each(node, calls_with("proc_lib", "translate_initial_call", started));
  for (std::size_t i = 0; i < calls.size(); ++i) {
    if (calls[i]) rows[places[i]].initial_call = mfa_text(*calls[i]);
  }
  co_return rows;
}

} // namespace

task<std::expected<std::vector<process_row>, std::string>> processes_of(atom name, duration timeout) {
  const asked_node node(std::move(name), timeout);
  std::vector<term> none;
  erpc_result listed =
      co_await dist::erpc(node.name, "erlang"_atom, "processes"_atom, std::move(none), timeout);
  if (!listed) co_return std::unexpected(why_not(node, "erlang:processes/0", listed.error()));
  const std::vector<pid> all = pids_of(*listed);
  const term items = term::list("registered_name"_atom, "initial_call"_atom, "status"_atom, "memory"_atom,
                                "message_queue_len"_atom, "reductions"_atom);
  std::vector<erpc_result> infos = co_await call_each(node, calls_with("erlang", "process_info", all, items));
  std::vector<process_row> rows;
  std::vector<pid> started;
  std::vector<std::size_t> places;
  for (std::size_t i = 0; i < all.size(); ++i) {
    if (!infos[i]) co_return std::unexpected(why_not(node, "erlang:process_info/2", infos[i].error()));
    if (!infos[i]->is_list()) continue; // it has ended
    if (of_proc_lib(item(*infos[i], "initial_call"_atom))) {
      started.push_back(all[i]);
      places.push_back(rows.size());
    }
    rows.push_back(row_of(node, all[i], *infos[i]));
  }
  co_return co_await with_initial_calls(node, std::move(rows), std::move(started), std::move(places));
}

// --- supervision trees ---

namespace {

/// Learns who supervises whom.
class tree_look {
public:
  tree_look(atom name, duration timeout) : node_(std::move(name), timeout) {}

  task<std::string> look() {
    std::string wrong = co_await learn_names();
    if (!wrong.empty()) co_return wrong;
    std::set<pid> candidates;
    for (const auto& [p, name] : names_) candidates.insert(p);
    std::set<pid> applications = co_await below_applications();
    candidates.insert(applications.begin(), applications.end());
    std::set<pid> found = co_await supervisors_among(std::move(candidates));
    co_await learn_children(std::move(found));
    co_return "";
  }

  [[nodiscard]] std::vector<tree_row> result() const {
    std::vector<tree_row> roots;
    for (const auto& [p, children] : children_) {
      if (!supervised_.contains(p)) roots.push_back(row(p, "", true, 0));
    }
    std::ranges::sort(roots, {}, [](const tree_row& r) { return std::tie(r.name, r.pid); });
    return roots;
  }

private:
  task<std::string> learn_names() {
    std::vector<term> none;
    erpc_result names =
        co_await dist::erpc(node_.name, "erlang"_atom, "registered"_atom, std::move(none), node_.timeout);
    if (!names) co_return why_not(node_, "erlang:registered/0", names.error());
    std::vector<term> all(names->items().begin(), names->items().end());
    std::vector<erpc_result> whose = co_await call_each(node_, calls_with("erlang", "whereis", all));
    for (std::size_t i = 0; i < all.size(); ++i) {
      const std::optional<pid> p = whose[i] ? whose[i]->as_pid() : std::nullopt;
      if (!p) continue;
      names_.emplace(*p, to_string(all[i]));
      if (all[i].is_atom("application_controller"_atom)) controller_ = *p;
    }
    co_return "";
  }

  /// What has started each: behind proc_lib, where that did.
  task<std::map<pid, term>> initial_calls(std::set<pid> all) {
    std::map<pid, term> calls;
    std::vector<erpc_result> translated =
        co_await call_each(node_, calls_with("proc_lib", "translate_initial_call", all));
    std::size_t next = 0;
    std::vector<pid> plain;
    for (pid p : all) {
      const erpc_result& call = translated[next++];
      if (!call) continue;
      calls[p] = *call;
      if (of_proc_lib(*call)) plain.push_back(p);
    }
    std::vector<erpc_result> infos =
        co_await call_each(node_, calls_with("erlang", "process_info", plain, term("initial_call"_atom)));
    for (std::size_t i = 0; i < plain.size(); ++i) {
      if (infos[i] && infos[i]->is_tagged("initial_call"_atom, 2)) calls[plain[i]] = infos[i]->elements()[1];
    }
    co_return calls;
  }

  task<std::set<pid>> linked_with(std::set<pid> all) {
    std::set<pid> linked;
    std::vector<erpc_result> infos =
        co_await call_each(node_, calls_with("erlang", "process_info", all, term("links"_atom)));
    for (const erpc_result& info : infos) {
      if (!info || !info->is_tagged("links"_atom, 2)) continue;
      for (pid p : pids_of(info->elements()[1])) {
        if (dist::node_of(p) == node_.name) linked.insert(p);
      }
    }
    co_return linked;
  }

  /// The processes of application_master among those: of OTP's there are two an application.
  task<std::set<pid>> masters_among(std::set<pid> all) {
    std::map<pid, term> calls = co_await initial_calls(std::move(all));
    std::set<pid> masters;
    for (const auto& [p, call] : calls) {
      if (is_mfa(call) && call.elements()[0].is_atom("application_master"_atom)) masters.insert(p);
    }
    co_return masters;
  }

  /// Those linked with the processes that stand above an application's own.
  task<std::set<pid>> below_applications() {
    std::set<pid> above;
    if (!controller_) co_return above;
    above.insert(controller_);
    std::set<pid> linked = co_await linked_with(above);
    std::set<pid> masters = co_await masters_among(std::move(linked));
    std::set<pid> next = co_await linked_with(masters);
    std::set<pid> starters = co_await masters_among(next);
    std::set<pid> last = co_await linked_with(std::move(starters));
    next.insert(last.begin(), last.end());
    co_return next;
  }

  /// A process that is no supervisor must not be asked for children: it may not live through that.
  task<std::set<pid>> supervisors_among(std::set<pid> all) {
    std::set<pid> found;
    std::map<atom, std::vector<pid>> unsure;
    std::map<pid, term> calls = co_await initial_calls(std::move(all));
    for (const auto& [p, call] : calls) {
      if (!is_mfa(call)) continue;
      const term& module = call.elements()[0];
      if (module.is_atom("supervisor"_atom)) found.insert(p);
      if (call.elements()[1].is_atom("init"_atom)) unsure[*module.as_atom()].push_back(p);
    }
    std::vector<applied> attributes;
    for (const auto& [module, processes] : unsure) {
      std::vector<term> arguments{"attributes"_atom};
      attributes.emplace_back(module, "module_info"_atom, std::move(arguments));
    }
    std::vector<erpc_result> told = co_await call_each(node_, std::move(attributes));
    const term only_supervisor = term::list("supervisor"_atom);
    std::size_t next = 0;
    for (const auto& [module, processes] : unsure) {
      const erpc_result& properties = told[next++];
      if (!properties || item(*properties, "behaviour"_atom) != only_supervisor) continue;
      found.insert(processes.begin(), processes.end());
    }
    co_return found;
  }

  /// Level by level.
  task<> learn_children(std::set<pid> level) {
    for (std::size_t depth = 0; depth < deepest && !level.empty(); ++depth) {
      std::vector<erpc_result> told =
          co_await call_each(node_, calls_with("supervisor", "which_children", level));
      std::set<pid> below;
      std::size_t next = 0;
      for (pid p : level) {
        const erpc_result& answer = told[next++];
        std::optional<term> children;
        if (answer && answer->is_list()) children = *answer;
        if (children) note_supervisors(*children, below);
        children_.emplace(p, std::move(children));
      }
      std::erase_if(below, [this](pid p) { return children_.contains(p); });
      if (children_.size() + below.size() > most_supervisors) co_return;
      level = std::move(below);
    }
  }

  void note_supervisors(const term& children, std::set<pid>& below) {
    for (const term& child : children.items()) {
      if (!child.is_tuple(4)) continue;
      const std::optional<pid> p = child.elements()[1].as_pid();
      if (!p || !child.elements()[2].is_atom("supervisor"_atom)) continue;
      supervised_.insert(*p);
      below.insert(*p);
    }
  }

  [[nodiscard]] tree_row row(pid p, std::string id, bool supervisor, std::size_t depth) const {
    tree_row r;
    r.id = std::move(id);
    r.pid = shown(node_, p);
    r.supervisor = supervisor;
    if (const auto name = names_.find(p); name != names_.end()) r.name = name->second;
    if (!supervisor || depth >= deepest) return r;
    const auto known = children_.find(p);
    if (known == children_.end()) return r;
    r.silent = !known->second;
    if (r.silent) return r;
    for (const term& child : known->second->items()) {
      if (child.is_tuple(4)) r.children.push_back(child_row(child.elements(), depth + 1));
    }
    std::ranges::reverse(r.children); // in the order of their start
    return r;
  }

  /// Coppice's are texts, Erlang's most often atoms.
  static std::string id_text(const term& id) {
    if (id.is_atom("undefined"_atom)) return "";
    const std::optional<std::string_view> text = id.as_binary();
    const auto plain = [](unsigned char c) { return c > 0x20 && c < 0x7f; };
    if (text && !text->empty() && std::ranges::all_of(*text, plain)) return std::string(*text);
    return to_string(id, {.limit = 200});
  }

  [[nodiscard]] tree_row child_row(std::span<const term> child, std::size_t depth) const {
    const bool supervisor = child[2].is_atom("supervisor"_atom);
    std::string id = id_text(child[0]);
    if (const std::optional<pid> p = child[1].as_pid()) return row(*p, std::move(id), supervisor, depth);
    tree_row r;
    r.id = std::move(id);
    r.pid = to_string(child[1], {.limit = 100});
    r.supervisor = supervisor;
    return r;
  }

  asked_node node_;
  pid controller_;
  std::map<pid, std::string> names_;
  std::map<pid, std::optional<term>> children_; ///< of each supervisor as it has told; nothing if it has not
  std::set<pid> supervised_;
};

} // namespace

task<std::expected<std::vector<tree_row>, std::string>> supervisors_of(atom node, duration timeout) {
  tree_look look(std::move(node), timeout);
  std::string wrong = co_await look.look();
  if (!wrong.empty()) co_return std::unexpected(std::move(wrong));
  co_return look.result();
}

} // namespace coppice::cli
