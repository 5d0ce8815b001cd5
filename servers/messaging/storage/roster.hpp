// Rosters and their versions. RFC 6121 section 2, XEP-0237.
#pragma once

#include "coppice/store/transaction.hpp"
#include "servers/messaging/storage/schema.hpp"
#include "servers/xmpp/roster.hpp"

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

namespace coppice::messaging::storage {

struct stored_roster {
  std::vector<xmpp::roster_item> items; ///< by contact; with those that are not listed
  std::uint64_t version = 0;            ///< of now; grows with each change that clients see
  std::uint64_t oldest = 0;             ///< changes since then are all known
};
/// A contact as he is since that version.
struct roster_change {
  xmpp::roster_item item; ///< not `listed`: gone
  std::uint64_t version = 0;
};
/// What a roster holds at most.
struct roster_bounds {
  std::size_t items = 5'000;
  std::size_t removals = 500; ///< that are remembered; when one more comes, half are forgotten
};

/// All of it. A user who has none has an empty one.
[[nodiscard]] stored_roster load_roster(store::transaction& t, std::string_view owner);
[[nodiscard]] std::optional<xmpp::roster_item> find_roster_item(store::transaction& t, std::string_view owner,
                                                                std::string_view contact);
/// Puts it in the place of what there was for that contact. The roster's version then, which grows unless the
/// item neither is nor was listed; nothing if the roster is full.
[[nodiscard]] std::optional<std::uint64_t> put_roster_item(store::transaction& t, std::string_view owner,
                                                           const xmpp::roster_item& item,
                                                           const roster_bounds& bounds = {});
/// The roster's version then; nothing if there was no such contact.
std::optional<std::uint64_t> remove_roster_item(store::transaction& t, std::string_view owner,
                                                std::string_view contact, const roster_bounds& bounds = {});
/// What has changed since that version, oldest first. Of use for versions from `oldest` on.
[[nodiscard]] std::vector<roster_change> roster_changes(store::transaction& t, std::string_view owner,
                                                        std::uint64_t since);
/// With its version.
void remove_roster(store::transaction& t, std::string_view owner);

} // namespace coppice::messaging::storage
