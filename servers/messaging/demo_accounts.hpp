// Accounts for whoever tries the server.
#pragma once

#include "servers/messaging/shell/host.hpp"

#include <expected>
#include <string>
#include <vector>

namespace coppice::messaging {

/// One of them, with the password that nobody else knows.
struct demo_account {
  std::string address; ///< bare
  std::string password;
};

/// Makes `alice` and `bob`, contacts of each other, if the server has no account yet; gives those that it
/// made. Blocks; for before the server runs.
std::expected<std::vector<demo_account>, std::string> make_demo_accounts(const host& h);

} // namespace coppice::messaging
