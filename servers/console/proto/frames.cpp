#include "servers/console/proto/frames.hpp"

#include <algorithm>
#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>
#include <charconv>
#include <cstdint>
#include <tuple>
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
  if (const json::value* points = o.if_contains("points")) {
    const auto at = number_of(*points);
    if (!at || *at > static_cast<std::uint64_t>(INT64_MAX))
      return std::unexpected("hello: \"points\" must be an integer from 0");
    h.points = static_cast<std::int64_t>(*at);
  }
  return page_frame(std::move(h));
}

/// A filter, if there is one.
parsed<std::string> parse_filter(const json::object& o, const char* where) {
  const json::value* filter = o.if_contains("filter");
  if (filter == nullptr) return std::string();
  if (!filter->is_string()) return std::unexpected(std::string(where) + ": \"filter\" must be a string");
  const std::string_view text = view_of(filter->get_string());
  if (characters(text) > longest_filter) {
    return std::unexpected(std::string(where) + ": \"filter\" has over 64 characters");
  }
  return std::string(text);
}

parsed<view> parse_tree(const json::object& o, const json::value& open) {
  view v;
  if (!open.is_array()) return std::unexpected("watch: \"open\" must be an array");
  if (open.get_array().size() > most_open) return std::unexpected("watch: \"open\" has over 500 keys");
  v.open.emplace();
  for (const json::value& key : open.get_array()) {
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
  parsed<std::string> filter = parse_filter(o, "watch");
  if (!filter) return std::unexpected(std::move(filter.error()));
  v.filter = std::move(*filter);
  return v;
}

parsed<list_query> parse_list(const json::value& what) {
  if (!what.is_object()) return std::unexpected("list: not an object");
  const json::object& o = what.get_object();
  list_query q;
  parsed<std::string> filter = parse_filter(o, "list");
  if (!filter) return std::unexpected(std::move(filter.error()));
  q.filter = lower(*filter);
  if (o.contains("sort")) {
    const auto name = text_of(o, "sort");
    const std::optional<list_order> order = name ? parse_list_order(*name) : std::nullopt;
    if (!order) return std::unexpected("list: \"sort\" must be mailbox, busy, reductions, age or pid");
    q.order = *order;
  }
  if (const json::value* ascending = o.if_contains("ascending")) {
    if (!ascending->is_bool()) return std::unexpected("list: \"ascending\" must be true or false");
    q.ascending = ascending->get_bool();
  }
  for (const auto& [key, into, most] :
       {std::tuple{"offset", &q.offset, list_query::deepest - list_query::most_rows},
        std::tuple{"limit", &q.limit, list_query::most_rows}}) {
    const json::value* given = o.if_contains(key);
    if (given == nullptr) continue;
    const auto n = number_of(*given);
    if (!n) return std::unexpected(std::string("list: \"") + key + "\" must be an integer from 0");
    *into = std::min<std::uint64_t>(*n, most);
  }
  return q;
}

parsed<pid> parse_process(const json::object& o, const char* key) {
  const auto text = text_of(o, key);
  const std::optional<pid> process = text ? parse_pid(*text) : std::nullopt;
  if (!process || !*process)
    return std::unexpected(std::string("\"") + key + "\" must be of the form <0.42.7>");
  return *process;
}

parsed<page_frame> parse_watch(const json::object& o) {
  watch w;
  if (const json::value* open = o.if_contains("open")) {
    parsed<view> tree = parse_tree(o, *open);
    if (!tree) return std::unexpected(std::move(tree.error()));
    w.tree = std::move(*tree);
  }
  if (const json::value* list = o.if_contains("list")) {
    parsed<list_query> q = parse_list(*list);
    if (!q) return std::unexpected(std::move(q.error()));
    w.list = std::move(*q);
  }
  if (o.contains("process")) {
    parsed<pid> process = parse_process(o, "process");
    if (!process) return std::unexpected("watch: " + process.error());
    w.process = *process;
  }
  return page_frame(std::move(w));
}

parsed<page_frame> parse_state(const json::object& o) {
  parsed<pid> process = parse_process(o, "pid");
  if (!process) return std::unexpected("state: " + process.error());
  return page_frame(state_wanted{*process});
}

parsed<page_frame> parse_trace(const json::object& o) {
  parsed<pid> process = parse_process(o, "pid");
  if (!process) return std::unexpected("trace: " + process.error());
  const json::value* on = o.if_contains("on");
  if (on == nullptr || !on->is_bool()) return std::unexpected("trace: \"on\" must be true or false");
  return page_frame(trace_wanted{*process, on->get_bool()});
}

} // namespace

parsed<page_frame> parse_frame(std::string_view text) {
  parsed<json::object> o = parse_object(text);
  if (!o) return std::unexpected(std::move(o.error()));
  const auto type = text_of(*o, "type");
  if (type == "hello") return parse_hello(*o);
  if (type == "watch") return parse_watch(*o);
  if (type == "state") return parse_state(*o);
  if (type == "trace") return parse_trace(*o);
  return std::unexpected("\"type\" must be \"hello\", \"watch\", \"state\" or \"trace\"");
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
  return parse_process(*o, "pid");
}

} // namespace coppice::console
