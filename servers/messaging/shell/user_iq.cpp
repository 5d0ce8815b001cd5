// Requests that the server answers itself, for the user's account or as the server.
#include "servers/messaging/core/discovery.hpp"
#include "servers/messaging/shell/replies.hpp"
#include "servers/messaging/shell/user.hpp"
#include "servers/messaging/storage/roster.hpp"
#include "servers/xmpp/disco.hpp"
#include "servers/xmpp/namespaces.hpp"

#include "coppice/runtime/node.hpp"

#include <array>

namespace coppice::messaging {

using namespace xmpp; // NOLINT(google-build-using-namespace)

namespace {

/// XEP-0202
xml::element time_answer(const xml::element& iq) {
  xml::element now(ns::time, "time");
  now.add(xml::element(ns::time, "tzo").add_text("+00:00"));
  now.add(xml::element(ns::time, "utc")
              .add_text(to_text(std::chrono::floor<std::chrono::seconds>(host::now_utc()))));
  return result_reply(iq).add(std::move(now));
}

/// XEP-0092
xml::element version_answer(const xml::element& iq) {
  xml::element version(ns::version, "query");
  version.add(xml::element(ns::version, "name").add_text("Coppice"));
  version.add(xml::element(ns::version, "version").add_text(COPPICE_VERSION));
  return result_reply(iq).add(std::move(version));
}

} // namespace

task<> user::take_iq(session* s, xml::element iq) {
  const jid to = jid::parse(iq.get("to")).value_or(jid());
  const std::string_view type = iq.get("type");
  const bool own = to.empty() || to == bare();
  const bool server = to.domain() == host_.domain() && to.local().empty();
  const bool uploads = to.domain() == host_.uploads_domain() && to.local().empty();
  if (!own && !server && !uploads) {
    auto shared = std::make_shared<const xml::element>(std::move(iq));
    co_await route(std::move(shared), 0, 0);
    co_return;
  }
  if (type != "get" && type != "set") {
    if (server) co_await take_caps(s, std::move(iq)); // nothing else has been asked
    co_return;
  }
  const std::uint64_t number = s->number;
  xml::element reply;
  if (uploads) {
    xml::element made = co_await answer_upload(std::move(iq));
    reply = std::move(made);
  } else {
    xml::element made = co_await answer(s, std::move(iq));
    reply = std::move(made);
  }
  if (session* still = find(number); still != nullptr && !reply.name().empty()) write(*still, reply);
}

/// Who answers what: the element of the request, and how.
struct user::request_kind {
  std::string_view ns;
  std::string_view name;
  task<xml::element> (user::*answer)(session* s, xml::element iq);
};

task<xml::element> user::answer(session* s, xml::element iq) {
  static constexpr std::array kinds = std::to_array<request_kind>({
      {ns::roster, "query", &user::answer_roster},
      {ns::archive, "query", &user::answer_archive},
      {ns::archive, "metadata", &user::answer_archive_metadata},
      {ns::archive, "prefs", &user::answer_archive_preferences},
      {ns::blocking, "blocklist", &user::answer_blocking},
      {ns::blocking, "block", &user::answer_blocking},
      {ns::blocking, "unblock", &user::answer_blocking},
      {ns::private_storage, "query", &user::answer_private},
      {ns::vcard, "vCard", &user::answer_vcard},
      {ns::registration, "query", &user::answer_registration},
      {ns::pubsub, "pubsub", &user::answer_pubsub},
      {ns::pubsub_owner, "pubsub", &user::answer_pubsub},
  });
  const xml::element* asked = iq.first();
  for (const request_kind& kind : kinds) {
    if (!asked->is(kind.ns, kind.name)) continue;
    xml::element reply = co_await (this->*kind.answer)(s, std::move(iq));
    co_return std::move(reply);
  }
  xml::element reply = co_await answer_simply(s, std::move(iq));
  co_return std::move(reply);
}

task<xml::element> user::answer_simply(session* s, xml::element iq) {
  const xml::element* asked = iq.first();
  const bool sets = iq.get("type") == "set";
  const bool server = iq.get("to") == host_.domain();
  const bool registers = host_.how().registration.is_there();
  if (asked->is(ns::ping, "ping")) co_return result_reply(iq);
  if (asked->is(ns::session, "session") && sets) co_return result_reply(iq);
  if (asked->is(ns::carbons, "enable") || asked->is(ns::carbons, "disable")) {
    if (!sets) co_return refused(iq, condition::bad_request);
    s->carbons = asked->name() == "enable";
    co_return result_reply(iq);
  }
  if (asked->is(ns::time, "time") && !sets) co_return time_answer(iq);
  if (asked->is(ns::version, "query") && !sets) co_return version_answer(iq);
  if (asked->is(ns::disco_info, "query") && !sets) {
    if (!server) co_return discover(iq);
    if (!is_server_node(asked->get("node"), registers)) co_return refused(iq, condition::item_not_found);
    disco_info info = server_info(registers);
    info.node = asked->get("node");
    co_return result_reply(iq).add(to_element(info));
  }
  if (asked->is(ns::disco_items, "query") && !sets) {
    if (!server) co_return discover(iq);
    std::vector<disco_item> items;
    if (asked->get("node").empty()) {
      items.push_back({.jid = host_.rooms_domain(), .name = "Rooms"});
      if (!host_.uploads_url().empty()) {
        items.push_back({.jid = host_.uploads_domain(), .name = "HTTP File Upload"});
      }
    }
    co_return result_reply(iq).add(make_disco_items(items, asked->get("node")));
  }
  co_return refused(iq, condition::service_unavailable);
}

/// Somebody else asks for something of the account.
task<xml::element> user::answer_stranger(xml::element iq) {
  const xml::element* asked = iq.first();
  if (iq.get("type") == "get" && asked->is(ns::vcard, "vCard")) {
    xml::element reply = co_await answer_vcard(nullptr, std::move(iq));
    co_return std::move(reply);
  }
  if (asked->name() == "pubsub" && (asked->ns() == ns::pubsub || asked->ns() == ns::pubsub_owner)) {
    xml::element reply = co_await answer_pubsub(nullptr, std::move(iq));
    co_return std::move(reply);
  }
  const bool discovers = asked->is(ns::disco_info, "query") || asked->is(ns::disco_items, "query");
  if (iq.get("type") == "get" && discovers && seen_by(jid::parse(iq.get("from")).value_or(jid()))) {
    co_return discover(iq);
  }
  co_return refused(iq, condition::service_unavailable);
}

// --- RFC 6121, section 2 ---

task<xml::element> user::answer_roster_query(session* s, xml::element iq) {
  s->interested = true;
  const auto asked = iq.first()->find("ver");
  const roster_answer how = answer_to(asked, state_->roster_version, state_->oldest_roster_version);
  if (how == roster_answer::unchanged) co_return result_reply(iq);
  if (how == roster_answer::changes) {
    const std::uint64_t since = roster_version_of(*asked).value_or(0);
    auto work = [owner = bare().text(), since](store::transaction& t) {
      return storage::roster_changes(t, owner, since);
    };
    auto changes = co_await host_.db().read(std::move(work));
    if (changes) {
      write(*s, result_reply(iq));
      push_roster_changes(*s, *changes);
      co_return xml::element();
    }
  }
  std::vector<roster_item> items;
  items.reserve(state_->roster.size());
  for (const auto& [contact, item] : state_->roster) items.push_back(item);
  co_return roster_result(iq, items, asked ? std::optional(state_->roster_version) : std::nullopt);
}

void user::push_roster_changes(session& s, const std::vector<storage::roster_change>& changes) {
  for (const storage::roster_change& one : changes) {
    write(s, roster_push(one.item, s.address.text(), unguessable(), one.version));
  }
}

task<xml::element> user::answer_roster(session* s, xml::element iq) {
  if (iq.get("type") == "get") {
    xml::element reply = co_await answer_roster_query(s, std::move(iq));
    co_return std::move(reply);
  }
  const xml::element* query = iq.first();
  auto wish = parse_roster_set(*query, bare());
  if (!wish) co_return error_reply(iq, wish.error());
  const auto known = state_->roster.find(wish->contact);
  if (wish->remove) {
    if (known == state_->roster.end() || !known->second.listed)
      co_return refused(iq, condition::item_not_found);
    roster_item item = known->second;
    const subscription_farewell farewell = farewell_of(item.state);
    const bool saw = item.state.from;
    item.state = {};
    item.listed = false;
    co_await save(item, true);
    co_await say_farewell(item.contact, farewell);
    if (saw) co_await show_to(item.contact, false);
    co_return result_reply(iq);
  }
  roster_item item{.contact = wish->contact};
  if (known != state_->roster.end()) {
    item = known->second;
  } else if (state_->roster.size() >= host_.how().contacts_per_user) {
    co_return refused(iq, condition::resource_constraint);
  }
  item.name = std::move(wish->name);
  item.groups = std::move(wish->groups);
  item.listed = true;
  co_await save(std::move(item), true);
  co_return result_reply(iq);
}

task<> user::say_farewell(jid contact, subscription_farewell what) {
  const auto say = [this, &contact](std::string_view type) {
    return std::make_shared<const xml::element>(make_stanza("presence", bare().text(), contact.text(), type));
  };
  if (what.unsubscribe) {
    stanza_ptr stanza = say("unsubscribe");
    co_await route(std::move(stanza), 0, 0);
  }
  if (what.unsubscribed) {
    stanza_ptr stanza = say("unsubscribed");
    co_await route(std::move(stanza), 0, 0);
  }
}

} // namespace coppice::messaging
