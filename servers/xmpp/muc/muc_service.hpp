// The service that has the rooms: what it answers itself. XEP-0045, sections 6.1 to 6.3 and 10.1.4.
#pragma once

#include "servers/xml/element.hpp"
#include "servers/xmpp/jid.hpp"

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace coppice::xmpp::muc {

/// A room that the service tells of: one that is `listed`, and not locked.
struct listed_room {
  std::string address; ///< bare
  std::string name;    ///< '': none

  bool operator==(const listed_room&) const = default;
};

/// What the service has to say.
struct muc_service {
  std::string_view name;              ///< for people
  std::span<const listed_room> rooms; ///< by address
  std::string_view fresh_name;        ///< for a room: one that nobody can guess
  std::size_t most = 100;             ///< rooms told at once
};

/// The answer to a request to the service itself; nothing if there is none to give.
[[nodiscard]] std::optional<xml::element> answer(const xml::element& iq, const muc_service& service);

/// Whether a stanza to a room that does not exist makes it: one who enters.
[[nodiscard]] bool makes_room(const xml::element& stanza, const jid& to) noexcept;
/// What is answered, if it does not: the room cannot be found; nothing if there is nothing to answer.
[[nodiscard]] std::optional<xml::element> answer_without_room(const xml::element& stanza);

} // namespace coppice::xmpp::muc
