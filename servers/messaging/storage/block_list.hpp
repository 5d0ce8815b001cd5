// Whom users do not want to hear from. XEP-0191.
#pragma once

#include "coppice/store/transaction.hpp"
#include "servers/xmpp/blocking.hpp"

#include <span>
#include <string_view>

namespace coppice::messaging::storage {

[[nodiscard]] xmpp::block_list load_block_list(store::transaction& t, std::string_view owner);
/// Those that are there already count once. False: there would be more than `most`, and nothing is changed.
[[nodiscard]] bool block(store::transaction& t, std::string_view owner, std::span<const xmpp::jid> who,
                         std::size_t most = 1'000);
void unblock(store::transaction& t, std::string_view owner, std::span<const xmpp::jid> who);
void unblock_all(store::transaction& t, std::string_view owner);

} // namespace coppice::messaging::storage
