// What is kept of a room, and how it is read again: by its next process, and by those who ask its archive.
#include "servers/messaging/shell/replies.hpp"
#include "servers/messaging/shell/room.hpp"

#include "servers/messaging/storage/archive_search.hpp"
#include "servers/messaging/storage/rooms.hpp"
#include "servers/xml/stream_parser.hpp"
#include "servers/xmpp/namespaces.hpp"

namespace coppice::messaging {

using namespace xmpp; // NOLINT(google-build-using-namespace)

namespace {

struct kept_room {
  std::optional<storage::stored_room> room;
  std::vector<storage::stored_affiliation> users;
  std::vector<storage::archive_entry> last; ///< what was said
};

kept_room read(store::transaction& t, const std::string& address) {
  kept_room all;
  all.room = storage::find_room(t, address);
  if (all.room) all.users = storage::load_affiliations(t, address);
  all.last = storage::load_archive(t, address, {}, muc::room_limits().history, true).entries;
  return all;
}

muc::affiliations affiliations_of(std::vector<storage::stored_affiliation> kept) {
  muc::affiliations users;
  for (storage::stored_affiliation& one : kept) {
    const auto is = static_cast<muc::affiliation>(one.affiliation - 1);
    users[one.who] = {is, std::move(one.nick), std::move(one.reason)};
  }
  return users;
}

/// A new subject is no message of the history.
bool is_said(const xml::element& message) {
  return message.child("body") != nullptr || message.child("subject") == nullptr;
}

} // namespace

/// False: the database cannot be read, or has what nobody can read.
task<bool> room::load() {
  const std::string at = address().text();
  auto work = [at](store::transaction& t) { return read(t, at); };
  auto found = co_await host_.db().read(std::move(work));
  if (!found) co_return false;
  place_->leftover = !found->room && !found->last.empty();
  if (!found->last.empty()) place_->last_id = found->last.back().id;
  if (found->room) {
    auto config = muc::parse_config(found->room->config);
    if (!config) co_return false;
    muc::room_state kept{std::move(*config), std::move(found->room->subject),
                         affiliations_of(std::move(found->users))};
    place_->created = found->room->created;
    place_->stored = true;
    place_->room.emplace(address(), std::move(kept), muc::room_limits(), host_.secret());
    for (const storage::archive_entry& one : found->last) {
      auto message = xml::parse_element(one.stanza);
      if (!message || !is_said(*message)) continue;
      place_->room->remember(std::make_shared<const xml::element>(std::move(*message)), one.at);
    }
  }
  place_->loaded = true;
  co_return true;
}

room::writing room::keeps_all() const {
  const muc::room& r = *place_->room;
  storage::stored_room kept{address().text(), muc::to_text(r.config()), r.subject_text(), place_->created};
  std::vector<storage::stored_affiliation> users;
  for (const auto& [who, what] : r.users()) {
    users.push_back({who, static_cast<int>(what.is) + 1, what.reason, what.nick});
  }
  return [kept = std::move(kept), users = std::move(users)](store::transaction& t) {
    storage::save_room(t, kept);
    for (const auto& one : users) (void)storage::save_affiliation(t, kept.address, one);
  };
}

room::writing room::keeps_nothing(std::string address) {
  return [address = std::move(address)](store::transaction& t) {
    storage::remove_room(t, address);
    storage::remove_archive(t, address); // also that of a room that was not kept
  };
}

/// Whether others may find the room, and by which name.
void room::tell_service() const {
  const bool listed = place_->room && !place_->room->is_locked() && place_->room->config().listed;
  std::optional<std::string> name;
  if (listed) name = place_->room->config().name;
  host_.list_room(address().text(), std::move(name));
}

// --- XEP-0313 ---

/// Takes the request, too.
task<> room::answer_archive(room_request next) {
  const xml::element& iq = *next.stanza;
  const jid from = jid::parse(iq.get("from")).value_or(jid());
  answer reply{{}, from};
  xml::element last;
  const std::string_view asked = iq.first()->name();
  const bool sets = iq.get("type") == "set";
  if (!place_->room->may_read(from)) {
    last = error_reply(iq, {.is = condition::forbidden});
  } else if (asked == "query" && !sets) {
    last = result_reply(iq).add(make_archive_form());
  } else if (asked == "query") {
    xml::element end = co_await search(next.stanza, reply.stanzas);
    last = std::move(end);
  } else if (asked == "metadata" && !sets) {
    xml::element ends = co_await find_ends(next.stanza);
    last = std::move(ends);
  } else {
    last = error_reply(iq, {.is = condition::service_unavailable});
  }
  reply.stanzas.push_back(std::make_shared<const xml::element>(std::move(last)));
  place_->steps.emplace_back(std::move(reply));
  place_->steps.emplace_back(confirm{next.from, next.token});
  place_->requests.pop_front();
}

/// What is found goes to `results`; gives what follows it.
task<xml::element> room::search(stanza_ptr iq, std::vector<stanza_ptr>& results) {
  auto query = parse_archive_query(*iq->first());
  if (!query) co_return error_reply(*iq, query.error());
  const std::string owner = address().text();
  const std::string query_id = query->id;
  auto work = [owner, asked = std::move(*query)](store::transaction& t) {
    return storage::search_archive(t, owner, asked);
  };
  auto found = co_await host_.db().read(std::move(work));
  if (!found) co_return unavailable(*iq);
  if (!*found) co_return error_reply(*iq, found->error());
  for (const storage::archive_entry& one : (*found)->entries) {
    auto stanza = xml::parse_element(one.stanza);
    if (!stanza) continue;
    archived_message message{std::to_string(one.id), one.at, std::move(*stanza)};
    xml::element result = make_archive_result(owner, iq->get("from"), query_id, std::move(message));
    results.push_back(std::make_shared<const xml::element>(std::move(result)));
  }
  co_return result_reply(*iq).add(make_archive_end((*found)->page, (*found)->complete));
}

task<xml::element> room::find_ends(stanza_ptr iq) {
  auto work = [at = address().text()](store::transaction& t) { return storage::find_archive_ends(t, at); };
  auto ends = co_await host_.db().read(std::move(work));
  if (!ends) co_return unavailable(*iq);
  std::optional<archive_end> first;
  std::optional<archive_end> last;
  if (*ends) {
    first = archive_end{std::to_string((*ends)->first_id), (*ends)->first_at};
    last = archive_end{std::to_string((*ends)->last_id), (*ends)->last_at};
  }
  co_return result_reply(*iq).add(make_archive_metadata(first, last));
}

} // namespace coppice::messaging
