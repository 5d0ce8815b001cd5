// What is asked of an account's nodes. XEP-0060, as far as XEP-0163 needs it.
#pragma once

#include "servers/xml/element.hpp"
#include "servers/xmpp/data_form.hpp"
#include "servers/xmpp/jid.hpp"
#include "servers/xmpp/stanza.hpp"

#include <cstddef>
#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace coppice::xmpp::pubsub {

/// One request.
struct request {
  enum class kind : std::uint8_t {
    publish,       ///< `item` with the identifier `ids[0]`, or none; `form`: what is expected of the node
    retract,       ///< the item `ids[0]`; `notify`
    items,         ///< to see `ids`, or the newest, `max` of them
    create,        ///< the node, set up by `form`
    remove,        ///< the node
    purge,         ///< all items of it
    get_config,    ///< its form
    set_config,    ///< by `form`; none: nothing changes
    get_default,   ///< the form of a new node
    subscribe,     ///< `who`
    unsubscribe,   ///< `who`
    subscriptions, ///< those of whoever asks
    affiliations,  ///< likewise
    owners,        ///< the affiliations to a node, for its owner
    subscribers,   ///< the subscriptions to it, for its owner
  };
  kind wants = kind::items;
  std::string node = {};                         ///< '' where no certain one is meant
  std::vector<std::string> ids = {};             ///< of items
  xml::element item = {};                        ///< what is published; may be none
  std::optional<std::size_t> max = std::nullopt; ///< items
  std::optional<data_form> form = std::nullopt;  ///< answers
  jid who = {};                                  ///< a subscriber
  bool notify = false;                           ///< that an item is gone is told whatever the node says

  bool operator==(const request&) const = default;
};

/// Identifiers of items in one request, at most.
inline constexpr std::size_t most_ids = 100;
/// Bytes of the name of a node and of an item's identifier, at most.
inline constexpr std::size_t most_name = 1'023;

/// Reads the `<pubsub/>` of an iq, of either namespace. Errors as the XEP names them, each with its condition
/// of pubsub; feature-not-implemented for what is not supported here.
[[nodiscard]] std::expected<request, stanza_error> parse_request(const xml::element& iq);

/// An error with a condition of pubsub; with the `feature` that `unsupported` names.
[[nodiscard]] stanza_error error(condition is, std::string_view specific, std::string_view text = "",
                                 std::string_view feature = "");

} // namespace coppice::xmpp::pubsub
