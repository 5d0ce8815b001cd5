// The token that only this node's own page has.
#pragma once

#include <string>

namespace coppice::console {

/// 32 random bytes of the system as base64url: 43 characters. Throws std::system_error if there are none.
std::string make_token();

} // namespace coppice::console
