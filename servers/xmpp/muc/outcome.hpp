// What a room wants done: the commands that its rules return.
#pragma once

#include "servers/xml/element.hpp"
#include "servers/xmpp/delay.hpp"
#include "servers/xmpp/jid.hpp"
#include "servers/xmpp/muc/privileges.hpp"

#include <functional>
#include <memory>
#include <string>
#include <variant>
#include <vector>

namespace coppice::xmpp::muc {

/// A stanza that several get.
using shared_stanza = std::shared_ptr<const xml::element>;
/// Full addresses, in the order in which they entered.
using recipients = std::shared_ptr<const std::vector<jid>>;

/// One stanza to one address, with `from` and `to`.
struct send {
  xml::element stanza;
};
/// One stanza to many: it has no `to`.
struct broadcast {
  shared_stanza stanza;
  recipients to;
};
/// Many stanzas to one, in order: they have no `to`.
struct send_all {
  std::vector<shared_stanza> stanzas;
  jid to;
};
/// A message to be kept in the room's archive, before anyone gets it.
struct archive {
  shared_stanza message; ///< without `to`, with its stanza-id
  std::string id;        ///< that of the stanza-id
  jid sender;            ///< his real address
  instant at;
};
/// What an account is to the room, to be kept; `none` without a nick: to be forgotten.
struct store_affiliation {
  jid user; ///< bare, or a domain
  affiliation is = affiliation::none;
  std::string nick;   ///< reserved for him; may be ''
  std::string reason; ///< may be ''
};
/// The configuration is to be kept: as `to_text` has it. Also tells the service that the room is `listed`
/// now, under another name, or persistent no more: what is kept of a room that is not persistent may be
/// forgotten.
struct store_config {};
/// The subject is to be kept: as `room::subject_text` has it.
struct store_subject {};
/// The room has ended, by an owner, or as nobody is left in a temporary one. Nothing is to be kept of it, and
/// the last command.
struct destroyed {};

using command = std::variant<send, broadcast, send_all, archive, store_affiliation, store_config,
                             store_subject, destroyed>;
/// Commands, in order. What is to be kept stands before what says that it is so.
using outcome = std::vector<command>;

/// When something happens, and where fresh identifiers come from.
struct surroundings {
  instant now;
  /// A text that no other has been given: for the stanza-id of a message, which is also its key in the
  /// archive. Called once for each message that is `lasting`.
  std::function<std::string()> fresh_id;
};

} // namespace coppice::xmpp::muc
