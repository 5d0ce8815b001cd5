// Acknowledged stanzas and streams that go on after a lost connection, as seen by one end. XEP-0198.
#pragma once

#include "servers/xml/element.hpp"
#include "servers/xmpp/delay.hpp"
#include "servers/xmpp/stanza.hpp"

#include <cstddef>
#include <cstdint>
#include <expected>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace coppice::xmpp {

/// How many stanzas of a stream this end has handled, for the acknowledgements it gives. Stanzas may be
/// handled later than they are read, and in any order: acknowledged are those before which there is none
/// unhandled. All counts are modulo 2^32. Costs nothing beyond its own size while stanzas are handled in
/// order.
class inbound_count {
public:
  /// A stanza has been read. Gives its number, for `handled`.
  std::uint32_t received() noexcept { return received_++; }
  /// This end is responsible for it now; it will not be lost. Once for each number. Linear in `open()`,
  /// divided by the width of a word, unless it is the oldest.
  void handled(std::uint32_t number);

  /// As if it had not been read, if it was the last and is not handled: the other end will send it again.
  /// Whether that was so.
  bool take_back(std::uint32_t number) noexcept;

  /// `h`: so many can be acknowledged.
  [[nodiscard]] std::uint32_t count() const noexcept { return count_; }
  /// Stanzas that were read and cannot be acknowledged yet. A stream may be resumed only once there are none:
  /// the other end sends again whatever it finds not acknowledged.
  [[nodiscard]] std::uint32_t open() const noexcept { return received_ - count_; }

private:
  std::uint32_t received_ = 0;
  std::uint32_t count_ = 0;
  std::vector<bool> done_; ///< of the number `count_` and those behind it, as far as any is handled
};

/// What a queue of stanzas that are not acknowledged holds, and when it asks.
struct outbound_limits {
  std::size_t stanzas = 5'000;                   ///< at most
  std::size_t bytes = std::size_t{4} << 20;      ///< at most, of their text
  std::size_t ask_stanzas = 20;                  ///< ask after that many since the last request
  std::size_t ask_bytes = std::size_t{32} << 10; ///< or that many bytes
};

/// A stanza that may have to be sent again.
struct unacknowledged {
  std::string text; ///< as it was written
  instant at;       ///< when that was first
};

/// The other end acknowledges more than it was sent: a stream error (6).
struct count_too_high {
  std::uint32_t h = 0;    ///< what it says
  std::uint32_t sent = 0; ///< what it got
};
/// `undefined-condition` stands beside it in the stream error.
[[nodiscard]] xml::element to_element(const count_too_high& e);

/// The stanzas that this end has sent since stream management was enabled, until they are acknowledged. Holds
/// no memory while it is empty.
class outbound_queue {
public:
  /// An empty one.
  explicit outbound_queue(const outbound_limits& limits = {}) noexcept : limits_(limits) {}

  /// Whether one more of that many bytes fits. Else the session has to end: the client takes too long.
  [[nodiscard]] bool has_room(std::size_t bytes) const noexcept;
  /// A stanza goes out, or would if there were a connection. Amortised constant.
  void push(std::string text, instant at);
  /// Whether it is time to ask for an acknowledgement (`make_ack_request`). Never while a request is
  /// unanswered.
  [[nodiscard]] bool asks() const noexcept;
  /// A request goes out: when `asks`, or when there is nothing else to do and something is not acknowledged.
  void asked() noexcept;
  /// Whether a request has not been answered.
  [[nodiscard]] bool awaits_answer() const noexcept { return awaits_answer_; }

  /// The other end says that it has handled `h`; they are forgotten. Says how many were new. After an error
  /// all is as it was. Amortised constant for each stanza.
  std::expected<std::size_t, count_too_high> acknowledged(std::uint32_t h);
  /// A new connection: after `acknowledged` (with the `h` of the request to resume) the stanzas left are
  /// written again, in order. Any request is forgotten.
  [[nodiscard]] std::span<const unacknowledged> resumed() noexcept;
  /// The session ends: what is to be delivered in another way, in order. The queue is empty then.
  [[nodiscard]] std::vector<unacknowledged> take();

  [[nodiscard]] std::size_t size() const noexcept { return queue_.size() - first_; } ///< stanzas in it
  [[nodiscard]] std::size_t bytes() const noexcept { return bytes_; }                ///< of their text
  [[nodiscard]] std::uint32_t sent() const noexcept { return sent_; }                ///< all, modulo 2^32

private:
  outbound_limits limits_;
  std::vector<unacknowledged> queue_; ///< from `first_` on
  std::size_t first_ = 0;
  std::size_t bytes_ = 0;
  std::size_t bytes_since_asked_ = 0;
  std::uint32_t sent_ = 0;
  std::uint32_t since_asked_ = 0;
  bool awaits_answer_ = false;
};

/// Why `<enable/>` or `<resume/>` fails.
using management_failure = condition;

/// `<enable/>`.
struct enable_request {
  bool resume = false;                                 ///< the stream shall be resumable
  std::optional<std::uint32_t> seconds = std::nullopt; ///< to wait for it, if the client may choose

  bool operator==(const enable_request&) const = default;
};
/// Reads it: bad-request if it makes no sense.
[[nodiscard]] std::expected<enable_request, management_failure> parse_enable(const xml::element& e);

/// `<resume/>`.
struct resume_request {
  std::string previous; ///< the identifier of the stream that it carries on
  std::uint32_t h = 0;  ///< handled by the client

  bool operator==(const resume_request&) const = default;
};
/// Reads it; likewise.
[[nodiscard]] std::expected<resume_request, management_failure> parse_resume(const xml::element& e);

/// `<enabled/>`; with `id` '' the stream cannot be resumed. `location`: where to come back, '' for anywhere.
[[nodiscard]] xml::element make_enabled(std::string_view id, std::uint32_t seconds = 0,
                                        std::string_view location = "");
/// `<resumed/>`: the stream `previous` goes on, of which this end has handled `h`.
[[nodiscard]] xml::element make_resumed(std::string_view previous, std::uint32_t h);
/// `<failed/>`; with what was handled of a stream that is over, if that is still known.
[[nodiscard]] xml::element make_failed(management_failure why, std::optional<std::uint32_t> h = std::nullopt);
/// `<r/>`.
[[nodiscard]] xml::element make_ack_request();
/// `<a/>`.
[[nodiscard]] xml::element make_ack(std::uint32_t h);
/// Reads `<a/>`; nothing if it is none.
[[nodiscard]] std::optional<std::uint32_t> parse_ack(const xml::element& e) noexcept;

} // namespace coppice::xmpp
