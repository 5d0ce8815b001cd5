#include "servers/console/core/tree.hpp"

#include "servers/console/core/census.hpp"
#include "servers/console/core/report_log.hpp"

#include <algorithm>
#include <array>
#include <fmt/format.h>
#include <limits>
#include <tuple>
#include <unordered_set>
#include <utility>

namespace coppice::console {

std::string pid_text(pid process) { return fmt::format("<0.{}.{}>", process.slot(), process.generation()); }

std::string name_of(const process_summary& process) {
  return process.registered_name.empty() ? process.label : std::string(process.registered_name.name());
}

const char* to_string(row_status status) noexcept {
  switch (status) {
  case row_status::running: return "running";
  case row_status::runnable: return "runnable";
  case row_status::waiting: return "waiting";
  case row_status::hibernating: return "hibernating";
  case row_status::suspended: return "suspended";
  case row_status::exiting: return "exiting";
  case row_status::restarting: return "restarting";
  case row_status::stopped: return "stopped";
  }
  return "";
}

const row* tree::find(pid process) const noexcept {
  auto found = by_pid_.find(process);
  return found == by_pid_.end() ? nullptr : &rows_[found->second];
}

// --- building ---

namespace {

constexpr std::size_t longest_key = 400;
constexpr std::size_t longest_segment = 100;
constexpr std::size_t longest_name = 255;

} // namespace

std::string_view kind_of(std::string_view behaviour) noexcept {
  constexpr std::array<std::string_view, 4> known{"supervisor", "gen_server", "gen_event", "gen_statem"};
  return std::ranges::find(known, behaviour) == known.end() ? "process" : behaviour;
}

row_status row_status_of(run_status s) noexcept {
  switch (s) {
  case run_status::running: return row_status::running;
  case run_status::runnable: return row_status::runnable;
  case run_status::waiting: return row_status::waiting;
  case run_status::hibernating: return row_status::hibernating;
  case run_status::exiting: return row_status::exiting;
  }
  return row_status::waiting;
}

bool tree_picker::pick(const process_glimpse& process) {
  const auto known = families_.find(process.parent);
  // Beyond so many families the rest is not even counted.
  if (known == families_.end() && families_.size() >= most_rows) return false;
  family& f = known == families_.end() ? families_[process.parent] : known->second;
  const bool supervises = std::string_view(process.behaviour) == "supervisor";
  // A tenth of the room is left to supervisors, which may come late in the walk.
  const std::size_t room = supervises ? most_rows : most_rows / 10 * 9;
  if (picked_ >= room || (!supervises && f.in >= most_children)) {
    ++f.out;
    return false;
  }
  ++f.in;
  ++picked_;
  return true;
}

std::vector<std::pair<pid, std::size_t>> tree_picker::left_out() const {
  std::vector<std::pair<pid, std::size_t>> all;
  for (const auto& [parent, f] : families_) {
    if (f.out > 0) all.emplace_back(parent, f.out);
  }
  return all;
}

class tree_builder {
public:
  explicit tree_builder(const tree::input& in) : in_(in) {}

  tree build() {
    add_processes();
    add_vacancies();
    attach();
    for (const auto& [parent, count] : in_.left_out) {
      if (auto found = out_.by_pid_.find(parent); found != out_.by_pid_.end()) {
        out_.rows_[found->second].left_out = count;
        out_.rows_[found->second].branch = true;
      }
    }
    std::vector<std::uint32_t> open = out_.tops_;
    while (!open.empty()) { // no recursion: nobody knows how deep a tree is
      const std::uint32_t at = open.back();
      open.pop_back();
      name_children(at);
      open.insert(open.end(), out_.rows_[at].children.begin(), out_.rows_[at].children.end());
    }
    return std::move(out_);
  }

private:
  static constexpr std::uint32_t nowhere = std::numeric_limits<std::uint32_t>::max();
  struct origin {
    pid parent;
    std::string id;
    bool dynamic = false;
    std::uint64_t order = 0; ///< 0: no supervisor told of it
  };

  void add_processes() {
    out_.rows_.reserve(in_.processes.size() + in_.vacancies.size() + 1);
    for (std::size_t i = 0; i < in_.processes.size(); ++i) {
      const process_summary& p = in_.processes[i];
      const place& where = in_.places[i];
      row r;
      r.process = p.process;
      r.name = name_of(p);
      if (r.name.empty()) r.name = where.id;
      if (r.name.empty()) r.name = p.module.empty() ? pid_text(p.process) : p.module;
      cut(r.name, longest_name);
      r.kind = kind_of(p.behaviour);
      r.module = p.module;
      r.status = row_status_of(p.status);
      r.mailbox = p.message_queue_len;
      r.reductions = p.reductions;
      r.restarts = where.restarts;
      r.branch = r.kind == "supervisor";
      out_.by_pid_.emplace(p.process, static_cast<std::uint32_t>(out_.rows_.size()));
      out_.rows_.push_back(std::move(r));
      origins_.push_back({p.parent, where.id, where.dynamic, where.order});
    }
  }

  void add_vacancies() {
    for (const vacancy& v : in_.vacancies) {
      row r;
      r.name = v.id;
      r.status = v.restarting ? row_status::restarting : row_status::stopped;
      r.restarts = v.restarts;
      out_.rows_.push_back(std::move(r));
      origins_.push_back({v.supervisor, v.id, false, v.order});
    }
  }

