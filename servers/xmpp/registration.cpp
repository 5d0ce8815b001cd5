#include "servers/xmpp/registration.hpp"

#include "servers/xmpp/namespaces.hpp"

namespace coppice::xmpp {

std::expected<registration_request, stanza_error> parse_registration(const xml::element& iq) {
  using kind = registration_request::kind;
  const xml::element* query = iq.child(ns::registration, "query");
  if (query == nullptr) return std::unexpected(stanza_error{condition::bad_request});
  if (iq.get("type") == "get") return registration_request{};
  if (query->child("remove") != nullptr) {
    if (query->children().size() > 1) return std::unexpected(stanza_error{condition::bad_request});
    return registration_request{.wants = kind::remove};
  }
  const auto user = query->text_of("username");
  const auto password = query->text_of("password");
  if (!user || !password || user->empty() || password->empty()) {
    return std::unexpected(stanza_error{condition::not_acceptable, "Name and password are wanted."});
  }
  return registration_request{.wants = kind::save, .user = *user, .password = *password};
}

xml::element registration_fields(const xml::element& iq) {
  xml::element query(ns::registration, "query");
  query.add(xml::element(ns::registration, "instructions").add_text("Choose a name and a password."));
  query.add(xml::element(ns::registration, "username"));
  query.add(xml::element(ns::registration, "password"));
  return result_reply(iq).add(std::move(query));
}

xml::element registered_as(const xml::element& iq, std::string_view user) {
  xml::element query(ns::registration, "query");
  query.add(xml::element(ns::registration, "registered"));
  query.add(xml::element(ns::registration, "username").add_text(user));
  query.add(xml::element(ns::registration, "password"));
  return result_reply(iq).add(std::move(query));
}

} // namespace coppice::xmpp
