#include "servers/messaging/shell/room_service.hpp"

#include "servers/messaging/shell/user.hpp"
#include "servers/messaging/storage/rooms.hpp"

namespace coppice::messaging {
namespace {

using namespace xmpp; // NOLINT(google-build-using-namespace)

constexpr std::size_t read_at_once = 500;

using rooms = std::vector<storage::stored_room>;

rooms all_rooms(store::transaction& t) {
  rooms all;
  while (true) {
    const rooms more = storage::list_rooms(t, all.empty() ? "" : all.back().address, read_at_once);
    all.insert(all.end(), more.begin(), more.end());
    if (more.size() < read_at_once) return all;
  }
}

} // namespace

task<> room_service::handle_continue(term /*what*/) {
  auto found = co_await host_.db().read(&all_rooms);
  if (!found) throw std::runtime_error("the rooms cannot be read: " + found.error().text);
  for (const storage::stored_room& one : *found) {
    const auto config = muc::parse_config(one.config);
    if (config && config->listed) host_.list_room(one.address, config->name);
  }
}

void room_service::handle_info(const deliver& m) {
  const std::string fresh = unguessable();
  const std::vector<muc::listed_room> rooms = host_.listed_rooms();
  std::optional<xml::element> reply = muc::answer(*m.stanza, {"Rooms", rooms, fresh});
  if (kind_of(*m.stanza) == stanza_kind::message && may_be_answered(*m.stanza)) {
    reply = error_reply(*m.stanza, {.is = condition::service_unavailable});
  }
  const jid to = jid::parse(m.stanza->get("from")).value_or(jid());
  if (const auto there = user_process(to.local()); there && reply) {
    send(*there, deliver{std::make_shared<const xml::element>(std::move(*reply)), pid(), 0, 0});
  }
  if (m.from) send(m.from, accepted{m.token});
}

term room_service::state() const {
  return term::tuple(atom("muc"), static_cast<std::int64_t>(host_.listed_rooms().size()));
}

} // namespace coppice::messaging
