// How a node of an account is set up: its form, its defaults, and what publishers expect of it. XEP-0060
// sections 7.1.5 and 8.2, as far as XEP-0163 needs it.
#pragma once

#include "servers/xml/element.hpp"
#include "servers/xmpp/data_form.hpp"
#include "servers/xmpp/stanza.hpp"

#include <cstddef>
#include <cstdint>
#include <expected>
#include <string>
#include <string_view>
#include <vector>

namespace coppice::xmpp::pubsub {

/// Who may see what a node holds. The owner always does.
enum class access_model : std::uint8_t {
  open,      ///< everybody
  presence,  ///< those who see the owner's presence
  roster,    ///< those in certain groups of the owner's roster
  whitelist, ///< the owner alone
};
/// When the last item is sent though nothing has been published.
enum class send_last : std::uint8_t { never, on_sub, on_sub_and_presence };

/// Items that a node keeps at most, whatever its configuration says (`max`).
inline constexpr std::size_t most_items = 1'000;

/// How a node is set up. A value; by default as XEP-0163 (3.4) wants nodes that come of themselves.
struct node_config {
  std::string title = {}; ///< for people
  std::string type = {};  ///< what its items are, a namespace
  access_model access = access_model::presence;
  std::vector<std::string> groups = {}; ///< of the owner's roster
  bool persist = true;                  ///< items are kept
  std::size_t max_items = 1;            ///< that many, the newest
  send_last last = send_last::on_sub_and_presence;
  bool deliver_payloads = true; ///< notifications hold the item, not only its identifier
  bool notify_retract = true;   ///< that an item is gone is told
  bool notify_delete = true;    ///< and that the node is
  bool headline = true;         ///< notifications are of type headline, else normal

  /// Items that are kept: none if they do not persist.
  [[nodiscard]] std::size_t kept() const noexcept { return persist ? max_items : 0; }

  bool operator==(const node_config&) const = default;
};
/// What a node has that is created without a word about it: what is private by its nature (bookmarks) is
/// closed, and keeps all items (XEP-0223, XEP-0402).
[[nodiscard]] node_config default_config(std::string_view node);

/// As a form of that kind to be filled in or kept.
[[nodiscard]] data_form to_form(const node_config& config, form_kind kind = form_kind::form);
/// The configuration that answers make of another one: what they leave out stays. Errors: not-acceptable, for
/// fields that are not known too.
[[nodiscard]] std::expected<node_config, stanza_error> changed(const node_config& config,
                                                               const data_form& answers);
/// The FORM_TYPE of forms with a node's configuration.
inline constexpr std::string_view config_form = "http://jabber.org/protocol/pubsub#node_config";
/// The FORM_TYPE of what a publisher expects.
inline constexpr std::string_view options_form = "http://jabber.org/protocol/pubsub#publish-options";

} // namespace coppice::xmpp::pubsub
