#include "servers/console/proto/frames.hpp"

#include "coppice/http/detail/utf8.hpp"

#include <algorithm>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>
#include <charconv>
#include <utility>

namespace coppice::console {

namespace json = boost::json;

namespace {

constexpr std::size_t most_open = 500;
constexpr std::size_t longest_filter = 64; // characters

template <class T>
using parsed = std::expected<T, std::string>;

parsed<json::object> parse_object(std::string_view text) {
  boost::system::error_code error;
  json::value value = json::parse(json::string_view(text.data(), text.size()), error);
  if (error) return std::unexpected("not JSON: " + error.message());
  if (!value.is_object()) return std::unexpected("not a JSON object");
  return std::move(value.get_object());
}

std::string_view view_of(const json::string& s) { return {s.data(), s.size()}; }

std::optional<std::string_view> text_of(const json::object& o, const char* key) {
  const json::value* v = o.if_contains(key);
  if (v == nullptr || !v->is_string()) return std::nullopt;
  return view_of(v->get_string());
}

std::optional<std::uint64_t> number_of(const json::value& v) {
  boost::system::error_code error;
  if (!v.is_number()) return std::nullopt;
  const auto n = v.to_number<std::uint64_t>(error);
  if (error) return std::nullopt;
  return n;
}

std::size_t characters(std::string_view utf8) {
  return static_cast<std::size_t>(
      std::ranges::count_if(utf8, [](char c) { return (static_cast<unsigned char>(c) & 0xc0U) != 0x80U; }));
}

parsed<page_frame> parse_hello(const json::object& o) {
  const json::value* version = o.if_contains("v");
  if (version == nullptr || number_of(*version) != 1) return std::unexpected("hello: \"v\" must be 1");
  hello h;
  const auto token = text_of(o, "token");
  if (!token) return std::unexpected("hello: \"token\" must be a string");
  h.token = *token;
  if (const json::value* reports = o.if_contains("reports")) {
    const auto seq = number_of(*reports);
    if (!seq) return std::unexpected("hello: \"reports\" must be an integer from 0");
    h.reports = *seq;
  }
  return page_frame(std::move(h));
}

parsed<page_frame> parse_watch(const json::object& o) {
  view v;
  const json::value* open = o.if_contains("open");
  if (open == nullptr || !open->is_array()) return std::unexpected("watch: \"open\" must be an array");
  if (open->get_array().size() > most_open) return std::unexpected("watch: \"open\" has over 500 keys");
  v.open.emplace();
  for (const json::value& key : open->get_array()) {
    if (!key.is_string()) return std::unexpected("watch: \"open\" must hold strings");
    v.open->emplace_back(view_of(key.get_string()));
  }
  if (const json::value* limits = o.if_contains("limits")) {
    if (!limits->is_object()) return std::unexpected("watch: \"limits\" must be an object");
    for (const auto& [key, limit] : limits->get_object()) {
      const auto n = number_of(limit);
      if (!n) return std::unexpected("watch: \"limits\" must hold integers from 0");
      v.limits.insert_or_assign(std::string(key.data(), key.size()),
                                std::min<std::size_t>(*n, view::most_children));
    }
  }
  if (const json::value* filter = o.if_contains("filter")) {
    if (!filter->is_string()) return std::unexpected("watch: \"filter\" must be a string");
    v.filter = view_of(filter->get_string());
    if (characters(v.filter) > longest_filter)
      return std::unexpected("watch: \"filter\" has over 64 characters");
  }
  return page_frame(std::move(v));
}

} // namespace

parsed<page_frame> parse_frame(std::string_view text) {
  parsed<json::object> o = parse_object(text);
  if (!o) return std::unexpected(std::move(o.error()));
  const auto type = text_of(*o, "type");
  if (type == "hello") return parse_hello(*o);
  if (type == "watch") return parse_watch(*o);
  return std::unexpected("\"type\" must be \"hello\" or \"watch\"");
}

std::optional<pid> parse_pid(std::string_view text) {
  if (!text.starts_with("<0.") || !text.ends_with('>')) return std::nullopt;
  const char* const end = text.data() + text.size() - 1;
  const char* at = text.data() + 3;
  std::uint64_t parts[2] = {0, 0};
  for (std::uint64_t& part : parts) {
    const auto [stop, error] = std::from_chars(at, end, part);
    if (error != std::errc() || stop == at || (*at == '0' && stop - at > 1)) return std::nullopt;
    at = stop;
    if (&part == &parts[0] && (at == end || *at++ != '.')) return std::nullopt;
  }
  constexpr std::uint64_t slots = std::uint64_t{1} << pid::slot_bits;
  constexpr std::uint64_t generations = std::uint64_t{1} << (64 - pid::slot_bits);
  if (at != end || parts[0] >= slots || parts[1] >= generations) return std::nullopt;
  return pid{parts[1] * slots | parts[0]};
}

parsed<pid> parse_kill(std::string_view body) {
  parsed<json::object> o = parse_object(body);
  if (!o) return std::unexpected(std::move(o.error()));
  const auto text = text_of(*o, "pid");
  if (!text) return std::unexpected("\"pid\" must be a string");
  const std::optional<pid> process = parse_pid(*text);
  if (!process) return std::unexpected("\"pid\" must be of the form <0.42.7>");
  return *process;
}

// --- out ---

namespace {

json::object to_json(const node_figures& node) {
  return {{"name", node.name},        {"version", node.version},
          {"uptime", node.uptime},    {"processes", node.processes},
          {"workers", node.workers},  {"run_queue", node.run_queue},
          {"memory", node.memory},    {"messages_per_s", node.messages_per_s},
          {"restarts", node.restarts}};
}

/// Labels and names may hold any bytes; JSON is UTF-8.
json::string utf8(const std::string& text) {
  http::detail::utf8_validator check;
  if (check.feed(text) && check.complete()) return json::string(text);
  json::string ascii;
  for (char c : text) ascii.push_back(static_cast<unsigned char>(c) < 0x80U ? c : '?');
  return ascii;
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
  if (r.branch) o.emplace("children", r.children.size());
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

} // namespace

std::string write_snapshot(std::int64_t at, const node_figures& node, const selection& rows,
                           std::span<const log_entry> reports) {
  json::array processes;
  processes.reserve(rows.rows.size());
  for (const row* r : rows.rows) processes.push_back(to_json(*r));
  json::array entries;
  for (const log_entry& e : reports) entries.push_back(to_json(e));
  json::object o{{"type", "snapshot"}, {"v", 1}, {"at", at}, {"node", to_json(node)}};
  o.emplace("processes", std::move(processes));
  if (rows.matched) o.emplace("matched", *rows.matched);
  o.emplace("reports", std::move(entries));
  return json::serialize(o);
}

std::string write_killed(pid process) {
  return json::serialize(json::value{{"ok", true}, {"pid", pid_text(process)}});
}

} // namespace coppice::console