  /// Gives each row its place below another one, or at the top.
  void attach() {
    std::vector<std::uint32_t> orphans;
    std::optional<std::uint32_t> root;
    const std::size_t size = out_.rows_.size();
    for (std::uint32_t i = 0; i < size; ++i) {
      auto parent = out_.by_pid_.find(origins_[i].parent);
      if (out_.rows_[i].process == in_.root && in_.root) {
        root = i;
      } else if (parent != out_.by_pid_.end() && parent->second != i) {
        out_.rows_[parent->second].children.push_back(i);
        out_.rows_[parent->second].branch = true;
      } else if (out_.rows_[i].process) {
        orphans.push_back(i);
      }
    }
    if (root) {
      out_.rows_[*root].key = "root";
      out_.tops_.push_back(*root);
    }
    if (!orphans.empty()) add_others(std::move(orphans));
  }

  void add_others(std::vector<std::uint32_t> orphans) {
    row others;
    others.key = others.name = "others";
    others.branch = true;
    others.children = std::move(orphans);
    out_.tops_.push_back(static_cast<std::uint32_t>(out_.rows_.size()));
    out_.rows_.push_back(std::move(others));
    origins_.emplace_back();
  }

  void name_children(std::uint32_t at) {
    row& above = out_.rows_[at];
    std::ranges::sort(above.children, {}, [this](std::uint32_t i) {
      const pid p = out_.rows_[i].process;
      // Children that supervisors told of first, as they were first started; a pid's generation comes next.
      return std::tuple(origins_[i].order == 0, origins_[i].order, p.generation(), p.slot(), i);
    });
    std::unordered_map<std::string_view, int> same_name;
    for (std::uint32_t i : above.children) ++same_name[out_.rows_[i].name];
    std::unordered_set<std::string> taken;
    for (std::uint32_t i : above.children) {
      row& r = out_.rows_[i];
      r.parent = above.key;
      std::string segment = segment_of(i, same_name[r.name] == 1);
      if (above.key.size() + 1 + segment.size() > longest_key || taken.contains(segment)) {
        segment = pid_text(r.process);
      }
      taken.insert(segment);
      r.key = above.key.size() + 1 + segment.size() > longest_key ? segment : above.key + "/" + segment;
    }
  }

  /// The last part of a key: the child id; else the process's own name, if no sibling has it; else its pid.
  std::string segment_of(std::uint32_t i, bool unique_name) const {
    const row& r = out_.rows_[i];
    const origin& o = origins_[i];
    const bool has_id = !o.id.empty() && !o.dynamic;
    std::string segment = has_id ? o.id : unique_name ? r.name : pid_text(r.process);
    if (segment.size() > longest_segment) return pid_text(r.process);
    std::ranges::replace(segment, '/', '|'); // a slash parts the keys
    return segment;
  }

  const tree::input& in_;
  tree out_;
  std::vector<origin> origins_; ///< of the rows
};

tree tree::build(const input& in) { return tree_builder(in).build(); }

// --- selecting ---

namespace {

bool matches(const row& r, const std::string& wanted) {
  const std::string pid = r.process ? pid_text(r.process) : std::string();
  for (std::string_view text : {std::string_view(r.name), std::string_view(pid), std::string_view(r.module),
                                std::string_view(r.kind)}) {
    if (lower(text).find(wanted) != std::string::npos) return true;
  }
  return false;
}

/// Visits rows in tree order: `enter(row, depth)` says how many children to visit.
template <class Enter>
void walk(const tree& all, Enter&& enter) {
  std::vector<std::pair<std::uint32_t, std::size_t>> next; // row and depth, the next one last
  for (auto top = all.tops().rbegin(); top != all.tops().rend(); ++top) next.emplace_back(*top, 0);
  while (!next.empty()) {
    const auto [at, depth] = next.back();
    next.pop_back();
    const row& r = all.rows()[at];
    std::size_t count = std::min(enter(at, r, depth), r.children.size());
    while (count > 0) next.emplace_back(r.children[--count], depth + 1);
  }
}

selection select_matches(const tree& all, const view& what) {
  const std::string wanted = lower(what.filter);
  selection out;
  out.matched = 0;
  std::vector<const row*> path; // from the top to the present row
  std::size_t given = 0;        // of the path, how many are in the selection
  walk(all, [&](std::uint32_t, const row& r, std::size_t depth) {
    path.resize(depth);
    given = std::min(given, depth);
    path.push_back(&r);
    if (!matches(r, wanted)) return r.children.size();
    if (++*out.matched > view::most_matches || out.rows.size() + path.size() > view::most_rows) {
      return r.children.size();
    }
    out.rows.insert(out.rows.end(), path.begin() + static_cast<std::ptrdiff_t>(given), path.end());
    given = path.size();
    return r.children.size();
  });
  return out;
}

} // namespace

selection select(const tree& all, const view& what) {
  if (!what.filter.empty()) return select_matches(all, what);
  std::unordered_set<std::string_view> open;
  if (what.open) open.insert(what.open->begin(), what.open->end());
  selection out;
  walk(all, [&](std::uint32_t, const row& r, std::size_t depth) -> std::size_t {
    if (out.rows.size() >= view::most_rows) return 0;
    out.rows.push_back(&r);
    const bool is_open = what.all_open || (what.open ? open.contains(r.key) : depth <= 1);
    if (!is_open) return 0;
    const auto own = what.limits.find(r.key);
    return std::min(own == what.limits.end() ? what.limit : own->second, view::most_children);
  });
  return out;
}

} // namespace coppice::console
