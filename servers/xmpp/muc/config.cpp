#include "servers/xmpp/muc/config.hpp"

#include "servers/xml/stream_parser.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>

namespace coppice::xmpp::muc {
namespace {

/// Of the text that is kept.
constexpr std::size_t version = 1;
constexpr std::string_view version_field = "version";

constexpr std::array<std::string_view, 4> pm_names = {"anyone", "participants", "moderators", "none"};

struct bool_field {
  std::string_view var;
  std::string_view label;
  bool room_config::* member;
};
constexpr std::array bool_fields = std::to_array<bool_field>({
    {"muc#roomconfig_persistentroom", "The room stays when the last occupant leaves",
     &room_config::persistent},
    {"muc#roomconfig_publicroom", "The room is listed", &room_config::listed},
    {"muc#roomconfig_membersonly", "Only members may enter", &room_config::members_only},
    {"muc#roomconfig_moderatedroom", "Visitors need a moderator's leave to speak", &room_config::moderated},
    {"muc#roomconfig_changesubject", "Participants may change the subject", &room_config::change_subject},
    {"muc#roomconfig_allowinvites", "Members may invite into a room for members only", &room_config::invites},
    {"muc#roomconfig_enablearchiving", "Messages are archived", &room_config::archived},
});

struct text_field {
  std::string_view var;
  std::string_view label;
  std::string room_config::* member;
};
constexpr std::array text_fields = std::to_array<text_field>({
    {"muc#roomconfig_roomname", "Name of the room", &room_config::name},
    {"muc#roomconfig_roomdesc", "Description", &room_config::description},
    {"muc#roomconfig_lang", "Language", &room_config::lang},
});

constexpr std::string_view protected_field = "muc#roomconfig_passwordprotectedroom";
constexpr std::string_view secret_field = "muc#roomconfig_roomsecret";
constexpr std::string_view whois_field = "muc#roomconfig_whois";
constexpr std::string_view pm_field = "muc#roomconfig_allowpm";
constexpr std::string_view max_users_field = "muc#roomconfig_maxusers";
constexpr std::string_view history_field = "muc#maxhistoryfetch";

std::unexpected<std::string> wrong(std::string text) { return std::unexpected<std::string>(std::move(text)); }

std::optional<std::size_t> parse_count(std::string_view text) noexcept {
  std::size_t count = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), count);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return count;
}

std::string max_users_text(const room_config& config) {
  return config.max_users == 0 ? "none" : std::to_string(config.max_users);
}

void add_option(form_field& list, std::string_view value, std::string_view label) {
  list.options.push_back({std::string(label), std::string(value)});
}

void add_lists(data_form& form, const room_config& config) {
  form_field& pm = form.add(pm_field, field_type::list_single, "Who may send private messages",
                            pm_names.at(static_cast<std::size_t>(config.pm)));
  add_option(pm, "anyone", "Anyone");
  add_option(pm, "participants", "Who may speak");
  add_option(pm, "moderators", "Moderators");
  add_option(pm, "none", "Nobody");
  form_field& whois = form.add(whois_field, field_type::list_single, "Who sees real addresses",
                               config.anonymous ? "moderators" : "anyone");
  add_option(whois, "moderators", "Moderators");
  add_option(whois, "anyone", "Anyone");
  form_field& max_users =
      form.add(max_users_field, field_type::list_single, "Occupants at most", max_users_text(config));
  max_users.open = true;
  for (const std::string_view count : {"10", "20", "50", "100", "200", "500", "1000"}) {
    add_option(max_users, count, count);
  }
  add_option(max_users, "none", "As many as the service allows");
}

/// Takes what the fields say that can be read alone; an error names the one that cannot.
std::expected<void, std::string> take_values(room_config& config, const data_form& form) {
  for (const bool_field& f : bool_fields) {
    const auto value = form.value(f.var);
    if (!value) continue;
    const auto is = as_bool(*value);
    if (!is) return wrong(std::string(f.var) + " must be 0 or 1");
    config.*f.member = *is;
  }
  for (const text_field& f : text_fields) {
    if (const form_field* field = form.find(f.var)) config.*f.member = field->lines();
  }
  if (const auto pm = form.value(pm_field)) {
    const auto known = std::ranges::find(pm_names, *pm);
    if (known == pm_names.end()) return wrong(std::string(pm_field) + " has an unknown value");
    config.pm = static_cast<private_messages>(known - pm_names.begin());
  }
  if (const auto whois = form.value(whois_field)) config.anonymous = *whois != "anyone";
  if (const auto max = form.value(max_users_field)) {
    const auto count = *max == "none" ? 0 : parse_count(*max);
    if (!count) return wrong(std::string(max_users_field) + " must be a number or none");
    config.max_users = *count;
  }
  if (const auto history = form.value(history_field)) {
    const auto count = parse_count(*history);
    if (!count) return wrong(std::string(history_field) + " must be a number");
    config.history = *count;
  }
  return {};
}

