// Data forms: questions with their answers. XEP-0004, with the FORM_TYPE of XEP-0068.
#pragma once

#include "servers/xml/element.hpp"

#include <cstddef>
#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace coppice::xmpp {

/// What a form is for.
enum class form_kind : std::uint8_t {
  form,   ///< to be filled in
  submit, ///< filled in
  cancel, ///< not filled in
  result, ///< data
};

/// What a field holds (XEP-0004, 3.3).
enum class field_type : std::uint8_t {
  boolean,
  fixed, ///< text for people, not a question
  hidden,
  jid_multi,
  jid_single,
  list_multi,
  list_single,
  text_multi, ///< a value is a line
  text_private,
  text_single,
};

/// One of the values to choose from.
struct form_option {
  std::string label; ///< for people; may be empty
  std::string value;

  bool operator==(const form_option&) const = default;
};

/// A question, an answer, or both.
struct form_field {
  std::string var;                               ///< its name; only a fixed field may have none
  std::optional<field_type> type = std::nullopt; ///< may be left out in what is no question
  std::string label = {};                        ///< for people; may be empty
  std::string description = {};                  ///< likewise
  bool required = false;                         ///< an answer must have it
  bool open = false;                             ///< not only the options may be chosen (XEP-0122)
  std::vector<std::string> values = {};          ///< default, or answer
  std::vector<form_option> options = {};         ///< for lists

  /// The first value; '' if there is none.
  [[nodiscard]] std::string_view value() const noexcept {
    return values.empty() ? std::string_view() : std::string_view(values.front());
  }
  /// All values, as the lines of one text.
  [[nodiscard]] std::string lines() const;

  bool operator==(const form_field&) const = default;
};

/// What is read at most of one form; stanzas have bounds of their own.
struct form_limits {
  std::size_t fields = 256;                   ///< in the form, and in each of its items
  std::size_t values = 1024;                  ///< of one field, likewise options
  std::size_t items = 1024;                   ///< of a result
  std::size_t bytes = std::size_t{256} << 10; ///< of all values together
};

/// A form. A value; built member by member or by `add`.
struct data_form {
  form_kind kind = form_kind::form;
  std::string title = {};
  std::string instructions = {};                   ///< lines
  std::vector<form_field> fields = {};             ///< in order
  std::vector<form_field> reported = {};           ///< the heads of a table (XEP-0004, 3.4)
  std::vector<std::vector<form_field>> items = {}; ///< its rows

  /// A form of that FORM_TYPE (XEP-0068), which is its first field.
  [[nodiscard]] static data_form of(form_kind kind, std::string_view form_type);
  /// Reads `<x xmlns='jabber:x:data'/>`; the error says what is wrong, for people. Linear.
  [[nodiscard]] static std::expected<data_form, std::string> parse(const xml::element& x,
                                                                   const form_limits& limits = {});

  /// @{
  /// Adds a field with at most one value at the end; the field, for more.
  form_field& add(std::string_view var, field_type type, std::string_view label, std::string_view value = "");
  form_field& add_bool(std::string_view var, std::string_view label, bool value);
  /// The same without a type: in a result or a submission.
  form_field& add(std::string_view var, std::string_view value);
  /// @}

  /// The field of that name; null if there is none. Linear.
  [[nodiscard]] const form_field* find(std::string_view var) const noexcept;
  /// The first value of that field; nothing if there is no such field or it has none.
  [[nodiscard]] std::optional<std::string_view> value(std::string_view var) const noexcept;
  /// What FORM_TYPE says; '' if it is not there.
  [[nodiscard]] std::string_view form_type() const noexcept { return value("FORM_TYPE").value_or(""); }

  bool operator==(const data_form&) const = default;
};

/// `<x xmlns='jabber:x:data'/>`.
[[nodiscard]] xml::element to_element(const data_form& form);

/// The name of a type as it stands in XML: `text-single`.
[[nodiscard]] std::string_view name_of(field_type type) noexcept;
/// What a boolean field's value says: `0`, `1`, `false`, `true`.
[[nodiscard]] std::optional<bool> as_bool(std::string_view value) noexcept;

/// The answers to `asked`, if they are such: fields that were not asked are left out, those that are have the
/// type of the question, values are of that type (booleans become `0` or `1`, JIDs their form, without
/// doubles), and what is required is there. A field that is left out stays out: its value is not to change.
/// An error, for people, names the field; it is answered with `not-acceptable` (XEP-0004, 4).
[[nodiscard]] std::expected<data_form, std::string> checked_answers(const data_form& asked,
                                                                    const data_form& submitted);

} // namespace coppice::xmpp
