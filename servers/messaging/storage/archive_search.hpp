// Finds in an archive what a question means (XEP-0313): the same for users and rooms.
#pragma once

#include "coppice/store/transaction.hpp"
#include "servers/messaging/storage/archive.hpp"
#include "servers/xmpp/archive_query.hpp"
#include "servers/xmpp/result_set.hpp"

#include <cstdint>
#include <expected>
#include <optional>
#include <string_view>
#include <vector>

namespace coppice::messaging::storage {

/// Messages on one page at most, and if the question does not say how many.
inline constexpr std::size_t most_on_page = 250;
inline constexpr std::size_t usual_on_page = 50;

/// A page of an archive.
struct found_in_archive {
  std::vector<archive_entry> entries; ///< in the order in which they are to be sent
  xmpp::page_info page;
  bool complete = false; ///< there is nothing more on that side
};
/// The page that is asked for. Errors: item-not-found for a message that is named and not there.
[[nodiscard]] std::expected<found_in_archive, xmpp::stanza_error>
search_archive(store::transaction& t, std::string_view owner, const xmpp::archive_query& query);

/// The number that an identifier of ours stands for; nothing for others.
[[nodiscard]] std::optional<std::int64_t> archive_id_of(std::string_view text) noexcept;

} // namespace coppice::messaging::storage
