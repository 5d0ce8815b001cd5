#include "cli/remote_text.hpp"

#include "coppice/http/detail/utf8.hpp"
#include "coppice/term/text.hpp"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>

#include <algorithm>
#include <fmt/format.h>
#include <string_view>

namespace coppice::cli {
namespace {

namespace json = boost::json;

/// What nodes say of themselves may be any bytes; JSON is UTF-8.
json::string utf8(std::string_view text) {
  http::detail::utf8_validator check;
  if (check.feed(text) && check.complete()) return json::string(text);
  json::string ascii;
  for (char c : text) ascii.push_back(static_cast<unsigned char>(c) < 0x80U ? c : '?');
  return ascii;
}

json::value text_or_null(const std::string& text) {
  return text.empty() ? json::value(nullptr) : json::value(utf8(text));
}

std::string line(const json::object& o) { return json::serialize(o) + "\n"; }

/// What a port mapper lists are names of anybody's choice.
std::string printable(std::string text) {
  std::ranges::replace_if(text, [](unsigned char c) { return c < 0x20 || c == 0x7f; }, '?');
  return text;
}

json::object as_json(const process_row& r) {
  return {
      {"pid", utf8(r.pid)},        {"name", text_or_null(r.name)}, {"initial_call", utf8(r.initial_call)},
      {"status", utf8(r.status)},  {"memory", r.memory},           {"message_queue_len", r.message_queue_len},
      {"reductions", r.reductions}};
}

json::object as_json(const tree_row& r) {
  json::object o{{"id", text_or_null(r.id)},
                 {"pid", utf8(r.pid)},
                 {"name", text_or_null(r.name)},
                 {"type", r.supervisor ? "supervisor" : "worker"}};
  if (!r.supervisor) return o;
  if (r.silent) {
    o.emplace("children", nullptr);
    return o;
  }
  json::array children;
  for (const tree_row& child : r.children) children.emplace_back(as_json(child));
  o.emplace("children", std::move(children));
  return o;
}

void add_text(std::string& out, const tree_row& r, std::size_t depth) {
  out.append(2 * depth, ' ');
  const std::string& known_as = r.id.empty() ? r.name : r.id;
  if (!known_as.empty()) out += known_as + " ";
  out += r.pid;
  if (!r.name.empty() && r.name != known_as) out += " " + r.name;
  if (r.supervisor) out += r.silent ? " supervisor, does not answer" : " supervisor";
  out += '\n';
  for (const tree_row& child : r.children) add_text(out, child, depth + 1);
}

} // namespace

std::string nodes_as_text(const std::vector<dist::named_port>& nodes) {
  std::string out;
  for (const dist::named_port& n : nodes) {
    out += fmt::format("{} at port {}\n", printable(n.name), n.port);
  }
  return out;
}

std::string nodes_as_json(const std::string& host, const std::vector<dist::named_port>& nodes) {
  json::array all;
  for (const dist::named_port& n : nodes) {
    all.emplace_back(json::object{{"name", utf8(n.name)}, {"port", n.port}});
  }
  return line({{"host", utf8(host)}, {"nodes", std::move(all)}});
}

std::string pong_as_json(const std::string& node) { return line({{"node", utf8(node)}, {"answer", "pong"}}); }

std::string reply_as_json(const std::string& node, const std::string& server, const term& reply) {
  return line(
      {{"node", utf8(node)}, {"name", utf8(server)}, {"reply", utf8(to_string(reply, {.unicode = true}))}});
}

std::string cast_as_json(const std::string& node, const std::string& server, const term& message) {
  return line(
      {{"node", utf8(node)}, {"name", utf8(server)}, {"cast", utf8(to_string(message, {.unicode = true}))}});
}

std::string processes_as_text(const std::vector<process_row>& rows) {
  std::size_t pid = 3;
  std::size_t name = 20;
  const auto called = [](const process_row& r) { return r.name.empty() ? r.initial_call : r.name; };
  for (const process_row& r : rows) {
    pid = std::max(pid, r.pid.size());
    name = std::max(name, called(r).size());
  }
  std::string out = fmt::format("{:<{}}  {:<{}}  {:<10} {:>12} {:>8} {:>14}\n", "PID", pid,
                                "NAME OR INITIAL CALL", name, "STATUS", "MEMORY", "QUEUE", "REDUCTIONS");
  for (const process_row& r : rows) {
    out += fmt::format("{:<{}}  {:<{}}  {:<10} {:>12} {:>8} {:>14}\n", r.pid, pid, called(r), name, r.status,
                       r.memory, r.message_queue_len, r.reductions);
  }
  return out;
}

std::string processes_as_json(const std::string& node, const std::vector<process_row>& rows) {
  json::array all;
  for (const process_row& r : rows) all.emplace_back(as_json(r));
  return line({{"node", utf8(node)}, {"processes", std::move(all)}});
}

std::string tree_as_text(const std::vector<tree_row>& roots) {
  std::string out;
  for (const tree_row& r : roots) add_text(out, r, 0);
  return out;
}

std::string tree_as_json(const std::string& node, const std::vector<tree_row>& roots) {
  json::array all;
  for (const tree_row& r : roots) all.emplace_back(as_json(r));
  return line({{"node", utf8(node)}, {"supervisors", std::move(all)}});
}

} // namespace coppice::cli
