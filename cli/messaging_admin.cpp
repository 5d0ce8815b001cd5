#include "cli/messaging_admin.hpp"

#include "cli/messaging_data.hpp"
#include "coppice/http/client.hpp"
#include "coppice/net/asio_poller.hpp"
#include "coppice/runtime/node.hpp"

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>
#include <cstdio>
#include <fmt/format.h>
#include <iostream>
#include <iterator>

namespace coppice::cli {
namespace {

namespace json = boost::json;

/// A request to the admin API.
struct question_to_server {
  std::string method;
  std::string path; ///< behind `/api/messaging/`
  std::string body; ///< JSON; '' for none
};
/// What it has answered; or what is wrong.
using outcome = std::expected<json::value, std::string>;

/// As it stands in a path or a query.
std::string encoded(std::string_view text) {
  std::string out;
  for (const char c : text) {
    const bool plain =
        (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
    out += plain ? std::string(1, c) : fmt::format("%{:02X}", static_cast<unsigned char>(c));
  }
  return out;
}

/// What others have written must not steer the terminal.
std::string printable(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto c = static_cast<unsigned char>(text[i]);
    const bool c1 = c == 0xC2 && i + 1 < text.size() && static_cast<unsigned char>(text[i + 1]) < 0xA0;
    if (c1) ++i;
    out += c < 0x20 || c == 0x7F || c1 ? ' ' : text[i];
  }
  return out;
}

std::string text_in(const json::value& in, std::string_view name) {
  const json::value* one = in.is_object() ? in.as_object().if_contains(name) : nullptr;
  if (one == nullptr) return {};
  return one->is_string() ? printable(std::string_view(one->as_string())) : json::serialize(*one);
}

bool holds(const json::value& in, std::string_view name) {
  const json::value* one = in.is_object() ? in.as_object().if_contains(name) : nullptr;
  return one != nullptr && one->is_bool() && one->as_bool();
}

json::array list_in(const json::value& in, std::string_view name) {
  const json::value* one = in.is_object() ? in.as_object().if_contains(name) : nullptr;
  return one != nullptr && one->is_array() ? one->as_array() : json::array();
}

outcome read(const http::fetched& answer) {
  boost::system::error_code wrong;
  json::value body = answer.body.empty() ? json::value(json::object()) : json::parse(answer.body, wrong);
  if (answer.status() < 300 && !wrong) return body;
  const json::value* e = !wrong && body.is_object() ? body.as_object().if_contains("error") : nullptr;
  if (e != nullptr) return std::unexpected(text_in(*e, "text"));
  return std::unexpected(fmt::format("the server has answered with status {}", answer.status()));
}

task<outcome> ask(self, messaging::running_server server, question_to_server what) {
  auto client = co_await http::start_client();
  if (!client) co_return std::unexpected(client.error());
  http::client_request request(what.method, server.url + "/api/messaging/" + what.path);
  request.header("Authorization", "Bearer " + server.token);
  if (!what.body.empty()) {
    request.header("Content-Type", "application/json");
    request.body = std::move(what.body);
  }
  auto answer = co_await client->fetch(std::move(request));
  if (!answer) co_return std::unexpected("the server does not answer: " + answer.error().text);
  co_return read(*answer);
}

std::string read_text() {
  std::string text{std::istreambuf_iterator<char>(std::cin), std::istreambuf_iterator<char>()};
  while (text.ends_with('\n') || text.ends_with('\r')) text.pop_back();
  return text;
}

question_to_server question_of(const user_options& told, const std::string& password) {
  const std::string user = "users/" + encoded(told.name);
  switch (told.what) {
  case user_task::add:
    return {"POST", "users", json::serialize(json::value{{"name", told.name}, {"password", password}})};
  case user_task::passwd: return {"PUT", user, json::serialize(json::value{{"password", password}})};
  case user_task::remove: return {"DELETE", user, ""};
  case user_task::list: return {"GET", "users?limit=1000", ""};
  case user_task::kick: return {"DELETE", "sessions/" + encoded(told.name), ""};
  case user_task::send:
    return {"POST", "messages",
            json::serialize(json::value{{"from", told.name}, {"to", told.to}, {"text", read_text()}})};
  case user_task::inbox:
    return {"GET", user + (told.unread ? "/messages?box=unread&limit=1000" : "/messages"), ""};
  case user_task::rooms: return {"GET", "rooms?limit=1000", ""};
  case user_task::backup:
    return {"POST", "backups", json::serialize(json::value{{"folder", absolute(told.path)}})};
  case user_task::restore:
  case user_task::import: // never asked of a server that runs
  case user_task::sessions: break;
  }
  return {"GET", "sessions?limit=1000", ""};
}

void print_room(const json::value& room) {
  const json::array occupants = list_in(room, "occupants");
  std::printf("%s  %s  %zu there\n", text_in(room, "address").c_str(),
              holds(room, "persistent") ? "persistent" : "temporary", occupants.size());
  for (const json::value& o : occupants) {
    std::printf("  %s  %s  %s, %s\n", text_in(o, "nick").c_str(), text_in(o, "address").c_str(),
                text_in(o, "affiliation").c_str(), text_in(o, "role").c_str());
  }
}

void print(const user_options& told, const json::value& answer) {
  for (const json::value& name : list_in(answer, "users")) {
    if (name.is_string()) std::puts(printable(std::string_view(name.as_string())).c_str());
  }
  for (const json::value& s : list_in(answer, "sessions")) {
    std::printf("%s  %s  %s%s\n", text_in(s, "address").c_str(), text_in(s, "transport").c_str(),
                holds(s, "connected") ? "connected" : "waits to be resumed",
                holds(s, "available") ? ", available" : "");
  }
  for (const json::value& m : list_in(answer, "messages")) {
    std::printf("%s  %s -> %s: %s\n", text_in(m, "at").c_str(), text_in(m, "from").c_str(),
                text_in(m, "to").c_str(), text_in(m, "text").c_str());
  }
  for (const json::value& room : list_in(answer, "rooms")) print_room(room);
  if (told.what == user_task::backup) note_other_database(holds(answer, "database"));
  if (told.what == user_task::kick) std::printf("%s ended\n", text_in(answer, "ended").c_str());
}

bool is_list(user_task what) {
  return what == user_task::list || what == user_task::sessions || what == user_task::rooms;
}

} // namespace

int ask_server(const messaging::running_server& server, const user_options& told,
               const std::string& password) {
  node_options settings;
  settings.cores = 1;
  settings.make_poller = net::make_poller();
  node home(std::move(settings));
  question_to_server next = question_of(told, password);
  const std::string path = next.path;
  while (true) {
    outcome answer = home.run(&ask, server, next);
    if (!answer) {
      std::fprintf(stderr, "coppice messaging: %s\n", answer.error().c_str());
      return status_failed;
    }
    print(told, *answer);
    const json::value* more = answer->is_object() ? answer->as_object().if_contains("next") : nullptr;
    if (more == nullptr || !more->is_string() || !is_list(told.what)) return 0;
    next.path = path + "&after=" + encoded(std::string_view(more->as_string()));
  }
}

} // namespace coppice::cli
