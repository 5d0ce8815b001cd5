#include "coppice/dist/observer_applications.hpp"

#include "coppice/dist/function_arguments.hpp"
#include "coppice/dist/process_items.hpp"
#include "coppice/otp/application.hpp"
#include "coppice/otp/gen_server.hpp"
#include "coppice/runtime/node.hpp"
#include "coppice/runtime/timer.hpp"
#include "coppice/term/text.hpp"

#include <algorithm>
#include <chrono>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

namespace coppice::dist {

using namespace literals;
using namespace std::chrono_literals;

namespace {

constexpr std::size_t largest_tree = 2000;
constexpr std::size_t most_tasks = 100;
constexpr std::size_t most_trees = 100;
constexpr std::uint32_t slots_at_once = 4096;
constexpr duration patience = 100ms;
constexpr duration default_interval = 2s;
constexpr duration shortest_interval = 100ms;

// --- applications ---

struct running_application {
  pid master;
  application_info info;
};

/// Whether it is a supervisor that neither an application nor another behaviour has started.
bool tops_a_tree(const process_glimpse& seen) {
  if (!seen.named || std::string_view(seen.behaviour) != "supervisor") return false;
  const std::optional<process_summary> above = this_node().summary(seen.parent);
  return !above || above->behaviour == "process";
}

/// A program need not have applications: the named supervisors at the top of its own trees stand for some.
void add_trees(std::vector<running_application>& all) {
  std::vector<pid> tops;
  const auto look = [&tops](const process_glimpse& seen) {
    if (tops.size() < most_trees && tops_a_tree(seen)) tops.push_back(seen.process);
  };
  std::optional<std::uint32_t> next = 0;
  while (next) next = this_node().glimpse(*next, slots_at_once, look);
  for (pid top : tops) {
    const std::optional<process_summary> seen = this_node().summary(top);
    if (!seen || seen->registered_name.empty()) continue;
    std::string name(seen->registered_name.name());
    const auto same = [&name](const running_application& a) { return a.info.name == name; };
    if (std::ranges::none_of(all, same)) all.push_back({top, {std::move(name), "a supervision tree", ""}});
  }
}

/// Those that run, each with the process above its supervisors: the masters are what the controller is linked
/// with.
task<std::vector<running_application>> applications() {
  std::vector<running_application> all;
  const std::optional<pid> controller = whereis("application_controller"_atom);
  if (!controller) co_return all;
  std::vector<application_info> running = co_await application::which_applications();
  std::optional<process_details> details = co_await details_of(*controller);
  if (!details) co_return all;
  for (pid linked : details->links) {
    const std::optional<process_summary> seen = this_node().summary(linked);
    if (!seen || seen->behaviour != "application_master") continue;
    std::optional<std::string> name = co_await application::get_application(linked);
    if (!name) continue;
    auto found = std::ranges::find(running, *name, &application_info::name);
    if (found != running.end()) all.push_back({linked, *found});
  }
  co_return all;
}

/// By name.
task<std::vector<running_application>> running_applications() {
  std::vector<running_application> all = co_await applications();
  add_trees(all);
  std::ranges::sort(all, {}, [](const running_application& a) { return a.info.name; });
  co_return all;
}

term as_term(const std::vector<running_application>& all) {
  std::vector<term> rows;
  rows.reserve(all.size());
  for (const running_application& each : all) {
    rows.push_back(term::tuple(each.master, atom(each.info.name), to_term(each.info)));
  }
  return term::list_from(std::move(rows));
}

// --- their processes ---

/// The name of a process, or its pid as text: what observer knows it by.
term shown(pid p) {
  const std::optional<process_summary> seen = this_node().summary(p);
  const bool named = seen && !seen->registered_name.empty();
  return term::charlist(named ? std::string(seen->registered_name.name()) : to_string(term(p)));
}

/// Walks over the processes of an application by their links, away from its master.
class tree_walk {
public:
  explicit tree_walk(pid root) : root_(root) {
    avoid_.push_back(self_pid());
    if (auto controller = whereis("application_controller"_atom)) avoid_.push_back(*controller);
    meet(root, pid());
  }

  task<term> walk() {
    for (std::size_t next = 0; next < order_.size(); ++next) {
      const pid from = order_[next];
      std::optional<process_details> details = co_await details_of(from, patience);
      if (!details) continue;
      const std::size_t looked_at = std::min(details->links.size(), largest_tree);
      for (std::size_t i = 0; i < looked_at; ++i) see(from, details->links[i]);
    }
    co_return result();
  }

private:
  using link_list = std::vector<std::pair<pid, pid>>;
  struct known {
    pid parent;
    term text;
  };

  void meet(pid p, pid parent) {
    known_.emplace(p, known{parent, shown(p)});
    order_.push_back(p);
  }

  /// As in OTP: who was started by the other is its child, whoever else is linked with it a neighbour.
  void see(pid from, pid to) {
    if (known_.at(from).parent == to || std::ranges::find(avoid_, to) != avoid_.end()) return;
    const std::optional<process_summary> other = to.local() ? this_node().summary(to) : std::nullopt;
    if (!other) return;
    if (other->parent != from) {
      const bool told = std::ranges::find(crossing_, std::pair(to, from)) != crossing_.end();
      if (!told && crossing_.size() < largest_tree) crossing_.emplace_back(from, to);
      return;
    }
    if (order_.size() >= largest_tree || known_.contains(to)) return;
    meet(to, from);
    primary_.emplace_back(from, to);
  }

