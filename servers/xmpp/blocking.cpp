#include "servers/xmpp/blocking.hpp"

#include "servers/xmpp/message_rules.hpp"
#include "servers/xmpp/namespaces.hpp"

#include <utility>

namespace coppice::xmpp {
namespace {

constexpr std::string_view name_of(block_request::kind k) noexcept {
  switch (k) {
  case block_request::kind::list: return "blocklist";
  case block_request::kind::block: return "block";
  default: return "unblock";
  }
}

xml::element item_of(std::string_view who) {
  xml::element item(ns::blocking, "item");
  item.set("jid", who);
  return item;
}

/// Blocking is between a user and others: his own resources always reach each other.
bool stands_between(const block_list& list, const jid& user, const jid& other) {
  return list.size() != 0 && other.bare_text() != user.bare_text() && list.blocks(other);
}

/// An error to a room would end the user's stay there, which is not what he wants when he blocks an occupant.
bool is_of_room(const xml::element& message) {
  return type_of(message) == message_type::groupchat || message.child(ns::muc_user, "x") != nullptr;
}

} // namespace

bool block_list::blocks(const jid& who) const {
  if (blocked_.contains(who.domain()) || blocked_.contains(who.bare_text())) return true;
  if (who.is_bare()) return false;
  if (blocked_.contains(who.text())) return true;
  std::string of_domain(who.domain());
  of_domain += '/';
  of_domain += who.resource();
  return blocked_.contains(of_domain);
}

std::expected<block_request, stanza_error> parse_block_request(const xml::element& iq, std::size_t most) {
  const xml::element* what = iq.first();
  if (what == nullptr || what->ns() != ns::blocking) {
    return std::unexpected(stanza_error{condition::bad_request, "It has nothing to do with blocking."});
  }
  const bool changes = iq.get("type") == "set";
  if (!changes && what->name() == "blocklist") return block_request();
  if (!changes || (what->name() != "block" && what->name() != "unblock")) {
    return std::unexpected(stanza_error{condition::bad_request, "There is no such request."});
  }
  block_request request{.wants = block_request::kind::block};
  for (const xml::element* item : what->children()) {
    if (!item->is(ns::blocking, "item")) continue;
    if (request.who.size() == most) {
      return std::unexpected(stanza_error{condition::resource_constraint, "These are too many at once."});
    }
    auto who = jid::parse(item->get("jid"));
    if (!who) return std::unexpected(stanza_error{condition::jid_malformed, who.error()});
    request.who.push_back(*std::move(who));
  }
  if (what->name() == "unblock") {
    request.wants = request.who.empty() ? block_request::kind::unblock_all : block_request::kind::unblock;
  } else if (request.who.empty()) {
    return std::unexpected(stanza_error{condition::bad_request, "It does not say whom to block."});
  }
  return request;
}

xml::element block_list_result(const xml::element& iq, const block_list& list) {
  xml::element all(ns::blocking, "blocklist");
  for (const std::string& who : list.entries()) all.add(item_of(who));
  return result_reply(iq).add(std::move(all));
}

xml::element block_push(const block_request& change, std::string_view to, std::string_view id) {
  xml::element what(ns::blocking, name_of(change.wants));
  for (const jid& who : change.who) what.add(item_of(who.text()));
  xml::element iq = make_stanza("iq", "", to, "set");
  iq.set("id", id).add(std::move(what));
  return iq;
}

block_verdict judge_incoming(const block_list& list, const jid& user, const jid& from,
                             const xml::element& stanza) {
  if (!stands_between(list, user, from)) return {.passes = true};
  const stanza_kind kind = kind_of(stanza);
  if (kind == stanza_kind::presence || !may_be_answered(stanza)) return {};
  if (kind == stanza_kind::message && (is_of_room(stanza) || type_of(stanza) == message_type::headline)) {
    return {};
  }
  return {.answer = stanza_error{.is = condition::service_unavailable}};
}

block_verdict judge_outgoing(const block_list& list, const jid& user, const jid& to,
                             const xml::element& stanza) {
  if (!stands_between(list, user, to)) return {.passes = true};
  if (!may_be_answered(stanza)) return {};
  return {.answer = stanza_error{.is = condition::not_acceptable,
                                 .text = "You block this address.",
                                 .type = "cancel",
                                 .more = xml::element(ns::blocking_errors, "blocked")}};
}

} // namespace coppice::xmpp
