#include "servers/messaging/core/discovery.hpp"

#include "servers/xmpp/caps.hpp"
#include "servers/xmpp/namespaces.hpp"
#include "servers/xmpp/pubsub/account.hpp"

namespace coppice::messaging {

namespace ns = xmpp::ns;

namespace {

constexpr std::string_view software = "urn:coppice:messaging"; ///< the node of our capabilities

} // namespace

xmpp::disco_info server_info(bool registers) {
  xmpp::disco_info info{.identities = {{"server", "im", "Coppice"}},
                        .features = {std::string(ns::disco_info), std::string(ns::disco_items),
                                     std::string(ns::ping), std::string(ns::version), std::string(ns::time),
                                     std::string(ns::blocking), std::string(ns::private_storage),
                                     std::string(ns::vcard), std::string(ns::carbons), std::string(ns::caps),
                                     "msgoffline"}};
  if (registers) info.features.emplace_back(ns::registration);
  return info;
}

xmpp::disco_info account_info() {
  xmpp::disco_info info{
      .identities = {{"account", "registered"}, {"pubsub", "pep"}},
      .features = {std::string(ns::disco_info), std::string(ns::disco_items), std::string(ns::archive),
                   "urn:xmpp:mam:2#extended", std::string(ns::stanza_ids), std::string(ns::carbons),
                   std::string(ns::vcard), std::string(ns::vcard_conversion),
                   std::string(ns::bookmarks_conversion), std::string(ns::bookmarks) + "#compat",
                   std::string(ns::bookmarks) + "#compat-pep"}};
  for (std::string& feature : xmpp::pubsub::account_features()) info.features.push_back(std::move(feature));
  return info;
}

xmpp::disco_info node_info(std::string_view node) {
  return {.node = std::string(node),
          .identities = {{"pubsub", "leaf"}},
          .features = {std::string(ns::disco_info), std::string(ns::pubsub)}};
}

xml::element server_caps(bool registers) { return xmpp::make_caps(software, server_info(registers)); }

bool is_server_node(std::string_view node, bool registers) {
  if (node.empty()) return true;
  return node == std::string(software) + '#' + std::string(server_caps(registers).get("ver"));
}

} // namespace coppice::messaging
