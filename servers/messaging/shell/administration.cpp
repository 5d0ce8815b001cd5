#include "servers/messaging/shell/administration.hpp"

#include "coppice/runtime/blocking.hpp"
#include "coppice/runtime/node.hpp"
#include "servers/messaging/application.hpp"
#include "servers/messaging/shell/on_demand.hpp"
#include "servers/messaging/shell/room.hpp"
#include "servers/messaging/shell/user.hpp"
#include "servers/messaging/storage/accounts.hpp"
#include "servers/messaging/storage/archive.hpp"
#include "servers/messaging/storage/offline.hpp"
#include "servers/messaging/storage/rooms.hpp"
#include "servers/xml/stream_parser.hpp"

#include <algorithm>
#include <map>

namespace coppice::messaging {
namespace {

using namespace std::chrono_literals;

/// For one process to answer: whoever is busy for longer is left out.
constexpr duration patience = 2s;

inbox_message message_of(std::int64_t id, xmpp::instant at, const std::string& stanza) {
  inbox_message m;
  m.id = id;
  m.at = std::chrono::duration_cast<std::chrono::milliseconds>(at.time_since_epoch()).count();
  if (auto read = xml::parse_element(stanza, xml::parser_limits())) {
    m.from = read->get("from");
    m.to = read->get("to");
    m.text = read->text_of("body").value_or("");
  }
  return m;
}

std::vector<inbox_message> load_inbox(store::transaction& t, const std::string& owner, inbox which,
                                      std::int64_t from, std::size_t most) {
  std::vector<inbox_message> all;
  if (which == inbox::unread) {
    for (const auto& one : storage::load_offline(t, owner, from, most)) {
      all.push_back(message_of(one.id, one.at, one.stanza));
    }
    return all;
  }
  storage::archive_filter filter;
  if (from > 0) filter.before = from;
  for (const auto& one : storage::load_archive(t, owner, filter, most, true).entries) {
    all.push_back(message_of(one.id, one.at, one.stanza));
  }
  return all;
}

/// Of a room that nobody is in.
room_facts facts_of(const storage::stored_room& kept) {
  room_facts facts;
  facts.address = kept.address;
  facts.persistent = true;
  if (const auto config = xmpp::muc::parse_config(kept.config)) {
    facts.name = config->name;
    facts.members_only = config->members_only;
  }
  return facts;
}

void tell_user(const std::string& name) {
  if (const std::optional<pid> there = user_process(name)) {
    cast<account_changed>(server_ref<user>(server_name(*there)));
  }
}

void log_deed(const char* what, const std::string& whom) {
  if (!this_node().reports(severity::notice)) return;
  this_node().report(
      report{severity::notice, "administration", self_pid(), {{"what", what}, {"whom", whom}}, {}});
}

} // namespace

const char* name_of(problem p) noexcept {
  switch (p) {
  case problem::no_user: return "no_user";
  case problem::no_receiver: return "no_receiver";
  case problem::no_session: return "no_session";
  case problem::user_exists: return "user_exists";
  case problem::bad_name: return "bad_name";
  case problem::bad_password: return "bad_password";
  case problem::too_long: return "too_long";
  case problem::not_allowed: return "not_allowed";
  case problem::unavailable: break;
  }
  return "unavailable";
}

std::optional<xmpp::jid> user_address(const host& h, std::string_view text) {
  if (text.find('@') == std::string_view::npos) {
    const auto made = xmpp::jid::of(text, h.domain());
    if (!made || made->local().empty()) return std::nullopt;
    return *made;
  }
  const auto read = xmpp::jid::parse(text);
  if (!read || read->local().empty() || read->domain() != h.domain()) return std::nullopt;
  return *read;
}

// --- messages ---

task<std::variant<std::vector<inbox_message>, error>> find_messages(host h, std::string user, inbox which,
                                                                    std::int64_t from, std::size_t most) {
  using outcome = std::variant<std::vector<inbox_message>, error>;
  const std::optional<xmpp::jid> who = user_address(h, user);
  if (!who) co_return outcome(error{problem::no_user});
  auto work = [owner = std::string(who->bare_text()), which, from,
               most = std::min(most, longest_page)](store::transaction& t) {
    std::optional<std::vector<inbox_message>> found;
    if (storage::has_account(t, owner)) found = load_inbox(t, owner, which, from, most);
    return found;
  };
  auto found = co_await h.db().read(std::move(work));
  if (!found) co_return outcome(error{problem::unavailable});
  if (!*found) co_return outcome(error{problem::no_user});
  co_return outcome(std::move(**found));
}

// --- users ---

task<std::variant<std::vector<std::string>, error>> find_users(host h, std::string after, std::size_t most) {
  using outcome = std::variant<std::vector<std::string>, error>;
  auto work = [after = std::move(after), most = std::min(most, longest_page)](store::transaction& t) {
    return storage::list_accounts(t, after, most);
  };
  auto found = co_await h.db().read(std::move(work));
  if (!found) co_return outcome(error{problem::unavailable});
  co_return outcome(std::move(*found));
}

namespace {

/// As an account of the database has it; or what is wrong. Takes some milliseconds.
using made_credentials = std::variant<credentials, error>;
made_credentials credentials_of(const settings& how, const std::string& name, const std::string& password) {
  const auto address = xmpp::jid::of(name, how.domain);
  if (!address || address->local().empty()) return error{problem::bad_name};
  auto made = make_credentials(name, password, how);
  if (!made) return error{problem::bad_password};
  return std::move(*made);
}

task<std::variant<ok, error>> save_credentials(host h, std::string name, std::string password, bool adds) {
  using outcome = std::variant<ok, error>;
  auto make = [how = h.how()](const std::string& who, const std::string& secret) {
    return credentials_of(how, who, secret);
  };
  made_credentials made = co_await blocking(std::move(make), std::move(name), std::move(password));
  if (const auto* wrong = std::get_if<error>(&made)) co_return outcome(*wrong);
  const credentials one = std::get<credentials>(std::move(made));
  auto work = [one, adds, now = host::now_utc()](store::transaction& t) {
    return adds ? storage::create_account(t, one.address, one.verifiers, now)
                : storage::set_verifiers(t, one.address, one.verifiers);
  };
  auto done = co_await h.db().write(std::move(work));
  if (!done) co_return outcome(error{problem::unavailable});
  if (!*done) co_return outcome(error{adds ? problem::user_exists : problem::no_user});
  log_deed(adds ? "user added" : "password changed", one.address);
  const auto local = xmpp::jid::parse(one.address);
  if (adds && local) tell_user(std::string(local->local()));
  co_return outcome(ok());
}

} // namespace

task<std::variant<ok, error>> add_user(host h, std::string name, std::string password) {
  co_return co_await save_credentials(std::move(h), std::move(name), std::move(password), true);
}

task<std::variant<ok, error>> set_password(host h, std::string name, std::string password,
                                           std::string keeps) {
  const std::optional<xmpp::jid> who = user_address(h, name);
  std::variant<ok, error> done =
      co_await save_credentials(std::move(h), std::move(name), std::move(password), false);
  const std::optional<pid> there = who ? user_process(who->local()) : std::nullopt;
  if (std::holds_alternative<ok>(done) && there) {
    cast<kick>(server_ref<user>(server_name(*there)), std::string(), "not-authorized",
               "The password was changed.", std::move(keeps));
  }
  co_return done;
}

task<std::variant<ok, error>> remove_user(host h, std::string name) {
  using outcome = std::variant<ok, error>;
  const std::optional<xmpp::jid> who = user_address(h, name);
  if (!who) co_return outcome(error{problem::no_user});
  auto work = [owner = std::string(who->bare_text())](store::transaction& t) {
    return storage::remove_account(t, owner);
  };
  auto done = co_await h.db().write(std::move(work));
  if (!done) co_return outcome(error{problem::unavailable});
  if (!*done) co_return outcome(error{problem::no_user});
  log_deed("user removed", std::string(who->bare_text()));
  tell_user(std::string(who->local()));
  co_return outcome(ok());
}

// --- sessions ---

task<std::vector<session_facts>> sessions_of(std::string name) {
  const std::optional<pid> there = user_process(name);
  std::vector<session_facts> none;
  if (!there) co_return none;
  const server_ref<user> ref{server_name(*there)};
  auto found = co_await try_call<list_sessions>(ref, within(patience));
  if (!found) co_return none;
  co_return std::move(*found);
}

task<session_page> find_sessions(host h, std::string after, std::size_t most) {
  most = std::min(most, longest_page);
  const std::vector<std::string> names = h.user_names(after, most);
  session_page page;
  for (const std::string& name : names) {
    std::vector<session_facts> found = co_await sessions_of(name);
    std::ranges::move(found, std::back_inserter(page.sessions));
  }
  if (names.size() == most) page.last = names.back();
  co_return std::move(page);
}

task<std::variant<std::int64_t, error>> end_sessions(host h, std::string address) {
  using outcome = std::variant<std::int64_t, error>;
  const std::optional<xmpp::jid> who = user_address(h, address);
  if (!who) co_return outcome(error{problem::no_user});
  std::vector<session_facts> all = co_await sessions_of(std::string(who->local()));
  const auto count = std::ranges::count_if(
      all, [&](const session_facts& s) { return who->is_bare() || s.address == who->text(); });
  const std::optional<pid> there = user_process(who->local());
  if (count == 0 || !there) co_return outcome(error{problem::no_session});
  cast<kick>(server_ref<user>(server_name(*there)), std::string(who->resource()), "policy-violation",
             "An administrator has ended the session.");
  log_deed("sessions ended", who->text());
  co_return outcome(static_cast<std::int64_t>(count));
}

// --- rooms ---

task<std::variant<std::vector<room_facts>, error>> find_rooms(host h, std::string after, std::size_t most) {
  using outcome = std::variant<std::vector<room_facts>, error>;
  most = std::min(most, longest_page);
  auto work = [after, most](store::transaction& t) {
    std::map<std::string, room_facts> all;
    for (const auto& one : storage::list_rooms(t, after, most)) all.emplace(one.address, facts_of(one));
    return all;
  };
  auto kept = co_await h.db().read(std::move(work));
  if (!kept) co_return outcome(error{problem::unavailable});
  std::map<std::string, room_facts> all = std::move(*kept);
  for (const std::string& name : h.room_names()) {
    const auto address = xmpp::jid::of(name, h.rooms_domain());
    if (address && address->text() > after) all[address->text()].address = address->text();
  }
  while (all.size() > most) all.erase(std::prev(all.end()));
  std::vector<room_facts> rooms;
  for (auto& [address, facts] : all) {
    const auto read = xmpp::jid::parse(address);
    const std::optional<pid> there = room_process(read ? read->local() : std::string_view());
    if (there) {
      const server_ref<room> ref{server_name(*there)};
      auto now = co_await try_call<describe_room>(ref, within(patience));
      if (now && *now) facts = std::move(**now);
    }
    rooms.push_back(std::move(facts));
  }
  co_return outcome(std::move(rooms));
}

} // namespace coppice::messaging
