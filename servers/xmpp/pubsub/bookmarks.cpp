#include "servers/xmpp/pubsub/bookmarks.hpp"

#include "servers/xmpp/namespaces.hpp"

#include <algorithm>
#include <set>
#include <string_view>
#include <utility>

namespace coppice::xmpp::pubsub {
namespace {

/// The same bookmark in the other namespace, without its address.
xml::element cast(const xml::element& conference, std::string_view from, std::string_view to) {
  xml::element e(to, "conference");
  for (const char* name : {"name", "autojoin"}) {
    if (const auto value = conference.find(name)) e.set(name, *value);
  }
  for (const char* name : {"nick", "password"}) {
    const xml::element* child = conference.child(from, name);
    if (child == nullptr) continue;
    xml::element part(to, name);
    part.add_text(child->text());
    e.add(std::move(part));
  }
  return e;
}

bool is_bookmark(const stored_item& item) { return item.payload.is(ns::bookmarks, "conference"); }

/// The bookmark as an item, with the extensions that it had.
stored_item to_item(const xml::element& conference, std::string id, std::span<const stored_item> bookmarks) {
  stored_item item{.id = std::move(id), .payload = cast(conference, ns::bookmarks_legacy, ns::bookmarks)};
  const auto before = std::ranges::find(bookmarks, item.id, &stored_item::id);
  if (before == bookmarks.end()) return item;
  const xml::element* extensions = before->payload.child(ns::bookmarks, "extensions");
  if (extensions != nullptr) item.payload.add(*extensions);
  return item;
}

} // namespace

xml::element to_storage(std::span<const stored_item> bookmarks) {
  xml::element storage(ns::bookmarks_legacy, "storage");
  for (const stored_item& item : bookmarks) {
    if (!is_bookmark(item)) continue;
    xml::element conference = cast(item.payload, ns::bookmarks, ns::bookmarks_legacy);
    conference.set("jid", item.id);
    storage.add(std::move(conference));
  }
  return storage;
}

bookmark_changes changes_by_storage(const xml::element& storage, std::span<const stored_item> bookmarks) {
  bookmark_changes changes;
  std::set<std::string, std::less<>> there;
  for (const xml::element* child : storage.children()) {
    if (!child->is(ns::bookmarks_legacy, "conference") || there.size() == most_items) continue;
    const auto room = jid::parse(child->get("jid"));
    if (!room || !there.insert(room->text()).second) continue;
    stored_item item = to_item(*child, room->text(), bookmarks);
    const bool is_as_before = std::ranges::any_of(bookmarks, [&](const stored_item& before) {
      return before.id == item.id && before.payload == item.payload;
    });
    if (!is_as_before) changes.put.push_back(std::move(item));
  }
  for (const stored_item& before : bookmarks) {
    if (is_bookmark(before) && !there.contains(before.id)) changes.removed.push_back(before.id);
  }
  return changes;
}

} // namespace coppice::xmpp::pubsub
