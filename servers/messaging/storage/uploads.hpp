// Files that users have uploaded: whose they are, and how far they have come. XEP-0363. Their bytes are
// elsewhere.
#pragma once

#include "coppice/store/transaction.hpp"
#include "servers/messaging/storage/schema.hpp"
#include "servers/xmpp/upload.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace coppice::messaging::storage {

/// How far a file has come; the numbers stand in the table.
enum class upload_state : std::uint8_t {
  promised = 0, ///< its owner may send it
  arriving = 1, ///< he does so, or has broken off
  stored = 2,   ///< it is there
};

struct stored_upload {
  std::string id;    ///< that nobody can guess
  std::string owner; ///< '': his account is no more
  xmpp::upload_request file;
  instant asked; ///< when it was promised
  upload_state state = upload_state::promised;
};

/// What counts against a user's quota since then, the oldest first; promises only if they are not older than
/// `promised`.
[[nodiscard]] std::vector<xmpp::upload_use> upload_uses(store::transaction& t, std::string_view owner,
                                                        instant since, instant promised);
/// Its id must be new.
void promise_upload(store::transaction& t, const stored_upload& upload);
[[nodiscard]] std::optional<stored_upload> find_upload(store::transaction& t, std::string_view id);
/// It is sent, and has that type. False: it is not promised (any more).
bool begin_upload(store::transaction& t, std::string_view id, std::string_view type);
/// It is there. False: it was not arriving.
bool finish_upload(store::transaction& t, std::string_view id);
void remove_upload(store::transaction& t, std::string_view id);
/// The ids of those in that state that were promised before then, at most so many.
[[nodiscard]] std::vector<std::string> old_uploads(store::transaction& t, upload_state state, instant before,
                                                   std::size_t most);
/// The owner is no more: his files are as old as can be, so that nobody finds them, and they go next.
void disown_uploads(store::transaction& t, std::string_view owner);

} // namespace coppice::messaging::storage
