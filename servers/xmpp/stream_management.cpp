#include "servers/xmpp/stream_management.hpp"

#include "servers/xmpp/namespaces.hpp"

#include <algorithm>
#include <charconv>
#include <iterator>
#include <utility>

namespace coppice::xmpp {
namespace {

/// An `xs:unsignedInt`.
std::optional<std::uint32_t> parse_number(std::optional<std::string_view> text) noexcept {
  if (!text) return std::nullopt;
  std::uint32_t number = 0;
  const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), number);
  if (error != std::errc() || end != text->data() + text->size()) return std::nullopt;
  return number;
}

/// An `xs:boolean`.
std::optional<bool> parse_flag(std::string_view text) noexcept {
  if (text == "true" || text == "1") return true;
  if (text == "false" || text == "0" || text.empty()) return false;
  return std::nullopt;
}

} // namespace

void inbound_count::handled(std::uint32_t number) {
  const std::uint32_t ahead = number - count_;
  if (ahead >= open()) return;
  if (ahead == 0 && done_.empty()) {
    ++count_;
    return;
  }
  if (done_.size() <= ahead) done_.resize(ahead + 1);
  done_[ahead] = true;
  const auto first_open = std::ranges::find(done_, false);
  count_ += static_cast<std::uint32_t>(first_open - done_.begin());
  done_.erase(done_.begin(), first_open);
}

bool inbound_count::take_back(std::uint32_t number) noexcept {
  const std::uint32_t ahead = number - count_;
  const bool is_last = open() > 0 && ahead == open() - 1;
  if (!is_last || (ahead < done_.size() && done_[ahead])) return false;
  --received_;
  return true;
}

xml::element to_element(const count_too_high& e) {
  xml::element error(ns::stream_management, "handled-count-too-high");
  error.set("h", std::to_string(e.h)).set("send-count", std::to_string(e.sent));
  return error;
}

bool outbound_queue::has_room(std::size_t bytes) const noexcept {
  return size() < limits_.stanzas && bytes <= limits_.bytes - std::min(bytes_, limits_.bytes);
}

void outbound_queue::push(std::string text, instant at) {
  bytes_ += text.size();
  bytes_since_asked_ += text.size();
  ++sent_;
  ++since_asked_;
  queue_.push_back({std::move(text), at});
}

bool outbound_queue::asks() const noexcept {
  if (awaits_answer_ || size() == 0) return false;
  return since_asked_ >= limits_.ask_stanzas || bytes_since_asked_ >= limits_.ask_bytes;
}

void outbound_queue::asked() noexcept {
  awaits_answer_ = true;
  since_asked_ = 0;
  bytes_since_asked_ = 0;
}

std::expected<std::size_t, count_too_high> outbound_queue::acknowledged(std::uint32_t h) {
  // Modulo 2^32: what is not among those in the queue was never sent, or has been acknowledged before.
  const std::uint32_t left = sent_ - h;
  if (left > size()) {
    const std::uint32_t before = sent_ - static_cast<std::uint32_t>(size());
    if (before - h > (std::uint32_t{1} << 31)) return std::unexpected(count_too_high{h, sent_});
    awaits_answer_ = false; // an older count: it says nothing new
    return 0;
  }
  awaits_answer_ = false;
  const std::size_t gone = size() - left;
  for (std::size_t i = 0; i < gone; ++i) {
    unacknowledged& stanza = queue_[first_ + i];
    bytes_ -= stanza.text.size();
    stanza.text = std::string();
  }
  first_ += gone;
  if (first_ == queue_.size()) {
    queue_ = {};
    first_ = 0;
    since_asked_ = 0;
    bytes_since_asked_ = 0;
  } else if (first_ >= queue_.size() / 2) {
    queue_.erase(queue_.begin(), std::next(queue_.begin(), static_cast<std::ptrdiff_t>(first_)));
    first_ = 0;
  }
  return gone;
}

std::span<const unacknowledged> outbound_queue::resumed() noexcept {
  awaits_answer_ = false;
  return std::span(queue_).subspan(first_);
}

std::vector<unacknowledged> outbound_queue::take() {
  queue_.erase(queue_.begin(), std::next(queue_.begin(), static_cast<std::ptrdiff_t>(first_)));
  first_ = 0;
  bytes_ = 0;
  awaits_answer_ = false;
  return std::exchange(queue_, {});
}

std::expected<enable_request, management_failure> parse_enable(const xml::element& e) {
  const auto resume = parse_flag(e.get("resume"));
  if (!resume || !e.is(ns::stream_management, "enable")) return std::unexpected(condition::bad_request);
  enable_request request{.resume = *resume};
  if (const auto max = e.find("max")) {
    request.seconds = parse_number(max);
    if (!request.seconds) return std::unexpected(condition::bad_request);
  }
  return request;
}

std::expected<resume_request, management_failure> parse_resume(const xml::element& e) {
  const auto h = parse_number(e.find("h"));
  const std::string_view previous = e.get("previd");
  if (!h || previous.empty() || !e.is(ns::stream_management, "resume")) {
    return std::unexpected(condition::bad_request);
  }
  return resume_request{.previous = std::string(previous), .h = *h};
}

xml::element make_enabled(std::string_view id, std::uint32_t seconds, std::string_view location) {
  xml::element e(ns::stream_management, "enabled");
  if (id.empty()) return e;
  e.set("id", id).set("resume", "true");
  if (seconds != 0) e.set("max", std::to_string(seconds));
  if (!location.empty()) e.set("location", location);
  return e;
}

xml::element make_resumed(std::string_view previous, std::uint32_t h) {
  xml::element e(ns::stream_management, "resumed");
  e.set("previd", previous).set("h", std::to_string(h));
  return e;
}

xml::element make_failed(management_failure why, std::optional<std::uint32_t> h) {
  xml::element e(ns::stream_management, "failed");
  if (h) e.set("h", std::to_string(*h));
  e.add(xml::element(ns::stanza_errors, name_of(why)));
  return e;
}

xml::element make_ack_request() { return {ns::stream_management, "r"}; }

xml::element make_ack(std::uint32_t h) {
  xml::element e(ns::stream_management, "a");
  e.set("h", std::to_string(h));
  return e;
}

std::optional<std::uint32_t> parse_ack(const xml::element& e) noexcept {
  if (!e.is(ns::stream_management, "a")) return std::nullopt;
  return parse_number(e.find("h"));
}

} // namespace coppice::xmpp
