// Who may log in.
#pragma once

#include "coppice/store/transaction.hpp"
#include "servers/messaging/storage/schema.hpp"
#include "servers/xmpp/scram.hpp"

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace coppice::messaging::storage {

struct account {
  std::string name; ///< bare address
  instant created;
  std::vector<xmpp::scram_verifier> verifiers; ///< one for each hash

  /// The one of that hash, or null.
  [[nodiscard]] const xmpp::scram_verifier* find(xmpp::scram_hash hash) const noexcept;
};

/// False: there is one of that name already, and nothing is changed.
bool create_account(store::transaction& t, std::string_view name,
                    std::span<const xmpp::scram_verifier> verifiers, instant now);
[[nodiscard]] std::optional<account> find_account(store::transaction& t, std::string_view name);
[[nodiscard]] bool has_account(store::transaction& t, std::string_view name);
/// In the place of those it had. False: there is no such account.
bool set_verifiers(store::transaction& t, std::string_view name,
                   std::span<const xmpp::scram_verifier> verifiers);
/// With all that is kept for it: roster, messages, archive, nodes... False: there is no such account.
bool remove_account(store::transaction& t, std::string_view name);
/// The names behind `after` ('': from the first), in order, at most so many.
[[nodiscard]] std::vector<std::string> list_accounts(store::transaction& t, std::string_view after,
                                                     std::size_t most);
/// How many there are. Linear.
[[nodiscard]] std::size_t count_accounts(store::transaction& t);

} // namespace coppice::messaging::storage
