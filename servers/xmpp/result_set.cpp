#include "servers/xmpp/result_set.hpp"

#include "servers/xmpp/namespaces.hpp"

#include <algorithm>
#include <charconv>
#include <string_view>
#include <utility>

namespace coppice::xmpp {
namespace {

stanza_error bad(std::string_view what) {
  return {condition::bad_request, "The page asked for makes no sense: '" + std::string(what) + "'."};
}

/// The number in the child of that name, if there is such a child.
std::expected<std::optional<std::size_t>, stanza_error> number_in(const xml::element& set,
                                                                  std::string_view name) {
  const auto text = set.text_of(name);
  if (!text) return std::nullopt;
  std::size_t number = 0;
  const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), number);
  if (error != std::errc() || end != text->data() + text->size()) return std::unexpected(bad(name));
  return number;
}

void add_text(xml::element& set, std::string_view name, std::string_view text) {
  xml::element child(ns::rsm, name);
  child.add_text(text);
  set.add(std::move(child));
}

} // namespace

std::size_t page_request::size(std::size_t most) const noexcept { return std::min(max.value_or(most), most); }

std::expected<page_request, stanza_error> parse_page_request(const xml::element& parent) {
  page_request page;
  const xml::element* set = parent.child(ns::rsm, "set");
  if (set == nullptr) return page;
  auto max = number_in(*set, "max");
  if (!max) return std::unexpected(std::move(max).error());
  page.max = *max;
  auto index = number_in(*set, "index");
  if (!index) return std::unexpected(std::move(index).error());
  page.index = *index;
  page.after = set->text_of("after");
  page.before = set->text_of("before");
  if (page.after && (page.after->empty() || page.after->size() > most_page_id)) {
    return std::unexpected(bad("after"));
  }
  if (page.before && page.before->size() > most_page_id) return std::unexpected(bad("before"));
  return page;
}

xml::element to_element(const page_info& page) {
  xml::element set(ns::rsm, "set");
  if (!page.first.empty()) {
    xml::element first(ns::rsm, "first");
    if (page.first_index) first.set("index", std::to_string(*page.first_index));
    first.add_text(page.first);
    set.add(std::move(first));
    add_text(set, "last", page.last);
  }
  if (page.count) add_text(set, "count", std::to_string(*page.count));
  return set;
}

} // namespace coppice::xmpp
