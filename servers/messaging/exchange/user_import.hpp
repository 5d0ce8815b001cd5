// Users of another server, from a file of XEP-0227: ejabberd, Prosody and others write it.
#pragma once

#include "coppice/store/database.hpp"
#include "servers/messaging/core/settings.hpp"

#include <cstddef>
#include <expected>
#include <string>
#include <vector>

namespace coppice::messaging::exchange {

/// What has come of it.
struct import_report {
  std::size_t users = 0;             ///< that there are now, and were not before
  std::vector<std::string> one_hash; ///< those who can sign in by one mechanism alone: `alice by SCRAM-SHA-1`
  std::vector<std::string> left_out; ///< what could not be taken over, a line each; at most some thousand
  std::size_t left_out_in_all = 0;
};

/// Makes accounts of the users of the domain (`how.domain`) in the file, with what it has of them. Who has an
/// account already is left out, with all of his. A user is there when all of his is: what is broken off goes
/// on when it is begun again. Blocks; nobody else may write meanwhile. The error names the file and the
/// place; users before it are there then.
std::expected<import_report, std::string> import_users(const store::database& db, const settings& how,
                                                       const std::string& file);

} // namespace coppice::messaging::exchange
