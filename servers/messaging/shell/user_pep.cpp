// The nodes of the account: requests, notifications, and what clients want to hear. XEP-0163, XEP-0115.
#include "servers/messaging/core/discovery.hpp"
#include "servers/messaging/shell/replies.hpp"
#include "servers/messaging/shell/user.hpp"
#include "servers/messaging/storage/pep.hpp"
#include "servers/messaging/storage/vcard.hpp"
#include "servers/xmpp/caps.hpp"
#include "servers/xmpp/namespaces.hpp"
#include "servers/xmpp/pubsub/bookmarks.hpp"

#include <algorithm>

namespace coppice::messaging {

using namespace xmpp; // NOLINT(google-build-using-namespace)

namespace {

constexpr std::size_t longest_caps = 256; ///< of what a client calls its capabilities

stanza_error database_is_silent() {
  return {condition::internal_server_error, "The database does not answer: try again.", "wait"};
}

xml::element addressed(const xml::element& message, const jid& to) {
  xml::element copy = message;
  copy.set("to", to.text());
  return copy;
}

bool only_reads(const std::vector<pubsub::command>& todo) {
  return std::ranges::all_of(todo, [](const pubsub::command& c) {
    return std::holds_alternative<pubsub::read_items>(c) || std::holds_alternative<pubsub::send_last_item>(c);
  });
}

/// Whether the list of bookmarks is another afterwards.
bool changes_bookmarks(const pubsub::command& c) {
  const auto* put = std::get_if<pubsub::put_item>(&c);
  const auto* drop = std::get_if<pubsub::drop_item>(&c);
  const auto* drop_all = std::get_if<pubsub::drop_items>(&c);
  const auto* drop_node = std::get_if<pubsub::drop_node>(&c);
  return (put != nullptr && put->node == ns::bookmarks) || (drop != nullptr && drop->node == ns::bookmarks) ||
         (drop_all != nullptr && drop_all->node == ns::bookmarks) ||
         (drop_node != nullptr && drop_node->name == ns::bookmarks);
}

using shared_commands = std::shared_ptr<const std::vector<pubsub::command>>;

/// `vcard`: the user's new one, or ''. `room`: bytes that there may be more.
task<std::expected<storage::carried_out, store::error>> in_one_transaction(host where, std::string owner,
                                                                           shared_commands todo,
                                                                           std::string vcard,
                                                                           std::int64_t room) {
  const bool reads = vcard.empty() && only_reads(*todo);
  auto work = [owner, todo, vcard, room, now = host::now_utc()](store::transaction& t) {
    storage::carried_out done = storage::carry_out(t, owner, *todo, now, room);
    // With the picture that was published: it has the same.
    if (!vcard.empty() && !done.full) storage::save_vcard(t, owner, vcard);
    return done;
  };
  if (reads) co_return co_await where.db().read(std::move(work));
  co_return co_await where.db().write(std::move(work));
}

bool is_pushed(const pubsub::node& n) {
  return n.config.persist && n.config.last == pubsub::send_last::on_sub_and_presence &&
         n.config.access != pubsub::access_model::whitelist;
}

using named_items = std::vector<std::pair<std::string, pubsub::stored_item>>;

/// The last item of each node that has any.
named_items last_items(store::transaction& t, const std::string& owner,
                       const std::vector<std::string>& nodes) {
  named_items found;
  for (const std::string& node : nodes) {
    std::vector<pubsub::stored_item> last = storage::read_items(t, owner, node, 1);
    if (!last.empty()) found.emplace_back(node, std::move(last.back()));
  }
  return found;
}

} // namespace

// --- requests ---

pubsub::party user::party_of(const jid& who) const {
  pubsub::party p{.who = who, .is_owner = who.bare_text() == bare().text()};
  const auto known = state_->roster.find(who.bare());
  if (known == state_->roster.end()) return p;
  p.sees_presence = known->second.state.from;
  p.groups.assign(known->second.groups.begin(), known->second.groups.end());
  return p;
}

/// `s`: whose client asks; null: somebody else asks.
task<xml::element> user::answer_pubsub(session* s, xml::element iq) {
  if (iq.get("to") == host_.domain()) co_return refused(iq, condition::service_unavailable);
  auto wish = pubsub::parse_request(iq);
  if (!wish) co_return error_reply(iq, wish.error());
  if (s != nullptr && wish->node == ns::bookmarks_legacy) {
    xml::element reply = co_await answer_bookmark_view(s, std::move(iq), std::move(*wish));
    co_return std::move(reply);
  }
  const jid from = jid::parse(iq.get("from")).value_or(jid());
  // An item that is published again because the process died is called the same.
  const std::string fresh = s != nullptr ? std::to_string(s->begun_id) : unguessable();
  auto outcome = state_->nodes.handle(*wish, party_of(from), fresh);
  if (!outcome) co_return error_reply(iq, outcome.error());
  auto done = co_await carry_out(std::move(outcome->todo), "");
  if (!done) co_return error_reply(iq, done.error());
  xml::element reply = result_reply(iq);
  if (wish->wants == pubsub::request::kind::items) {
    reply.add(pubsub::items_result(wish->node, *done));
  } else if (!outcome->reply.name().empty()) {
    reply.add(std::move(outcome->reply));
  }
  co_return std::move(reply);
}

task<std::expected<user::item_list, stanza_error>> user::carry_out(command_list todo, std::string vcard) {
  using result_type = std::expected<item_list, stanza_error>;
  const auto shared = std::make_shared<const command_list>(std::move(todo));
  const auto room = static_cast<std::int64_t>(host_.how().room.nodes) - state_->node_bytes;
  auto done = co_await in_one_transaction(host_, bare().text(), shared, std::move(vcard), room);
  if (!done) co_return result_type(std::unexpect, database_is_silent());
  state_->node_bytes += done->grown;
  if (done->full) {
    co_return result_type(std::unexpect,
                          stanza_error{condition::resource_constraint,
                                       "There is no room for it: remove something before.", "wait"});
  }
  if (!done->found) {
    co_return result_type(std::unexpect, stanza_error{condition::item_not_found, "There is no such item."});
  }
  for (const pubsub::command& one : *shared) {
    state_->nodes.done(one);
    if (const auto* news = std::get_if<pubsub::tell>(&one)) tell(*news);
    const auto* last = std::get_if<pubsub::send_last_item>(&one);
    if (last != nullptr && !done->items.empty()) give_last_item(last->to, last->node, done->items.back());
  }
  if (done->avatar) co_await show_avatar(*done->avatar);
  const bool bookmarks_too = std::ranges::any_of(*shared, changes_bookmarks);
  if (bookmarks_too) co_await tell_bookmark_view();
  co_return result_type(std::move(done->items));
}

xml::element user::discover(const xml::element& iq) const {
  const xml::element* asked = iq.first();
  const std::string node(asked->get("node"));
  const pubsub::party who = party_of(jid::parse(iq.get("from")).value_or(jid()));
  const std::vector<std::string> names = state_->nodes.names_for(who);
  const bool is_known = node.empty() || std::ranges::find(names, node) != names.end();
  if (!is_known) return refused(iq, condition::item_not_found);
  if (asked->is(ns::disco_info, "query")) {
    return result_reply(iq).add(to_element(node.empty() ? account_info() : node_info(node)));
  }
  std::vector<disco_item> items;
  if (node.empty()) {
    for (const std::string& name : names) items.push_back({.jid = bare().text(), .node = name});
  }
  return result_reply(iq).add(make_disco_items(items, node));
}

// --- notifications ---

void user::tell(const pubsub::tell& what) {
  const std::string feature = pubsub::notify_feature(what.node);
  for (auto& [number, s] : state_->sessions) {
    const pubsub::party me{.who = s.address, .is_owner = true};
    if (s.is_available() && pubsub::is_notified(what.state, me, s.wants(feature))) {
      write(s, addressed(what.message, s.address));
    }
  }
  tell_others(what.node, what.state, std::make_shared<const xml::element>(what.message));
}

/// One message for each contact who is there: which of his clients want to hear it, his own process knows.
void user::tell_others(std::string_view name, const pubsub::node& node, const stanza_ptr& message) {
  if (node.config.access == pubsub::access_model::whitelist) return;
  std::map<jid, std::vector<jid>> subscribers;
  for (const jid& who : node.subscribers) subscribers[who.bare()].push_back(who);
  subscribers.erase(bare());
  const std::string feature = pubsub::notify_feature(name);
  for (const auto& [contact, item] : state_->roster) {
    if (!item.state.from || pubsub::refusal(node.config, party_of(contact))) continue;
    notification news{message, feature, {}};
    if (const auto also = subscribers.find(contact); also != subscribers.end()) {
      news.subscribers = std::move(also->second);
      subscribers.erase(also);
    }
    notify(contact, std::move(news));
  }
  for (auto& [who, addresses] : subscribers) {
    if (pubsub::refusal(node.config, party_of(who))) continue;
    notify(who, notification{message, "", std::move(addresses)});
  }
}

void user::notify(const jid& contact, notification what) {
  if (contact.domain() != host_.domain() || state_->blocked.blocks(contact)) return;
  if (const std::optional<pid> there = user_process(contact.local())) send(*there, std::move(what));
}

result<> user::handle_info(const notification& m) {
  const jid from = jid::parse(m.message->get("from")).value_or(jid());
  const bool blocked = state_->blocked.size() > 0 && state_->blocked.blocks(from);
  const auto has_subscribed = [&](const session& s) {
    return std::ranges::any_of(m.subscribers,
                               [&](const jid& who) { return who == s.address || who.is_bare(); });
  };
  for (auto& [number, s] : state_->sessions) {
    if (blocked || !s.is_available()) continue;
    if (s.wants(m.feature) || has_subscribed(s)) write(s, addressed(*m.message, s.address));
  }
  flush();
  return rest();
}

// --- last items (XEP-0163, 4.3.4) ---

void user::give_last_item(const jid& who, std::string_view node, const pubsub::stored_item& item) {
  const auto message = std::make_shared<const xml::element>(state_->nodes.last_item_message(node, item));
  if (who.bare_text() != bare().text()) return notify(who.bare(), notification{message, "", {who}});
  for (auto& [number, s] : state_->sessions) {
    if (s.is_available() && (who.is_bare() || who == s.address)) write(s, addressed(*message, s.address));
  }
}

task<> user::give_last_items(jid who, std::shared_ptr<const client_wishes> wishes) {
  const auto wants = [&](std::string_view feature) { return wishes->contains(feature); };
  const std::vector<std::string> names = state_->nodes.last_items_for(party_of(who), wants);
  if (names.empty()) co_return;
  auto work = [owner = bare().text(), names](store::transaction& t) { return last_items(t, owner, names); };
  auto found = co_await host_.db().read(std::move(work));
  if (!found) co_return; // they hear the next news
  for (const auto& [node, item] : *found) give_last_item(who, node, item);
}

task<result<>> user::handle_info(last_items_wanted m) {
  if (!state_->blocked.blocks(m.who)) co_await give_last_items(std::move(m.who), std::move(m.wishes));
  flush();
  co_return rest();
}

/// The user has been away: who came meanwhile has not heard of his nodes.
task<> user::push_last_items() {
  std::vector<std::string> names;
  for (const auto& [name, node] : state_->nodes.nodes()) {
    if (is_pushed(node)) names.push_back(name);
  }
  const bool heard = std::ranges::any_of(state_->roster, [this](const auto& one) {
    return one.second.state.from && one.first.domain() == host_.domain() && user_process(one.first.local());
  });
  if (names.empty() || !heard) co_return;
  auto work = [owner = bare().text(), names](store::transaction& t) { return last_items(t, owner, names); };
  auto found = co_await host_.db().read(std::move(work));
  if (!found) co_return;
  for (const auto& [name, item] : *found) {
    tell_others(name, *state_->nodes.find(name),
                std::make_shared<const xml::element>(state_->nodes.last_item_message(name, item)));
  }
}

// --- what clients want (XEP-0115, 6.2) ---

task<> user::notice_caps(session* s, bool first) {
  const auto caps = parse_caps(*s->presence);
  const std::string key = caps && caps->disco_node().size() <= longest_caps ? caps->key() : "";
  if (key == s->caps && !first) co_return;
  if (key != s->caps) {
    s->caps = key;
    s->wishes = host_.wishes_by(key);
  }
  if (s->wishes != nullptr) {
    co_await meet_wishes(s);
  } else if (!key.empty()) {
    xml::element ask = make_stanza("iq", host_.domain(), s->address.text(), "get");
    ask.set("id", key);
    ask.add(xml::element(ns::disco_info, "query").set("node", caps->disco_node()));
    write(*s, ask);
  }
}

/// The answer.
task<> user::take_caps(session* s, xml::element iq) {
  if (!s->is_available() || s->wishes != nullptr || s->caps.empty() || iq.get("id") != s->caps) co_return;
  const xml::element* query = iq.child(ns::disco_info, "query");
  const auto caps = parse_caps(*s->presence);
  if (iq.get("type") != "result" || query == nullptr || !caps) co_return;
  const auto info = parse_disco_info(*query);
  if (!info) co_return;
  s->wishes = std::make_shared<const client_wishes>(*info);
  if (matches(*caps, *info)) host_.learn(s->caps, s->wishes); // else it is true of this client alone
  co_await meet_wishes(s);
}

/// Now that they are known: last items, the user's own and those of contacts who are there.
task<> user::meet_wishes(session* s) {
  if (s->wishes->empty()) co_return;
  co_await give_last_items(s->address, s->wishes);
  if (s->wants(pubsub::notify_feature(ns::bookmarks_legacy))) {
    auto all = co_await bookmarks();
    if (all && !all->empty()) {
      const pubsub::stored_item view{
          .id = "current", .payload = pubsub::to_storage(*all), .at = all->back().at};
      give_last_item(s->address, ns::bookmarks_legacy, view);
    }
  }
  for (const auto& [contact, item] : state_->roster) {
    if (!item.state.to || contact.domain() != host_.domain()) continue;
    if (const auto there = user_process(contact.local()))
      send(*there, last_items_wanted{s->address, s->wishes});
  }
}

} // namespace coppice::messaging
