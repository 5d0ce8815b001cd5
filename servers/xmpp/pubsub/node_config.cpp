#include "servers/xmpp/pubsub/node_config.hpp"

#include "servers/xmpp/namespaces.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>
#include <utility>

namespace coppice::xmpp::pubsub {
namespace {

constexpr std::array<std::string_view, 4> access_names{"open", "presence", "roster", "whitelist"};
constexpr std::array<std::string_view, 3> last_names{"never", "on_sub", "on_sub_and_presence"};
constexpr std::size_t most_groups = 50;
constexpr std::size_t most_text = 1'023;

template <class Enum, std::size_t N>
std::string_view name_in(const std::array<std::string_view, N>& names, Enum value) {
  return names.at(static_cast<std::size_t>(value));
}

template <class Enum, std::size_t N>
bool read(Enum& into, const std::array<std::string_view, N>& names, std::string_view text) noexcept {
  const auto found = std::ranges::find(names, text);
  if (found == names.end()) return false;
  into = static_cast<Enum>(found - names.begin());
  return true;
}

bool read(bool& into, std::string_view text) noexcept {
  const auto value = as_bool(text);
  if (value) into = *value;
  return value.has_value();
}

bool read(std::string& into, std::string_view text) {
  if (text.size() > most_text) return false;
  into = text;
  return true;
}

bool read_max(std::size_t& into, std::string_view text) noexcept {
  if (text == "max") {
    into = most_items;
    return true;
  }
  std::size_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) return false;
  into = std::min(number, most_items);
  return true;
}

bool read_groups(std::vector<std::string>& into, const std::vector<std::string>& groups) {
  const auto fits = [](const std::string& group) { return !group.empty() && group.size() <= most_text; };
  if (groups.size() > most_groups || !std::ranges::all_of(groups, fits)) return false;
  into = groups;
  return true;
}

/// Takes over one answer; whether it is one.
bool take(node_config& config, const form_field& field) {
  constexpr std::string_view prefix = "pubsub#";
  if (!field.var.starts_with(prefix)) return false;
  const std::string_view name = std::string_view(field.var).substr(prefix.size());
  const std::string_view value = field.value();
  if (name == "title") return read(config.title, value);
  if (name == "type") return read(config.type, value);
  if (name == "access_model") return read(config.access, access_names, value);
  if (name == "roster_groups_allowed") return read_groups(config.groups, field.values);
  if (name == "persist_items") return read(config.persist, value);
  if (name == "max_items") return read_max(config.max_items, value);
  if (name == "send_last_published_item") return read(config.last, last_names, value);
  if (name == "deliver_payloads") return read(config.deliver_payloads, value);
  if (name == "notify_retract") return read(config.notify_retract, value);
  if (name == "notify_delete") return read(config.notify_delete, value);
  if (name == "publish_model") return value == "publishers"; // an account's only publisher is its owner
  if (name != "notification_type") return false;
  config.headline = value == "headline";
  return config.headline || value == "normal";
}

template <std::size_t N>
void add_list(data_form& form, std::string_view var, std::string_view label,
              const std::array<std::string_view, N>& names, std::string_view value) {
  form_field& field = form.add(var, field_type::list_single, label, value);
  for (const std::string_view name : names) field.options.push_back({"", std::string(name)});
}

} // namespace

node_config default_config(std::string_view node) {
  node_config config;
  if (node == ns::bookmarks || node == ns::bookmarks_legacy) {
    config.access = access_model::whitelist;
    config.max_items = most_items;
    config.last = send_last::never;
  }
  return config;
}

data_form to_form(const node_config& config, form_kind kind) {
  data_form form = data_form::of(kind, config_form);
  form.add("pubsub#title", field_type::text_single, "A name", config.title);
  form.add("pubsub#type", field_type::text_single, "What the items are: a namespace", config.type);
  add_list(form, "pubsub#access_model", "Who may see the items", access_names,
           name_in(access_names, config.access));
  form.add("pubsub#roster_groups_allowed", field_type::text_multi, "Roster groups that may see the items")
      .values = config.groups;
  form.add_bool("pubsub#persist_items", "Keep items", config.persist);
  form.add("pubsub#max_items", field_type::text_single, "Items to keep",
           config.max_items == most_items ? "max" : std::to_string(config.max_items));
  add_list(form, "pubsub#send_last_published_item", "When to send the last item", last_names,
           name_in(last_names, config.last));
  form.add_bool("pubsub#deliver_payloads", "Send the items with notifications", config.deliver_payloads);
  form.add_bool("pubsub#notify_retract", "Tell when an item is gone", config.notify_retract);
  form.add_bool("pubsub#notify_delete", "Tell when the node is gone", config.notify_delete);
  add_list(form, "pubsub#notification_type", "Type of notifications",
           std::array<std::string_view, 2>{"normal", "headline"}, config.headline ? "headline" : "normal");
  add_list(form, "pubsub#publish_model", "Who may publish", std::array<std::string_view, 1>{"publishers"},
           "publishers");
  return form;
}

std::expected<node_config, stanza_error> changed(const node_config& config, const data_form& answers) {
  node_config now = config;
  for (const form_field& field : answers.fields) {
    if (field.var == "FORM_TYPE" || take(now, field)) continue;
    return std::unexpected(
        stanza_error{condition::not_acceptable, "The node cannot be set up so: '" + field.var + "'."});
  }
  return now;
}

} // namespace coppice::xmpp::pubsub
