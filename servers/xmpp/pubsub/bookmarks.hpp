// Bookmarks of rooms: the items of today, and the one list of old that is a view of them. XEP-0402 section 6,
// XEP-0048, XEP-0049, XEP-0411.
#pragma once

#include "servers/xml/element.hpp"
#include "servers/xmpp/pubsub/account.hpp"

#include <span>
#include <string>
#include <vector>

namespace coppice::xmpp::pubsub {

/// `<storage/>` of old with all bookmarks, in their order: for private storage (XEP-0049) and for subscribers
/// to the node `storage:bookmarks`. What is no bookmark is left out.
[[nodiscard]] xml::element to_storage(std::span<const stored_item> bookmarks);

/// What a client of old has changed.
struct bookmark_changes {
  std::vector<stored_item> put = {};     ///< new or other than before: to be published, in order
  std::vector<std::string> removed = {}; ///< gone: to be retracted

  [[nodiscard]] bool empty() const noexcept { return put.empty() && removed.empty(); }
};
/// That of the whole list `storage` to the present bookmarks. What only today's bookmarks know (extensions)
/// stays with those that are still there. Bookmarks without a sound address are left out, as are those beyond
/// `most_items`.
[[nodiscard]] bookmark_changes changes_by_storage(const xml::element& storage,
                                                  std::span<const stored_item> bookmarks);

} // namespace coppice::xmpp::pubsub
