#include "servers/xmpp/data_form.hpp"

#include "servers/xmpp/jid.hpp"
#include "servers/xmpp/namespaces.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace coppice::xmpp {
namespace {

constexpr std::array<std::string_view, 4> kinds = {"form", "submit", "cancel", "result"};
constexpr std::array<std::string_view, 10> types = {
    "boolean",    "fixed",       "hidden",     "jid-multi",    "jid-single",
    "list-multi", "list-single", "text-multi", "text-private", "text-single",
};
static_assert(types.size() == static_cast<std::size_t>(field_type::text_single) + 1);

std::unexpected<std::string> wrong(std::string text) { return std::unexpected<std::string>(std::move(text)); }

/// Reads forms, and counts what they hold.
class form_reader {
public:
  explicit form_reader(const form_limits& limits) : limits_(limits) {}

  std::expected<data_form, std::string> form(const xml::element& x) {
    if (!x.is(ns::data_forms, "x")) return wrong("there is no form");
    const auto kind = std::ranges::find(kinds, x.get("type"));
    if (kind == kinds.end()) return wrong("the form's type is none of form, submit, cancel and result");
    data_form form;
    form.kind = static_cast<form_kind>(kind - kinds.begin());
    for (const xml::element* part : x.children()) {
      if (part->ns() == ns::data_forms) this->part(*part, form);
      if (!error_.empty()) return wrong(std::move(error_));
    }
    return form;
  }

private:
  void part(const xml::element& e, data_form& form) {
    if (e.name() == "field") {
      if (form.fields.size() == limits_.fields) return fail("the form has too many fields");
      form.fields.push_back(field(e));
    } else if (e.name() == "title") {
      form.title = text(e);
    } else if (e.name() == "instructions") {
      if (!form.instructions.empty()) form.instructions += '\n';
      form.instructions += text(e);
    } else if (e.name() == "reported") {
      form.reported = row(e);
    } else if (e.name() == "item") {
      if (form.items.size() == limits_.items) return fail("the form has too many items");
      form.items.push_back(row(e));
    }
  }

  std::vector<form_field> row(const xml::element& e) {
    std::vector<form_field> fields;
    for (const xml::element* part : e.children()) {
      if (!part->is(ns::data_forms, "field")) continue;
      if (fields.size() == limits_.fields) {
        fail("the form has too many fields");
        break;
      }
      fields.push_back(field(*part));
    }
    return fields;
  }

  form_field field(const xml::element& e) {
    form_field read{.var = std::string(e.get("var"))};
    if (const auto type = e.find("type")) {
      const auto known = std::ranges::find(types, *type);
      read.type =
          known == types.end() ? field_type::text_single : static_cast<field_type>(known - types.begin());
    }
    if (read.var.empty() && read.type != field_type::fixed) fail("a field has no 'var'");
    read.label = e.get("label");
    for (const xml::element* part : e.children()) {
      if (part->is(ns::validation, "validate")) read.open = part->child("open") != nullptr;
      if (part->ns() != ns::data_forms) continue;
      if (part->name() == "value") {
        if (read.values.size() == limits_.values) fail("a field has too many values");
        read.values.push_back(text(*part));
      } else if (part->name() == "option") {
        if (read.options.size() == limits_.values) fail("a field has too many options");
        const xml::element* value = part->child("value");
        read.options.push_back({std::string(part->get("label")), value == nullptr ? "" : text(*value)});
      } else if (part->name() == "required") {
        read.required = true;
      } else if (part->name() == "desc") {
        read.description = text(*part);
      }
      if (!error_.empty()) break;
    }
    return read;
  }

  std::string text(const xml::element& e) {
    std::string all = e.text();
    bytes_ += all.size();
    if (bytes_ > limits_.bytes) fail("the form holds too much");
    return all;
  }

  void fail(const char* what) {
    if (error_.empty()) error_ = what;
  }

