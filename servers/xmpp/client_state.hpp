// What a client need not hear at once while nobody looks at it. XEP-0352.
#pragma once

#include "servers/xml/element.hpp"

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

namespace coppice::xmpp {

/// A stanza that can wait, and what it is news of: newer news of the same takes its place. Nothing for a
/// stanza that cannot wait. Presence waits but for what asks the user or tells of his own part in a room,
/// chat states alone, and notifications of published items (XEP-0163).
[[nodiscard]] std::optional<std::string> news_of(const xml::element& stanza);
/// What a client says of itself: true for `<active/>`, false for `<inactive/>`; nothing for other elements.
[[nodiscard]] std::optional<bool> parse_client_state(const xml::element& e) noexcept;

/// What waits at most.
struct waiting_limits {
  std::size_t stanzas = 300;
  std::size_t bytes = std::size_t{128} << 10; ///< of their text
};

/// The stanzas that wait for an inactive client. Order is kept: what cannot wait takes all before it along.
class waiting_stanzas {
public:
  explicit waiting_stanzas(const waiting_limits& limits = {}) noexcept : limits_(limits) {}

  /// A stanza for the client, as it will be written, and its `news_of`. Gives what is to be written now, in
  /// order: nothing if it waits; all with it last if it cannot, or if too much waits. Linear in `size()`.
  [[nodiscard]] std::vector<std::string> offer(std::string text, std::optional<std::string> news);
  /// The client is active again, or its stream is over: all that waits, in order. Nothing waits then.
  [[nodiscard]] std::vector<std::string> take();
  [[nodiscard]] std::size_t size() const noexcept { return waiting_.size(); } ///< stanzas that wait

private:
  struct waiting {
    std::string news;
    std::string text;
  };

  waiting_limits limits_;
  std::size_t bytes_ = 0;
  std::vector<waiting> waiting_;
};

} // namespace coppice::xmpp
