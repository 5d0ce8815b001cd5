// What the parts of a room's source have in common.
#pragma once

#include "servers/xmpp/muc/room.hpp"
#include "servers/xmpp/namespaces.hpp"

namespace coppice::xmpp::muc {

/// Taking one stanza.
struct room::turn {
  const jid& from;
  const jid& to;
  const surroundings& at;
  outcome out = {};

  void refuse(const xml::element& stanza, const stanza_error& e) {
    if (!may_be_answered(stanza)) return;
    xml::element reply = error_reply(stanza, e);
    // Clients know by it that they have not entered (7.2).
    if (stanza.child(ns::muc, "x") != nullptr) reply.add(xml::element(ns::muc, "x"));
    out.emplace_back(send{std::move(reply)});
  }
  void refuse(const xml::element& stanza, condition c, std::string_view text = "") {
    refuse(stanza, stanza_error{.is = c, .text = std::string(text)});
  }
  void say(xml::element stanza) { out.emplace_back(send{std::move(stanza)}); }
};

/// What has become of an occupant.
struct room::news {
  bool gone = false;               ///< the presence is `unavailable`
  std::vector<int> codes = {};     ///< for everyone
  std::vector<int> own_codes = {}; ///< for himself, with 110
  std::string_view nick = {};      ///< his new one
  std::string_view reason = {};
  std::string_view actor = {};        ///< whose doing it is: a nick
  std::optional<standing> is = {};    ///< if not what he was
  const xml::element* more = nullptr; ///< something else to tell, in `<x/>`
  const xml::element* said = nullptr; ///< his presence, if not the last one

  /// Whether it is but how he is now.
  [[nodiscard]] bool is_plain() const noexcept {
    return !gone && codes.empty() && nick.empty() && reason.empty() && actor.empty() && !is &&
           more == nullptr && said == nullptr;
  }
};

/// What an administrator wants to be different.
struct room::change {
  std::optional<affiliation> of = {};
  std::optional<role> as = {};
  jid user = {};         ///< bare; may be none where a role is to change
  std::string nick = {}; ///< of the occupant, or to be reserved; may be ''
  std::string reason = {};
};

} // namespace coppice::xmpp::muc
