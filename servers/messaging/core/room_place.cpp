#include "servers/messaging/core/room_place.hpp"

#include "servers/xmpp/client_state.hpp"

namespace coppice::messaging {
namespace {

/// ` to="..."`
std::string as_attribute(const xmpp::jid& to) {
  const std::string text = xml::element("", "x").set("to", to.text()).to_string();
  constexpr std::size_t before = 2; // <x
  constexpr std::size_t behind = 2; // />
  return text.substr(before, text.size() - before - behind);
}

} // namespace

written_stanza::written_stanza(const xml::element& stanza)
    : text_(stanza.to_string(stanza.ns())), place_(1 + stanza.name().size()), news_(xmpp::news_of(stanza)),
      open_(!stanza.find("to")) {}

std::string written_stanza::with(std::string_view attribute) const {
  std::string text;
  text.reserve(text_.size() + attribute.size());
  text.append(text_, 0, place_);
  text += attribute;
  text.append(text_, place_);
  return text;
}

room_line::room_line(std::uint64_t number, xmpp::jid address)
    : number_(number), address_(std::move(address)), to_(as_attribute(address_)) {}

bool room_line::take(std::uint64_t number) noexcept {
  if (number != taken_.load(std::memory_order_relaxed) + 1) return false;
  taken_.store(number, std::memory_order_release);
  return true;
}

bool room_line::ended_before(std::uint64_t event) const noexcept {
  const std::uint64_t last = last_event_.load(std::memory_order_acquire);
  return last != 0 && event > last;
}

const room_line::parcel* room_line::add(const room_event& event) {
  if (event.number <= seen_event_) return nullptr;
  seen_event_ = event.number;
  (void)open(); // what was taken meanwhile is forgotten
  return &open_.emplace_back(parcel{++added_, event.stanzas});
}

const std::deque<room_line::parcel>& room_line::open() {
  const std::uint64_t taken = taken_.load(std::memory_order_acquire);
  while (!open_.empty() && open_.front().number <= taken) open_.pop_front();
  return open_;
}

bool recent_numbers::seen(std::int64_t number) {
  constexpr std::size_t most = 4096;
  if (!known_.insert(number).second) return true;
  order_.push_back(number);
  if (order_.size() > most) {
    known_.erase(order_.front());
    order_.pop_front();
  }
  return false;
}

} // namespace coppice::messaging