  const form_limits& limits_;
  std::size_t bytes_ = 0;
  std::string error_; ///< the first
};

xml::element text_element(std::string_view name, std::string_view text) {
  return xml::element(ns::data_forms, name).add_text(text);
}

xml::element to_element(const form_field& f) {
  xml::element e(ns::data_forms, "field");
  if (!f.var.empty()) e.set("var", f.var);
  if (f.type) e.set("type", name_of(*f.type));
  if (!f.label.empty()) e.set("label", f.label);
  if (!f.description.empty()) e.add(text_element("desc", f.description));
  if (f.required) e.add(xml::element(ns::data_forms, "required"));
  for (const std::string& value : f.values) e.add(text_element("value", value));
  for (const form_option& o : f.options) {
    xml::element option(ns::data_forms, "option");
    if (!o.label.empty()) option.set("label", o.label);
    e.add(std::move(option).add(text_element("value", o.value)));
  }
  if (f.open) {
    xml::element validate(ns::validation, "validate");
    e.add(std::move(validate).add(xml::element(ns::validation, "open")));
  }
  return e;
}

void add_row(xml::element& form, std::string_view name, const std::vector<form_field>& fields) {
  xml::element row(ns::data_forms, name);
  for (const form_field& f : fields) row.add(to_element(f));
  form.add(std::move(row));
}

bool holds_many(field_type type) noexcept {
  return type == field_type::hidden || type == field_type::jid_multi || type == field_type::list_multi ||
         type == field_type::text_multi;
}

bool is_offered(const form_field& question, std::string_view value) {
  return question.open ||
         std::ranges::any_of(question.options, [value](const form_option& o) { return o.value == value; });
}

/// The value in its form; an error says what is wrong with it.
std::expected<std::string, std::string> checked_value(const form_field& question, const std::string& value) {
  switch (*question.type) {
  case field_type::boolean:
    if (const auto is = as_bool(value)) return *is ? "1" : "0";
    return wrong("must be 0 or 1");
  case field_type::jid_single:
  case field_type::jid_multi: {
    const auto address = jid::parse(value);
    if (!address) return wrong("must be an address: " + address.error());
    return address->text();
  }
  case field_type::list_single:
  case field_type::list_multi:
    if (is_offered(question, value)) return value;
    return wrong("has a value that is not among the options");
  default: return value;
  }
}

std::expected<form_field, std::string> checked_answer(const form_field& question, const form_field& given) {
  const field_type type = *question.type;
  form_field answer{.var = question.var, .type = type};
  for (const std::string& value : given.values) {
    // Many a client says that a field is not set by an empty value.
    const bool none = value.empty() && type != field_type::text_multi && !is_offered(question, value);
    if (none) continue;
    auto sound = checked_value(question, value);
    if (!sound) return wrong("'" + question.var + "' " + sound.error());
    const bool again =
        type == field_type::jid_multi && std::ranges::find(answer.values, *sound) != answer.values.end();
    if (!again) answer.values.push_back(std::move(*sound));
  }
  if (answer.values.size() > 1 && !holds_many(type))
    return wrong("'" + question.var + "' has several values");
  return answer;
}

} // namespace

std::string form_field::lines() const {
  std::string all;
  for (const std::string& line : values) {
    if (&line != values.data()) all += '\n';
    all += line;
  }
  return all;
}

data_form data_form::of(form_kind kind, std::string_view form_type) {
  data_form form;
  form.kind = kind;
  form_field& field = form.add("FORM_TYPE", form_type);
  if (kind != form_kind::submit) field.type = field_type::hidden;
  return form;
}

std::expected<data_form, std::string> data_form::parse(const xml::element& x, const form_limits& limits) {
  return form_reader(limits).form(x);
}

form_field& data_form::add(std::string_view var, field_type type, std::string_view label,
                           std::string_view value) {
  form_field& field = fields.emplace_back(form_field{.var = std::string(var)});
  field.type = type;
  field.label = label;
  if (!value.empty()) field.values.emplace_back(value);
  return field;
}

form_field& data_form::add_bool(std::string_view var, std::string_view label, bool value) {
  return add(var, field_type::boolean, label, value ? "1" : "0");
}

form_field& data_form::add(std::string_view var, std::string_view value) {
  form_field& field = fields.emplace_back(form_field{.var = std::string(var)});
  field.values.emplace_back(value);
  return field;
}

const form_field* data_form::find(std::string_view var) const noexcept {
  const auto found = std::ranges::find(fields, var, &form_field::var);
  return found == fields.end() ? nullptr : &*found;
}

std::optional<std::string_view> data_form::value(std::string_view var) const noexcept {
  const form_field* field = find(var);
  if (field == nullptr || field->values.empty()) return std::nullopt;
  return field->value();
}

xml::element to_element(const data_form& form) {
  xml::element x(ns::data_forms, "x");
  x.set("type", kinds.at(static_cast<std::size_t>(form.kind)));
  if (!form.title.empty()) x.add(text_element("title", form.title));
  if (!form.instructions.empty()) x.add(text_element("instructions", form.instructions));
  for (const form_field& f : form.fields) x.add(to_element(f));
  if (!form.reported.empty()) add_row(x, "reported", form.reported);
  for (const std::vector<form_field>& item : form.items) add_row(x, "item", item);
  return x;
}

std::string_view name_of(field_type type) noexcept { return types.at(static_cast<std::size_t>(type)); }

std::optional<bool> as_bool(std::string_view value) noexcept {
  if (value == "1" || value == "true") return true;
  if (value == "0" || value == "false") return false;
  return std::nullopt;
}

std::expected<data_form, std::string> checked_answers(const data_form& asked, const data_form& submitted) {
  if (submitted.kind != form_kind::submit) return wrong("the form is not submitted");
  if (!submitted.form_type().empty() && submitted.form_type() != asked.form_type()) {
    return wrong("'FORM_TYPE' is that of another form");
  }
  data_form answers;
  answers.kind = form_kind::submit;
  for (const form_field& question : asked.fields) {
    if (question.type == field_type::fixed) continue;
    form_field typed = question;
    if (!typed.type) typed.type = field_type::text_single;
    const form_field* given = submitted.find(question.var);
    if (given != nullptr) {
      auto answer = checked_answer(typed, *given);
      if (!answer) return wrong(std::move(answer.error()));
      answers.fields.push_back(std::move(*answer));
    }
    if (question.required && (given == nullptr || answers.fields.back().value().empty())) {
      return wrong("'" + question.var + "' is required");
    }
  }
  return answers;
}

} // namespace coppice::xmpp
