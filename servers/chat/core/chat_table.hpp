// All of the chat that must outlive processes: mailboxes, rooms, memberships. Pure: no clock, no processes.
#pragma once

#include "servers/chat/core/event.hpp"
#include "servers/chat/core/history.hpp"
#include "servers/chat/core/operation.hpp"

#include <cstddef>
#include <deque>
#include <expected>
#include <map>
#include <optional>
#include <string_view>
#include <unordered_map>

namespace coppice::chat {

/// Why a request is refused for good (PROTOCOL.md, the table of codes).
enum class refusal : std::uint8_t {
  bad_name,
  bad_id,
  bad_text,
  not_member,
  room_full,
  too_many_rooms,
  too_many_users,
  mailbox_full,
};

/// Counts; see PROTOCOL.md, the table of limits.
struct table_limits {
  std::size_t undelivered = 1000; ///< messages of a mailbox that nobody has acked
  std::size_t receipts = 1000;    ///< receipts of a mailbox that nobody has acked
  std::size_t retained = 200;     ///< acked events of a mailbox
  std::size_t remembered = 2000;  ///< (from, id) of a mailbox
  std::size_t users = 10'000;
  std::size_t rooms = 1000;
  std::size_t rooms_of_user = 50;
  std::size_t members = 200; ///< of a room
};

/// A message that was taken, now or earlier.
struct posted {
  std::int64_t at = 0;
  std::uint32_t recipients = 0;     ///< without the sender
  std::vector<delivery> deliveries; ///< none if it was known already
};

/// A mailbox as its owner finds it.
struct mailbox_state {
  std::uint64_t last = 0;      ///< the highest number given out
  std::uint64_t acked = 0;     ///< the highest number acked
  std::size_t undelivered = 0; ///< messages nobody has acked
};

/// What a change of membership was, as long as that matters.
struct membership_mark {
  std::string room;
  std::uint64_t made = 0; ///< by which operation
};
/// A message that a mailbox has had, and what its sender was told.
struct known_message {
  std::string key; ///< "from id"
  std::int64_t at = 0;
  std::uint32_t recipients = 0;
};
/// An event as it goes to another node: a receipt if nobody wrote it.
struct event_image {
  std::uint64_t seq = 0;
  std::uint64_t made = 0;
  std::string id;
  std::string from;
  std::string to;
  std::string text;
  std::int64_t at = 0;
  std::string by;
};
/// All of a mailbox, for another node.
struct mailbox_image {
  std::string user;
  std::uint64_t last = 0;
  std::uint64_t acked = 0;
  std::vector<membership_mark> rooms;
  std::vector<membership_mark> left;
  std::vector<known_message> known; ///< oldest first
  std::vector<event_image> events;
};
/// A part of a table, for another node.
struct table_part {
  std::vector<mailbox_image> mailboxes; ///< in order of name
  bool is_last = false;
};

/// The outcome of joining or leaving.
struct membership {
  bool changed = false;
  member_list members; ///< afterwards; null if the room is gone
};

/// Mailboxes, each with its events numbered 1, 2, 3, ..., and rooms.
///
/// An operation either has its whole effect or is refused and has none. Should one be cut short (out of
/// memory), the same request again completes it: what was put already is known by (from, id).
///
/// Each operation, refused or not, counts as one in `past()`. It depends on nothing but the table and its
/// arguments: the same operations in the same order make the same table on any node.
/// Not thread-safe.
class chat_table {
public:
  /// `epoch` names its numbering to begin with: it must differ each time a table starts empty.
  explicit chat_table(std::string epoch, const table_limits& limits = {});

  /// Names the numbering: that of the latest tenure.
  [[nodiscard]] const std::string& epoch() const noexcept { return past_.tenures().back().id; }
  /// Whether somebody who was told numbers under that epoch, up to `seq`, has been told what this mailbox
  /// has. If not, or if that is too long ago to be sure, his numbers say nothing here.
  [[nodiscard]] bool knows(std::string_view user, std::string_view epoch, std::uint64_t seq) const;
  [[nodiscard]] const history& past() const noexcept { return past_; }
  /// Another one whenever numbers of events given out before may mean another event now. Of this node only.
  [[nodiscard]] std::uint32_t numbering() const noexcept { return numbering_; }

  /// Makes the user's mailbox if there is none. Refused: bad_name, too_many_users.
  std::expected<mailbox_state, refusal> open(std::string_view user);
  /// The user's mailbox, if there is one.
  [[nodiscard]] std::optional<mailbox_state> state_of(std::string_view user) const;

