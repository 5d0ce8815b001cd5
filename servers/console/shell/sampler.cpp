#include "servers/console/shell/sampler.hpp"

#include "coppice/runtime/node.hpp"
#include "coppice/runtime/timer.hpp"

#include <algorithm>
#include <chrono>
#include <fstream>
#include <unistd.h>

namespace coppice::console {
namespace {

using namespace std::chrono_literals;

constexpr duration between_pieces = 1ms;
constexpr duration between_points = 1s;

/// Bytes of memory that the OS process has now; 0 if the system does not say.
std::uint64_t resident_bytes() {
  std::ifstream statm("/proc/self/statm");
  std::uint64_t size = 0;
  std::uint64_t resident = 0;
  if (!(statm >> size >> resident)) return 0;
  return resident * static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE));
}

std::int64_t in_ms(duration d) { return std::chrono::duration_cast<std::chrono::milliseconds>(d).count(); }

std::int64_t wall_time() { return in_ms(this_node().time().system_now().time_since_epoch()); }

totals totals_now() {
  const node_statistics s = this_node().statistics();
  totals t;
  t.at = wall_time();
  t.monotonic = now().time_since_epoch().count();
  t.messages = s.messages;
  t.reductions = s.reductions;
  t.spawned = s.spawned;
  t.processes = s.processes;
  t.memory = resident_bytes();
  t.run_queue = s.run_queue;
  for (const core_statistics& c : this_node().cores()) t.cores.push_back({c.busy.count(), c.run_queue});
  return t;
}

process_summary summary_of(const process_glimpse& g, const std::unordered_map<pid, atom>& names) {
  process_summary s;
  s.process = g.process;
  s.parent = g.parent;
  if (auto found = g.named ? names.find(g.process) : names.end(); found != names.end()) {
    s.registered_name = found->second;
  }
  s.behaviour = g.behaviour;
  if (g.runs != nullptr) (s.behaviour == "process" ? s.label : s.module) = g.runs;
  if (auto own = this_node().label(g.process)) s.label = std::move(*own);
  s.status = g.status;
  s.message_queue_len = g.message_queue_len;
  s.reductions = g.reductions;
  return s;
}

} // namespace

void sampler::init() {
  kept_->past.add(totals_now());
  send_after(between_points, self_pid(), next_point());
  begin_walk(now());
}

void sampler::handle_info(next_point) {
  send_after(between_points, self_pid(), next_point());
  kept_->past.add(totals_now());
  kept_->seen.flush_overdue();
  const time_point at = now();
  if (!walk_ && at >= std::max(begun_ + idle_period, may_begin_)) begin_walk(at);
}

void sampler::handle_cast(const look_wanted& wanted) {
  if (!wanted.tree && !wanted.list) {
    send(wanted.page,
         looked{wanted.number, std::make_shared<const sample>(sample{wall_time(), figures(), {}, {}})});
    return;
  }
  // A page that looks at something else now does not wait for what it looked at before.
  std::erase_if(waiting_, [&wanted](const look_wanted& w) { return w.page == wanted.page; });
  if (waiting_.size() >= most_asking) return;
  waiting_.push_back(wanted);
  if (walk_ || timer_set_) return;
  timer_set_ = true;
  send_after(std::max<duration>(may_begin_ - now(), duration::zero()), self_pid(), next_piece());
}

void sampler::handle_info(next_piece) {
  timer_set_ = false;
  if (walk_) {
    look_at_piece();
  } else {
    begin_walk(now());
  }
}

void sampler::begin_walk(time_point at) {
  begun_ = at;
  const auto count = static_cast<std::ptrdiff_t>(std::min(waiting_.size(), most_at_once));
  std::vector<look_wanted> asked(waiting_.begin(), waiting_.begin() + count);
  waiting_.erase(waiting_.begin(), waiting_.begin() + count);
  std::vector<list_query> queries;
  bool tree = false;
  for (const look_wanted& w : asked) {
    if (w.list) queries.push_back(*w.list);
    tree = tree || w.tree;
  }
  {
    std::lock_guard guard(kept_->known_mutex);
    const std::int64_t present = in_ms(at.time_since_epoch());
    kept_->known.begin_walk(present, present - in_ms(this_node().statistics().uptime));
  }
  walk_.emplace(walk{std::move(asked), census(std::move(queries), kept_->known), {}, {}, {}, 0, {}});
  if (tree) walk_->picker.emplace();
  if (!walk_->asked.empty()) {
    for (auto& [given, owner] : this_node().names()) walk_->names.emplace(owner, given);
  }
  walk_->worked = now() - at;
  look_at_piece();
}

