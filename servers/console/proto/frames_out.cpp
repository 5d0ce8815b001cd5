// The frames that the node writes.
#include "coppice/http/detail/utf8.hpp"
#include "servers/console/proto/frames.hpp"

#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>
#include <string_view>
#include <utility>

namespace coppice::console {

namespace json = boost::json;

namespace {

/// Labels and names may hold any bytes; JSON is UTF-8.
json::string utf8(std::string_view text) {
  http::detail::utf8_validator check;
  if (check.feed(text) && check.complete()) return json::string(text);
  json::string ascii;
  for (char c : text) ascii.push_back(static_cast<unsigned char>(c) < 0x80U ? c : '?');
  return ascii;
}

json::object to_json(const node_figures& node) {
  return {{"name", node.name},         {"version", node.version},
          {"uptime", node.uptime},     {"processes", node.processes},
          {"workers", node.workers},   {"run_queue", node.run_queue},
          {"memory", node.memory},     {"messages_per_s", node.messages_per_s},
          {"restarts", node.restarts}, {"shows_state", node.shows_state}};
}

json::object to_json(const row& r) {
  json::object o;
  o.reserve(12);
  o.emplace("key", utf8(r.key));
  o.emplace("parent", r.parent.empty() ? json::value(nullptr) : json::value(utf8(r.parent)));
  o.emplace("pid", r.process ? json::value(pid_text(r.process)) : json::value(nullptr));
  o.emplace("name", utf8(r.name));
  o.emplace("kind", r.kind);
  o.emplace("module", r.module);
  o.emplace("status", to_string(r.status));
  o.emplace("mailbox", r.mailbox);
  o.emplace("reductions", r.reductions);
  o.emplace("restarts", r.restarts);
  if (r.branch) o.emplace("children", r.children.size() + r.left_out);
  return o;
}

json::object to_json(const log_entry& e) {
  json::object o{{"seq", e.seq}, {"at", e.at}, {"kind", to_string(e.kind)}};
  if (e.process) o.emplace("pid", pid_text(e.process));
  if (!e.name.empty()) o.emplace("name", utf8(e.name));
  if (!e.reason.empty()) o.emplace("reason", utf8(e.reason));
  if (!e.supervisor.empty()) o.emplace("supervisor", utf8(e.supervisor));
  if (e.action != supervisor_action::none) o.emplace("action", to_string(e.action));
  if (e.new_process) o.emplace("new_pid", pid_text(e.new_process));
  o.emplace("text", utf8(full_text(e)));
  return o;
}

json::object to_json(const point& p) {
  json::object o{{"at", p.at},
                 {"messages", p.messages},
                 {"reductions", p.reductions},
                 {"spawned", p.spawned},
                 {"processes", p.processes},
                 {"memory", p.memory},
                 {"run_queue", p.run_queue}};
  json::array busy;
  json::array queues;
  for (const core_point& c : p.cores) {
    busy.emplace_back(c.busy);
    queues.emplace_back(c.run_queue);
  }
  o.emplace("busy", std::move(busy));
  o.emplace("queues", std::move(queues));
  return o;
}

/// What is common to a row of the list and the page of a process.
json::object to_json(const process_glimpse& p, const std::string& name, const activity& lately) {
  json::object o{{"pid", pid_text(p.process)}, {"name", utf8(name)}};
  const std::string_view kind = kind_of(p.behaviour);
  o.emplace("kind", kind);
  // A plain process runs a function: that has no module.
  const bool plain = p.runs == nullptr || std::string_view(p.behaviour) == "process";
  o.emplace("module", utf8(plain ? "" : p.runs));
  o.emplace("status", to_string(row_status_of(p.status)));
  o.emplace("mailbox", p.message_queue_len);
  o.emplace("reductions", p.reductions);
  o.emplace("busy", lately.busy);
  o.emplace("age", lately.age);
  return o;
}

json::object to_json(const list_page& page) {
  json::array rows;
  for (const list_row& r : page.rows) rows.push_back(to_json(r.process, r.name, r.lately));
  return {{"sort", to_string(page.query.order)},
          {"ascending", page.query.ascending},
          {"offset", page.query.offset},
          {"total", page.total},
          {"matched", page.matched},
          {"rows", std::move(rows)}};
}

json::object to_json(const relative& r) { return {{"pid", pid_text(r.process)}, {"name", utf8(r.name)}}; }

json::array to_json(const std::vector<relative>& all) {
  json::array out;
  for (const relative& r : all) out.push_back(to_json(r));
  return out;
}

json::object to_json(const process_inside::relatives& all) {
  return {{"count", all.count}, {"some", to_json(all.some)}};
}

json::object to_json(const process_inside& in) {
  json::array messages;
  for (const std::string& type : in.messages) messages.emplace_back(utf8(type));
  json::object o{{"trap_exit", in.trap_exit}, {"priority", in.priority}, {"memory", in.memory}};
  if (in.group_leader.process) o.emplace("group_leader", to_json(in.group_leader));
  o.emplace("links", to_json(in.links));
  o.emplace("monitors", to_json(in.monitors));
  o.emplace("monitored_by", to_json(in.monitored_by));
  o.emplace("messages", std::move(messages));
  return o;
}

json::object to_json(const process_page& page) {
  if (!page.alive) return {{"pid", pid_text(page.process)}, {"alive", false}};
  json::object o = to_json(page.glimpse, page.name, page.lately);
  o.emplace("alive", true);
  o.emplace("restarts", page.restarts);
  o.emplace("ancestors", to_json(page.ancestors));
  o.emplace("has_state", page.has_state);
  o.emplace("silent", page.silent);
  if (page.inside) o.emplace("inside", to_json(*page.inside));
  return o;
}

} // namespace

std::string write_snapshot(const snapshot& what) {
  json::object o{{"type", "snapshot"}, {"v", 1}, {"at", what.at}, {"node", to_json(*what.node)}};
  if (what.tree != nullptr) {
    json::array processes;
    processes.reserve(what.tree->rows.size());
    for (const row* r : what.tree->rows) processes.push_back(to_json(*r));
    o.emplace("processes", std::move(processes));
    if (what.tree->matched) o.emplace("matched", *what.tree->matched);
  }
  if (what.list != nullptr) o.emplace("list", to_json(*what.list));
  if (what.process != nullptr) o.emplace("process", to_json(*what.process));
  if (!what.points.empty()) {
    json::array points;
    for (const point& p : what.points) points.push_back(to_json(p));
    o.emplace("points", std::move(points));
  }
  json::array entries;
  for (const log_entry& e : what.reports) entries.push_back(to_json(e));
  o.emplace("reports", std::move(entries));
  return json::serialize(o);
}

std::string write_state(pid process, const std::expected<std::string, std::string>& state) {
  json::object o{{"type", "state"}, {"pid", pid_text(process)}};
  if (state) {
    o.emplace("text", utf8(*state));
  } else {
    o.emplace("problem", utf8(state.error()));
  }
  return json::serialize(o);
}

std::string write_trace(pid process, std::span<const trace_line> lines, bool paused, std::string_view ended) {
  json::array events;
  for (const trace_line& line : lines) {
    json::object e{{"at", line.at}, {"what", line.what}};
    if (line.other.process) e.emplace("other", to_json(line.other));
    if (!line.content.empty()) e.emplace("content", utf8(line.content));
    events.push_back(std::move(e));
  }
  json::object o{{"type", "trace"}, {"pid", pid_text(process)}, {"events", std::move(events)}};
  if (paused) o.emplace("paused", true);
  if (!ended.empty()) o.emplace("ended", utf8(ended));
  return json::serialize(o);
}

std::string write_killed(pid process) {
  return json::serialize(json::value{{"ok", true}, {"pid", pid_text(process)}});
}

} // namespace coppice::console
