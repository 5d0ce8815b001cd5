// Of which nodes a client wants to hear: what its capabilities say with `+notify`. XEP-0163 section 4.3.1,
// XEP-0115.
#pragma once

#include "servers/xmpp/disco.hpp"

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace coppice::messaging {

/// The features of a client that end in `+notify`. A value that many sessions share.
class client_wishes {
public:
  static constexpr std::size_t most = 100;         ///< features; more are left out
  static constexpr std::size_t most_bytes = 8'192; ///< of all of them together; likewise

  client_wishes() = default;
  explicit client_wishes(const xmpp::disco_info& info);

  /// Logarithmic.
  [[nodiscard]] bool contains(std::string_view feature) const;
  [[nodiscard]] bool empty() const noexcept { return features_.empty(); }

private:
  std::vector<std::string> features_; ///< sorted
};

} // namespace coppice::messaging
