// Rooms that outlive their occupants, and who is what in them. XEP-0045.
#pragma once

#include "coppice/store/transaction.hpp"
#include "servers/messaging/storage/schema.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace coppice::messaging::storage {

struct stored_room {
  std::string address; ///< bare
  std::string config;  ///< as its caller writes it
  std::string subject; ///< likewise
  instant created;
};

/// How somebody stands to a room.
struct stored_affiliation {
  std::string who;     ///< bare address
  int affiliation = 0; ///< as its caller counts them; 0 for none
  std::string reason;
  std::string nick; ///< reserved; may be ''
};

/// Puts it in the place of what there was.
void save_room(store::transaction& t, const stored_room& room);
[[nodiscard]] std::optional<stored_room> find_room(store::transaction& t, std::string_view address);
/// False: there is no such room.
bool save_room_config(store::transaction& t, std::string_view address, std::string_view config);
bool save_room_subject(store::transaction& t, std::string_view address, std::string_view subject);
/// With its affiliations and its archive. False: there is no such room.
bool remove_room(store::transaction& t, std::string_view address);
/// Behind `after` ('': from the first), by address, at most so many.
[[nodiscard]] std::vector<stored_room> list_rooms(store::transaction& t, std::string_view after,
                                                  std::size_t most);

/// Puts it in the place of what there was; with affiliation 0 there is none then. False: the room has `most`
/// others already.
[[nodiscard]] bool save_affiliation(store::transaction& t, std::string_view room,
                                    const stored_affiliation& affiliation, std::size_t most = 10'000);
/// All of a room, by address.
[[nodiscard]] std::vector<stored_affiliation> load_affiliations(store::transaction& t, std::string_view room);

} // namespace coppice::messaging::storage
