// The last messages of a room, for those who come. XEP-0045, section 7.2.13.
#pragma once

#include "servers/xml/element.hpp"
#include "servers/xmpp/muc/outcome.hpp"

#include <cstddef>
#include <deque>
#include <optional>
#include <string_view>
#include <vector>

namespace coppice::xmpp::muc {

/// How much of it somebody wants (`<history/>`); what is nothing was not said.
struct history_request {
  std::optional<std::size_t> stanzas = std::nullopt; ///< at most
  std::optional<std::size_t> chars = std::nullopt;   ///< of XML, at most
  std::optional<std::size_t> seconds = std::nullopt; ///< old at most
  std::optional<instant> since = std::nullopt;

  /// Of `<x xmlns='http://jabber.org/protocol/muc'/>`. What makes no sense was not said.
  [[nodiscard]] static history_request of(const xml::element& x);
};

/// Keeps the last messages within bounds.
class history {
public:
  history(std::size_t messages, std::size_t bytes) : most_(messages), most_bytes_(bytes) {}

  /// Keeps a message (without `to`) that was said at that time.
  void add(shared_stanza message, instant at);
  /// What is given to one who enters, oldest first, each with a `<delay/>` by the room. At most `most`.
  [[nodiscard]] std::vector<shared_stanza> since(const history_request& wanted, std::size_t most, instant now,
                                                 std::string_view room);
  /// How many are kept.
  [[nodiscard]] std::size_t size() const noexcept { return kept_.size(); }

private:
  struct kept {
    shared_stanza message;
    shared_stanza delayed; ///< the same with its delay; null until somebody wants it
    instant at;
    std::size_t bytes;
  };

  std::size_t most_;
  std::size_t most_bytes_;
  std::size_t bytes_ = 0;
  std::deque<kept> kept_;
};

} // namespace coppice::xmpp::muc
