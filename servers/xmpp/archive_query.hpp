// Questions to an archive of messages, and its answers. XEP-0313, with the preferences of XEP-0441.
#pragma once

#include "servers/xml/element.hpp"
#include "servers/xmpp/delay.hpp"
#include "servers/xmpp/jid.hpp"
#include "servers/xmpp/result_set.hpp"
#include "servers/xmpp/stanza.hpp"

#include <cstddef>
#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace coppice::xmpp {

/// Which messages of an archive are wanted. What is nothing or empty was not said.
struct archive_query {
  std::string id = {};                         ///< of the query, to come back in each result
  jid with = {};                               ///< the other side; without a resource: with any
  std::optional<instant> start = std::nullopt; ///< at that time or later
  std::optional<instant> end = std::nullopt;   ///< at that time or earlier
  std::string after_id = {};                   ///< behind that message
  std::string before_id = {};                  ///< before that one
  std::vector<std::string> ids = {};           ///< these alone; one that is not there is an error
  page_request page = {};                      ///< the part of the result
  bool flipped = false;                        ///< each page is sent from its end

  bool operator==(const archive_query&) const = default;
};
/// What a query holds at most.
struct archive_query_limits {
  std::size_t ids = 100;      ///< single messages
  std::size_t id_bytes = 255; ///< of the query's own identifier
};
/// Reads `<query/>` of an iq of type set. Errors: bad-request, jid-malformed; feature-not-implemented for
/// fields that are not known (4.1.5); resource-constraint for too many ids.
[[nodiscard]] std::expected<archive_query, stanza_error>
parse_archive_query(const xml::element& query, const archive_query_limits& limits = {});
/// `<query/>` with the fields that are known: the answer to an iq of type get.
[[nodiscard]] xml::element make_archive_form();

/// A message as the archive has it.
struct archived_message {
  std::string id;      ///< in the archive
  instant at;          ///< when it came
  xml::element stanza; ///< the message
};
/// The message that brings one to the client `to`; `archive` is whose it is, a bare address.
[[nodiscard]] xml::element make_archive_result(std::string_view archive, std::string_view to,
                                               std::string_view query_id, archived_message message);
/// `<fin/>`, in the result of the iq. `complete`: there is nothing more on that side.
[[nodiscard]] xml::element make_archive_end(const page_info& page, bool complete);

/// The first or the last of an archive.
struct archive_end {
  std::string id;
  instant at;
};
/// `<metadata/>`; both or neither are there.
[[nodiscard]] xml::element make_archive_metadata(const std::optional<archive_end>& first,
                                                 const std::optional<archive_end>& last);

/// With whom a user's messages are archived.
struct archive_preferences {
  enum class policy : std::uint8_t { always, never, roster };
  policy otherwise = policy::always; ///< with those who are in neither list
  std::vector<jid> always = {};
  std::vector<jid> never = {};

  /// Whether messages with `other` are; an entry without a resource stands for all of an address. Linear.
  [[nodiscard]] bool allows(const jid& other, bool is_in_roster) const noexcept;

  bool operator==(const archive_preferences&) const = default;
};
/// Reads `<prefs/>`, with at most `most` addresses in each list. Errors: bad-request, jid-malformed,
/// resource-constraint.
[[nodiscard]] std::expected<archive_preferences, stanza_error>
parse_archive_preferences(const xml::element& prefs, std::size_t most = 500);
/// `<prefs/>`.
[[nodiscard]] xml::element to_element(const archive_preferences& preferences);

} // namespace coppice::xmpp
