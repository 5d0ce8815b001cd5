// What is at nodes, and is shown in the forms of old too: bookmarks (XEP-0402, XEP-0048, XEP-0411) and the
// user's picture (XEP-0084, XEP-0153, XEP-0398).
#include "servers/messaging/shell/user.hpp"
#include "servers/xmpp/namespaces.hpp"
#include "servers/xmpp/pubsub/avatars.hpp"
#include "servers/xmpp/pubsub/bookmarks.hpp"

#include <algorithm>
#include <iterator>

namespace coppice::messaging {

using namespace xmpp; // NOLINT(google-build-using-namespace)

namespace {

using kind = pubsub::request::kind;

pubsub::request publication(std::string_view node, std::string id, xml::element payload) {
  return {
      .wants = kind::publish, .node = std::string(node), .ids = {std::move(id)}, .item = std::move(payload)};
}

/// Behind `todo` what follows from a request; else why it is refused.
std::optional<stanza_error> append(std::vector<pubsub::command>& todo, const pubsub::account& nodes,
                                   const pubsub::request& r, const pubsub::party& who) {
  auto outcome = nodes.handle(r, who, "");
  if (!outcome) return std::move(outcome).error();
  std::ranges::move(outcome->todo, std::back_inserter(todo));
  return std::nullopt;
}

/// Whether the list would be shown to others.
bool opens(const std::vector<pubsub::command>& todo) {
  return std::ranges::any_of(todo, [](const pubsub::command& c) {
    const auto* node = std::get_if<pubsub::save_node>(&c);
    return node != nullptr && node->state.config.access != pubsub::access_model::whitelist;
  });
}

bool has_picture(const xml::element& presence) {
  const xml::element* update = presence.child(ns::vcard_update, "x");
  const xml::element* photo = update == nullptr ? nullptr : update->child("photo");
  return photo != nullptr && !photo->text().empty();
}

} // namespace

// --- bookmarks ---

task<std::expected<user::item_list, stanza_error>> user::bookmarks() {
  command_list todo;
  todo.emplace_back(pubsub::read_items{.node = std::string(ns::bookmarks), .ids = {}});
  auto all = co_await carry_out(std::move(todo), "");
  co_return std::move(all);
}

/// The node of the list of old holds one item, the whole list.
task<xml::element> user::answer_bookmark_view(session* s, xml::element iq, pubsub::request wish) {
  if (wish.wants == kind::items) {
    auto all = co_await bookmarks();
    if (!all) co_return error_reply(iq, all.error());
    item_list view;
    if (!all->empty()) view.push_back({.id = "current", .payload = pubsub::to_storage(*all)});
    co_return result_reply(iq).add(pubsub::items_result(wish.node, view));
  }
  auto outcome = state_->nodes.handle(wish, party_of(s->address), "current");
  if (!outcome) co_return error_reply(iq, outcome.error());
  if (wish.wants != kind::publish) co_return error_reply(iq, {.is = condition::not_allowed});
  if (!wish.item.is(ns::bookmarks_legacy, "storage")) {
    co_return error_reply(iq, pubsub::error(condition::bad_request, "invalid-payload"));
  }
  if (opens(outcome->todo)) {
    co_return error_reply(iq, pubsub::error(condition::conflict, "precondition-not-met"));
  }
  auto refusal = co_await change_bookmarks(s, std::move(wish.item));
  if (refusal) co_return error_reply(iq, *refusal);
  co_return result_reply(iq).add(std::move(outcome->reply));
}

task<std::optional<stanza_error>> user::change_bookmarks(session* s, xml::element storage) {
  auto all = co_await bookmarks();
  if (!all) co_return std::move(all).error();
  pubsub::bookmark_changes changes = pubsub::changes_by_storage(storage, *all);
  const pubsub::party me = party_of(s->address);
  command_list todo;
  for (pubsub::stored_item& one : changes.put) {
    auto refusal =
        append(todo, state_->nodes, publication(ns::bookmarks, one.id, std::move(one.payload)), me);
    if (refusal) co_return std::move(refusal);
  }
  for (const std::string& id : changes.removed) {
    pubsub::request retraction{.wants = kind::retract, .node = std::string(ns::bookmarks), .ids = {id}};
    retraction.notify = true;
    auto refusal = append(todo, state_->nodes, retraction, me);
    if (refusal) co_return std::move(refusal);
  }
  if (todo.empty()) co_return std::nullopt;
  auto done = co_await carry_out(std::move(todo), "");
  if (!done) co_return std::move(done).error();
  co_return std::nullopt;
}

/// The list has changed; clients of old hear of it as a whole.
task<> user::tell_bookmark_view() {
  const std::string feature = pubsub::notify_feature(ns::bookmarks_legacy);
  const bool heard = std::ranges::any_of(state_->sessions, [&](const auto& one) {
    return one.second.is_available() && one.second.wants(feature);
  });
  if (!heard) co_return;
  auto all = co_await bookmarks();
  if (!all) co_return;
  command_list todo;
  append(todo, state_->nodes, publication(ns::bookmarks_legacy, "current", pubsub::to_storage(*all)),
         party_of(bare()));
  for (const pubsub::command& one : todo) {
    if (const auto* news = std::get_if<pubsub::tell>(&one)) tell(*news);
  }
}

// --- the picture ---

/// A vCard with another picture publishes that one, and one without takes it away.
task<xml::element> user::save_vcard(session* s, xml::element iq) {
  const auto picture = pubsub::avatar_of_vcard(*iq.first());
  const std::string id = picture ? picture->id : "";
  const pubsub::party me = party_of(s->address);
  command_list todo;
  std::optional<stanza_error> refusal;
  if (picture && id != state_->avatar) {
    refusal =
        append(todo, state_->nodes, publication(ns::user_avatar_data, id, pubsub::avatar_data(*picture)), me);
    if (!refusal) {
      refusal = append(todo, state_->nodes,
                       publication(ns::user_avatar_metadata, id, pubsub::avatar_metadata(*picture)), me);
    }
  } else if (!picture && !state_->avatar.empty()) {
    refusal = append(todo, state_->nodes,
                     publication(ns::user_avatar_metadata, std::to_string(s->begun_id),
                                 xml::element(ns::user_avatar_metadata, "metadata")),
                     me);
  }
  if (refusal) co_return error_reply(iq, *refusal);
  auto done = co_await carry_out(std::move(todo), iq.first()->to_string());
  if (!done) co_return error_reply(iq, done.error());
  co_return result_reply(iq);
}

/// The user's picture is that one; presence says so, unless a client has said that it shows none.
task<> user::show_avatar(std::string id) {
  if (id == state_->avatar) co_return;
  state_->avatar = id;
  std::vector<stanza_ptr> news;
  for (auto& [number, s] : state_->sessions) {
    if (!s.is_available()) continue;
    xml::element now = *s.presence;
    if (!id.empty()) {
      pubsub::add_avatar_hash(now, id);
    } else if (has_picture(now)) {
      now.remove(ns::vcard_update, "x");
    }
    if (now == *s.presence) continue;
    s.presence = std::make_shared<const xml::element>(now);
    if (id.empty()) { // said once; a presence to come says what its client says
      now.add(xml::element(ns::vcard_update, "x").add(xml::element(ns::vcard_update, "photo")));
    }
    news.push_back(std::make_shared<const xml::element>(std::move(now)));
  }
  for (stanza_ptr& presence : news) co_await broadcast(std::move(presence));
}

} // namespace coppice::messaging
