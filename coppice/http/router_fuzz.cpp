// Any patterns and any path: no crash, and what matches is told truly: putting the bindings back into the
// pattern gives the path again.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "coppice/http/router.hpp"
#include "coppice/http/static_path.hpp"

namespace {

using namespace coppice::http;

void require(bool ok) {
  if (!ok) std::abort();
}

/// Lines of the input: patterns (a host before the first '/'), the last line a path to look for.
std::vector<std::string> lines_of(std::string_view text) {
  std::vector<std::string> lines;
  while (!text.empty() && lines.size() < 16) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    lines.emplace_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return lines;
}

void check_static_path(const std::vector<std::string>& segments) {
  const auto mapped = static_path("/root", segments);
  if (!mapped) return;
  require(mapped->starts_with("/root"));
  require(mapped->find("/..") == std::string::npos && mapped->find('\\') == std::string::npos);
  require(mapped->find('\0') == std::string::npos && mapped->find("//") == std::string::npos);
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::vector<std::string> lines = lines_of({reinterpret_cast<const char*>(data), size});
  if (lines.empty()) return 0;
  const std::string path = lines.back();
  lines.pop_back();
  std::vector<route<std::size_t>> routes;
  for (const std::string& line : lines) {
    const std::size_t slash = std::min(line.find('/'), line.size());
    routes.push_back({line.substr(slash), routes.size(), {}, line.substr(0, slash)});
    if (line.find(":n") != std::string::npos)
      routes.back().constraints.push_back(route_constraint::integer("n"));
  }
  const auto compiled = router<std::size_t>::compile(routes);
  if (!compiled) {
    require(compiled.error().route < lines.size() && !compiled.error().message().empty());
    require(compiled.error().at <= compiled.error().pattern.size());
    return 0;
  }
  const auto segments = path_segments(path);
  if (!segments) return 0;
  check_static_path(*segments);
  const auto found = (*compiled)->match("www.example.org", *segments);
  if (!found) return 0;
  require(*found->handler < lines.size());
  require(found->path_info.size() <= segments->size());
  for (std::size_t i = 0; i < found->path_info.size(); ++i) {
    require(found->path_info[i] == (*segments)[segments->size() - found->path_info.size() + i]);
  }
  for (const auto& [name, value] : found->bindings) {
    require(lines[*found->handler].find(':' + name) != std::string::npos);
    require(name != "n" || found->bindings.integer("n").has_value());
  }
  return 0;
}
