// What the messaging server can be told in a configuration file.
#pragma once

#include "coppice/net/endpoint.hpp"
#include "servers/config/keys.hpp"
#include "servers/messaging/core/settings.hpp"

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace coppice::messaging {

/// Its place and ways.
struct configuration {
  std::string folder;           ///< of what is its own; '': there is no messaging server
  std::string database;         ///< '': a file in the folder
  std::string certificate_file; ///< '': one of its own
  std::string key_file;         ///< likewise
  net::endpoint starttls = net::endpoint::loopback(5222); ///< where clients connect
  net::endpoint tls = net::endpoint::loopback(5223);      ///< and where with TLS from the start
  std::optional<net::endpoint> https;    ///< where web clients do, with TLS; nothing: they come elsewhere
  std::size_t max_connections = 100'000; ///< at each of them
  bool demo_accounts = false;            ///< made if there is no account yet
  std::vector<std::string> origins;      ///< whose pages may use the WebSocket, besides this node's
  settings how;
};

/// Its keys, in the group `messaging`; they set `c`, which must stay where it is.
void describe(config::keys& k, configuration& c);

/// The settings of a server that runs, with those of `told` that may change meanwhile
/// (`config::change::live`).
[[nodiscard]] settings reloaded(settings running, const settings& told);

/// Whether it is an origin as browsers write it, `https://chat.example.org`; what is wrong, or ''.
std::string check_origin(const std::string& text);

} // namespace coppice::messaging
