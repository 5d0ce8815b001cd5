// The part of the table that other nodes are concerned with: copies of it, and taking in what another had.
#include "servers/chat/core/chat_table.hpp"
#include "servers/chat/core/names.hpp"

#include <algorithm>
#include <utility>

namespace coppice::chat {
namespace {

constexpr std::size_t part_bytes = std::size_t{256} << 10;

std::size_t weight(const mailbox_image& m) {
  std::size_t bytes = 100 + 50 * (m.rooms.size() + m.left.size()) + 80 * m.known.size();
  for (const event_image& e : m.events) bytes += 200 + e.text.size();
  return bytes;
}

event_image image(const event& e) {
  if (const chat_message* m = e.message()) return {e.seq, e.made, m->id, m->from, m->to, m->text, m->at, ""};
  const receipt& r = std::get<receipt>(e.what);
  return {e.seq, e.made, r.id, "", r.to, "", 0, r.by};
}

std::vector<membership_mark> marks(const std::map<std::string, std::uint64_t, std::less<>>& rooms) {
  std::vector<membership_mark> all;
  all.reserve(rooms.size());
  for (const auto& [room, made] : rooms) all.push_back({room, made});
  return all;
}

} // namespace

void chat_table::begin(begin_tenure m) {
  past_.begin(std::move(m.id));
  past_.advance();
}

bool chat_table::knows(std::string_view user, std::string_view epoch, std::uint64_t seq) const {
  const std::vector<tenure>& all = past_.tenures();
  const auto told = std::ranges::find(all, epoch, &tenure::id);
  if (told == all.end()) return false;
  const mailbox* box = find(user);
  if (seq == 0 || box == nullptr || told->id == all.back().id) return true;
  // He may have been told by a node that went on alone, and is lost with what it had.
  const auto at = std::ranges::lower_bound(box->events, seq, {}, [](const event_ptr& e) { return e->seq; });
  return at != box->events.end() && (*at)->made <= told->last;
}

std::vector<delivery> chat_table::adopt(adopt_message m) {
  past_.advance();
  std::vector<delivery> made;
  auto box = open_box(m.user);
  if (!box || !is_message_id(m.id) || !is_user_name(m.from) || !is_message_text(m.text)) return made;
  const std::string key = m.from + ' ' + m.id;
  const outcome how{m.at, m.recipients};
  const auto message = std::make_shared<const chat_message>(
      chat_message{std::move(m.id), std::move(m.from), std::move(m.to), std::move(m.text), m.at});
  put_message(m.user, **box, message, key, how, made);
  return made;
}

membership chat_table::adopt(const adopt_membership& m) {
  past_.advance();
  if (const mailbox* box = find(m.user)) {
    const auto joined = box->rooms.find(m.room);
    const auto left = box->left.find(m.room);
    const bool changed_here = (joined != box->rooms.end() && joined->second > m.common) ||
                              (left != box->left.end() && left->second > m.common);
    if (changed_here) return {false, members(m.room)};
  }
  if (!m.joined) return quit(m.user, m.room);
  auto entered = enter(m.user, m.room);
  return entered ? std::move(*entered) : membership{false, members(m.room)};
}

std::vector<change> chat_table::since(std::uint64_t common) const {
  std::multimap<std::uint64_t, change> all; // by operation
  const auto shared = std::ranges::lower_bound(past_.tenures(), common, {}, &tenure::last);
  for (const auto& [user, box] : boxes_) {
    all.emplace(0, open_mailbox{user});
    for (const auto& [room, made] : box.rooms) {
      if (made > common) all.emplace(made, adopt_membership{user, room, true, common});
    }
    for (const auto& [room, made] : box.left) {
      if (made > common) all.emplace(made, adopt_membership{user, room, false, common});
    }
    std::uint64_t seen = 0; // numbers up to `common` are the same in both tables
    for (const event_ptr& e : box.events) {
      if (e->made <= common) {
        if (e->seq <= box.acked) seen = e->seq;
        continue;
      }
      const chat_message* m = e->message();
      if (m == nullptr) continue; // it will be made again when the other table hears of the ack
      const auto known = box.known.find(m->from + ' ' + m->id);
      const std::uint32_t recipients = known == box.known.end() ? 1 : known->second.recipients;
      all.emplace(e->made, adopt_message{user, m->id, m->from, m->to, m->text, m->at, recipients});
    }
    if (seen > 0 && shared != past_.tenures().end()) all.emplace(0, ack_events{user, seen, shared->id});
  }
  std::vector<change> changes;
  changes.reserve(all.size());
  for (auto& [made, c] : all) changes.push_back(std::move(c));
  return changes;
}

mailbox_image chat_table::image_of(const std::string& user, const mailbox& box) const {
  mailbox_image m{user, box.last, box.acked, marks(box.rooms), marks(box.left), {}, {}};
  m.known.reserve(box.known_order.size());
  for (const std::string& key : box.known_order) {
    const outcome& how = box.known.at(key);
    m.known.push_back({key, how.at, how.recipients});
  }
  m.events.reserve(box.events.size());
  for (const event_ptr& e : box.events) m.events.push_back(image(*e));
  return m;
}

table_part chat_table::part_after(std::string_view after) const {
  table_part part;
  std::size_t bytes = 0;
  auto at = after.empty() ? boxes_.begin() : boxes_.upper_bound(after);
  for (; at != boxes_.end() && bytes < part_bytes; ++at) {
    part.mailboxes.push_back(image_of(at->first, at->second));
    bytes += weight(part.mailboxes.back());
  }
  part.is_last = at == boxes_.end();
  return part;
}

void chat_table::enter_loaded(const std::string& user, const membership_mark& mark, mailbox& box) {
  const member_list before = members(mark.room);
  std::vector<std::string> names;
  if (before != nullptr) names = *before;
  names.insert(std::ranges::lower_bound(names, user), user);
  box.rooms.emplace(mark.room, mark.made);
  rooms_.insert_or_assign(mark.room, std::make_shared<const std::vector<std::string>>(std::move(names)));
}

bool chat_table::load(mailbox_image m) {
  const auto is_of_room = [](const membership_mark& mark) { return is_room_name(mark.room); };
  const auto out_of_order = [](const event_image& a, const event_image& b) { return a.seq >= b.seq; };
  if (!is_user_name(m.user) || boxes_.contains(m.user) || boxes_.size() >= limits_.users) return false;
  if (m.acked > m.last || m.rooms.size() > limits_.rooms_of_user) return false;
  if (!std::ranges::all_of(m.rooms, is_of_room)) return false;
  if (std::ranges::adjacent_find(m.events, out_of_order) != m.events.end()) return false;
  if (!m.events.empty() && m.events.back().seq > m.last) return false;
  mailbox& box = boxes_[m.user];
  box.last = m.last;
  box.acked = m.acked;
  for (const membership_mark& mark : m.left) box.left.emplace(mark.room, mark.made);
  for (const membership_mark& mark : m.rooms) enter_loaded(m.user, mark, box);
  for (known_message& k : m.known) remember(box, k.key, {k.at, k.recipients});
  for (event_image& e : m.events) {
    event made{e.seq, receipt{}, e.made, numbering_};
    if (e.from.empty()) {
      made.what = receipt{std::move(e.id), std::move(e.to), std::move(e.by)};
    } else {
      made.what = std::make_shared<const chat_message>(
          chat_message{std::move(e.id), std::move(e.from), std::move(e.to), std::move(e.text), e.at});
    }
    if (e.seq > box.acked) ++(made.message() != nullptr ? box.messages : box.receipts);
    box.events.push_back(std::make_shared<const event>(std::move(made)));
  }
  return true;
}

bool chat_table::load(table_part part) {
  return std::ranges::all_of(part.mailboxes, [this](mailbox_image& m) { return load(std::move(m)); });
}

void chat_table::become(history past, const chat_table& replaced) {
  numbering_ = replaced.numbering_ + 1;
  past_ = std::move(past);
}

} // namespace coppice::chat
