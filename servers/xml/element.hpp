// A piece of XML with its namespaces resolved: what an XMPP stanza is.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace coppice::xml {

/// The namespace of `xml:lang` and its like.
inline constexpr std::string_view xml_namespace = "http://www.w3.org/XML/1998/namespace";

/// `name="value"`; the namespace is `''` unless the name has a prefix.
struct attribute {
  std::string ns;    ///< the URI, not the prefix
  std::string name;  ///< without a prefix
  std::string value; ///< with references resolved

  bool operator==(const attribute&) const = default;
};

/// An element with what is in it: attributes, elements and text, in order. A value; copying is deep.
/// Two are equal if they say the same, in whatever way it was written: of prefixes nothing is kept.
class element {
public:
  element() = default;
  /// `ns` is the URI of its namespace.
  element(std::string_view ns, std::string_view name) : ns_(ns), name_(name) {}

  [[nodiscard]] const std::string& ns() const noexcept { return ns_; }     ///< the URI of its namespace
  [[nodiscard]] const std::string& name() const noexcept { return name_; } ///< without a prefix
  /// Whether it has that name in that namespace.
  [[nodiscard]] bool is(std::string_view ns, std::string_view name) const noexcept {
    return name_ == name && ns_ == ns;
  }

  /// @{
  /// The attribute's value, or nothing. Linear in their number.
  [[nodiscard]] std::optional<std::string_view> find(std::string_view name) const noexcept {
    return find("", name);
  }
  [[nodiscard]] std::optional<std::string_view> find(std::string_view ns,
                                                     std::string_view name) const noexcept;
  /// @}
  /// The attribute's value; '' where there is none.
  [[nodiscard]] std::string_view get(std::string_view name) const noexcept {
    return find(name).value_or(std::string_view());
  }
  /// @{
  /// Gives an attribute a value, in the place of one it had.
  element& set(std::string_view name, std::string_view value) { return set("", name, value); }
  element& set(std::string_view ns, std::string_view name, std::string_view value);
  /// @}
  /// Takes an attribute away, if it is there.
  void unset(std::string_view name);
  /// In the order in which they were set.
  [[nodiscard]] const std::vector<attribute>& attributes() const noexcept { return attributes_; }

  /// @{
  /// The first child of that name, in the element's own namespace or another; null if there is none.
  [[nodiscard]] const element* child(std::string_view name) const noexcept { return child(ns_, name); }
  [[nodiscard]] const element* child(std::string_view ns, std::string_view name) const noexcept;
  /// @}
  /// The first child that is an element; null if there is none.
  [[nodiscard]] const element* first() const noexcept;
  /// The children that are elements, in order.
  [[nodiscard]] std::vector<const element*> children() const;
  /// What stands in it as text, without that of its children.
  [[nodiscard]] std::string text() const;
  /// The text of the first child of that name in its own namespace; nothing if there is none.
  [[nodiscard]] std::optional<std::string> text_of(std::string_view name) const;
  /// Whether there is nothing in it.
  [[nodiscard]] bool empty() const noexcept { return content_.empty(); }

  /// Adds a child at the end.
  element& add(element child) &;
  /// The same, for building: `element(ns, "a").add(...)`.
  element&& add(element child) && { return std::move(add(std::move(child))); }
  /// Adds text at the end. What no XML can hold (control characters, broken UTF-8) becomes U+FFFD.
  element& add_text(std::string_view text) &;
  /// The same, for building.
  element&& add_text(std::string_view text) && { return std::move(add_text(text)); }
  /// Removes the children of that name and namespace; says how many there were.
  std::size_t remove(std::string_view ns, std::string_view name);

  /// As XML, without white space of its own. `around` is the default namespace where it will stand: there it
  /// need not be declared.
  [[nodiscard]] std::string to_string(std::string_view around = "") const;
  /// The same behind `out`.
  void append_to(std::string& out, std::string_view around = "") const;
  /// Its start tag alone, open for what follows.
  void append_start_to(std::string& out, std::string_view around = "") const;

  bool operator==(const element&) const;

  /// @cond internal
  /// Adds text that a parser has found sound. Whether it began a new part.
  bool append_parsed(std::string_view text);
  /// @endcond

private:
  [[nodiscard]] bool is_text() const noexcept { return name_.empty(); }

  std::string ns_;
  std::string name_; ///< empty: it is but text
  std::string text_;
  std::vector<attribute> attributes_;
  std::vector<element> content_;
};

/// `text` as the content of an element: with references for what would be taken for markup.
void append_escaped(std::string& out, std::string_view text);

} // namespace coppice::xml
