// What accounts do to their nodes: the commands of `pubsub::account` carried out, with the picture in the
// vCard that follows the one that is published. XEP-0163, XEP-0398.
#pragma once

#include "coppice/store/transaction.hpp"
#include "servers/xmpp/pubsub/account.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace coppice::messaging::storage {

/// The nodes of an account, as they are read when it is needed.
struct stored_account {
  xmpp::pubsub::account::node_map nodes;
  std::string avatar;     ///< the identifier of the user's picture; '': none
  std::int64_t bytes = 0; ///< of all items
};
[[nodiscard]] stored_account load_account_nodes(store::transaction& t, std::string_view owner);

/// What came of commands.
struct carried_out {
  bool found = true; ///< else an item that was to go is not there: from there on nothing is done
  std::vector<xmpp::pubsub::stored_item> items; ///< that were to be read; also the one to be sent
  std::optional<std::string> avatar;            ///< the user's picture is that from now on; '': none
  std::int64_t grown = 0;                       ///< bytes that all items have more than before
  bool full = false;                            ///< there is no room for items to come: nothing is done
};
/// Does what concerns the database; `at` is now. `room`: bytes that there may be more.
[[nodiscard]] carried_out carry_out(store::transaction& t, std::string_view owner,
                                    std::span<const xmpp::pubsub::command> todo, xmpp::instant at,
                                    std::int64_t room = INT64_MAX);

/// The newest items of a node, at most so many, oldest of them first; without those that take the answer
/// beyond `most_answer` bytes.
[[nodiscard]] std::vector<xmpp::pubsub::stored_item> read_items(store::transaction& t, std::string_view owner,
                                                                std::string_view node, std::size_t newest);
inline constexpr std::size_t most_answer = std::size_t{2} << 20;

} // namespace coppice::messaging::storage
