// A certificate for servers that have none yet.
#pragma once

#include "coppice/net/tls.hpp"

#include <expected>
#include <string>

namespace coppice::messaging {

/// The certificate and key in a folder (`certificate.pem`, `key.pem`); made there, signed by itself, for ten
/// years and that domain with its rooms' and uploads', if there are none. Clients that check will ask their
/// users about it. The error names the file. Blocks.
std::expected<net::tls_identity, std::string> own_certificate(const std::string& folder,
                                                              const std::string& domain);

} // namespace coppice::messaging
