// A room where many talk: all of its rules. XEP-0045, with XEP-0359, XEP-0410 and XEP-0421.
#pragma once

#include "servers/xmpp/muc/config.hpp"
#include "servers/xmpp/muc/history.hpp"
#include "servers/xmpp/muc/outcome.hpp"
#include "servers/xmpp/muc/privileges.hpp"

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace coppice::xmpp::muc {

/// What an account is to a room, as it is kept.
struct affiliated {
  affiliation is = affiliation::none;
  std::string nick = {};   ///< reserved for him; may be ''
  std::string reason = {}; ///< may be ''

  bool operator==(const affiliated&) const = default;
};
/// By bare address, or domain.
using affiliations = std::map<std::string, affiliated, std::less<>>;

/// What is kept of a room.
struct room_state {
  room_config config;
  std::string subject; ///< as `room::subject_text` had it; '' for none
  affiliations users;
};

/// Somebody in a room, as others may be told.
struct occupant_info {
  std::string_view nick;
  std::string_view user; ///< his bare address
  standing is;
  std::size_t sessions;
};

/// A room: stanzas go in, commands come out. Holds no process, no clock, no storage; it is what its process
/// owns. Not thread-safe.
class room {
public:
  /// A new one: whoever enters first is its owner, and nobody else enters until he has configured it (10.1).
  /// `secret`: bytes that the service keeps to itself, of which occupants get their identifiers (XEP-0421).
  room(jid address, room_config config, room_limits limits, std::string secret);
  /// One that was kept.
  room(jid address, room_state kept, room_limits limits, std::string secret);
  room(room&&) noexcept;
  room& operator=(room&&) noexcept;
  ~room();

  /// A message of its archive, oldest first, for those who come: before anyone does.
  void remember(shared_stanza message, instant at) { history_.add(std::move(message), at); }

  /// Takes a stanza to the room, or to an occupant: `to` without or with a resource. `stanza` has both
  /// addresses as attributes, too. After `destroyed` nothing may be asked any more.
  [[nodiscard]] outcome take(const jid& from, const jid& to, xml::element stanza, const surroundings& at);
  /// A session has ended without a word.
  [[nodiscard]] outcome gone(const jid& full, const surroundings& at);
  /// The service ends (332): everyone has to leave, the room remains.
  [[nodiscard]] outcome shut_down();

  [[nodiscard]] const jid& address() const noexcept { return address_; }
  [[nodiscard]] const room_config& config() const noexcept { return config_; }
  [[nodiscard]] const affiliations& users() const noexcept { return users_; }
  /// The subject as text to be kept; '' if there is none.
  [[nodiscard]] std::string subject_text() const;
  /// What one is to the room: by his address, or that of his domain.
  [[nodiscard]] affiliation affiliation_of(const jid& user) const;
  /// The nick of an occupant's session; '' if he is not in the room.
  [[nodiscard]] std::string_view nick_of(const jid& full) const noexcept;
  /// Whether he may read what has been said: in the archive, or as the subject.
  [[nodiscard]] bool may_read(const jid& user) const;
  /// Everybody in the room, by nick.
  [[nodiscard]] std::vector<occupant_info> occupants() const;
  /// How many there are.
  [[nodiscard]] std::size_t size() const noexcept { return occupants_.size(); }
  /// Waits for its owner to configure it.
  [[nodiscard]] bool is_locked() const noexcept { return locked_; }

private:
  /// What an occupant says of himself in his presence, with nothing of the room's.
  using own_presence = std::shared_ptr<const xml::element>;
  struct session {
    jid full;
    std::uint64_t serial; ///< of no other in this room
    own_presence presence;
  };
  struct occupant {
    std::string nick;
    jid user; ///< bare
    role as = role::none;
    std::string id;                ///< XEP-0421
    std::vector<session> sessions; ///< the last one is shown
    shared_stanza seen = {};       ///< his presence as most see it; null: not made yet
    shared_stanza known = {};      ///< the same with his address
  };
  struct turn;
  struct news;
  struct change;

  // Presence: room_presence.cpp
  void on_presence(turn& t, xml::element& stanza);
  void on_available(turn& t, xml::element& stanza);
  void enter(turn& t, const xml::element& stanza);
  [[nodiscard]] std::optional<stanza_error> entry_refusal(const turn& t, const xml::element& stanza) const;
  [[nodiscard]] std::optional<stanza_error> nick_refusal(const jid& user, std::string_view nick) const;
  void welcome(turn& t, occupant& who, const xml::element& stanza, bool created);
  void give_past(turn& t, const xml::element& stanza);
  void show_again(turn& t, occupant& who, own_presence what);
  [[nodiscard]] std::optional<stanza_error> presence_refusal(const xml::element& stanza) const;
  void change_nick(turn& t, occupant& who, const xml::element& stanza);
  void rename(turn& t, occupant& who, const std::string& nick, own_presence what);
  void move_session(turn& t, occupant& who, const std::string& nick, own_presence what);
  void leave(turn& t, occupant& who, const news& how);
  void remove(outcome& out, occupant& who, const news& how);
  void end_if_empty(outcome& out);

  // What the others are told: room_news.cpp
  void announce(outcome& out, occupant& who, const news& what);
  void announce_to_others(outcome& out, occupant& who, const news& what);
  void announce_to_self(outcome& out, const occupant& who, const news& what,
                        const std::vector<session>& to) const;
  [[nodiscard]] xml::element presence_of(const occupant& who, bool with_address, const news& what) const;
  [[nodiscard]] const shared_stanza& shown(occupant& who, bool with_address);
  [[nodiscard]] bool sees_addresses(const occupant& who) const noexcept;
  [[nodiscard]] xml::element status_message(const std::vector<int>& codes) const;
  static void forget_shown(occupant& who) noexcept;

  // Messages: room_message.cpp
  void on_message(turn& t, xml::element& stanza);
  void on_group_message(turn& t, xml::element& stanza, const occupant& who);
  void on_private_message(turn& t, xml::element& stanza, const occupant& who);
  void on_error(turn& t, xml::element& stanza);
  void on_invitations(turn& t, const xml::element& stanza, const xml::element& x);
  void on_decline(turn& t, const xml::element& stanza, const xml::element& decline);
  void on_voice_request(turn& t, const xml::element& stanza, const xml::element& x, const occupant& who);
  void clean(xml::element& stanza, const occupant& who) const;

  // Requests: room_iq.cpp
  void on_iq(turn& t, xml::element& stanza);
  void on_occupant_iq(turn& t, xml::element& stanza);
  void on_forwarded_answer(turn& t, xml::element& stanza);
  void on_disco_info(turn& t, const xml::element& stanza, const xml::element& query);
  void on_disco_items(turn& t, const xml::element& stanza);
  void on_registration(turn& t, const xml::element& stanza, const xml::element& query);
  void register_user(turn& t, const xml::element& stanza, const xml::element& query);

  // Administration: room_admin.cpp
  void on_admin(turn& t, const xml::element& stanza, const xml::element& query);
  void give_list(turn& t, const xml::element& stanza, const xml::element& item);
  [[nodiscard]] std::optional<stanza_error> list_refusal(const turn& t, affiliation wanted) const;
  [[nodiscard]] std::expected<change, stanza_error> read_change(const xml::element& item) const;
  [[nodiscard]] std::optional<stanza_error> refusal_of(const turn& t, const change& c) const;
  [[nodiscard]] bool leaves_no_owner(const std::vector<change>& changes) const;
  void apply(turn& t, const change& c);
  void set_role(turn& t, occupant& who, role as, std::string_view reason);
  void set_affiliation(turn& t, const jid& user, affiliated to);
  void keep(turn& t, const jid& user, affiliated to);

  // Ownership: room_owner.cpp
  void on_owner(turn& t, const xml::element& stanza, const xml::element& query);
  void configure(turn& t, const xml::element& stanza, const xml::element& x);
  void tell_change(turn& t, const room_config& before);
  void destroy(turn& t, const xml::element* how);

  [[nodiscard]] occupant* find(const jid& full) const noexcept;
  [[nodiscard]] occupant* find_nick(std::string_view nick) noexcept;
  [[nodiscard]] standing standing_of(const jid& full) const;
  [[nodiscard]] std::string occupant_address(std::string_view nick) const;
  [[nodiscard]] std::string occupant_id(const jid& user) const;
  [[nodiscard]] const std::string* owner_of_nick(std::string_view nick) const;
  [[nodiscard]] recipients everyone();
  [[nodiscard]] static recipients all(const std::vector<session>& sessions);
  occupant& add_session(const jid& full, std::string_view nick, own_presence what);
  void drop_session(occupant& who, const jid& full);

  jid address_;
  room_config config_;
  room_limits limits_;
  std::string secret_;
  affiliations users_;
  std::map<std::string, std::string, std::less<>> nicks_;  ///< reserved: whose
  std::map<std::string, occupant, std::less<>> occupants_; ///< by nick
  std::unordered_map<std::string, occupant*> sessions_;    ///< by full address
  recipients everyone_;                                    ///< null: not made yet
  history history_;
  shared_stanza subject_; ///< a message, with its delay; null: none
  std::uint64_t serial_ = 0;
  bool fresh_ = false;  ///< nobody has entered it ever
  bool locked_ = false; ///< nobody but its owner enters
  bool ended_ = false;
};

} // namespace coppice::xmpp::muc
