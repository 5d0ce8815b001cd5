#include "servers/xmpp/muc/muc_service.hpp"

#include "servers/xmpp/namespaces.hpp"
#include "servers/xmpp/result_set.hpp"
#include "servers/xmpp/stanza.hpp"

#include <algorithm>

namespace coppice::xmpp::muc {
namespace {

constexpr std::string_view unique = "http://jabber.org/protocol/muc#unique";

xml::element info(const muc_service& service) {
  xml::element query(ns::disco_info, "query");
  xml::element identity(ns::disco_info, "identity");
  identity.set("category", "conference").set("type", "text").set("name", service.name);
  query.add(std::move(identity));
  for (const std::string_view var :
       {ns::disco_info, ns::disco_items, ns::muc, unique, ns::occupant_ids, ns::ping, ns::rsm}) {
    query.add(xml::element(ns::disco_info, "feature").set("var", var));
  }
  return query;
}

/// The part of the rooms that is asked for; `first` is where it begins.
std::span<const listed_room> page(std::span<const listed_room> rooms, const page_request& wanted,
                                  std::size_t most) {
  const std::size_t size = wanted.size(most);
  const auto at = [&](std::string_view address, bool behind) {
    const auto place = behind ? std::ranges::upper_bound(rooms, address, {}, &listed_room::address)
                              : std::ranges::lower_bound(rooms, address, {}, &listed_room::address);
    return static_cast<std::size_t>(place - rooms.begin());
  };
  std::size_t begin = wanted.index ? std::min(*wanted.index, rooms.size()) : 0;
  std::size_t end = rooms.size();
  if (wanted.after) begin = at(*wanted.after, true);
  if (wanted.before && !wanted.before->empty()) end = at(*wanted.before, false);
  if (end < begin) end = begin;
  if (end - begin <= size) return rooms.subspan(begin, end - begin);
  return rooms.subspan(wanted.is_backwards() ? end - size : begin, size);
}

xml::element items(const xml::element& iq, const muc_service& service) {
  const auto wanted = parse_page_request(*iq.first());
  if (!wanted) return error_reply(iq, wanted.error());
  const std::span<const listed_room> given = page(service.rooms, *wanted, service.most);
  xml::element query(ns::disco_items, "query");
  for (const listed_room& room : given) {
    xml::element item(ns::disco_items, "item");
    item.set("jid", room.address);
    if (!room.name.empty()) item.set("name", room.name);
    query.add(std::move(item));
  }
  if (*wanted != page_request() || given.size() < service.rooms.size()) {
    page_info about{.count = service.rooms.size()};
    if (!given.empty()) {
      about.first = given.front().address;
      about.last = given.back().address;
      about.first_index = static_cast<std::size_t>(given.data() - service.rooms.data());
    }
    query.add(to_element(about));
  }
  return result_reply(iq).add(std::move(query));
}

} // namespace

std::optional<xml::element> answer(const xml::element& iq, const muc_service& service) {
  if (kind_of(iq) != stanza_kind::iq || !may_be_answered(iq)) return std::nullopt;
  if (!is_sound_iq(iq)) return error_reply(iq, {.is = condition::bad_request});
  const xml::element& query = *iq.first();
  if (iq.get("type") == "get" && query.get("node").empty()) {
    if (query.is(ns::disco_info, "query")) return result_reply(iq).add(info(service));
    if (query.is(ns::disco_items, "query")) return items(iq, service);
    if (query.is(ns::ping, "ping")) return result_reply(iq);
    if (query.is(unique, "unique")) {
      return result_reply(iq).add(xml::element(unique, "unique").add_text(service.fresh_name));
    }
  }
  return error_reply(iq, {.is = condition::service_unavailable});
}

bool makes_room(const xml::element& stanza, const jid& to) noexcept {
  return kind_of(stanza) == stanza_kind::presence && stanza.get("type").empty() && !to.local().empty() &&
         !to.is_bare() && stanza.child(ns::muc, "x") != nullptr;
}

std::optional<xml::element> answer_without_room(const xml::element& stanza) {
  const bool leaves = kind_of(stanza) == stanza_kind::presence && !stanza.get("type").empty();
  if (leaves || !may_be_answered(stanza)) return std::nullopt;
  return error_reply(stanza, {.is = condition::item_not_found, .text = "There is no such room."});
}

} // namespace coppice::xmpp::muc
