// Any request by a stranger and by the owner: a stranger changes nothing but his subscription, bounds hold,
// and what would be stored is read again.
#include "servers/xml/stream_parser.hpp"
#include "servers/xmpp/pubsub/account.hpp"

#include <cstdint>
#include <cstdlib>

namespace {

using namespace coppice::xmpp;

void check(pubsub::account& account, const pubsub::request& r, const pubsub::party& who) {
  const auto out = account.handle(r, who, "fresh");
  if (!out) return;
  for (const pubsub::command& c : out->todo) {
    if (const auto* saved = std::get_if<pubsub::save_node>(&c)) {
      const auto again = pubsub::parse_node(pubsub::to_text(saved->state));
      if (!again || *again != saved->state) std::abort();
      const pubsub::node* before = account.find(saved->name);
      if (!who.is_owner && (before == nullptr || before->config != saved->state.config)) std::abort();
    } else if (!who.is_owner && !std::holds_alternative<pubsub::read_items>(c) &&
               !std::holds_alternative<pubsub::send_last_item>(c)) {
      std::abort();
    }
    account.done(c);
  }
  if (account.nodes().size() > 3) std::abort();
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const jid owner = jid::parse("juliet@capulet.lit").value();
  static const pubsub::party juliet{.who = owner, .is_owner = true};
  static const pubsub::party romeo{.who = jid::parse("romeo@montague.lit/x").value(), .sees_presence = true};
  coppice::xml::stream_parser parser;
  if (!parser.feed("<s xmlns='jabber:client'>")) std::abort();
  (void)parser.feed(std::string_view(reinterpret_cast<const char*>(data), size));
  pubsub::account account(owner, {{"n", {}}}, {.nodes = 3, .subscribers = 2});
  while (const auto event = parser.next()) {
    const auto* e = std::get_if<coppice::xml::element>(&*event);
    if (e == nullptr) continue;
    const auto r = pubsub::parse_request(*e);
    if (!r) continue;
    check(account, *r, romeo);
    check(account, *r, juliet);
  }
  return 0;
}
