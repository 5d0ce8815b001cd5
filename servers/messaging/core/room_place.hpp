// What the server knows of a room in which somebody is: the room, who it tells, and what is not finished. It
// outlives the processes that look after it (as an ETS table with an heir would).
#pragma once

#include "coppice/runtime/process.hpp"
#include "coppice/term/sendable.hpp"
#include "servers/xmpp/muc/room.hpp"

#include <atomic>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <variant>
#include <vector>

namespace coppice::messaging {

struct keep_job;

/// A stanza that is written once for many.
class written_stanza {
public:
  /// `to` is that of the stanza, or everyone's own if it has none.
  explicit written_stanza(const xml::element& stanza);

  /// As it stands in a stream, with another attribute (` name="value"`).
  [[nodiscard]] std::string with(std::string_view attribute) const;
  /// What it is news of (`xmpp::news_of`).
  [[nodiscard]] const std::optional<std::string>& news() const noexcept { return news_; }
  /// Whether it has no `to`.
  [[nodiscard]] bool is_open() const noexcept { return open_; }

private:
  std::string text_;
  std::size_t place_; ///< of attributes
  std::optional<std::string> news_;
  bool open_;
};
/// Several, in order; they belong together.
using written_stanzas = std::shared_ptr<const std::vector<written_stanza>>;

/// What a room says to some of those who are in it.
struct room_event {
  std::uint64_t number = 0; ///< among the room's
  written_stanzas stanzas;
  std::shared_ptr<const std::vector<std::uint64_t>> to; ///< numbers of lines, in order
};

/// The way from a room to a session that is in it. What goes by it is numbered from 1 on, so that nothing is
/// lost and nothing comes twice, whoever dies.
class room_line {
public:
  room_line(std::uint64_t number, xmpp::jid address);

  [[nodiscard]] std::uint64_t number() const noexcept { return number_; } ///< of no other line of the room
  [[nodiscard]] const xmpp::jid& address() const noexcept { return address_; }
  /// `to` of what goes there, as an attribute.
  [[nodiscard]] const std::string& to() const noexcept { return to_; }

  /// By the user's process: whether that one is the next. Then it is taken.
  bool take(std::uint64_t number) noexcept;
  /// By the room's process: the session has left; later events are not its.
  void end_with(std::uint64_t event) noexcept { last_event_.store(event, std::memory_order_release); }
  /// Whether that event comes after its end.
  [[nodiscard]] bool ended_before(std::uint64_t event) const noexcept;

  /// What goes there, until it is taken.
  struct parcel {
    std::uint64_t number;
    written_stanzas stanzas;
  };
  /// @{
  /// By the event manager of the room alone. `add` says nothing of an event that it has added already.
  const parcel* add(const room_event& event);
  [[nodiscard]] const std::deque<parcel>& open();
  /// @}

private:
  std::uint64_t number_;
  xmpp::jid address_;
  std::string to_;
  std::atomic<std::uint64_t> taken_{0};
  std::atomic<std::uint64_t> last_event_{0}; ///< 0: it goes on
  std::deque<parcel> open_;
  std::uint64_t added_ = 0;
  std::uint64_t seen_event_ = 0;
};

/// A stanza that has come to a room, and who wants to know that it is taken.
struct room_request {
  std::shared_ptr<const xml::element> stanza;
  pid from;
  std::uint64_t token = 0;
  std::int64_t id = 0; ///< the same however often it comes; 0: it comes once
};

/// What a room has still to do, in order.
struct admit { ///< a line to a session that has entered
  xmpp::jid who;
};
struct dismiss {}; ///< lines to those who are not in the room any more end
struct confirm {   ///< whoever sent it is told that it is taken
  pid to;
  std::uint64_t token = 0;
};
struct answer { ///< of the archive, to one
  std::vector<std::shared_ptr<const xml::element>> stanzas;
  xmpp::jid to;
};
using room_step =
    std::variant<xmpp::muc::send, xmpp::muc::broadcast, xmpp::muc::send_all, xmpp::muc::store_affiliation,
                 xmpp::muc::store_config, xmpp::muc::store_subject, xmpp::muc::destroyed, admit, dismiss,
                 confirm, answer>;

/// A message that is being kept.
struct kept_message {
  pid from; ///< who is told then
  std::uint64_t token = 0;
  std::int64_t id = 0; ///< of the request
  std::shared_ptr<const keep_job> job;
};

/// Numbers that came lately.
class recent_numbers {
public:
  /// Whether it came lately; now it did. Constant.
  bool seen(std::int64_t number);

private:
  std::unordered_set<std::int64_t> known_;
  std::deque<std::int64_t> order_;
};

/// A room with all that concerns it now.
struct room_place {
  bool loaded = false;   ///< what is kept was read
  bool stored = false;   ///< the room is in the database
  bool leftover = false; ///< an archive is there of an earlier room of that name
  std::optional<xmpp::muc::room> room;
  xmpp::instant created;

  std::deque<room_request> requests; ///< that have come, oldest first
  std::deque<room_step> steps;       ///< that follow from those before
  recent_numbers recent;
  std::map<std::uint64_t, kept_message> waiting; ///< by token
  std::uint64_t last_token = 0;
  std::int64_t last_id = 0; ///< in its archive

  std::unordered_map<std::string, std::shared_ptr<room_line>> lines; ///< by full address
  std::uint64_t last_line = 0;
  std::deque<std::shared_ptr<const room_event>> events; ///< that not everyone's line has
  std::uint64_t last_event = 0;
  xmpp::muc::recipients everyone; ///< of the last broadcast
  std::shared_ptr<const std::vector<std::uint64_t>> their_lines;
};

} // namespace coppice::messaging

namespace coppice {
/// What several processes touch is atomic, the rest belongs to one of them.
template <>
struct enable_sendable<std::shared_ptr<messaging::room_line>> {
  static constexpr bool value = true;
};
/// Nobody changes it.
template <>
struct enable_sendable<messaging::written_stanza> {
  static constexpr bool value = true;
};
} // namespace coppice