std::expected<void, std::string> take_password(room_config& config, const data_form& form) {
  const form_field* secret = form.find(secret_field);
  const auto wanted = as_bool(form.value(protected_field).value_or(""));
  if (secret != nullptr) config.password = secret->value();
  if (wanted == false) config.password.clear();
  if (wanted == true && config.password.empty())
    return wrong(std::string(secret_field) + " must not be empty");
  return {};
}

} // namespace

data_form config_form(const room_config& config, const room_limits& limits) {
  data_form form = data_form::of(form_kind::form, roomconfig);
  form.title = "Configuration of the room";
  for (const text_field& f : text_fields) form.add(f.var, field_type::text_single, f.label, config.*f.member);
  for (const bool_field& f : bool_fields) form.add_bool(f.var, f.label, config.*f.member);
  form.add_bool(protected_field, "A password is needed to enter", !config.password.empty());
  form.add(secret_field, field_type::text_private, "Password", config.password);
  add_lists(form, config);
  form.add(history_field, field_type::text_single,
           "Messages given on entry (at most " + std::to_string(limits.history) + ")",
           std::to_string(config.history));
  return form;
}

std::expected<room_config, std::string> configured(const room_config& now, const data_form& submitted,
                                                   const room_limits& limits) {
  const auto answers = checked_answers(config_form(now, limits), submitted);
  if (!answers) return wrong(answers.error());
  room_config config = now;
  if (const auto taken = take_values(config, *answers); !taken) return wrong(taken.error());
  if (const auto taken = take_password(config, *answers); !taken) return wrong(taken.error());
  for (const text_field& f : text_fields) {
    if ((config.*f.member).size() > limits.text) return wrong(std::string(f.var) + " is too long");
  }
  if (config.password.size() > limits.text) return wrong(std::string(secret_field) + " is too long");
  if (config.max_users > limits.occupants) {
    return wrong(std::string(max_users_field) + " must be at most " + std::to_string(limits.occupants));
  }
  if (config.history > limits.history) {
    return wrong(std::string(history_field) + " must be at most " + std::to_string(limits.history));
  }
  return config;
}

std::string to_text(const room_config& config) {
  data_form form = data_form::of(form_kind::result, roomconfig);
  form.add(version_field, std::to_string(version));
  for (const text_field& f : text_fields) form.add(f.var, config.*f.member);
  for (const bool_field& f : bool_fields) form.add(f.var, config.*f.member ? "1" : "0");
  form.add(secret_field, config.password);
  form.add(pm_field, pm_names.at(static_cast<std::size_t>(config.pm)));
  form.add(whois_field, config.anonymous ? "moderators" : "anyone");
  form.add(max_users_field, max_users_text(config));
  form.add(history_field, std::to_string(config.history));
  return to_element(form).to_string();
}

std::expected<room_config, std::string> parse_config(std::string_view text) {
  const auto x = xml::parse_element(text);
  if (!x) return wrong("the room's configuration is no XML: " + x.error().text);
  const auto form = data_form::parse(*x);
  if (!form) return wrong("the room's configuration is no form: " + form.error());
  if (form->form_type() != roomconfig) return wrong("the room's configuration is another form");
  const auto written = parse_count(form->value(version_field).value_or(""));
  if (!written || *written == 0 || *written > version) {
    return wrong("the room's configuration is of a version that is not known");
  }
  room_config config;
  if (const auto taken = take_values(config, *form); !taken) {
    return wrong("the room's configuration: " + taken.error());
  }
  if (const auto secret = form->value(secret_field)) config.password = *secret;
  return config;
}

} // namespace coppice::xmpp::muc
