#include "servers/console/shell/api.hpp"

#include "coppice/http/fields.hpp"
#include "coppice/http/mime.hpp"
#include "coppice/runtime/node.hpp"
#include "servers/console/proto/frames.hpp"
#include "servers/console/shell/sampler.hpp"
#include "servers/web/file.hpp"
#include "servers/web/guard.hpp"

#include <charconv>
#include <fmt/format.h>
#include <utility>

namespace coppice::console {

std::span<const web::file> page_files(); // cmake/coppice_embed.cmake writes it

namespace {

using namespace std::chrono_literals;

constexpr std::uint64_t longest_body = 4096;
constexpr std::size_t longest_filter = 256;

http::response refuse(http::status s, std::string code, std::string text) {
  return http::response::json(web::to_json({s, std::move(code), std::move(text)}), s);
}

http::response bad_method(const char* allowed) {
  http::response r =
      refuse(http::status::method_not_allowed, "bad_method", fmt::format("This takes {} only.", allowed));
  r.header("Allow", allowed);
  return r;
}

bool reads(const http::request& request) {
  return request.method() == http::method::get || request.method() == http::method::head;
}

http::response serve_file(const http::request& request, const std::string& name, const std::string& token) {
  for (const web::file& file : page_files()) {
    if (file.name != name) continue;
    if (!reads(request)) return bad_method("GET, HEAD");
    http::response r(http::status::ok, http::content_type(name), std::string(file.content));
    if (name != "index.html") return r;
    constexpr std::string_view placeholder = "__COPPICE_TOKEN__";
    if (const std::size_t at = r.body.find(placeholder); at != std::string::npos) {
      r.body.replace(at, placeholder.size(), token);
    }
    r.header("Cache-Control", "no-store");
    return r;
  }
  return refuse(http::status::not_found, "not_found", "There is no such page.");
}

/// The view that the query asks for; throws http::error 400 if it is malformed.
view view_of(const http::request& request) {
  const http::parameters query = request.query();
  view what;
  what.all_open = true;
  what.filter = query.get("filter").value_or("");
  if (what.filter.size() > longest_filter)
    throw http::error(http::status::bad_request, "the filter is too long");
  if (const auto limit = query.get("limit")) {
    const auto [end, error] = std::from_chars(limit->data(), limit->data() + limit->size(), what.limit);
    if (error != std::errc() || end != limit->data() + limit->size()) {
      throw http::error(http::status::bad_request, "the limit must be an integer from 0");
    }
  }
  return what;
}

task<http::response> serve_tree(http::request& request, std::shared_ptr<archive> kept) {
  if (!reads(request)) co_return bad_method("GET, HEAD");
  const view what = view_of(request);
  const self me = request.process();
  const pid sampler = whereis(atom(sampler::name)).value_or(pid()); // to the null pid nothing is sent
  cast<look_wanted>(server_ref<console::sampler>(server_name(sampler)), me, std::uint64_t{0}, true,
                    std::nullopt);
  const duration patience = sampler ? 10s : 0s;
  std::optional<looked> answer = co_await me.receive<looked>(patience);
  if (!answer || answer->what->processes == nullptr) {
    co_return refuse(http::status::service_unavailable, "unavailable", "The console is being restarted.");
  }
  const std::vector<log_entry> reports = kept->seen.log().latest(100);
  const selection rows = select(*answer->what->processes, what);
  snapshot s;
  s.at = answer->what->at;
  s.node = &answer->what->node;
  s.tree = &rows;
  s.reports = reports;
  co_return http::response::json(write_snapshot(s));
}

/// Whether `process` is `me` or what I go down with.
bool stands_above(pid process, pid me) {
  for (int floor = 0; me && floor < 100; ++floor) {
    if (me == process) return true;
    const std::optional<process_summary> found = this_node().summary(me);
    me = found ? found->parent : pid();
  }
  return false;
}

/// Kills after its caller has had the time to answer.
process kill_soon(self, pid victim) {
  co_await idle_for(100ms);
  exit(victim, exit_reason::kill());
}

task<> kill_and_wait(self me, pid victim) {
  if (stands_above(victim, me)) {
    spawn(kill_soon, victim);
    co_return;
  }
  const reference watch = monitor(victim);
  exit(victim, exit_reason::kill());
  const auto ours = [watch](const down& d) { return d.ref == watch; };
  std::optional<down> gone = co_await me.receive_if<down>(ours, 5s);
  if (!gone) demonitor(watch, true);
}

task<http::response> serve_kill(http::request& request, std::shared_ptr<archive> kept) {
  if (request.method() != http::method::post) co_return bad_method("POST");
  const auto type = http::parse_parameterised(request.header("Content-Type").value_or(""));
  if (!type || type->value != "application/json") {
    co_return refuse(http::status::unsupported_media_type, "bad_type", "The body must be application/json.");
  }
  std::string body;
  bool too_big = request.head().content_length > longest_body;
  while (!too_big) {
    std::string_view piece = co_await request.body_piece();
    if (piece.empty()) break;
    too_big = body.size() + piece.size() > longest_body;
    if (!too_big) body += piece;
  }
  if (too_big) co_return refuse(http::status::content_too_large, "too_big", "The body has over 4 KiB.");
  const std::expected<pid, std::string> victim = parse_kill(body);
  if (!victim) co_return refuse(http::status::bad_request, "bad_request", victim.error() + ".");
  const std::optional<process_summary> found = this_node().summary(*victim);
  if (!found) {
    co_return refuse(http::status::not_found, "no_process",
                     fmt::format("There is no process {}, or it is dead by now.", pid_text(*victim)));
  }
  kept->seen.killed(*found);
  this_node().report(report{severity::notice, "kill", found->process, {{"by", "the console"}}, {}});
  co_await kill_and_wait(request.process(), *victim);
  co_return http::response::json(write_killed(*victim));
}

} // namespace

task<http::response> serve(http::request& request, std::shared_ptr<archive> kept, std::string token) {
  const std::vector<std::string>& path = request.path_info();
  const bool of_api = !path.empty() && path[0] == "api";
  if (!of_api) {
    if (path.empty() && !request.path().ends_with('/')) {
      co_return http::response::redirect("/console/", http::status::permanent_redirect);
    }
    const std::string name = path.empty() ? "index.html" : path.size() == 1 ? path[0] : "";
    co_return serve_file(request, name, token);
  }
  const std::string_view given = request.header("X-Coppice-Token").value_or("");
  if (!web::equal_in_constant_time(given, token)) {
    co_return refuse(http::status::forbidden, "bad_token",
                     "The token is missing or wrong: load the page again.");
  }
  const std::string name = path.size() == 2 ? path[1] : "";
  if (name == "tree") {
    http::response tree = co_await serve_tree(request, std::move(kept));
    co_return tree;
  }
  if (name == "kill") {
    http::response killed = co_await serve_kill(request, std::move(kept));
    co_return killed;
  }
  co_return refuse(http::status::not_found, "not_found", "There is no such request.");
}

} // namespace coppice::console
