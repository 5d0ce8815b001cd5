#include "servers/xmpp/client_state.hpp"

#include "servers/xmpp/message_rules.hpp"
#include "servers/xmpp/namespaces.hpp"

#include <algorithm>
#include <string_view>
#include <utility>

namespace coppice::xmpp {
namespace {

std::string key(char kind, std::string_view from, std::string_view more = "") {
  std::string text(1, kind);
  text += from;
  text += '\n'; // no address has one
  text += more;
  return text;
}

std::optional<std::string> news_of_presence(const xml::element& presence) {
  const std::string_view type = presence.get("type");
  if (!type.empty() && type != "unavailable") return std::nullopt;
  const xml::element* room = presence.child(ns::muc_user, "x");
  if (room != nullptr && room->child("status") != nullptr) return std::nullopt;
  return key('p', presence.get("from"));
}

/// Whether nothing but a chat state is in it.
bool is_state_alone(const xml::element& message) {
  bool state = false;
  for (const xml::element* child : message.children()) {
    if (child->ns() == ns::chat_states) {
      state = true;
    } else if (child->ns() != ns::hints && child->ns() != ns::stanza_ids && child->name() != "thread") {
      return false;
    }
  }
  return state;
}

/// The message that a carbon copy is of; the message itself if it is no copy.
const xml::element& original(const xml::element& message) {
  const xml::element* wrapped = message.child(ns::carbons, "received");
  if (wrapped == nullptr) wrapped = message.child(ns::carbons, "sent");
  const xml::element* forwarded = wrapped == nullptr ? nullptr : wrapped->child(ns::forward, "forwarded");
  const xml::element* inner = forwarded == nullptr ? nullptr : forwarded->child(ns::client, "message");
  return inner == nullptr ? message : *inner;
}

std::optional<std::string> news_of_message(const xml::element& message) {
  const xml::element& inner = original(message);
  if (type_of(inner) == message_type::error) return std::nullopt;
  if (is_state_alone(inner)) return key('s', inner.get("from"), inner.get("to"));
  const xml::element* event = message.child(ns::pubsub_event, "event");
  if (event == nullptr || type_of(message) != message_type::headline) return std::nullopt;
  const xml::element* items = event->child("items");
  if (items == nullptr || items->first() == nullptr) return std::nullopt;
  std::string item(items->get("node"));
  item += '\n';
  item += items->first()->get("id");
  return key('e', message.get("from"), item);
}

} // namespace

std::optional<std::string> news_of(const xml::element& stanza) {
  switch (kind_of(stanza)) {
  case stanza_kind::presence: return news_of_presence(stanza);
  case stanza_kind::message: return news_of_message(stanza);
  default: return std::nullopt;
  }
}

std::optional<bool> parse_client_state(const xml::element& e) noexcept {
  if (e.is(ns::client_state, "active")) return true;
  if (e.is(ns::client_state, "inactive")) return false;
  return std::nullopt;
}

std::vector<std::string> waiting_stanzas::offer(std::string text, std::optional<std::string> news) {
  if (news) {
    const auto older = std::ranges::find(waiting_, *news, &waiting::news);
    if (older != waiting_.end()) {
      bytes_ -= older->text.size();
      waiting_.erase(older);
    }
    if (waiting_.size() < limits_.stanzas && bytes_ + text.size() <= limits_.bytes) {
      bytes_ += text.size();
      waiting_.push_back({*std::move(news), std::move(text)});
      return {};
    }
  }
  std::vector<std::string> now = take();
  now.push_back(std::move(text));
  return now;
}

std::vector<std::string> waiting_stanzas::take() {
  std::vector<std::string> all;
  all.reserve(waiting_.size() + 1);
  for (waiting& one : waiting_) all.push_back(std::move(one.text));
  waiting_ = {};
  bytes_ = 0;
  return all;
}

} // namespace coppice::xmpp
