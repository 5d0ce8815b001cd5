// Archives of messages, of users and of rooms alike. XEP-0313.
#pragma once

#include "coppice/store/transaction.hpp"
#include "servers/messaging/storage/schema.hpp"
#include "servers/xmpp/archive_query.hpp"

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace coppice::messaging::storage {

struct archive_entry {
  std::int64_t id = 0; ///< of this archive; grows with time, and is at least `at` in microseconds since 1970
  std::string with_bare;     ///< the other side
  std::string with_resource; ///< '' if it has none
  instant at;
  std::string stanza;      ///< XML
  std::string origin = {}; ///< the same for a message that comes again, which is not kept twice; may be ''
};

/// Adds one; one with an id that is there already is there already. Logarithmic.
void append_to_archive(store::transaction& t, std::string_view owner, const archive_entry& entry);

/// Which entries are meant; what is empty or nothing does not matter.
struct archive_filter {
  std::string with_bare = {};
  std::string with_resource = {};              ///< with `with_bare`
  std::optional<instant> start = std::nullopt; ///< then or later
  std::optional<instant> end = std::nullopt;   ///< then or earlier
  std::int64_t after = 0;                      ///< a greater id
  std::int64_t before = INT64_MAX;             ///< a lesser one
};

struct archive_page {
  std::vector<archive_entry> entries; ///< by id
  bool complete = false;              ///< there is nothing more on that side
};
/// The first `most` that are meant, or (`backwards`) the last. Logarithmic, and linear in `most`; but with
/// `with_resource` in what has been said with `with_bare`.
[[nodiscard]] archive_page load_archive(store::transaction& t, std::string_view owner,
                                        const archive_filter& filter, std::size_t most,
                                        bool backwards = false);
/// Those with these ids, in that order; nothing if one is not there.
[[nodiscard]] std::optional<std::vector<archive_entry>>
load_archive_entries(store::transaction& t, std::string_view owner, std::span<const std::int64_t> ids);
/// Whether there is one with that id.
[[nodiscard]] bool is_archived(store::transaction& t, std::string_view owner, std::int64_t id);
/// How many are meant; nothing if more than `most`. Linear in the answer.
[[nodiscard]] std::optional<std::size_t> count_archive(store::transaction& t, std::string_view owner,
                                                       const archive_filter& filter,
                                                       std::size_t most = 10'000);

/// The first and the last of an archive.
struct archive_ends {
  std::int64_t first_id = 0;
  instant first_at;
  std::int64_t last_id = 0;
  instant last_at;
};
/// Nothing if it is empty. Logarithmic.
[[nodiscard]] std::optional<archive_ends> find_archive_ends(store::transaction& t, std::string_view owner);

/// Of all archives, removes what is from before `at`, oldest first, at most so many. How many: call it again
/// while it is `most`.
std::size_t expire_archives(store::transaction& t, instant at, std::size_t most);
/// All of one, with its preferences.
void remove_archive(store::transaction& t, std::string_view owner);

/// Nothing if the user has set none.
[[nodiscard]] std::optional<xmpp::archive_preferences> load_archive_preferences(store::transaction& t,
                                                                                std::string_view owner);
void save_archive_preferences(store::transaction& t, std::string_view owner,
                              const xmpp::archive_preferences& preferences);

} // namespace coppice::messaging::storage
