// How the messaging server is run.
#pragma once

#include "coppice/runtime/clock.hpp"
#include "servers/messaging/core/sign_in_throttle.hpp"
#include "servers/messaging/core/traffic.hpp"
#include "servers/xml/stream_parser.hpp"
#include "servers/xmpp/negotiation.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>

namespace coppice::messaging {

/// Files that users send by way of the server (XEP-0363). All but `folder` is the operator's to say.
struct upload_settings {
  std::uint64_t max_file_size = std::uint64_t{20} << 20U;  ///< bytes of one; 0: there are no uploads
  std::uint64_t bytes_per_day = std::uint64_t{200} << 20U; ///< of a user
  std::size_t files_per_day = 1'000;                       ///< likewise
  unsigned days_kept = 30;                                 ///< from 1 on
  /// Before `/upload/` in addresses of files: `https://chat.example.org`. '': where the HTTP server says that
  /// it is (`host::serves_at`).
  std::string public_url = {};
  std::string folder = {}; ///< where they are; `open` sets it
};

/// What users may do to accounts themselves (XEP-0077).
struct registration_settings {
  bool open = false;        ///< anybody may make one
  bool own_account = false; ///< a user may change his password, and remove his account
  unsigned per_day = 5;     ///< tries to make one from one address within a day, from 1 on
  [[nodiscard]] bool is_there() const noexcept { return open || own_account; }
};

/// Where clients go when the server stops; '': they are told nothing but that.
struct drain_settings {
  std::string see_other_host = {}; ///< `HOST` or `HOST:PORT` (RFC 6120, 4.9.3.19)
  std::string see_other_uri = {};  ///< over WebSocket: `wss://HOST/PATH` (RFC 7395, 3.6.1)
};

/// What is kept for a user at most, in bytes where nothing else is said.
struct room_for_users {
  std::size_t offline_messages = 1'000;                   ///< that wait for who is away
  std::uint64_t offline_bytes = std::uint64_t{10} << 20U; ///< likewise
  std::uint64_t private_xml = std::uint64_t{1} << 20U;    ///< XEP-0049
  std::uint64_t nodes = std::uint64_t{16} << 20U;         ///< what is published (XEP-0163)
};

/// How the server is run.
struct settings {
  std::string domain = "localhost";                     ///< whose users it has, in its form
  xml::parser_limits limits = {};                       ///< of what a client that is known may send
  duration negotiation_time = std::chrono::seconds(30); ///< for a client to be known and bound
  duration resumption_time = std::chrono::minutes(5);   ///< that a session waits for its client to come back
  std::size_t sessions_per_user = 10;                   ///< more are refused
  std::size_t contacts_per_user = 5'000;                ///< in a roster
  std::uint32_t iterations = 10'000;                    ///< of new passwords' verifiers
  xmpp::offered_mechanisms mechanisms = {};             ///< by which users sign in
  sign_in_limits sign_ins = {};                         ///< failures that are put up with
  traffic_limits traffic = {};                          ///< what connections may carry
  drain_settings drain = {};                            ///< where clients go
  registration_settings registration = {};              ///< accounts of whoever wants one
  room_for_users room = {};                             ///< what is kept of theirs
  upload_settings uploads = {};                         ///< files that users send
};

} // namespace coppice::messaging
