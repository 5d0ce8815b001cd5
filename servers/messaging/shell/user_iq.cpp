// Requests that the server answers itself, for the user's account or as the server.
#include "servers/messaging/shell/user.hpp"
#include "servers/messaging/storage/roster.hpp"
#include "servers/xmpp/namespaces.hpp"

#include "coppice/runtime/node.hpp"

namespace coppice::messaging {

using namespace xmpp; // NOLINT(google-build-using-namespace)

namespace {

xml::element refused(const xml::element& iq, condition why) { return error_reply(iq, {.is = why}); }

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
  if (!own && !server) {
    auto shared = std::make_shared<const xml::element>(std::move(iq));
    co_await route(std::move(shared), 0, 0);
    co_return;
  }
  if (type != "get" && type != "set") co_return; // nobody has asked
  const std::uint64_t number = s->number;
  xml::element reply = co_await answer(s, std::move(iq));
  if (session* still = find(number); still != nullptr && !reply.name().empty()) write(*still, reply);
}

task<xml::element> user::answer(session* s, xml::element iq) {
  const xml::element* asked = iq.first();
  const bool sets = iq.get("type") == "set";
  if (asked->is(ns::roster, "query")) {
    xml::element reply = co_await answer_roster(s, std::move(iq));
    co_return std::move(reply);
  }
  if (asked->is(ns::ping, "ping")) co_return result_reply(iq);
  if (asked->is(ns::session, "session") && sets) co_return result_reply(iq);
  if (asked->is(ns::carbons, "enable") || asked->is(ns::carbons, "disable")) {
    if (!sets) co_return refused(iq, condition::bad_request);
    s->carbons = asked->name() == "enable";
    co_return result_reply(iq);
  }
  if (asked->is(ns::time, "time") && !sets) co_return time_answer(iq);
  if (asked->is(ns::version, "query") && !sets) co_return version_answer(iq);
  co_return refused(iq, condition::service_unavailable);
}

// --- RFC 6121, section 2 ---

task<xml::element> user::answer_roster(session* s, xml::element iq) {
  const xml::element* query = iq.first();
  if (iq.get("type") == "get") {
    s->interested = true;
    std::vector<roster_item> items;
    items.reserve(state_->roster.size());
    for (const auto& [contact, item] : state_->roster) items.push_back(item);
    const auto asked = query->find("ver");
    const std::optional<std::uint64_t> version = asked ? std::optional(state_->roster_version) : std::nullopt;
    if (asked &&
        answer_to(asked, state_->roster_version, state_->oldest_roster_version) == roster_answer::unchanged) {
      co_return result_reply(iq);
    }
    co_return roster_result(iq, items, version);
  }
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
