#include "servers/xmpp/muc/room.hpp"

#include "servers/xml/stream_parser.hpp"
#include "servers/xmpp/muc/detail/room_parts.hpp"

#include <algorithm>
#include <array>
#include <openssl/evp.h>
#include <openssl/hmac.h>

namespace coppice::xmpp::muc {

room::room(jid address, room_config config, room_limits limits, std::string secret)
    : address_(std::move(address)), config_(std::move(config)), limits_(limits), secret_(std::move(secret)),
      history_(limits.history, limits.history_bytes), fresh_(true), locked_(true) {}

room::room(jid address, room_state kept, room_limits limits, std::string secret)
    : address_(std::move(address)), config_(std::move(kept.config)), limits_(limits),
      secret_(std::move(secret)), users_(std::move(kept.users)),
      history_(limits.history, limits.history_bytes) {
  for (const auto& [user, what] : users_) {
    if (!what.nick.empty()) nicks_.emplace(what.nick, user);
  }
  if (kept.subject.empty()) return;
  auto message = xml::parse_element(kept.subject);
  if (message) subject_ = std::make_shared<const xml::element>(std::move(*message));
}

room::room(room&&) noexcept = default;
room& room::operator=(room&&) noexcept = default;
room::~room() = default;

outcome room::take(const jid& from, const jid& to, xml::element stanza, const surroundings& at) {
  turn t{.from = from, .to = to, .at = at};
  switch (kind_of(stanza)) {
  case stanza_kind::presence: on_presence(t, stanza); break;
  case stanza_kind::message: on_message(t, stanza); break;
  case stanza_kind::iq: on_iq(t, stanza); break;
  case stanza_kind::none: break;
  }
  end_if_empty(t.out);
  return std::move(t.out);
}

outcome room::gone(const jid& full, const surroundings& at) {
  turn t{.from = full, .to = address_, .at = at};
  if (occupant* who = find(full)) leave(t, *who, {.gone = true});
  end_if_empty(t.out);
  return std::move(t.out);
}

outcome room::shut_down() {
  outcome out;
  while (!occupants_.empty()) {
    occupant& who = occupants_.begin()->second;
    const news what{.gone = true, .own_codes = {332}, .is = standing{affiliation::none, role::none}};
    announce_to_self(out, who, what, who.sessions);
    for (const session& s : who.sessions) sessions_.erase(s.full.text());
    occupants_.erase(occupants_.begin());
  }
  everyone_ = nullptr;
  return out;
}

std::string room::subject_text() const { return subject_ ? subject_->to_string() : ""; }

affiliation room::affiliation_of(const jid& user) const {
  const auto found = users_.find(user.bare_text());
  if (found != users_.end()) return found->second.is;
  const auto domain = users_.find(user.domain());
  return domain == users_.end() ? affiliation::none : domain->second.is;
}

std::string_view room::nick_of(const jid& full) const noexcept {
  const occupant* who = find(full);
  return who == nullptr ? std::string_view() : std::string_view(who->nick);
}

bool room::may_read(const jid& user) const {
  const affiliation is = affiliation_of(user);
  if (is == affiliation::outcast || locked_) return is == affiliation::owner;
  if (is >= affiliation::member) return true;
  if (!config_.members_only && config_.password.empty()) return true;
  return std::ranges::any_of(occupants_,
                             [&](const auto& o) { return o.second.user.text() == user.bare_text(); });
}

std::vector<occupant_info> room::occupants() const {
  std::vector<occupant_info> all;
  all.reserve(occupants_.size());
  for (const auto& [nick, who] : occupants_) {
    all.push_back({nick, who.user.text(), {affiliation_of(who.user), who.as}, who.sessions.size()});
  }
  return all;
}

room::occupant* room::find(const jid& full) const noexcept {
  const auto found = sessions_.find(full.text());
  return found == sessions_.end() ? nullptr : found->second;
}

room::occupant* room::find_nick(std::string_view nick) noexcept {
  const auto found = occupants_.find(nick);
  return found == occupants_.end() ? nullptr : &found->second;
}

standing room::standing_of(const jid& full) const {
  const occupant* who = find(full);
  return {affiliation_of(full), who == nullptr ? role::none : who->as};
}

std::string room::occupant_address(std::string_view nick) const {
  std::string address = address_.text();
  address += '/';
  address += nick;
  return address;
}

std::string room::occupant_id(const jid& user) const {
  std::string text = address_.text();
  text += '\0';
  text += user.bare_text();
  std::array<unsigned char, EVP_MAX_MD_SIZE> hash{};
  unsigned int size = 0;
  HMAC(EVP_sha256(), secret_.data(), static_cast<int>(secret_.size()),
       reinterpret_cast<const unsigned char*>(text.data()), text.size(), hash.data(), &size);
  constexpr std::string_view digits = "0123456789abcdef";
  std::string id;
  for (unsigned int i = 0; i < size && i < 20; ++i) {
    id += digits[hash.at(i) >> 4U];
    id += digits[hash.at(i) & 15U];
  }
  return id;
}

const std::string* room::owner_of_nick(std::string_view nick) const {
  const auto found = nicks_.find(nick);
  return found == nicks_.end() ? nullptr : &found->second;
}

recipients room::everyone() {
  if (everyone_) return everyone_;
  std::vector<jid> all;
  all.reserve(sessions_.size());
  for (const auto& [nick, who] : occupants_) {
    for (const session& s : who.sessions) all.push_back(s.full);
  }
  everyone_ = std::make_shared<const std::vector<jid>>(std::move(all));
  return everyone_;
}

room::occupant& room::add_session(const jid& full, std::string_view nick, own_presence what) {
  auto found = occupants_.find(nick);
  if (found == occupants_.end()) {
    occupant made{.nick = std::string(nick), .user = full.bare(), .id = occupant_id(full), .sessions = {}};
    made.as = role_on_entry(affiliation_of(full), config_.moderated);
    found = occupants_.emplace(std::string(nick), std::move(made)).first;
  }
  occupant& who = found->second;
  who.sessions.push_back({full, ++serial_, std::move(what)});
  sessions_[full.text()] = &who;
  everyone_ = nullptr;
  forget_shown(who);
  return who;
}

void room::drop_session(occupant& who, const jid& full) {
  std::erase_if(who.sessions, [&](const session& s) { return s.full == full; });
  sessions_.erase(full.text());
  everyone_ = nullptr;
  forget_shown(who);
}

} // namespace coppice::xmpp::muc
