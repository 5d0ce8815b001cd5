#include "servers/xmpp/archive_query.hpp"

#include "servers/xmpp/data_form.hpp"
#include "servers/xmpp/message_rules.hpp"
#include "servers/xmpp/namespaces.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace coppice::xmpp {
namespace {

using maybe_error = std::optional<stanza_error>;
constexpr std::array<std::string_view, 3> policies{"always", "never", "roster"};

stanza_error bad(std::string_view field) {
  return {condition::bad_request, "The query makes no sense: '" + std::string(field) + "'."};
}

maybe_error take_time(std::optional<instant>& into, const form_field& field) {
  into = parse_instant(field.value());
  if (!into) return bad(field.var);
  return std::nullopt;
}

maybe_error take_id(std::string& into, const form_field& field) {
  if (field.value().empty() || field.value().size() > most_page_id) return bad(field.var);
  into = field.value();
  return std::nullopt;
}

maybe_error take_ids(archive_query& query, const form_field& field, const archive_query_limits& limits) {
  if (field.values.size() > limits.ids) {
    return stanza_error{condition::resource_constraint, "These are too many messages at once."};
  }
  const auto is_sound = [](const std::string& id) { return !id.empty() && id.size() <= most_page_id; };
  if (field.values.empty() || !std::ranges::all_of(field.values, is_sound)) return bad(field.var);
  query.ids = field.values;
  return std::nullopt;
}

maybe_error take_with(archive_query& query, const form_field& field) {
  auto with = jid::parse(field.value());
  if (!with) return stanza_error{condition::jid_malformed, with.error()};
  query.with = *std::move(with);
  return std::nullopt;
}

maybe_error take(archive_query& query, const form_field& field, const archive_query_limits& limits) {
  if (field.var == "FORM_TYPE") {
    return field.value() == ns::archive ? std::nullopt : maybe_error(bad(field.var));
  }
  if (field.var == "with") return take_with(query, field);
  if (field.var == "start") return take_time(query.start, field);
  if (field.var == "end") return take_time(query.end, field);
  if (field.var == "after-id") return take_id(query.after_id, field);
  if (field.var == "before-id") return take_id(query.before_id, field);
  if (field.var == "ids") return take_ids(query, field, limits);
  return stanza_error{condition::feature_not_implemented, "There is no such field: '" + field.var + "'."};
}

bool names(const std::vector<jid>& list, const jid& other) noexcept {
  return std::ranges::any_of(list, [&](const jid& entry) {
    return entry == other || (entry.is_bare() && entry.text() == other.bare_text());
  });
}

/// The addresses in the child of that name.
std::expected<std::vector<jid>, stanza_error> addresses_in(const xml::element& prefs, std::string_view name,
                                                           std::size_t most) {
  std::vector<jid> all;
  const xml::element* list = prefs.child(name);
  if (list == nullptr) return all;
  for (const xml::element* entry : list->children()) {
    if (!entry->is(ns::archive, "jid")) continue;
    auto address = jid::parse(entry->text());
    if (!address) return std::unexpected(stanza_error{condition::jid_malformed, address.error()});
    if (std::ranges::find(all, *address) != all.end()) continue;
    if (all.size() == most) {
      return std::unexpected(stanza_error{condition::resource_constraint, "The lists are too long."});
    }
    all.push_back(*std::move(address));
  }
  return all;
}

xml::element list_of(std::string_view name, const std::vector<jid>& all) {
  xml::element list(ns::archive, name);
  for (const jid& one : all) {
    xml::element e(ns::archive, "jid");
    e.add_text(one.text());
    list.add(std::move(e));
  }
  return list;
}

xml::element end_of(std::string_view name, const archive_end& end) {
  xml::element e(ns::archive, name);
  e.set("id", end.id).set("timestamp", to_text(end.at));
  return e;
}

} // namespace

std::expected<archive_query, stanza_error> parse_archive_query(const xml::element& query,
                                                               const archive_query_limits& limits) {
  archive_query wanted{.id = std::string(query.get("queryid"))};
  if (wanted.id.size() > limits.id_bytes) return std::unexpected(bad("queryid"));
  auto page = parse_page_request(query);
  if (!page) return std::unexpected(std::move(page).error());
  wanted.page = *std::move(page);
  wanted.flipped = query.child("flip-page") != nullptr;
  const xml::element* x = query.child(ns::data_forms, "x");
  if (x == nullptr) return wanted;
  const auto form = data_form::parse(*x);
  if (!form) return std::unexpected(stanza_error{condition::bad_request, form.error()});
  if (form->kind != form_kind::submit || form->form_type().empty()) return std::unexpected(bad("FORM_TYPE"));
  for (const form_field& field : form->fields) {
    auto wrong = take(wanted, field, limits);
    if (wrong) return std::unexpected(*std::move(wrong));
  }
  return wanted;
}

xml::element make_archive_form() {
  data_form form = data_form::of(form_kind::form, ns::archive);
  form.add("with", field_type::jid_single, "");
  for (const char* var : {"start", "end", "before-id", "after-id"})
    form.add(var, field_type::text_single, "");
  form.add("ids", field_type::list_multi, "").open = true;
  return xml::element(ns::archive, "query").add(to_element(form));
}

xml::element make_archive_result(std::string_view archive, std::string_view to, std::string_view query_id,
                                 archived_message message) {
  xml::element result(ns::archive, "result");
  result.set("id", message.id);
  if (!query_id.empty()) result.set("queryid", query_id);
  result.add(make_forwarded(std::move(message.stanza), message.at));
  return make_stanza("message", archive, to).add(std::move(result));
}

xml::element make_archive_end(const page_info& page, bool complete) {
  xml::element fin(ns::archive, "fin");
  if (complete) fin.set("complete", "true");
  fin.add(to_element(page));
  return fin;
}

xml::element make_archive_metadata(const std::optional<archive_end>& first,
                                   const std::optional<archive_end>& last) {
  xml::element metadata(ns::archive, "metadata");
  if (first) metadata.add(end_of("start", *first));
  if (last) metadata.add(end_of("end", *last));
  return metadata;
}

bool archive_preferences::allows(const jid& other, bool is_in_roster) const noexcept {
  if (names(never, other)) return false;
  if (names(always, other)) return true;
  return otherwise == policy::always || (otherwise == policy::roster && is_in_roster);
}

std::expected<archive_preferences, stanza_error> parse_archive_preferences(const xml::element& prefs,
                                                                           std::size_t most) {
  const auto policy = std::ranges::find(policies, prefs.get("default"));
  if (policy == policies.end()) return std::unexpected(bad("default"));
  auto always = addresses_in(prefs, "always", most);
  if (!always) return std::unexpected(std::move(always).error());
  auto never = addresses_in(prefs, "never", most);
  if (!never) return std::unexpected(std::move(never).error());
  return archive_preferences{.otherwise = static_cast<archive_preferences::policy>(policy - policies.begin()),
                             .always = *std::move(always),
                             .never = *std::move(never)};
}

xml::element to_element(const archive_preferences& preferences) {
  xml::element prefs(ns::archive, "prefs");
  prefs.set("default", policies.at(static_cast<std::size_t>(preferences.otherwise)));
  prefs.add(list_of("always", preferences.always)).add(list_of("never", preferences.never));
  return prefs;
}

} // namespace coppice::xmpp
