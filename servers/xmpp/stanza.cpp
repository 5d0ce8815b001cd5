#include "servers/xmpp/stanza.hpp"

#include "servers/xmpp/namespaces.hpp"

#include <array>
#include <cstddef>

namespace coppice::xmpp {
namespace {

struct known_condition {
  std::string_view name;
  std::string_view type;
};

constexpr std::array conditions = std::to_array<known_condition>({
    {"bad-request", "modify"},
    {"conflict", "cancel"},
    {"feature-not-implemented", "cancel"},
    {"forbidden", "auth"},
    {"gone", "cancel"},
    {"internal-server-error", "cancel"},
    {"item-not-found", "cancel"},
    {"jid-malformed", "modify"},
    {"not-acceptable", "modify"},
    {"not-allowed", "cancel"},
    {"not-authorized", "auth"},
    {"policy-violation", "modify"},
    {"recipient-unavailable", "wait"},
    {"redirect", "modify"},
    {"registration-required", "auth"},
    {"remote-server-not-found", "cancel"},
    {"remote-server-timeout", "wait"},
    {"resource-constraint", "wait"},
    {"service-unavailable", "cancel"},
    {"subscription-required", "auth"},
    {"undefined-condition", "cancel"},
    {"unexpected-request", "wait"},
});
static_assert(conditions.size() == static_cast<std::size_t>(condition::unexpected_request) + 1);

/// The same stanza the other way, empty.
xml::element turned(const xml::element& stanza, std::string_view type) {
  xml::element reply = make_stanza(stanza.name(), stanza.get("to"), stanza.get("from"), type);
  if (const auto id = stanza.find("id")) reply.set("id", *id);
  return reply;
}

} // namespace

stanza_kind kind_of(const xml::element& e) noexcept {
  if (e.ns() != ns::client) return stanza_kind::none;
  if (e.name() == "message") return stanza_kind::message;
  if (e.name() == "presence") return stanza_kind::presence;
  return e.name() == "iq" ? stanza_kind::iq : stanza_kind::none;
}

std::string_view name_of(condition c) noexcept { return conditions.at(static_cast<std::size_t>(c)).name; }
std::string_view type_of(condition c) noexcept { return conditions.at(static_cast<std::size_t>(c)).type; }

xml::element to_element(const stanza_error& e) {
  xml::element error(ns::client, "error");
  error.set("type", e.type.empty() ? type_of(e.is) : std::string_view(e.type));
  error.add(xml::element(ns::stanza_errors, name_of(e.is)));
  if (!e.text.empty()) {
    xml::element text(ns::stanza_errors, "text");
    text.set(xml::xml_namespace, "lang", "en").add_text(e.text);
    error.add(std::move(text));
  }
  if (!e.more.name().empty()) error.add(e.more);
  return error;
}

xml::element error_reply(const xml::element& stanza, const stanza_error& e) {
  return turned(stanza, "error").add(to_element(e));
}

bool may_be_answered(const xml::element& stanza) noexcept {
  const std::string_view type = stanza.get("type");
  if (type == "error" || stanza.get("from").empty()) return false;
  return kind_of(stanza) != stanza_kind::iq || type != "result";
}

xml::element result_reply(const xml::element& iq) { return turned(iq, "result"); }

xml::element make_stanza(std::string_view name, std::string_view from, std::string_view to,
                         std::string_view type) {
  xml::element stanza(ns::client, name);
  if (!from.empty()) stanza.set("from", from);
  if (!to.empty()) stanza.set("to", to);
  if (!type.empty()) stanza.set("type", type);
  return stanza;
}

bool is_sound_iq(const xml::element& iq) noexcept {
  const std::string_view type = iq.get("type");
  if (iq.get("id").empty()) return false;
  if (type == "error") return true;
  const std::size_t parts = iq.children().size();
  if (type == "result") return parts <= 1;
  return (type == "get" || type == "set") && parts == 1;
}

} // namespace coppice::xmpp
