// The nodes of one account: who may do what, and what follows from it. XEP-0163 with XEP-0060. Pure: what is
// to be stored and who is to be told comes back as commands.
#pragma once

#include "servers/xml/element.hpp"
#include "servers/xmpp/delay.hpp"
#include "servers/xmpp/jid.hpp"
#include "servers/xmpp/pubsub/node_config.hpp"
#include "servers/xmpp/pubsub/request.hpp"
#include "servers/xmpp/stanza.hpp"

#include <cstddef>
#include <expected>
#include <functional>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace coppice::xmpp::pubsub {

/// Somebody, as he stands to the owner of the account.
struct party {
  jid who;                              ///< bare or full
  bool is_owner = false;                ///< one of the owner's own resources
  bool sees_presence = false;           ///< the owner's roster has him with `from` or `both`
  std::vector<std::string> groups = {}; ///< of the owner's roster that he is in
};

/// A node without its items. A value.
struct node {
  node_config config;
  std::vector<jid> subscribers = {}; ///< who have subscribed in so many words

  bool operator==(const node&) const = default;
};
/// As it is stored.
[[nodiscard]] std::string to_text(const node& n);
/// The same read; the error says what is wrong, for people.
[[nodiscard]] std::expected<node, std::string> parse_node(std::string_view text);

/// Whether somebody may see what the node holds; else why not (XEP-0060, 6.1.3).
[[nodiscard]] std::optional<stanza_error> refusal(const node_config& config, const party& who);
/// Whether a notification of that node goes to one of somebody's resources: he may see it, and has either
/// subscribed or said by his capabilities that he wants to know (`node+notify`; `wants` answers for that).
[[nodiscard]] bool is_notified(const node& n, const party& who, bool wants);
/// The capability that says so.
[[nodiscard]] std::string notify_feature(std::string_view node);

/// @{
/// What is to be done, in order; all that is stored of one request in one transaction, before anybody is
/// told.
struct save_node { ///< keep `to_text(state)` under that name
  std::string name;
  node state;
};
struct drop_node { ///< with its items
  std::string name;
};
struct put_item { ///< in the place of one of that identifier, as the newest; then drop all but the newest
                  ///< `keep`
  std::string node;
  std::string id;
  xml::element payload;
  std::string publisher; ///< full
  std::size_t keep;      ///< none: it is not even stored
};
struct drop_item { ///< if it is not there, the request fails with item-not-found
  std::string node;
  std::string id;
};
struct drop_items { ///< all but the newest `keep`
  std::string node;
  std::size_t keep;
};
struct read_items { ///< the answer: `items_result`; one of `ids` that is not there is left out
  std::string node;
  std::vector<std::string> ids;    ///< those, or, if there are none,
  std::size_t newest = most_items; ///< that many
};
struct tell { ///< whoever `is_notified` of that node, each by the message with his address
  std::string node;
  pubsub::node state;   ///< as it stands for this message (it may be gone by now)
  xml::element message; ///< without `to`
};
struct send_last_item { ///< of that node to the new subscriber, if there is one: `last_item_message`
  std::string node;
  jid to;
};
/// @}
using command =
    std::variant<save_node, drop_node, put_item, drop_item, drop_items, read_items, tell, send_last_item>;

/// What follows from a request: the commands, then the answer.
struct outcome {
  std::vector<command> todo = {};
  xml::element reply = {}; ///< what the result of the iq holds; may be none
};

/// What an account has at most.
struct account_limits {
  std::size_t nodes = 200;
  std::size_t subscribers = 200; ///< of one node
};

/// An item as it is stored.
struct stored_item {
  std::string id;
  xml::element payload;
  std::string publisher = {}; ///< full; may be ''
  instant at = {};            ///< when it was published
};

/// The nodes of an account.
class account {
public:
  using node_map = std::map<std::string, node, std::less<>>;

  /// `owner` is bare.
  explicit account(jid owner, node_map nodes = {}, const account_limits& limits = {});

  /// What follows from a request; nothing is changed yet. `fresh` is an identifier for an item that has none.
  [[nodiscard]] std::expected<outcome, stanza_error> handle(const request& r, const party& from,
                                                            std::string_view fresh) const;
  /// A command has been carried out: what it says of nodes is so from now on.
  void done(const command& c);

  /// What somebody gets who has come online: the nodes of which the last item is sent (XEP-0163, 4.3.4).
  /// `wants` answers for the capabilities of his client.
  [[nodiscard]] std::vector<std::string>
  last_items_for(const party& who, const std::function<bool(std::string_view feature)>& wants) const;
  /// The last item of a node for somebody, without `to` (XEP-0163, 4.3.4).
  [[nodiscard]] xml::element last_item_message(std::string_view node, const stored_item& item) const;

  [[nodiscard]] const node_map& nodes() const noexcept { return nodes_; }
  [[nodiscard]] const jid& owner() const noexcept { return owner_; }
  /// The node of that name; null if there is none.
  [[nodiscard]] const node* find(std::string_view name) const;
  /// The names of the nodes that somebody may see: for disco#items.
  [[nodiscard]] std::vector<std::string> names_for(const party& who) const;

private:
  using result = std::expected<outcome, stanza_error>;

  [[nodiscard]] result publish(const request& r, const party& from, std::string_view fresh) const;
  [[nodiscard]] result create(const request& r) const;
  [[nodiscard]] result configure(const request& r, const node& n) const;
  [[nodiscard]] result subscribe(const request& r, const node& n, const party& from) const;
  [[nodiscard]] result unsubscribe(const request& r, const node& n, const party& from) const;
  [[nodiscard]] result on_node(const request& r, const node& n, const party& from) const;
  [[nodiscard]] result as_owner(const request& r, const node& n) const;
  [[nodiscard]] outcome subscriptions_of(const request& r, const party& from) const;
  [[nodiscard]] xml::element message(const node& n, xml::element event) const;

  jid owner_;
  node_map nodes_;
  account_limits limits_;
};

/// `<pubsub/>` with items: the answer to `read_items`.
[[nodiscard]] xml::element items_result(std::string_view node, std::span<const stored_item> items);
/// What an account can do, for its disco#info: with the identity `pubsub/pep`.
[[nodiscard]] std::vector<std::string> account_features();

} // namespace coppice::xmpp::pubsub
