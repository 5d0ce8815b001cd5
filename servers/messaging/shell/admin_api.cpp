#include "servers/messaging/shell/admin_api.hpp"

#include "coppice/http/fields.hpp"
#include "coppice/runtime/blocking.hpp"
#include "servers/messaging/exchange/backup.hpp"
#include "servers/messaging/shell/administration.hpp"
#include "servers/messaging/shell/messaging_server.hpp"
#include "servers/web/guard.hpp"
#include "servers/xmpp/delay.hpp"

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>
#include <charconv>
#include <expected>
#include <filesystem>
#include <memory>

namespace coppice::messaging {
namespace {

namespace json = boost::json;
using http::response;
using http::status;

constexpr std::string_view prefix = "/api/messaging/";
constexpr std::uint64_t longest_body = 128 << 10;
constexpr std::size_t usual_page = 100;
/// Messages have to be written first.
constexpr duration patience = std::chrono::seconds(15);

// --- answers ---

response refuse(status s, std::string code, std::string text) {
  return response::json(web::to_json({s, std::move(code), std::move(text)}), s);
}

/// As an address, if it can be one.
std::string called(const host& h, const std::string& name) {
  const std::optional<xmpp::jid> who = user_address(h, name);
  return who ? who->text() : name;
}

/// `whom`: the user that the request is about.
response refuse(error e, const std::string& whom) {
  const auto say = [e](status s, const std::string& text) { return refuse(s, name_of(e.reason), text); };
  switch (e.reason) {
  case problem::no_user: return say(status::not_found, "There is no account " + whom + ".");
  case problem::no_receiver: return say(status::not_found, "There is no account of the name in 'to'.");
  case problem::no_session: return say(status::not_found, "There is no such session: " + whom + ".");
  case problem::user_exists: return say(status::conflict, "There is already an account " + whom + ".");
  case problem::bad_name:
    return say(status::bad_request, "The name '" + whom + "' cannot be part of an address.");
  case problem::bad_password:
    return say(status::bad_request, "A password has 1 to 1023 bytes, and no control characters.");
  case problem::too_long: return say(status::content_too_large, "The text has over 60,000 bytes.");
  case problem::not_allowed: return say(status::forbidden, whom + " has blocked the other one.");
  case problem::unavailable: break;
  }
  return say(status::service_unavailable, "Not just now: try again.");
}

response found(const json::value& what) { return response::json(json::serialize(what)); }

json::value next_page(std::string_view last) {
  return last.empty() ? json::value(nullptr) : json::value(last);
}

json::value to_json(const inbox_message& m) {
  const xmpp::instant at{std::chrono::milliseconds(m.at)};
  return {{"id", m.id}, {"at", xmpp::to_text(at)}, {"from", m.from}, {"to", m.to}, {"text", m.text}};
}

json::value to_json(const session_facts& s) {
  return {{"address", s.address},
          {"transport", s.transport},
          {"connected", s.connected},
          {"available", s.available},
          {"priority", s.priority}};
}

json::value to_json(const room_facts& r) {
  json::array occupants;
  for (const occupant_facts& o : r.occupants) {
    occupants.push_back({{"nick", o.nick},
                         {"address", o.address},
                         {"affiliation", o.affiliation},
                         {"role", o.role},
                         {"sessions", o.sessions}});
  }
  return {{"address", r.address},
          {"name", r.name},
          {"persistent", r.persistent},
          {"members_only", r.members_only},
          {"occupants", std::move(occupants)}};
}

template <class T>
json::array to_json(const std::vector<T>& all) {
  json::array a;
  for (const T& one : all) a.push_back(to_json(one));
  return a;
}

// --- requests ---

/// A number of the query; throws http::error 400 if it is none.
std::int64_t number_in(const http::parameters& query, std::string_view name, std::int64_t otherwise) {
  const auto text = query.get(name);
  if (!text) return otherwise;
  std::int64_t n = 0;
  const auto [end, wrong] = std::from_chars(text->data(), text->data() + text->size(), n);
  if (wrong != std::errc() || end != text->data() + text->size() || n < 0) {
    throw http::error(status::bad_request, std::string(name) + " must be an integer from 0");
  }
  return n;
}

std::size_t limit_of(const http::parameters& query) {
  const auto n = static_cast<std::size_t>(number_in(query, "limit", usual_page));
  return std::clamp(n, std::size_t{1}, longest_page);
}

std::string after_of(const http::parameters& query) { return std::string(query.get("after").value_or("")); }

std::string bound(const http::request& r, std::string_view name) {
  return std::string(r.binding(name).value_or(""));
}

/// The texts that an object has under these names, and nothing else.
std::expected<std::vector<std::string>, std::string> texts_of(const std::string& body,
                                                              std::initializer_list<std::string_view> names) {
  boost::system::error_code wrong;
  const json::value read = json::parse(body, wrong);
  if (wrong || !read.is_object()) return std::unexpected("The body must be a JSON object.");
  std::vector<std::string> texts;
  for (const std::string_view name : names) {
    const json::value* one = read.as_object().if_contains(name);
    if (one == nullptr || !one->is_string()) {
      return std::unexpected("'" + std::string(name) + "' is missing, or no text.");
    }
    texts.emplace_back(one->as_string());
  }
  if (read.as_object().size() != names.size()) return std::unexpected("There are fields too many.");
  return texts;
}

std::optional<response> wrong_type(const http::request& r) {
  const auto type = http::parse_parameterised(r.header("Content-Type").value_or(""));
  if (type && type->value == "application/json") return std::nullopt;
  return refuse(status::unsupported_media_type, "bad_type", "The body must be application/json.");
}

response bad_body(const std::string& why) { return refuse(status::bad_request, "bad_request", why); }

template <class T>
response done(const std::variant<T, error>& what, status well, const std::string& whom) {
  if (const auto* e = std::get_if<error>(&what)) return refuse(*e, whom);
  return response(well);
}

// --- operations ---

task<response> list_users(http::request& r, host h) {
  const http::parameters query = r.query();
  const std::size_t most = limit_of(query);
  auto all = co_await find_users(std::move(h), after_of(query), most);
  if (const auto* e = std::get_if<error>(&all)) co_return refuse(*e, "");
  const auto& names = std::get<std::vector<std::string>>(all);
  json::array users;
  for (const std::string& name : names) users.emplace_back(name);
  const std::string_view last = names.size() == most ? std::string_view(names.back()) : std::string_view();
  const json::value answer{{"users", std::move(users)}, {"next", next_page(last)}};
  co_return found(answer);
}

task<response> make_user(http::request& r, host h) {
  if (auto wrong = wrong_type(r)) co_return std::move(*wrong);
  std::string body = co_await r.body();
  auto told = texts_of(body, {"name", "password"});
  if (!told) co_return bad_body(told.error());
  const std::string whom = called(h, (*told)[0]);
  auto made = co_await add_user(std::move(h), std::move((*told)[0]), std::move((*told)[1]));
  co_return done(made, status::created, whom);
}

task<response> change_user(http::request& r, host h) {
  if (auto wrong = wrong_type(r)) co_return std::move(*wrong);
  std::string body = co_await r.body();
  auto told = texts_of(body, {"password"});
  if (!told) co_return bad_body(told.error());
  const std::string whom = called(h, bound(r, "name"));
  auto changed = co_await set_password(std::move(h), bound(r, "name"), std::move((*told)[0]));
  co_return done(changed, status::no_content, whom);
}

task<response> delete_user(http::request& r, host h) {
  const std::string whom = called(h, bound(r, "name"));
  auto gone = co_await remove_user(std::move(h), bound(r, "name"));
  co_return done(gone, status::no_content, whom);
}

task<response> list_messages(http::request& r, host h) {
  const http::parameters query = r.query();
  const std::string_view box = query.get("box").value_or("archive");
  if (box != "archive" && box != "unread") {
    co_return bad_body("'box' must be archive or unread.");
  }
  const inbox which = box == "unread" ? inbox::unread : inbox::archive;
  const std::int64_t from = number_in(query, box == "unread" ? "after" : "before", 0);
  const std::size_t most = limit_of(query);
  const std::string whom = called(h, bound(r, "name"));
  auto all = co_await find_messages(std::move(h), bound(r, "name"), which, from, most);
  if (const auto* e = std::get_if<error>(&all)) co_return refuse(*e, whom);
  const auto& messages = std::get<std::vector<inbox_message>>(all);
  json::value next = nullptr;
  if (messages.size() == most) next = which == inbox::unread ? messages.back().id : messages.front().id;
  const json::value answer{{"messages", to_json(messages)}, {"next", next}};
  co_return found(answer);
}

task<response> list_user_sessions(http::request& r, host h) {
  const std::optional<xmpp::jid> who = user_address(h, bound(r, "name"));
  std::string name(who ? who->local() : std::string_view());
  auto all = co_await sessions_of(std::move(name));
  const json::value answer{{"sessions", to_json(all)}};
  co_return found(answer);
}

task<response> list_all_sessions(http::request& r, host h) {
  const http::parameters query = r.query();
  const std::size_t most = limit_of(query);
  auto page = co_await find_sessions(std::move(h), after_of(query), most);
  const json::value answer{{"sessions", to_json(page.sessions)}, {"next", next_page(page.last)}};
  co_return found(answer);
}

task<response> delete_sessions(http::request& r, host h) {
  const std::string whom = called(h, bound(r, "address"));
  auto ended = co_await end_sessions(std::move(h), bound(r, "address"));
  if (const auto* e = std::get_if<error>(&ended)) co_return refuse(*e, whom);
  const json::value answer{{"ended", std::get<std::int64_t>(ended)}};
  co_return found(answer);
}

task<response> list_rooms(http::request& r, host h) {
  const http::parameters query = r.query();
  const std::size_t most = limit_of(query);
  auto all = co_await find_rooms(std::move(h), after_of(query), most);
  if (const auto* e = std::get_if<error>(&all)) co_return refuse(*e, "");
  const auto& rooms = std::get<std::vector<room_facts>>(all);
  const std::string_view last =
      rooms.size() == most ? std::string_view(rooms.back().address) : std::string_view();
  const json::value answer{{"rooms", to_json(rooms)}, {"next", next_page(last)}};
  co_return found(answer);
}

task<response> post_message(http::request& r, host h) {
  if (auto wrong = wrong_type(r)) co_return std::move(*wrong);
  std::string body = co_await r.body();
  auto told = texts_of(body, {"from", "to", "text"});
  if (!told) co_return bad_body(told.error());
  const std::string whom = called(h, (*told)[0]);
  send_message ask{std::move((*told)[0]), std::move((*told)[1]), std::move((*told)[2])};
  const server_ref<messaging_server> server{server_name(atom("messaging_server"))};
  auto sent = co_await try_call<send_message>(server, within(patience), moved(ask));
  if (!sent) co_return refuse(error{problem::unavailable}, whom);
  co_return done(*sent, status::created, whom);
}

response no_backup(const std::string& why) { return refuse(status::conflict, "no_backup", why + "."); }

/// The files of users lie in the server's folder.
std::string folder_of(const host& h) {
  return std::filesystem::path(h.how().uploads.folder).parent_path().string();
}

task<response> make_backup(http::request& r, host h) {
  if (auto wrong = wrong_type(r)) co_return std::move(*wrong);
  std::string body = co_await r.body();
  auto told = texts_of(body, {"folder"});
  if (!told) co_return bad_body(told.error());
  const std::string copy = (*told)[0];
  if (!copy.starts_with('/')) co_return bad_body("'folder' must be a path from the root.");
  auto begun = co_await blocking(&exchange::begin_backup, copy);
  if (!begun) co_return no_backup(begun.error());
  const bool in_folder = exchange::is_in_folder(h.db());
  if (in_folder) {
    auto saved = co_await h.db().back_up_to(exchange::unfinished_name(copy) + "/messaging.db");
    if (!saved) co_return no_backup(saved.error().text);
  }
  auto finished = co_await blocking(&exchange::finish_backup, folder_of(h), copy);
  if (!finished) co_return no_backup(finished.error());
  const json::value answer{{"folder", copy}, {"database", in_folder}};
  co_return found(answer);
}

// --- the door ---

struct door {
  host behind;
  std::string token;
};
using operation = task<response> (*)(http::request&, host);

task<response> serve(http::request& r, std::shared_ptr<const door> d, operation what) {
  if (!shows_token(r.head(), d->token)) co_return wants_token();
  response answer;
  try {
    response made = co_await what(r, d->behind);
    answer = std::move(made);
  } catch (const http::error& e) { // of the body or the query
    answer = refuse(e.status(), "bad_request", e.why());
  }
  answer.header("Cache-Control", "no-store");
  co_return std::move(answer);
}

} // namespace

bool shows_token(const http::request_head& request, std::string_view token) {
  constexpr std::string_view scheme = "Bearer ";
  const std::string_view shown = request.headers.get("Authorization").value_or("");
  return shown.starts_with(scheme) && web::equal_in_constant_time(shown.substr(scheme.size()), token);
}

http::response wants_token() {
  response no = refuse(status::unauthorized, "unauthorized",
                       "This wants the token that is in the file 'admin-token' of the server's folder.");
  no.header("WWW-Authenticate", "Bearer");
  return no;
}

void mount_admin(http::routes& routes, const host& h, std::string token) {
  const auto shared = std::make_shared<const door>(door{h, std::move(token)});
  const auto by = [&shared](operation what) {
    return [shared, what](http::request& r) { return serve(r, shared, what); };
  };
  const auto at = [](std::string_view rest) { return std::string(prefix) + std::string(rest); };
  const http::route_options bounded{.host = {}, .constraints = {}, .body_limit = longest_body};
  routes.get(at("users"), by(list_users), bounded)
      .post(at("users"), by(make_user), bounded)
      .put(at("users/:name"), by(change_user), bounded)
      .del(at("users/:name"), by(delete_user), bounded)
      .get(at("users/:name/messages"), by(list_messages), bounded)
      .get(at("users/:name/sessions"), by(list_user_sessions), bounded)
      .get(at("sessions"), by(list_all_sessions), bounded)
      .del(at("sessions/:address"), by(delete_sessions), bounded)
      .get(at("rooms"), by(list_rooms), bounded)
      .post(at("messages"), by(post_message), bounded)
      .post(at("backups"), by(make_backup), bounded);
}

bool is_administration(const http::request_head& request) {
  return request.path().starts_with(prefix) && !request.headers.contains("Origin");
}

} // namespace coppice::messaging
