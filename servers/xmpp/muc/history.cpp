#include "servers/xmpp/muc/history.hpp"

#include "servers/xmpp/namespaces.hpp"

#include <algorithm>
#include <charconv>

namespace coppice::xmpp::muc {
namespace {

std::optional<std::size_t> count(const xml::element& e, std::string_view name) {
  const auto text = e.find(name);
  if (!text) return std::nullopt;
  std::size_t number = 0;
  const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), number);
  if (error != std::errc() || end != text->data() + text->size()) return std::nullopt;
  return number;
}

} // namespace

history_request history_request::of(const xml::element& x) {
  history_request wanted;
  const xml::element* said = x.child("history");
  if (said == nullptr) return wanted;
  wanted.stanzas = count(*said, "maxstanzas");
  wanted.chars = count(*said, "maxchars");
  wanted.seconds = count(*said, "seconds");
  if (const auto since = said->find("since")) wanted.since = parse_instant(*since);
  return wanted;
}

void history::add(shared_stanza message, instant at) {
  if (most_ == 0) return;
  const std::size_t bytes = message->to_string().size();
  if (bytes > most_bytes_) return;
  bytes_ += bytes;
  kept_.push_back({std::move(message), nullptr, at, bytes});
  while (kept_.size() > most_ || bytes_ > most_bytes_) {
    bytes_ -= kept_.front().bytes;
    kept_.pop_front();
  }
}

std::vector<shared_stanza> history::since(const history_request& wanted, std::size_t most, instant now,
                                          std::string_view room) {
  std::vector<shared_stanza> given;
  most = std::min(most, wanted.stanzas.value_or(most));
  std::size_t chars = 0;
  for (auto one = kept_.rbegin(); one != kept_.rend() && given.size() < most; ++one) {
    chars += one->bytes;
    if (wanted.chars && chars > *wanted.chars) break;
    const auto age = std::chrono::duration_cast<std::chrono::seconds>(now - one->at).count();
    if (wanted.seconds && age > 0 && static_cast<std::size_t>(age) > *wanted.seconds) break;
    if (wanted.since && one->at < *wanted.since) break;
    if (!one->delayed) {
      xml::element copy = *one->message;
      add_delay(copy, room, one->at);
      one->delayed = std::make_shared<const xml::element>(std::move(copy));
    }
    given.push_back(one->delayed);
  }
  std::ranges::reverse(given);
  return given;
}

} // namespace coppice::xmpp::muc
