#include "servers/messaging/core/host_meta.hpp"

#include "servers/xml/element.hpp"
#include "servers/xmpp/namespaces.hpp"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

namespace coppice::messaging {

std::string host_meta_xrd(std::string_view websocket) {
  constexpr std::string_view xrd = "http://docs.oasis-open.org/ns/xri/xrd-1.0";
  xml::element document(xrd, "XRD");
  if (!websocket.empty()) {
    document.add(xml::element(xrd, "Link").set("rel", xmpp::ns::host_meta_websocket).set("href", websocket));
  }
  return "<?xml version='1.0' encoding='utf-8'?>\n" + document.to_string() + "\n";
}

std::string host_meta_json(std::string_view websocket) {
  boost::json::array links;
  if (!websocket.empty()) {
    boost::json::object link;
    link["rel"] = xmpp::ns::host_meta_websocket;
    link["href"] = websocket;
    links.push_back(std::move(link));
  }
  boost::json::object document;
  document["links"] = std::move(links);
  return boost::json::serialize(document) + "\n";
}

} // namespace coppice::messaging
