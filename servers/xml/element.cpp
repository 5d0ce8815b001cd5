#include "servers/xml/element.hpp"

#include "coppice/term/detail/utf8.hpp"

#include <algorithm>

namespace coppice::xml {
namespace {

/// As an attribute's value white space other than a blank would come out as a blank, unless referred to.
void append_value(std::string& out, std::string_view value) {
  for (const char c : value) {
    switch (c) {
    case '&': out += "&amp;"; break;
    case '<': out += "&lt;"; break;
    case '"': out += "&quot;"; break;
    case '\t': out += "&#9;"; break;
    case '\n': out += "&#10;"; break;
    case '\r': out += "&#13;"; break;
    default: out.push_back(c);
    }
  }
}

/// What XML 1.0 calls a Char.
bool is_char(char32_t c) noexcept {
  return c == 9 || c == 10 || c == 13 || (c >= 0x20 && c <= 0xd7ff) || (c >= 0xe000 && c <= 0xfffd) ||
         (c >= 0x10000 && c <= 0x10ffff);
}

/// The text with U+FFFD for what no XML can hold.
std::string clean(std::string_view text) {
  constexpr std::string_view replacement = "\xef\xbf\xbd";
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) {
    std::string_view rest = text;
    const auto c = coppice::detail::take_utf8(rest);
    if (!c) {
      out += replacement;
      text.remove_prefix(1);
      continue;
    }
    const std::size_t length = text.size() - rest.size();
    out += is_char(*c) ? text.substr(0, length) : replacement;
    text = rest;
  }
  return out;
}

} // namespace

void append_escaped(std::string& out, std::string_view text) {
  for (const char c : text) {
    switch (c) {
    case '&': out += "&amp;"; break;
    case '<': out += "&lt;"; break;
    case '>': out += "&gt;"; break;   // `]]>` may not stand in text
    case '\r': out += "&#13;"; break; // else it would come out as a line feed
    default: out.push_back(c);
    }
  }
}

std::optional<std::string_view> element::find(std::string_view ns, std::string_view name) const noexcept {
  for (const attribute& a : attributes_) {
    if (a.name == name && a.ns == ns) return a.value;
  }
  return std::nullopt;
}

element& element::set(std::string_view ns, std::string_view name, std::string_view value) {
  for (attribute& a : attributes_) {
    if (a.name != name || a.ns != ns) continue;
    a.value = clean(value);
    return *this;
  }
  attributes_.push_back({std::string(ns), std::string(name), clean(value)});
  return *this;
}

void element::unset(std::string_view name) {
  std::erase_if(attributes_, [name](const attribute& a) { return a.name == name && a.ns.empty(); });
}

const element* element::child(std::string_view ns, std::string_view name) const noexcept {
  for (const element& p : content_) {
    if (p.is(ns, name)) return &p;
  }
  return nullptr;
}

const element* element::first() const noexcept {
  for (const element& p : content_) {
    if (!p.is_text()) return &p;
  }
  return nullptr;
}

std::vector<const element*> element::children() const {
  std::vector<const element*> all;
  all.reserve(content_.size());
  for (const element& p : content_) {
    if (!p.is_text()) all.push_back(&p);
  }
  return all;
}

std::string element::text() const {
  std::string all;
  for (const element& p : content_) all += p.text_;
  return all;
}

std::optional<std::string> element::text_of(std::string_view name) const {
  const element* found = child(name);
  if (found == nullptr) return std::nullopt;
  return found->text();
}

element& element::add(element child) & {
  content_.push_back(std::move(child));
  return *this;
}

element& element::add_text(std::string_view text) & {
  if (!text.empty()) append_parsed(clean(text));
  return *this;
}

bool element::append_parsed(std::string_view text) {
  const bool fresh = content_.empty() || !content_.back().is_text();
  if (fresh) content_.emplace_back();
  content_.back().text_ += text;
  return fresh;
}

std::size_t element::remove(std::string_view ns, std::string_view name) {
  return std::erase_if(content_, [&](const element& p) { return p.is(ns, name); });
}

std::string element::to_string(std::string_view around) const {
  std::string out;
  append_to(out, around);
  return out;
}

void element::append_start_to(std::string& out, std::string_view around) const {
  out.push_back('<');
  out += name_;
  if (ns_ != around) {
    out += " xmlns=\"";
    append_value(out, ns_);
    out.push_back('"');
  }
  std::size_t prefixes = 0;
  for (const attribute& a : attributes_) {
    out.push_back(' ');
    if (a.ns == xml_namespace) {
      out += "xml:";
    } else if (!a.ns.empty()) {
      const std::string prefix = "ns" + std::to_string(prefixes++);
      out += "xmlns:" + prefix + "=\"";
      append_value(out, a.ns);
      out += "\" " + prefix + ":";
    }
    out += a.name;
    out += "=\"";
    append_value(out, a.value);
    out.push_back('"');
  }
  out.push_back('>');
}

void element::append_to(std::string& out, std::string_view around) const {
  append_start_to(out, around);
  if (content_.empty()) {
    out.back() = '/';
    out.push_back('>');
    return;
  }
  for (const element& p : content_) {
    if (p.is_text()) {
      append_escaped(out, p.text_);
    } else {
      p.append_to(out, ns_);
    }
  }
  out += "</";
  out += name_;
  out.push_back('>');
}

bool element::operator==(const element& other) const {
  return name_ == other.name_ && ns_ == other.ns_ && text_ == other.text_ &&
         std::ranges::is_permutation(attributes_, other.attributes_) && content_ == other.content_;
}

} // namespace coppice::xml