std::string sampler::name_of(const process_glimpse& process, const place& where) const {
  process_summary s = summary_of(process, walk_->names);
  std::string text = console::name_of(s);
  return text.empty() ? where.id : text;
}

void sampler::look_at_piece() {
  const time_point from = now();
  walk& w = *walk_;
  std::vector<process_glimpse> seen;
  const std::optional<std::uint32_t> next =
      this_node().glimpse(w.at, piece, [&seen](const process_glimpse& g) { seen.push_back(g); });
  std::vector<std::string> names;
  if (w.list.wants_names()) {
    std::vector<pid> pids;
    pids.reserve(seen.size());
    for (const process_glimpse& g : seen) pids.push_back(g.process);
    const std::vector<place> places = kept_->seen.places_of(pids);
    for (std::size_t i = 0; i < seen.size(); ++i) names.push_back(name_of(seen[i], places[i]));
  }
  {
    std::lock_guard guard(kept_->known_mutex);
    w.list.add(seen, names);
  }
  if (w.picker) {
    for (const process_glimpse& g : seen) {
      if (w.picker->pick(g)) w.picked.push_back(summary_of(g, w.names));
    }
  }
  w.worked += now() - from;
  if (!next) {
    end_walk();
    return;
  }
  w.at = *next;
  timer_set_ = true;
  send_after(between_pieces, self_pid(), next_piece());
}

void sampler::end_walk() {
  const time_point from = now();
  std::vector<list_page> pages = walk_->list.finish();
  for (list_page& page : pages) {
    std::vector<pid> pids;
    pids.reserve(page.rows.size());
    for (const list_row& r : page.rows) pids.push_back(r.process.process);
    const std::vector<place> places = kept_->seen.places_of(pids);
    for (std::size_t i = 0; i < pids.size(); ++i)
      page.rows[i].name = name_of(page.rows[i].process, places[i]);
  }
  const std::shared_ptr<const tree> all = walk_->picker ? build_tree() : nullptr;
  auto page = pages.begin();
  for (const look_wanted& w : walk_->asked) {
    sample s{wall_time(), figures(), w.tree ? all : nullptr, {}};
    if (w.list) s.list = std::move(*page++);
    send(w.page, looked{w.number, std::make_shared<const sample>(std::move(s))});
  }
  const duration worked = walk_->worked + (now() - from);
  walk_.reset();
  may_begin_ = begun_ + std::max<duration>(freshness, worked * rest);
  if (waiting_.empty()) return;
  timer_set_ = true;
  send_after(std::max<duration>(may_begin_ - now(), duration::zero()), self_pid(), next_piece());
}

std::shared_ptr<const tree> sampler::build_tree() const {
  std::vector<pid> pids;
  pids.reserve(walk_->picked.size());
  for (const process_summary& p : walk_->picked) pids.push_back(p.process);
  const std::vector<place> places = kept_->seen.places_of(pids);
  const std::vector<vacancy> vacancies = kept_->seen.vacancies();
  const std::vector<std::pair<pid, std::size_t>> left_out = walk_->picker->left_out();
  tree::input in;
  in.processes = walk_->picked;
  in.places = places;
  in.vacancies = vacancies;
  in.root = whereis(atom(kept_->identity.root)).value_or(pid());
  in.left_out = left_out;
  return std::make_shared<const tree>(tree::build(in));
}

node_figures sampler::figures() const {
  const node_statistics s = this_node().statistics();
  node_figures f;
  f.name = kept_->identity.name;
  f.version = kept_->identity.version;
  f.uptime = in_ms(s.uptime);
  f.processes = s.processes;
  f.workers = s.cores;
  f.run_queue = s.run_queue;
  f.memory = resident_bytes();
  f.restarts = kept_->seen.restarts();
  f.shows_state = kept_->shows_state;
  if (const std::optional<point> latest = kept_->past.latest()) f.messages_per_s = latest->messages;
  return f;
}

} // namespace coppice::console
