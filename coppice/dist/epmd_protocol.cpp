#include "coppice/dist/epmd_protocol.hpp"

#include "coppice/dist/detail/wire.hpp"

#include <algorithm>
#include <charconv>
#include <fmt/core.h>

namespace coppice::dist {
namespace {

using detail::fields;
using detail::put;

constexpr char alive2_request = 120;
constexpr char alive2_response = 121;
constexpr char alive2_response_wide = 118;
constexpr char port2_request = 122;
constexpr char port2_response = 119;
constexpr char names_request = 110;

constexpr std::size_t longest_name = 255;
constexpr std::uint16_t wide_creations_from = 6;

void put_text(std::string& out, std::string_view text) {
  text = text.substr(0, longest_name);
  put(out, static_cast<std::uint16_t>(text.size()));
  out += text;
}

void put_entry(std::string& out, const epmd_entry& e) {
  put(out, e.port);
  put(out, static_cast<std::uint8_t>(e.kind));
  put(out, e.protocol);
  put(out, e.highest);
  put(out, e.lowest);
  put_text(out, e.name);
  put_text(out, e.extra);
}

epmd_entry take_entry(fields& from) {
  epmd_entry e;
  e.port = from.number<std::uint16_t>();
  e.kind = static_cast<epmd_entry::node_kind>(from.number<std::uint8_t>());
  e.protocol = from.number<std::uint8_t>();
  e.highest = from.number<std::uint16_t>();
  e.lowest = from.number<std::uint16_t>();
  e.name = from.text();
  e.extra = from.text();
  return e;
}

struct body_of {
  std::string& out;
  void operator()(const epmd_alive& r) const {
    out += alive2_request;
    put_entry(out, r.entry);
  }
  void operator()(const epmd_port_please& r) const {
    out += port2_request;
    out += std::string_view(r.name).substr(0, longest_name);
  }
  void operator()(const epmd_names&) const { out += names_request; }
};

/// A name goes into a line of text, and into the name of a node.
std::expected<void, std::string> check_name(std::string_view name) {
  if (name.empty() || name.size() > longest_name) return std::unexpected("a name has 1 to 255 bytes");
  const auto bad = std::ranges::find_if(
      name, [](char c) { return static_cast<std::uint8_t>(c) <= ' ' || c == '@' || c == '\x7f'; });
  if (bad == name.end()) return {};
  return std::unexpected(fmt::format("the byte {} cannot be in a name", static_cast<std::uint8_t>(*bad)));
}

std::expected<epmd_request, std::string> parse_alive(std::string_view body) {
  fields from(body);
  epmd_entry entry = take_entry(from);
  if (!from.all_there() || !from.empty()) return std::unexpected("ALIVE2_REQ of a wrong length");
  if (auto checked = check_name(entry.name); !checked) return std::unexpected(checked.error());
  if (entry.extra.size() > longest_name) return std::unexpected("more than 255 bytes of extra data");
  return epmd_alive{std::move(entry)};
}

} // namespace

std::string to_bytes(const epmd_request& request) {
  std::string body;
  std::visit(body_of{body}, request);
  std::string out;
  put(out, static_cast<std::uint16_t>(body.size()));
  return out + body;
}

std::expected<epmd_request, std::string> parse_epmd_request(std::string_view body) {
  if (body.empty()) return std::unexpected("an empty request");
  const char what = body.front();
  body.remove_prefix(1);
  switch (what) {
  case alive2_request: return parse_alive(body);
  case port2_request: {
    if (auto checked = check_name(body); !checked) return std::unexpected(checked.error());
    return epmd_port_please{std::string(body)};
  }
  case names_request: return epmd_names{};
  default: return std::unexpected(fmt::format("a request {}", static_cast<std::uint8_t>(what)));
  }
}

std::string alive_answer(std::optional<std::uint32_t> creation, std::uint16_t highest) {
  const bool wide = highest >= wide_creations_from;
  std::string out(1, wide ? alive2_response_wide : alive2_response);
  put(out, static_cast<std::uint8_t>(creation ? 0 : 1));
  if (wide) {
    put(out, creation.value_or(0));
  } else {
    put(out, static_cast<std::uint16_t>(creation ? *creation % 3 + 1 : 0)); // 1 to 3 is what those know
  }
  return out;
}

std::string port_answer(const std::optional<epmd_entry>& entry) {
  std::string out(1, port2_response);
  put(out, static_cast<std::uint8_t>(entry ? 0 : 1));
  if (entry) put_entry(out, *entry);
  return out;
}

std::string names_answer(std::uint16_t port, const std::vector<epmd_entry>& entries) {
  std::string out;
  put(out, std::uint32_t{port});
  for (const epmd_entry& e : entries) out += fmt::format("name {} at port {}\n", e.name, e.port);
  return out;
}

alive_result parse_alive_answer(std::string_view bytes) {
  if (bytes.empty()) return {};
  const bool wide = bytes[0] == alive2_response_wide;
  if (!wide && bytes[0] != alive2_response) return {answer_state::wrong, {}};
  fields from(bytes.substr(1));
  const bool taken = from.number<std::uint8_t>() != 0;
  const std::uint32_t creation = wide ? from.number<std::uint32_t>() : from.number<std::uint16_t>();
  if (!from.all_there()) return {};
  if (taken) return {answer_state::complete, {}};
  return {answer_state::complete, creation};
}

port_result parse_port_answer(std::string_view bytes) {
  if (bytes.empty()) return {};
  if (bytes[0] != port2_response) return {answer_state::wrong, {}};
  fields from(bytes.substr(1));
  const bool unknown = from.number<std::uint8_t>() != 0;
  if (!from.all_there()) return {};
  if (unknown) return {answer_state::complete, {}};
  epmd_entry entry = take_entry(from);
  if (!from.all_there()) return {};
  return {answer_state::complete, std::move(entry)};
}

std::optional<std::vector<named_port>> parse_names_answer(std::string_view bytes) {
  if (bytes.size() < sizeof(std::uint32_t)) return {};
  bytes.remove_prefix(sizeof(std::uint32_t));
  std::vector<named_port> all;
  while (!bytes.empty()) {
    const std::size_t end = bytes.find('\n');
    std::string_view line = bytes.substr(0, end);
    bytes.remove_prefix(end == std::string_view::npos ? bytes.size() : end + 1);
    constexpr std::string_view before = "name ";
    constexpr std::string_view between = " at port ";
    const std::size_t middle = line.rfind(between);
    if (!line.starts_with(before) || middle == std::string_view::npos || middle < before.size()) return {};
    named_port one{.name = std::string(line.substr(before.size(), middle - before.size()))};
    const std::string_view port = line.substr(middle + between.size());
    const auto [rest, wrong] = std::from_chars(port.data(), port.data() + port.size(), one.port);
    if (wrong != std::errc() || rest != port.data() + port.size()) return {};
    all.push_back(std::move(one));
  }
  return all;
}

} // namespace coppice::dist
