#include "servers/xmpp/private_storage.hpp"

#include "servers/xmpp/namespaces.hpp"

#include <string_view>
#include <utility>

namespace coppice::xmpp {
namespace {

/// Namespaces of the protocol itself, in which nothing can be kept (XEP-0049, 2.3).
bool is_reserved(std::string_view ns) noexcept {
  return ns.empty() || ns.starts_with("jabber:") || ns.starts_with("http://jabber.org/") || ns == ns::vcard;
}

} // namespace

std::string private_key(const xml::element& part) { return part.ns() + ' ' + part.name(); }

std::expected<private_request, stanza_error> parse_private_request(const xml::element& iq, std::size_t most) {
  const xml::element* query = iq.first();
  if (query == nullptr || !query->is(ns::private_storage, "query")) {
    return std::unexpected(stanza_error{condition::bad_request, "There is no query."});
  }
  private_request request{.keeps = iq.get("type") == "set"};
  const auto parts = query->children();
  if (parts.empty() || parts.size() > (request.keeps ? most : 1)) {
    return std::unexpected(stanza_error{condition::bad_request, "There are too few parts, or too many."});
  }
  for (const xml::element* part : parts) {
    if (is_reserved(part->ns())) {
      return std::unexpected(
          stanza_error{condition::not_acceptable, "Nothing can be kept in this namespace."});
    }
    request.parts.push_back(request.keeps ? *part : xml::element(part->ns(), part->name()));
  }
  return request;
}

xml::element private_result(const xml::element& iq, xml::element part) {
  xml::element query(ns::private_storage, "query");
  query.add(std::move(part));
  return result_reply(iq).add(std::move(query));
}

} // namespace coppice::xmpp
