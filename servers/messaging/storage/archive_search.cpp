#include "servers/messaging/storage/archive_search.hpp"

#include <algorithm>
#include <charconv>

namespace coppice::messaging::storage {
namespace {

using xmpp::condition;
using xmpp::stanza_error;

std::unexpected<stanza_error> not_found() {
  return std::unexpected(
      stanza_error{condition::item_not_found, "There is no such message in this archive."});
}

/// The number of a message that must be there.
std::expected<std::int64_t, stanza_error> known(store::transaction& t, std::string_view owner,
                                                std::string_view text) {
  const std::optional<std::int64_t> id = archive_id_of(text);
  if (!id || !is_archived(t, owner, *id)) return not_found();
  return *id;
}

std::expected<archive_filter, stanza_error> filter_of(store::transaction& t, std::string_view owner,
                                                      const xmpp::archive_query& query) {
  archive_filter filter{.with_bare = std::string(query.with.bare_text()),
                        .with_resource = std::string(query.with.resource()),
                        .start = query.start,
                        .end = query.end};
  const std::string none;
  for (const std::string& after : {query.after_id, query.page.after.value_or(none)}) {
    if (after.empty()) continue;
    const auto id = known(t, owner, after);
    if (!id) return std::unexpected(id.error());
    filter.after = std::max(filter.after, *id);
  }
  for (const std::string& before : {query.before_id, query.page.before.value_or(none)}) {
    if (before.empty()) continue;
    const auto id = known(t, owner, before);
    if (!id) return std::unexpected(id.error());
    filter.before = std::min(filter.before, *id);
  }
  return filter;
}

std::expected<found_in_archive, stanza_error> single_ones(store::transaction& t, std::string_view owner,
                                                          const std::vector<std::string>& texts) {
  std::vector<std::int64_t> ids;
  ids.reserve(texts.size());
  for (const std::string& text : texts) {
    const std::optional<std::int64_t> id = archive_id_of(text);
    if (!id) return not_found();
    ids.push_back(*id);
  }
  auto entries = load_archive_entries(t, owner, ids);
  if (!entries) return not_found();
  return found_in_archive{.entries = std::move(*entries), .page = {}, .complete = true};
}

} // namespace

std::optional<std::int64_t> archive_id_of(std::string_view text) noexcept {
  std::int64_t id = 0;
  const auto read = std::from_chars(text.data(), text.data() + text.size(), id);
  if (read.ec != std::errc() || read.ptr != text.data() + text.size() || id <= 0) return std::nullopt;
  return id;
}

std::expected<found_in_archive, stanza_error> search_archive(store::transaction& t, std::string_view owner,
                                                             const xmpp::archive_query& query) {
  if (query.page.index) {
    return std::unexpected(
        stanza_error{condition::feature_not_implemented, "Pages are found by identifiers, not by numbers."});
  }
  found_in_archive found;
  if (!query.ids.empty()) {
    auto all = single_ones(t, owner, query.ids);
    if (!all) return all;
    found = std::move(*all);
  } else {
    const auto filter = filter_of(t, owner, query);
    if (!filter) return std::unexpected(filter.error());
    const std::size_t most = query.page.max ? query.page.size(most_on_page) : usual_on_page;
    archive_filter whole = *filter;
    whole.after = 0;
    whole.before = INT64_MAX;
    found.page.count = count_archive(t, owner, whole);
    if (most == 0) return found;
    archive_page page = load_archive(t, owner, *filter, most, query.page.is_backwards());
    found.entries = std::move(page.entries);
    found.complete = page.complete;
  }
  if (!found.entries.empty()) {
    found.page.first = std::to_string(found.entries.front().id);
    found.page.last = std::to_string(found.entries.back().id);
  }
  if (query.flipped) std::ranges::reverse(found.entries);
  return found;
}

} // namespace coppice::messaging::storage
