#include "servers/xmpp/disco.hpp"

#include "servers/xmpp/namespaces.hpp"

#include <algorithm>
#include <utility>

namespace coppice::xmpp {
namespace {

void set_unless_empty(xml::element& e, std::string_view name, std::string_view value) {
  if (!value.empty()) e.set(name, value);
}

xml::element to_element(const disco_identity& identity) {
  xml::element e(ns::disco_info, "identity");
  e.set("category", identity.category).set("type", identity.type);
  set_unless_empty(e, "name", identity.name);
  if (!identity.lang.empty()) e.set(xml::xml_namespace, "lang", identity.lang);
  return e;
}

disco_identity parse_identity(const xml::element& e) {
  return {.category = std::string(e.get("category")),
          .type = std::string(e.get("type")),
          .name = std::string(e.get("name")),
          .lang = std::string(e.find(xml::xml_namespace, "lang").value_or(""))};
}

/// Reads one child into `info`; '' or what is wrong.
std::string take(disco_info& info, const xml::element& child, const disco_limits& limits) {
  if (child.is(ns::disco_info, "identity")) {
    if (info.identities.size() == limits.identities) return "there are too many identities";
    info.identities.push_back(parse_identity(child));
  } else if (child.is(ns::disco_info, "feature")) {
    if (info.features.size() == limits.features) return "there are too many features";
    info.features.emplace_back(child.get("var"));
  } else if (child.is(ns::data_forms, "x")) {
    if (info.forms.size() == limits.forms) return "there are too many forms";
    auto form = data_form::parse(child);
    if (!form) return std::move(form).error();
    info.forms.push_back(*std::move(form));
  }
  return "";
}

} // namespace

bool disco_info::has(std::string_view feature) const noexcept {
  return std::ranges::find(features, feature) != features.end();
}

xml::element to_element(const disco_info& info) {
  xml::element query(ns::disco_info, "query");
  set_unless_empty(query, "node", info.node);
  for (const disco_identity& identity : info.identities) query.add(to_element(identity));
  for (const std::string& feature : info.features) {
    xml::element e(ns::disco_info, "feature");
    e.set("var", feature);
    query.add(std::move(e));
  }
  for (const data_form& form : info.forms) query.add(to_element(form));
  return query;
}

std::expected<disco_info, std::string> parse_disco_info(const xml::element& query,
                                                        const disco_limits& limits) {
  if (!query.is(ns::disco_info, "query")) return std::unexpected("it is no disco#info");
  disco_info info{.node = std::string(query.get("node"))};
  for (const xml::element* child : query.children()) {
    std::string wrong = take(info, *child, limits);
    if (!wrong.empty()) return std::unexpected(std::move(wrong));
  }
  return info;
}

xml::element make_disco_items(std::span<const disco_item> items, std::string_view node) {
  xml::element query(ns::disco_items, "query");
  set_unless_empty(query, "node", node);
  for (const disco_item& item : items) {
    xml::element e(ns::disco_items, "item");
    e.set("jid", item.jid);
    set_unless_empty(e, "node", item.node);
    set_unless_empty(e, "name", item.name);
    query.add(std::move(e));
  }
  return query;
}

} // namespace coppice::xmpp
