#include "servers/chat/core/chat_table.hpp"

#include "servers/chat/core/names.hpp"

#include <algorithm>
#include <utility>

namespace coppice::chat {
namespace {

std::string key_of(std::string_view from, std::string_view id) {
  std::string key;
  key.reserve(from.size() + 1 + id.size());
  key.append(from).append(1, ' ').append(id);
  return key;
}

/// The first event above `seq`: numbers may be missing, so it is looked for.
auto first_after(const std::deque<event_ptr>& events, std::uint64_t seq) {
  return std::ranges::upper_bound(events, seq, {}, [](const event_ptr& e) { return e->seq; });
}

} // namespace

chat_table::chat_table(std::string epoch, const table_limits& limits)
    : past_(std::move(epoch)), limits_(limits) {}

chat_table::mailbox* chat_table::find(std::string_view user) {
  auto found = boxes_.find(user);
  return found == boxes_.end() ? nullptr : &found->second;
}

const chat_table::mailbox* chat_table::find(std::string_view user) const {
  auto found = boxes_.find(user);
  return found == boxes_.end() ? nullptr : &found->second;
}

std::expected<chat_table::mailbox*, refusal> chat_table::open_box(std::string_view user) {
  if (mailbox* box = find(user)) return box;
  if (!is_user_name(user)) return std::unexpected(refusal::bad_name);
  if (boxes_.size() >= limits_.users) return std::unexpected(refusal::too_many_users);
  return &boxes_.try_emplace(std::string(user)).first->second;
}

std::expected<mailbox_state, refusal> chat_table::open(std::string_view user) {
  past_.advance();
  auto box = open_box(user);
  if (!box) return std::unexpected(box.error());
  return mailbox_state{(*box)->last, (*box)->acked, (*box)->messages};
}

std::optional<mailbox_state> chat_table::state_of(std::string_view user) const {
  const mailbox* box = find(user);
  if (box == nullptr) return std::nullopt;
  return mailbox_state{box->last, box->acked, box->messages};
}

std::expected<std::vector<std::string>, refusal>
chat_table::receivers_of(std::string_view from, std::string_view to, const std::string& key) {
  std::vector<std::string> receivers;
  if (!names_a_room(to)) {
    auto box = open_box(to);
    if (!box) return std::unexpected(box.error());
    if (is_full(**box) && !(*box)->known.contains(key)) return std::unexpected(refusal::mailbox_full);
    if (to != from) receivers.emplace_back(to);
    return receivers;
  }
  const member_list in_room = members(to);
  if (in_room == nullptr || !std::ranges::binary_search(*in_room, from)) {
    return std::unexpected(refusal::not_member);
  }
  for (const std::string& member : *in_room) {
    const mailbox& box = boxes_.at(member);
    if (member != from && (!is_full(box) || box.known.contains(key))) receivers.push_back(member);
  }
  return receivers;
}

std::expected<posted, refusal> chat_table::post(std::string_view from, std::string id, std::string to,
                                                std::string text, std::int64_t at) {
  past_.advance();
  if (!is_message_id(id)) return std::unexpected(refusal::bad_id);
  if (!is_user_name(to) && !is_room_name(to)) return std::unexpected(refusal::bad_name);
  if (!is_message_text(text)) return std::unexpected(refusal::bad_text);
  auto sender = open_box(from);
  if (!sender) return std::unexpected(sender.error());
  const std::string key = key_of(from, id);
  if (auto known = (*sender)->known.find(key); known != (*sender)->known.end()) {
    return posted{known->second.at, known->second.recipients, {}};
  }
  if (is_full(**sender)) return std::unexpected(refusal::mailbox_full);
  auto receivers = receivers_of(from, to, key);
  if (!receivers) return std::unexpected(receivers.error());

  const outcome how{at, static_cast<std::uint32_t>(receivers->size())};
  const auto message = std::make_shared<const chat_message>(
      chat_message{std::move(id), std::string(from), std::move(to), std::move(text), at});
  posted result{at, how.recipients, {}};
  result.deliveries.reserve(receivers->size() + 1);
  for (const std::string& user : *receivers) {
    put_message(user, boxes_.at(user), message, key, how, result.deliveries);
  }
  // The sender's copy comes last: that it is there means that all the others are.
  put_message(message->from, **sender, message, key, how, result.deliveries);
  return result;
}

void chat_table::put_message(const std::string& user, mailbox& box, const message_ptr& m,
                             const std::string& key, outcome how, std::vector<delivery>& made) {
  if (box.known.contains(key)) return;
  auto e = std::make_shared<const event>(event{box.last + 1, m, past_.last(), numbering_});
  made.push_back({user, e});
  remember(box, key, how);
  box.events.push_back(std::move(e));
  ++box.last;
  ++box.messages;
}

void chat_table::remember(mailbox& box, const std::string& key, outcome how) {
  box.known_order.push_back(key);
  box.known.emplace(key, how);
  if (box.known_order.size() <= limits_.remembered) return;
  box.known.erase(box.known_order.front());
  box.known_order.pop_front();
}

void chat_table::put_receipt(const std::string& user, receipt r, std::vector<delivery>& made) {
  mailbox* box = find(user);
  if (box == nullptr) return;
  auto e = std::make_shared<const event>(event{box->last + 1, std::move(r), past_.last(), numbering_});
  made.push_back({user, e});
  box->events.push_back(std::move(e));
  ++box->last;
  ++box->receipts;
  if (box->receipts > limits_.receipts) drop_oldest_receipt(*box);
}

void chat_table::drop_oldest_receipt(mailbox& box) {
  auto first = box.events.begin() + (first_after(box.events, box.acked) - box.events.cbegin());
  auto oldest =
      std::find_if(first, box.events.end(), [](const event_ptr& e) { return e->message() == nullptr; });
  if (oldest == box.events.end()) return;
  box.events.erase(oldest);
  --box.receipts;
}

std::vector<delivery> chat_table::ack(std::string_view user, std::uint64_t seq) {
  past_.advance();
  std::vector<delivery> made;
  mailbox* box = find(user);
  if (box == nullptr) return made;
  seq = std::min(seq, box->last);
  auto at = first_after(box->events, box->acked);
  for (; at != box->events.end() && (*at)->seq <= seq; ++at) {
    const chat_message* m = (*at)->message();
    if (m != nullptr && m->from != user) put_receipt(m->from, {m->id, m->to, std::string(user)}, made);
    (m != nullptr ? box->messages : box->receipts) -= 1;
    box->acked = (*at)->seq;
  }
  box->acked = std::max(box->acked, seq);
  while (box->events.size() - box->messages - box->receipts > limits_.retained) box->events.pop_front();
  return made;
}

std::expected<membership, refusal> chat_table::join(std::string_view user, std::string_view room) {
  past_.advance();
  return enter(user, room);
}

std::expected<membership, refusal> chat_table::enter(std::string_view user, std::string_view room) {
  if (!is_room_name(room)) return std::unexpected(refusal::bad_name);
  auto box = open_box(user);
  if (!box) return std::unexpected(box.error());
  const member_list before = members(room);
  if ((*box)->rooms.contains(room)) return membership{false, before};
  if ((*box)->rooms.size() >= limits_.rooms_of_user) return std::unexpected(refusal::too_many_rooms);
  if (before == nullptr && rooms_.size() >= limits_.rooms) return std::unexpected(refusal::too_many_rooms);
  if (before != nullptr && before->size() >= limits_.members) return std::unexpected(refusal::room_full);

  std::vector<std::string> names;
  if (before != nullptr) names = *before;
  names.insert(std::ranges::lower_bound(names, user), std::string(user));
  auto after = std::make_shared<const std::vector<std::string>>(std::move(names));
  (*box)->rooms.emplace(room, past_.last());
  if (auto left = (*box)->left.find(room); left != (*box)->left.end()) (*box)->left.erase(left);
  rooms_.insert_or_assign(std::string(room), after);
  return membership{true, std::move(after)};
}

std::expected<membership, refusal> chat_table::leave(std::string_view user, std::string_view room) {
  past_.advance();
  if (!is_room_name(room)) return std::unexpected(refusal::bad_name);
  return quit(user, room);
}

membership chat_table::quit(std::string_view user, std::string_view room) {
  mailbox* box = find(user);
  auto found = rooms_.find(room);
  const member_list before = found == rooms_.end() ? nullptr : found->second;
  if (before == nullptr || box == nullptr || !std::ranges::binary_search(*before, user)) {
    return membership{false, before};
  }
  box->rooms.erase(box->rooms.find(room));
  box->left.insert_or_assign(std::string(room), past_.last());
  if (box->left.size() > limits_.rooms_of_user) {
    box->left.erase(std::ranges::min_element(box->left, {}, [](const auto& l) { return l.second; }));
  }
  if (before->size() == 1) {
    rooms_.erase(found);
    return membership{true, nullptr};
  }
  std::vector<std::string> names = *before;
  names.erase(std::ranges::lower_bound(names, user));
  found->second = std::make_shared<const std::vector<std::string>>(std::move(names));
  return membership{true, found->second};
}

std::vector<room_entry> chat_table::rooms() const {
  std::vector<room_entry> all;
  all.reserve(rooms_.size());
  for (const auto& [room, in_room] : rooms_) all.push_back({room, in_room});
  return all;
}

std::vector<room_entry> chat_table::rooms_of(std::string_view user) const {
  std::vector<room_entry> his;
  if (const mailbox* box = find(user)) {
    for (const auto& [room, made] : box->rooms) his.push_back({room, members(room)});
  }
  return his;
}

member_list chat_table::members(std::string_view room) const {
  auto found = rooms_.find(room);
  return found == rooms_.end() ? nullptr : found->second;
}

event_range chat_table::events_after(std::string_view user, std::uint64_t seq) const {
  const mailbox* box = find(user);
  if (box == nullptr) return {};
  seq = std::min(seq, box->last);
  return {seq, box->last, {first_after(box->events, seq), box->events.end()}};
}

event_range chat_table::unacked(std::string_view user) const {
  const mailbox* box = find(user);
  return box == nullptr ? event_range{} : events_after(user, box->acked);
}

std::vector<std::string> chat_table::users() const {
  std::vector<std::string> names;
  names.reserve(boxes_.size());
  for (const auto& [name, box] : boxes_) names.push_back(name);
  return names;
}

} // namespace coppice::chat
