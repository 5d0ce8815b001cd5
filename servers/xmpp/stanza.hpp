// What all stanzas have in common: kinds, replies, errors. RFC 6120 section 8.
#pragma once

#include "servers/xml/element.hpp"
#include "servers/xmpp/jid.hpp"

#include <cstdint>
#include <string>
#include <string_view>

namespace coppice::xmpp {

/// What a stanza is for, by its name.
enum class stanza_kind : std::uint8_t {
  none, ///< not a stanza
  message,
  presence,
  iq, ///< a request or its answer
};
/// The kind of an element of `jabber:client`.
[[nodiscard]] stanza_kind kind_of(const xml::element& e) noexcept;

/// The conditions of stanza errors (RFC 6120, 8.3.3).
enum class condition : std::uint8_t {
  bad_request,
  conflict,
  feature_not_implemented,
  forbidden,
  gone,
  internal_server_error,
  item_not_found,
  jid_malformed,
  not_acceptable,
  not_allowed,
  not_authorized,
  policy_violation,
  recipient_unavailable,
  redirect,
  registration_required,
  remote_server_not_found,
  remote_server_timeout,
  resource_constraint,
  service_unavailable,
  subscription_required,
  undefined_condition,
  unexpected_request,
};
/// As it stands in XML: `item-not-found`.
[[nodiscard]] std::string_view name_of(condition c) noexcept;
/// What whoever gets it should do: `auth`, `cancel`, `continue`, `modify` or `wait`, as 8.3.3 associates it.
[[nodiscard]] std::string_view type_of(condition c) noexcept;

/// Why a stanza is answered with an error.
struct stanza_error {
  condition is = condition::undefined_condition; ///< for programs
  std::string text = {};                         ///< for people, one line; may be empty
  std::string type = {};                         ///< '': the condition's own
  xml::element more = {};                        ///< a condition of the application; may be none

  bool operator==(const stanza_error&) const = default;
};

/// `<error/>` of `jabber:client`.
[[nodiscard]] xml::element to_element(const stanza_error& e);
/// The answer to a stanza that says so: addresses the other way round, `type` error, the same id, without
/// what was in it. Nobody may answer an error with an error: `may_be_answered`.
[[nodiscard]] xml::element error_reply(const xml::element& stanza, const stanza_error& e);
/// Whether an error may be sent for it: not for errors, nor for the result of an iq, nor without `from`.
[[nodiscard]] bool may_be_answered(const xml::element& stanza) noexcept;
/// The empty result of an iq: addresses the other way round, `type` result, the same id.
[[nodiscard]] xml::element result_reply(const xml::element& iq);

/// An empty stanza: `make_stanza("presence", from, to, "unavailable")`. What is '' is left out.
[[nodiscard]] xml::element make_stanza(std::string_view name, std::string_view from, std::string_view to,
                                       std::string_view type = "");

/// An iq of `get` or `set` with exactly one element in it, a result with at most one, an error; with an id.
[[nodiscard]] bool is_sound_iq(const xml::element& iq) noexcept;

} // namespace coppice::xmpp