  /// Puts a message into the mailboxes of all receivers, then into the sender's. Known by its (from, id) it
  /// changes nothing and gives the earlier outcome. A room member whose mailbox is full goes without.
  /// Time: logarithmic in users, linear in receivers.
  std::expected<posted, refusal> post(std::string_view from, std::string id, std::string to, std::string text,
                                      std::int64_t at);

  /// All up to `seq` has been shown to the user: gives the receipts that this made. Lower than an earlier ack
  /// it does nothing.
  std::vector<delivery> ack(std::string_view user, std::uint64_t seq);

  /// Not an error for a member. Refused: bad_name, too_many_users, too_many_rooms, room_full.
  std::expected<membership, refusal> join(std::string_view user, std::string_view room);
  /// Not an error for others than members. Refused: bad_name.
  std::expected<membership, refusal> leave(std::string_view user, std::string_view room);

  /// In order of name.
  [[nodiscard]] std::vector<room_entry> rooms() const;
  [[nodiscard]] std::vector<room_entry> rooms_of(std::string_view user) const;
  /// Null if there is no such room.
  [[nodiscard]] member_list members(std::string_view room) const;

  /// What is kept above `seq`. A user without a mailbox has nothing.
  [[nodiscard]] event_range events_after(std::string_view user, std::uint64_t seq) const;
  /// What no connection of the user has acked.
  [[nodiscard]] event_range unacked(std::string_view user) const;
  [[nodiscard]] std::vector<std::string> users() const;

  // --- for tables on several nodes ---

  void begin(begin_tenure m);
  /// Puts one mailbox's copy of a message, full or not: it was accepted. Known already it changes nothing.
  std::vector<delivery> adopt(adopt_message m);
  membership adopt(const adopt_membership& m);

  /// What happened here after operation `common`, for a table that has no more than that of it: users,
  /// memberships and messages in the order in which they came.
  [[nodiscard]] std::vector<change> since(std::uint64_t common) const;
  /// Mailboxes from the first name above `after` on: so many that the part has about 256 KiB.
  [[nodiscard]] table_part part_after(std::string_view after) const;
  /// Adds mailboxes of another table to an empty one; false if they make no sense.
  [[nodiscard]] bool load(table_part part);
  /// Makes an empty table that has had mailboxes loaded the copy of another, in place of `replaced`.
  void become(history past, const chat_table& replaced);

private:
  struct outcome {
    std::int64_t at;
    std::uint32_t recipients;
  };
  struct mailbox {
    std::uint64_t last = 0;
    std::uint64_t acked = 0;
    std::deque<event_ptr> events;                            // acked ones first
    std::size_t messages = 0;                                // not acked
    std::size_t receipts = 0;                                // not acked
    std::unordered_map<std::string, outcome> known;          // by "from id"
    std::deque<std::string> known_order;                     // oldest first
    std::map<std::string, std::uint64_t, std::less<>> rooms; // and by which operation he joined
    std::map<std::string, std::uint64_t, std::less<>> left;  // likewise; the latest ones
  };
  using message_ptr = std::shared_ptr<const chat_message>;

  mailbox* find(std::string_view user);
  [[nodiscard]] const mailbox* find(std::string_view user) const;
  std::expected<mailbox*, refusal> open_box(std::string_view user);
  [[nodiscard]] bool is_full(const mailbox& box) const noexcept {
    return box.messages >= limits_.undelivered;
  }
  std::expected<std::vector<std::string>, refusal> receivers_of(std::string_view from, std::string_view to,
                                                                const std::string& key);
  void put_message(const std::string& user, mailbox& box, const message_ptr& m, const std::string& key,
                   outcome how, std::vector<delivery>& made);
  void put_receipt(const std::string& user, receipt r, std::vector<delivery>& made);
  void drop_oldest_receipt(mailbox& box);
  void remember(mailbox& box, const std::string& key, outcome how);
  std::expected<membership, refusal> enter(std::string_view user, std::string_view room);
  membership quit(std::string_view user, std::string_view room);
  [[nodiscard]] mailbox_image image_of(const std::string& user, const mailbox& box) const;
  [[nodiscard]] bool load(mailbox_image m);
  void enter_loaded(const std::string& user, const membership_mark& mark, mailbox& box);

  history past_;
  std::uint32_t numbering_ = 0;
  table_limits limits_;
  std::map<std::string, mailbox, std::less<>> boxes_;
  std::map<std::string, member_list, std::less<>> rooms_;
};

} // namespace coppice::chat
