// Presence and subscriptions: RFC 6121, sections 3 and 4.
#include "servers/messaging/shell/user.hpp"
#include "servers/messaging/storage/offline.hpp"
#include "servers/messaging/storage/roster.hpp"
#include "servers/xml/stream_parser.hpp"
#include "servers/xmpp/namespaces.hpp"
#include "servers/xmpp/pubsub/avatars.hpp"

#include <algorithm>
#include <charconv>

namespace coppice::messaging {

using namespace xmpp; // NOLINT(google-build-using-namespace)

namespace {

constexpr std::size_t offline_at_once = 50;
/// What is stored was within bounds when it came.
constexpr xml::parser_limits for_stored{
    .stanza = std::size_t{64} << 20U, .depth = 1'000, .attributes = 1'000, .parts = 1'000'000};
constexpr std::size_t most_directed = 1'000;

/// RFC 6121, 4.7.2.3; what is no priority is none.
int priority_of(const xml::element& presence) {
  const std::string text = presence.text_of("priority").value_or("0");
  int value = 0;
  const auto read = std::from_chars(text.data(), text.data() + text.size(), value);
  if (read.ec != std::errc() || read.ptr != text.data() + text.size()) return 0;
  return std::clamp(value, -128, 127);
}

/// A client that has so much to read already is not given more of what has waited.
bool takes_more(const session& s) {
  constexpr std::size_t most_bytes = std::size_t{256} << 10U;
  constexpr std::size_t most_stanzas = 500;
  return s.unwritten + s.text.size() < most_bytes && s.out.bytes() < most_bytes &&
         s.out.size() < most_stanzas;
}

stanza_ptr addressed(const xml::element& stanza, std::string_view to) {
  xml::element copy = stanza;
  copy.set("to", to);
  return std::make_shared<const xml::element>(std::move(copy));
}

} // namespace

// --- from the user's clients ---

task<> user::take_presence(session* s, xml::element stanza) {
  const std::string type(stanza.get("type"));
  if (type.empty()) pubsub::add_avatar_hash(stanza, state_->avatar);
  const auto act = subscription_act_of(type);
  if (act && stanza.find("to")) {
    co_await take_subscription(std::move(stanza), *act);
  } else if (const auto to = stanza.find("to"); to && !to->empty()) {
    const jid whom = jid::parse(*to).value_or(jid());
    if (type.empty() && s->directed.size() < most_directed) s->directed.insert(whom);
    if (type == "unavailable") s->directed.erase(whom);
    auto shared = std::make_shared<const xml::element>(std::move(stanza));
    co_await route(std::move(shared), 0, 0);
  } else if (type.empty()) {
    auto shared = std::make_shared<const xml::element>(std::move(stanza));
    co_await become_available(s, std::move(shared));
  } else if (type == "unavailable") {
    co_await become_unavailable(s, std::move(stanza));
  } else if (may_be_answered(stanza)) {
    write(*s, error_reply(stanza, {.is = condition::bad_request}));
  }
}

task<> user::become_available(session* s, stanza_ptr presence) {
  const bool first = !s->is_available();
  const bool was_away = !is_there();
  const int before = s->priority;
  s->presence = presence;
  s->priority = priority_of(*presence);
  co_await broadcast(presence);
  if (first) {
    for (const auto& [number, other] : state_->sessions) {
      if (&other != s && other.is_available()) write(*s, *addressed(*other.presence, s->address.text()));
    }
    co_await probe_contacts(s);
    for (const auto& [contact, item] : state_->roster) { // 3.1.3: requests that nobody has answered yet
      if (item.state.asking) write(*s, make_stanza("presence", contact.text(), bare().text(), "subscribe"));
    }
  }
  if (was_away) co_await push_last_items();
  co_await notice_caps(s, first);
  if (s->priority >= 0 && (first || before < 0)) co_await give_offline(s);
}

/// 4.3: asks those whose presence the user may see.
task<> user::probe_contacts(session* s) {
  for (const auto& [contact, item] : state_->roster) {
    if (!item.state.to || contact.domain() != host_.domain()) continue;
    const std::optional<pid> there = user_process(contact.local());
    if (!there) continue; // not there at all
    auto probe = std::make_shared<const xml::element>(
        make_stanza("presence", s->address.text(), contact.text(), "probe"));
    send(*there, deliver{std::move(probe), pid(), 0, 0});
  }
  co_return;
}

/// Presence that a predecessor had not given out when he died is lost; now they say it again.
task<> user::probe_again() {
  for (auto& [number, s] : state_->sessions) {
    if (s.is_available()) co_await probe_contacts(&s);
  }
}

/// As much as the client takes now, the rest when it has taken that.
task<> user::give_offline(session* s) {
  const std::uint64_t number = s->number;
  for (bool more = true; more;) {
    session* there = find(number);
    if (there == nullptr) co_return;
    there->awaits_offline = !takes_more(*there);
    if (there->awaits_offline || !there->is_available() || there->priority < 0) co_return;
    bool may_be_more = co_await give_some_offline(there);
    more = may_be_more;
    flush();
  }
}

/// They go when the client has been given them: who dies meanwhile leaves them to the next process, which
/// knows what was given. What is kept twice, because the first answer was lost, is given once. Whether there
/// may be more.
task<bool> user::give_some_offline(session* s) {
  const std::uint64_t number = s->number;
  const std::string owner = bare().text();
  auto load = [owner](store::transaction& t) { return storage::load_offline(t, owner, 0, offline_at_once); };
  auto found = co_await host_.db().read(std::move(load));
  session* there = find(number);
  if (!found || found->empty() || there == nullptr) co_return false; // another time
  std::int64_t last = 0;
  for (const storage::offline_message& one : *found) {
    if (!takes_more(*there)) break;
    last = one.id;
    if (state_->given.seen(one.message)) continue;
    auto message = xml::parse_element(one.stanza, for_stored);
    if (!message) continue;
    add_delay(*message, host_.domain(), one.at);
    write(*there, *message);
  }
  auto remove = [owner, last](store::transaction& t) { storage::remove_offline(t, owner, last); };
  auto removed = co_await host_.db().write(std::move(remove));
  const bool is_all = last == found->back().id && found->size() < offline_at_once;
  co_return removed.has_value() && !is_all; // else next time
}

/// A message has just been kept for later, and meanwhile somebody is there: he has asked before it was kept.
task<> user::give_offline_to_who_came() {
  for (auto& [number, s] : state_->sessions) {
    if (!s.is_available() || s.priority < 0) continue;
    co_await give_offline(&s);
    co_return;
  }
}

task<> user::become_unavailable(session* s, xml::element presence) {
  if (s->is_available()) {
    s->presence.reset();
    s->priority = 0;
    auto shared = std::make_shared<const xml::element>(presence);
    co_await broadcast(std::move(shared));
  }
  const std::set<jid> directed = std::exchange(s->directed, {});
  for (const jid& whom : directed) {
    const auto known = state_->roster.find(whom.bare());
    if (known != state_->roster.end() && known->second.state.from) continue; // has been told
    stanza_ptr told = addressed(presence, whom.text());
    co_await route(std::move(told), 0, 0);
  }
}

// --- subscriptions ---

task<> user::take_subscription(xml::element stanza, subscription_act act) {
  const jid contact = jid::parse(stanza.get("to")).value_or(jid()).bare();
  if (contact == bare()) co_return;
  roster_item item{.contact = contact, .listed = false};
  if (const auto known = state_->roster.find(contact); known != state_->roster.end()) item = known->second;
  const subscription_state before = item.state;
  const subscription_change change = sent(before, act);
  item.state = change.now;
  if (change.pushed) item.listed = true;
  if (item != state_->roster[contact] || change.pushed) co_await save(item, change.pushed);
  if (change.passed) {
    stanza.set("from", bare().text());
    stanza.set("to", contact.text());
    auto shared = std::make_shared<const xml::element>(std::move(stanza));
    co_await route(std::move(shared), 0, 0);
  }
  if (before.from != change.now.from) co_await show_to(contact, change.now.from);
}

/// A contact may see the user from now on, or no longer.
task<> user::show_to(jid contact, bool visible) {
  if (visible) {
    co_await let_hear(contact.bare());
  } else {
    co_await drop_listeners();
  }
  for (const auto& [number, s] : state_->sessions) {
    if (!s.is_available()) continue;
    stanza_ptr told;
    if (visible) {
      told = addressed(*s.presence, contact.text());
    } else {
      told = std::make_shared<const xml::element>(
          make_stanza("presence", s.address.text(), contact.text(), "unavailable"));
    }
    co_await route(std::move(told), 0, 0);
  }
}

task<> user::save(roster_item item, bool pushed) {
  const bool gone = !item.listed && item.state == subscription_state();
  const std::uint64_t before = state_->roster_version;
  auto work = [owner = bare().text(), item, gone, before](store::transaction& t) {
    const auto now = gone ? storage::remove_roster_item(t, owner, item.contact.text())
                          : storage::put_roster_item(t, owner, item);
    return now.value_or(before);
  };
  auto version = co_await host_.db().write(std::move(work));
  if (!version) throw std::runtime_error("the roster cannot be written: " + version.error().text);
  state_->roster_version = *version;
  if (gone) {
    state_->roster.erase(item.contact);
  } else {
    state_->roster[item.contact] = item;
  }
  if (!pushed) co_return;
  for (auto& [number, s] : state_->sessions) {
    if (s.interested) write(s, roster_push(item, s.address.text(), unguessable(), *version));
  }
}

// --- from others ---

task<> user::take_presence_from(stanza_ptr stanza) {
  const std::string type(stanza->get("type"));
  const jid from = jid::parse(stanza->get("from")).value_or(jid());
  const jid to = jid::parse(stanza->get("to")).value_or(jid());
  if (const auto act = subscription_act_of(type)) {
    co_await take_subscription_from(std::move(stanza), *act);
  } else if (type == "probe") {
    answer_probe(from, to.resource());
    co_await let_hear(from.bare());
  } else if (to.is_bare()) {
    for (auto& [number, s] : state_->sessions) {
      if (s.is_available()) write(s, *addressed(*stanza, s.address.text()));
    }
  } else if (session* s = of_resource(to.resource())) {
    write(*s, *stanza);
  }
}

/// `resource`: of the only client that was asked for; '': all.
void user::answer_probe(const jid& from, std::string_view resource) {
  const auto known = state_->roster.find(from.bare());
  const bool may_see = known != state_->roster.end() && known->second.state.from;
  const std::optional<pid> there = user_process(from.local());
  if (!may_see || !there) return;
  for (const auto& [number, s] : state_->sessions) {
    if (!s.is_available() || (!resource.empty() && s.address.resource() != resource)) continue;
    send(*there, deliver{addressed(*s.presence, from.text()), pid(), 0, 0});
  }
}

task<> user::take_subscription_from(stanza_ptr stanza, subscription_act act) {
  if (!state_->exists) co_return;
  const jid contact = jid::parse(stanza->get("from")).value_or(jid()).bare();
  roster_item item{.contact = contact, .listed = false};
  if (const auto known = state_->roster.find(contact); known != state_->roster.end()) item = known->second;
  const subscription_state before = item.state;
  const subscription_change change = received(before, act);
  item.state = change.now;
  if (change.now != before) co_await save(item, change.pushed);
  if (change.passed) {
    for (auto& [number, s] : state_->sessions) {
      if (s.is_available()) write(s, *stanza);
    }
  }
  if (change.reply) {
    auto reply = std::make_shared<const xml::element>(
        make_stanza("presence", bare().text(), contact.text(), name_of(*change.reply)));
    co_await route(std::move(reply), 0, 0);
  }
  if (before.from != change.now.from) co_await show_to(contact, change.now.from);
}

} // namespace coppice::messaging
