#include "servers/messaging/core/client_wishes.hpp"

#include <algorithm>

namespace coppice::messaging {

client_wishes::client_wishes(const xmpp::disco_info& info) {
  std::size_t bytes = 0;
  for (const std::string& feature : info.features) {
    if (!feature.ends_with("+notify")) continue;
    bytes += feature.size();
    if (features_.size() == most || bytes > most_bytes) break;
    features_.push_back(feature);
  }
  std::ranges::sort(features_);
}

bool client_wishes::contains(std::string_view feature) const {
  const auto at = std::ranges::lower_bound(features_, feature);
  return at != features_.end() && *at == feature;
}

} // namespace coppice::messaging
