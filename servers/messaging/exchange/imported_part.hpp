// What the pieces of a file of XEP-0227 become in the tables.
#pragma once

#include "coppice/store/transaction.hpp"
#include "servers/xml/element.hpp"
#include "servers/xmpp/delay.hpp"
#include "servers/xmpp/jid.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace coppice::messaging::exchange {

/// A piece, and what it stood in.
struct imported_part {
  xml::element what;
  std::string within; ///< the name of what holds it: `user`, `offline-messages`, `items`...
  std::string node;   ///< of `items`
};

/// Whom they are of, and how far we have come with him.
struct imported_owner {
  xmpp::jid address;              ///< bare
  std::int64_t last_message = 0;  ///< of those that wait for him
  std::int64_t last_archived = 0; ///< in his archive
  xmpp::instant now;
};

/// Keeps it for its owner. The same piece in the same place comes to the same, however often. What cannot be
/// kept is left out, and said in `left_out`, a line each.
void keep_part(store::transaction& t, imported_owner& owner, const imported_part& part,
               std::vector<std::string>& left_out);

} // namespace coppice::messaging::exchange
