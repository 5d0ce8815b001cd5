// What is kept for an account, as its clients ask for it: archive, block list, private XML, vCard.
#include "servers/messaging/shell/replies.hpp"
#include "servers/messaging/shell/user.hpp"
#include "servers/messaging/storage/archive_search.hpp"
#include "servers/messaging/storage/block_list.hpp"
#include "servers/messaging/storage/private_xml.hpp"
#include "servers/messaging/storage/vcard.hpp"
#include "servers/xml/stream_parser.hpp"
#include "servers/xmpp/namespaces.hpp"
#include "servers/xmpp/private_storage.hpp"
#include "servers/xmpp/pubsub/bookmarks.hpp"

namespace coppice::messaging {

using namespace xmpp; // NOLINT(google-build-using-namespace)

namespace {

/// The list of old (XEP-0048), a view of what is at the node of today.
bool is_bookmarks(const xml::element& part) { return part.is(ns::bookmarks_legacy, "storage"); }

std::optional<archive_end> end_of(std::int64_t id, instant at) { return archive_end{std::to_string(id), at}; }

} // namespace

// --- XEP-0313 ---

task<xml::element> user::answer_archive(session* s, xml::element iq) {
  if (iq.get("type") == "get") co_return result_reply(iq).add(make_archive_form());
  xml::element reply = co_await answer_archive_query(s, std::move(iq));
  co_return std::move(reply);
}

task<xml::element> user::answer_archive_query(session* s, xml::element iq) {
  auto query = parse_archive_query(*iq.first());
  if (!query) co_return error_reply(iq, query.error());
  const std::string owner = bare().text();
  const std::string query_id = query->id;
  auto work = [owner, asked = std::move(*query)](store::transaction& t) {
    return storage::search_archive(t, owner, asked);
  };
  auto found = co_await host_.db().read(std::move(work));
  if (!found) co_return unavailable(iq);
  if (!*found) co_return error_reply(iq, found->error());
  for (const storage::archive_entry& one : (*found)->entries) {
    auto stanza = xml::parse_element(one.stanza);
    if (!stanza) continue;
    archived_message message{std::to_string(one.id), one.at, std::move(*stanza)};
    write(*s, make_archive_result(owner, s->address.text(), query_id, std::move(message)));
  }
  co_return result_reply(iq).add(make_archive_end((*found)->page, (*found)->complete));
}

task<xml::element> user::answer_archive_metadata(session* s, xml::element iq) {
  static_cast<void>(s);
  auto work = [owner = bare().text()](store::transaction& t) { return storage::find_archive_ends(t, owner); };
  auto ends = co_await host_.db().read(std::move(work));
  if (!ends) co_return unavailable(iq);
  std::optional<archive_end> first;
  std::optional<archive_end> last;
  if (*ends) {
    first = end_of((*ends)->first_id, (*ends)->first_at);
    last = end_of((*ends)->last_id, (*ends)->last_at);
  }
  co_return result_reply(iq).add(make_archive_metadata(first, last));
}

task<xml::element> user::answer_archive_preferences(session* s, xml::element iq) {
  static_cast<void>(s);
  if (iq.get("type") == "set") {
    auto wish = parse_archive_preferences(*iq.first());
    if (!wish) co_return error_reply(iq, wish.error());
    auto work = [owner = bare().text(), to = *wish](store::transaction& t) {
      storage::save_archive_preferences(t, owner, to);
    };
    auto saved = co_await host_.db().write(std::move(work));
    if (!saved) co_return unavailable(iq);
    state_->archiving = std::move(*wish);
  }
  co_return result_reply(iq).add(to_element(state_->archiving));
}

// --- XEP-0191 ---

task<xml::element> user::answer_blocking(session* s, xml::element iq) {
  auto wish = parse_block_request(iq);
  if (!wish) co_return error_reply(iq, wish.error());
  using kind = block_request::kind;
  if (wish->wants == kind::list) {
    s->sees_blocks = true;
    co_return block_list_result(iq, state_->blocked);
  }
  auto work = [owner = bare().text(), asked = *wish](store::transaction& t) {
    if (asked.wants == kind::block) return storage::block(t, owner, asked.who);
    if (asked.wants == kind::unblock) storage::unblock(t, owner, asked.who);
    if (asked.wants == kind::unblock_all) storage::unblock_all(t, owner);
    return true;
  };
  auto done = co_await host_.db().write(std::move(work));
  if (!done) co_return unavailable(iq);
  if (!*done) co_return refused(iq, condition::resource_constraint);
  co_await change_blocks(*wish);
  for (auto& [number, other] : state_->sessions) {
    if (other.sees_blocks) write(other, block_push(*wish, other.address.text(), unguessable()));
  }
  co_return result_reply(iq);
}

/// Who is blocked sees the user go, who no longer is sees him again (XEP-0191, 3.3 and 3.4).
task<> user::change_blocks(block_request what) {
  const block_list before = state_->blocked;
  const bool blocks = what.wants == block_request::kind::block;
  if (blocks) {
    for (const jid& who : what.who) { // while it still reaches him
      if (seen_by(who)) co_await show_to(who, false);
    }
    for (const jid& who : what.who) state_->blocked.add(who);
    co_await drop_listeners();
    co_return;
  }
  if (what.wants == block_request::kind::unblock_all) {
    state_->blocked.clear();
  } else {
    for (const jid& who : what.who) state_->blocked.remove(who);
  }
  for (const auto& entry : before.entries()) {
    const jid who = jid::parse(entry).value_or(jid());
    if (!state_->blocked.blocks(who) && seen_by(who)) co_await show_to(who, true);
  }
}

bool user::seen_by(const jid& contact) const {
  const auto known = state_->roster.find(contact.bare());
  return known != state_->roster.end() && known->second.state.from;
}

// --- XEP-0049 ---

task<xml::element> user::answer_private(session* s, xml::element iq) {
  auto wish = parse_private_request(iq);
  if (!wish) co_return error_reply(iq, wish.error());
  if (wish->keeps) {
    for (const xml::element& one : wish->parts) {
      if (!is_bookmarks(one)) continue;
      auto refusal = co_await change_bookmarks(s, one);
      if (refusal) co_return error_reply(iq, *refusal);
    }
    std::erase_if(wish->parts, is_bookmarks);
    storage::private_room most;
    most.bytes = host_.how().room.private_xml;
    auto work = [owner = bare().text(), parts = std::move(wish->parts), most](store::transaction& t) {
      bool room = true;
      for (const xml::element& one : parts) {
        room = room && storage::save_private_xml(t, owner, private_key(one), one.to_string(), most);
      }
      return room;
    };
    auto saved = co_await host_.db().write(std::move(work));
    if (!saved) co_return unavailable(iq);
    if (!*saved) co_return refused(iq, condition::resource_constraint);
    co_return result_reply(iq);
  }
  xml::element part = std::move(wish->parts.front());
  if (is_bookmarks(part)) {
    auto all = co_await bookmarks();
    if (!all) co_return error_reply(iq, all.error());
    co_return private_result(iq, pubsub::to_storage(*all));
  }
  auto work = [owner = bare().text(), key = private_key(part)](store::transaction& t) {
    return storage::load_private_xml(t, owner, key);
  };
  auto found = co_await host_.db().read(std::move(work));
  if (!found) co_return unavailable(iq);
  if (*found) {
    if (auto read = xml::parse_element(**found)) part = std::move(*read);
  }
  co_return private_result(iq, std::move(part));
}

// --- XEP-0054 ---

task<xml::element> user::answer_vcard(session* s, xml::element iq) {
  const std::string owner = bare().text();
  if (iq.get("type") == "set") {
    if (s == nullptr) co_return refused(iq, condition::forbidden);
    xml::element reply = co_await save_vcard(s, std::move(iq));
    co_return std::move(reply);
  }
  auto work = [owner](store::transaction& t) { return storage::load_vcard(t, owner); };
  auto found = co_await host_.db().read(std::move(work));
  if (!found) co_return unavailable(iq);
  if (!*found && s == nullptr) co_return refused(iq, condition::item_not_found);
  xml::element card(ns::vcard, "vCard");
  if (*found) {
    if (auto read = xml::parse_element(**found)) card = std::move(*read);
  }
  co_return result_reply(iq).add(std::move(card));
}

} // namespace coppice::messaging