  [[nodiscard]] term links_as_term(const link_list& links) const {
    std::vector<term> all;
    for (const auto& [from, to] : links) {
      if (known_.contains(to)) all.push_back(term::tuple(known_.at(from).text, known_.at(to).text));
    }
    return term::list_from(std::move(all));
  }

  [[nodiscard]] term result() const {
    std::vector<term> processes;
    processes.reserve(order_.size());
    for (pid p : order_) processes.push_back(term::tuple(p, known_.at(p).text));
    return term::tuple(known_.at(root_).text, term::list_from(std::move(processes)), links_as_term(primary_),
                       links_as_term(crossing_));
  }

  pid root_;
  std::vector<pid> avoid_;
  std::vector<pid> order_; ///< in which they were met
  std::unordered_map<pid, known> known_;
  link_list primary_, crossing_;
};

task<term> tree_of(std::string name) {
  std::vector<running_application> all = co_await running_applications();
  for (const running_application& each : all) {
    if (each.info.name != name) continue;
    tree_walk walk(each.master);
    term tree = co_await walk.walk();
    co_return tree;
  }
  co_return term::tuple(term(), term(), term(), term());
}

// --- the server ---

/// It is time for a task to be done again.
struct look_again {
  std::uint64_t task = 0;
};

class appmon_info : public gen_server {
public:
  using protocol = coppice::protocol<infos<exit_signal>, infos<look_again>>;

  explicit appmon_info(pid client) : client_(client) {}
  void init() const {
    trap_exit(true);
    link(client_);
  }

  task<> handle_cast(term message) {
    const std::span<const term> parts = message.elements();
    if (parts.size() != 5 || !parts[0].is_pid() || !parts[1].is_atom()) co_return;
    const pid to = *parts[0].as_pid();
    const atom command = *parts[1].as_atom();
    std::erase_if(jobs_,
                  [&](const job& j) { return j.to == to && j.command == command && j.aux == parts[2]; });
    const bool known = command == "app_ctrl"_atom || command == "app"_atom;
    if (!known || !parts[3].is_atom("true"_atom) || jobs_.size() >= most_tasks) co_return;
    job added{++last_id_, command, parts[2], to, default_interval, false, std::nullopt};
    read_options(parts[4], added);
    jobs_.push_back(added);
    co_await perform(added.id);
  }

  task<> handle_info(look_again again) { co_await perform(again.task); }

  [[nodiscard]] result<> handle_info(const exit_signal& signal) {
    std::erase_if(jobs_, [&signal](const job& j) { return j.to == signal.from; });
    if (signal.from == client_) return result<>().stop();
    return {};
  }
  /// Messages of no meaning to it, as to OTP's.
  void handle_info(const term&) {}

private:
  struct job {
    std::uint64_t id;
    atom command;
    term aux;
    pid to;
    duration every;
    bool once;
    std::optional<term> told; ///< last
  };

  static void read_options(const term& options, job& into) {
    for (const term& each : options.items()) {
      if (!each.is_tagged("timeout"_atom, 2)) continue;
      const term& value = each.elements()[1];
      into.once = value.is_atom("at_most_once"_atom);
      if (const std::optional<std::int64_t> ms = value.as_int64(); ms && *ms >= 0 && *ms <= UINT32_MAX) {
        into.every = std::max<duration>(std::chrono::milliseconds(*ms), shortest_interval);
      }
    }
  }

  [[nodiscard]] std::vector<job>::iterator find(std::uint64_t id) {
    return std::ranges::find(jobs_, id, &job::id);
  }

  task<> perform(std::uint64_t id) {
    auto at = find(id);
    if (at == jobs_.end()) co_return;
    const bool tree = at->command == "app"_atom;
    const term aux = at->aux;
    term found;
    if (tree) {
      std::string name(aux.is_atom() ? aux.as_atom()->name() : std::string_view());
      term told = co_await tree_of(std::move(name));
      found = std::move(told);
    } else {
      std::vector<running_application> all = co_await running_applications();
      found = as_term(all);
    }
    tell(id, std::move(found));
  }

  void tell(std::uint64_t id, term found) {
    auto at = find(id);
    if (!at->told || *at->told != found) {
      send(at->to, term::tuple("delivery"_atom, self_pid(), at->command, at->aux, found));
      at->told = std::move(found);
    }
    if (at->once) {
      jobs_.erase(at);
    } else {
      send_after(at->every, self_pid(), look_again{id});
    }
  }

  pid client_;
  std::uint64_t last_id_ = 0;
  std::vector<job> jobs_;
};

} // namespace

task<term> start_application_monitor(function_call call) {
  const pid client = pid_argument(call, 1);
  start_result<appmon_info> started = co_await start<appmon_info>(client);
  if (!started) co_return term::tuple("error"_atom, started.error().value());
  co_return term::tuple("ok"_atom, *started->resolve());
}

} // namespace coppice::dist
