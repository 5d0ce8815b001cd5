// Whom a user does not want to hear from, nor to be seen by. XEP-0191.
#pragma once

#include "servers/xml/element.hpp"
#include "servers/xmpp/jid.hpp"
#include "servers/xmpp/stanza.hpp"

#include <cstddef>
#include <cstdint>
#include <expected>
#include <functional>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace coppice::xmpp {

/// The addresses that a user blocks. An entry with a resource stands for that address alone, one without for
/// all of its resources, one without local part for all of its domain (5). A value.
class block_list {
public:
  /// Blocks it; whether that is new.
  bool add(const jid& who) { return blocked_.insert(who.text()).second; }
  /// Blocks it no longer; whether it was blocked by that very entry.
  bool remove(const jid& who) { return blocked_.erase(who.text()) != 0; }
  /// Blocks nobody.
  void clear() noexcept { blocked_.clear(); }
  [[nodiscard]] std::size_t size() const noexcept { return blocked_.size(); } ///< entries
  /// The entries, by their text.
  [[nodiscard]] const std::set<std::string, std::less<>>& entries() const noexcept { return blocked_; }

  /// Whether an entry stands for it. Logarithmic.
  [[nodiscard]] bool blocks(const jid& who) const;

private:
  std::set<std::string, std::less<>> blocked_;
};

/// What a client wants of the list.
struct block_request {
  enum class kind : std::uint8_t {
    list,        ///< to see it, and all changes from then on
    block,       ///< `who`, too
    unblock,     ///< `who` no longer
    unblock_all, ///< nobody any longer
  };
  kind wants = kind::list;
  std::vector<jid> who = {};

  bool operator==(const block_request&) const = default;
};
/// Of an iq that holds `<blocklist/>`, `<block/>` or `<unblock/>`, with at most `most` addresses. Errors:
/// bad-request, jid-malformed, resource-constraint.
[[nodiscard]] std::expected<block_request, stanza_error> parse_block_request(const xml::element& iq,
                                                                             std::size_t most = 1'000);
/// The answer to a request to see the list.
[[nodiscard]] xml::element block_list_result(const xml::element& iq, const block_list& list);
/// Tells one of the user's clients (`to`: full) what has been changed by a request that changes anything.
[[nodiscard]] xml::element block_push(const block_request& change, std::string_view to, std::string_view id);

/// What becomes of a stanza between a user and somebody whom he blocks.
struct block_verdict {
  bool passes = false;                               ///< it goes its way
  std::optional<stanza_error> answer = std::nullopt; ///< it does not, and its sender is told so

  bool operator==(const block_verdict&) const = default;
};
/// A stanza to `user` from `from`. Whoever is blocked finds the user not there.
[[nodiscard]] block_verdict judge_incoming(const block_list& list, const jid& user, const jid& from,
                                           const xml::element& stanza);
/// A stanza of `user` to `to`.
[[nodiscard]] block_verdict judge_outgoing(const block_list& list, const jid& user, const jid& to,
                                           const xml::element& stanza);

} // namespace coppice::xmpp
