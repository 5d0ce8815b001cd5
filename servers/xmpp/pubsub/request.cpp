#include "servers/xmpp/pubsub/request.hpp"

#include "servers/xmpp/namespaces.hpp"
#include "servers/xmpp/pubsub/node_config.hpp"

#include <array>
#include <charconv>
#include <utility>

namespace coppice::xmpp::pubsub {
namespace {

using kind = request::kind;
using result = std::expected<request, stanza_error>;

/// A request by the name of its element.
struct known_request {
  std::string_view ns;
  std::string_view name;
  bool is_set; ///< of an iq of type set
  kind wants;
  bool needs_node;
};
constexpr std::array known{
    known_request{ns::pubsub, "publish", true, kind::publish, true},
    known_request{ns::pubsub, "retract", true, kind::retract, true},
    known_request{ns::pubsub, "items", false, kind::items, true},
    known_request{ns::pubsub, "create", true, kind::create, true},
    known_request{ns::pubsub, "subscribe", true, kind::subscribe, true},
    known_request{ns::pubsub, "unsubscribe", true, kind::unsubscribe, true},
    known_request{ns::pubsub, "subscriptions", false, kind::subscriptions, false},
    known_request{ns::pubsub, "affiliations", false, kind::affiliations, false},
    known_request{ns::pubsub, "default", false, kind::get_default, false},
    known_request{ns::pubsub_owner, "delete", true, kind::remove, true},
    known_request{ns::pubsub_owner, "purge", true, kind::purge, true},
    known_request{ns::pubsub_owner, "configure", false, kind::get_config, true},
    known_request{ns::pubsub_owner, "configure", true, kind::set_config, true},
    known_request{ns::pubsub_owner, "default", false, kind::get_default, false},
    known_request{ns::pubsub_owner, "affiliations", false, kind::owners, true},
    known_request{ns::pubsub_owner, "subscriptions", false, kind::subscribers, true},
};

std::unexpected<stanza_error> wrong(condition is, std::string_view specific, std::string_view text = "") {
  return std::unexpected(error(is, specific, text));
}

bool is_name(std::string_view text) noexcept { return !text.empty() && text.size() <= most_name; }

/// The filled-in form in the child of that name, which has to be of that FORM_TYPE; cancelled or not there:
/// none.
std::expected<std::optional<data_form>, stanza_error> form_in(const xml::element* parent,
                                                              std::string_view form_type) {
  const xml::element* x = parent == nullptr ? nullptr : parent->child(ns::data_forms, "x");
  if (x == nullptr) return std::nullopt;
  auto form = data_form::parse(*x);
  if (!form) return std::unexpected(stanza_error{condition::bad_request, form.error()});
  if (form->kind == form_kind::cancel) return std::nullopt;
  if (form->kind != form_kind::submit || form->form_type() != form_type) {
    return std::unexpected(stanza_error{condition::bad_request, "The form is not the one asked for."});
  }
  return *std::move(form);
}

result with_form(request r, const xml::element* parent, std::string_view form_type) {
  auto form = form_in(parent, form_type);
  if (!form) return std::unexpected(std::move(form).error());
  r.form = *std::move(form);
  return r;
}

/// The identifiers of the items in it; those of items without one are ''.
std::expected<std::vector<std::string>, stanza_error> ids_in(const xml::element& parent) {
  std::vector<std::string> ids;
  for (const xml::element* item : parent.children()) {
    if (!item->is(ns::pubsub, "item")) continue;
    const std::string_view id = item->get("id");
    if (id.size() > most_name || ids.size() == most_ids) {
      return std::unexpected(
          stanza_error{condition::not_acceptable, "These are too many items, or too long."});
    }
    ids.emplace_back(id);
  }
  return ids;
}

/// XEP-0060, 7.1.3.2 and 7.1.3.3
result read_publish(request r, const xml::element& e, const xml::element& pubsub) {
  auto ids = ids_in(e);
  if (!ids) return std::unexpected(std::move(ids).error());
  if (ids->empty()) return wrong(condition::bad_request, "item-required");
  if (ids->size() > 1) return wrong(condition::not_allowed, "max-items-exceeded", "One item at a time.");
  const xml::element& item = *e.child(ns::pubsub, "item");
  const auto payload = item.children();
  if (payload.empty()) return wrong(condition::bad_request, "payload-required");
  if (payload.size() > 1) return wrong(condition::bad_request, "invalid-payload");
  if (!ids->front().empty()) r.ids = *std::move(ids);
  r.item = *payload.front();
  return with_form(std::move(r), pubsub.child(ns::pubsub, "publish-options"), options_form);
}

/// XEP-0060, 7.2
result read_retract(request r, const xml::element& e) {
  auto ids = ids_in(e);
  if (!ids) return std::unexpected(std::move(ids).error());
  if (ids->size() != 1 || ids->front().empty()) return wrong(condition::bad_request, "item-required");
  r.ids = *std::move(ids);
  r.notify = as_bool(e.get("notify")).value_or(false);
  return r;
}

/// XEP-0060, 6.5
result read_items(request r, const xml::element& e) {
  auto ids = ids_in(e);
  if (!ids) return std::unexpected(std::move(ids).error());
  for (const std::string& id : *ids) {
    if (id.empty()) return wrong(condition::bad_request, "item-required");
  }
  r.ids = *std::move(ids);
  if (const auto max = e.find("max_items")) {
    std::size_t number = 0;
    const auto [end, failed] = std::from_chars(max->data(), max->data() + max->size(), number);
    if (failed != std::errc() || end != max->data() + max->size() || number == 0) {
      return std::unexpected(
          stanza_error{condition::bad_request, "How many items are wanted makes no sense."});
    }
    r.max = number;
  }
  return r;
}

/// XEP-0060, 6.1.3.1
result read_subscriber(request r, const xml::element& e) {
  auto who = jid::parse(e.get("jid"));
  if (!who) return wrong(condition::bad_request, "invalid-jid", who.error());
  r.who = *std::move(who);
  return r;
}

} // namespace

std::expected<request, stanza_error> parse_request(const xml::element& iq) {
  const xml::element* pubsub = iq.first();
  const xml::element* e = pubsub == nullptr ? nullptr : pubsub->first();
  if (e == nullptr || pubsub->name() != "pubsub" || pubsub->ns() != e->ns()) {
    return std::unexpected(stanza_error{condition::bad_request, "The request is empty."});
  }
  const bool is_set = iq.get("type") == "set";
  for (const known_request& one : known) {
    if (!e->is(one.ns, one.name) || one.is_set != is_set) continue;
    request r{.wants = one.wants, .node = std::string(e->get("node"))};
    if (one.needs_node && r.node.empty()) return wrong(condition::bad_request, "nodeid-required");
    if (!r.node.empty() && !is_name(r.node)) {
      return std::unexpected(stanza_error{condition::not_acceptable, "The name of the node is too long."});
    }
    switch (r.wants) {
    case kind::publish: return read_publish(std::move(r), *e, *pubsub);
    case kind::retract: return read_retract(std::move(r), *e);
    case kind::items: return read_items(std::move(r), *e);
    case kind::create: return with_form(std::move(r), pubsub->child(ns::pubsub, "configure"), config_form);
    case kind::set_config: return with_form(std::move(r), e, config_form);
    case kind::subscribe:
    case kind::unsubscribe: return read_subscriber(std::move(r), *e);
    default: return r;
    }
  }
  return std::unexpected(error(condition::feature_not_implemented, "unsupported", "", e->name()));
}

stanza_error error(condition is, std::string_view specific, std::string_view text, std::string_view feature) {
  xml::element more(ns::pubsub_errors, specific);
  if (!feature.empty()) more.set("feature", feature);
  return {.is = is, .text = std::string(text), .more = std::move(more)};
}

} // namespace coppice::xmpp::pubsub
