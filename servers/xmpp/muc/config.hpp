// How a room is configured: as its owners see it in a form, and as it is kept. XEP-0045, section 10.2.
#pragma once

#include "servers/xmpp/data_form.hpp"

#include <cstddef>
#include <cstdint>
#include <expected>
#include <string>
#include <string_view>

namespace coppice::xmpp::muc {

/// The FORM_TYPE of the form.
inline constexpr std::string_view roomconfig = "http://jabber.org/protocol/muc#roomconfig";

/// Who may send private messages to occupants.
enum class private_messages : std::uint8_t { anyone, participants, moderators, none };

/// What the service allows a room at most.
struct room_limits {
  std::size_t occupants = 5000;                     ///< at once; owners and admins come in beyond that
  std::size_t sessions = 20;                        ///< of one occupant
  std::size_t affiliations = 10'000;                ///< kept
  std::size_t nick = 64;                            ///< bytes
  std::size_t text = 4096;                          ///< bytes of a name, description, reason, password...
  std::size_t presence = std::size_t{16} << 10;     ///< bytes of what an occupant says of himself
  std::size_t subject = 4096;                       ///< bytes
  std::size_t history = 100;                        ///< messages kept
  std::size_t history_bytes = std::size_t{1} << 20; ///< of all of them
  std::size_t items = 256;                          ///< changes in one request
};

/// A value. What a new room is like, unless the service says otherwise.
struct room_config {
  std::string name = {};
  std::string description = {};
  std::string lang = {};     ///< of what is said; '': not told
  std::string password = {}; ///< '': anyone may enter
  bool persistent = false;   ///< stays when the last one leaves
  bool listed = true;        ///< told by the service
  bool members_only = false;
  bool moderated = false;
  bool anonymous = true;       ///< only moderators see addresses
  bool change_subject = false; ///< participants may
  bool invites = false;        ///< members may make members by inviting, where only members enter
  bool archived = true;
  private_messages pm = private_messages::anyone;
  std::size_t max_users = 0; ///< 0: as many as the service allows
  std::size_t history = 20;  ///< messages given on entry

  bool operator==(const room_config&) const = default;
};

/// The form with what is now, for owners to fill in.
[[nodiscard]] data_form config_form(const room_config& config, const room_limits& limits);
/// The configuration with the answers; an error is for people and names the field (not-acceptable).
[[nodiscard]] std::expected<room_config, std::string>
configured(const room_config& now, const data_form& submitted, const room_limits& limits);

/// As text to be kept.
[[nodiscard]] std::string to_text(const room_config& config);
/// Reads it, also that of earlier versions: what is not said is as in a new room. An error if it is no such
/// text, or that of a later version.
[[nodiscard]] std::expected<room_config, std::string> parse_config(std::string_view text);

} // namespace coppice::xmpp::muc
