// Messages for users who were not there. XEP-0160.
#pragma once

#include "coppice/store/transaction.hpp"
#include "servers/messaging/storage/schema.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace coppice::messaging::storage {

struct offline_message {
  std::int64_t id = 0;      ///< grows
  instant at;               ///< when it came
  std::string stanza;       ///< XML
  std::int64_t message = 0; ///< what it is called; of those that are loaded
};

/// What may wait for one user.
struct offline_room {
  std::size_t messages = 1'000;
  std::uint64_t bytes = std::uint64_t{10} << 20U; ///< of their text, besides the first
};
/// Keeps one more, unless there is no room: then false. `message`: what it is called, so that one that comes
/// again while the first waits is not kept twice. Logarithmic.
[[nodiscard]] bool add_offline(store::transaction& t, std::string_view owner, std::int64_t message,
                               instant at, std::string_view stanza, const offline_room& most);
/// In the order in which they came, behind `after` (0: from the first), at most so many.
[[nodiscard]] std::vector<offline_message> load_offline(store::transaction& t, std::string_view owner,
                                                        std::int64_t after, std::size_t most);
/// How many there are. Logarithmic.
[[nodiscard]] std::size_t count_offline(store::transaction& t, std::string_view owner);
/// Removes those up to that one, which have been delivered.
void remove_offline(store::transaction& t, std::string_view owner, std::int64_t up_to = INT64_MAX);

} // namespace coppice::messaging::storage
