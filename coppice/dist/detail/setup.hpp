// The handshake on a socket, both sides, within a time.
#pragma once

#include "coppice/dist/handshake.hpp"
#include "coppice/net/stream.hpp"
#include "coppice/runtime/task.hpp"

#include <expected>
#include <functional>
#include <string>

namespace coppice::dist::detail {

/// What a handshake has led to.
struct agreed {
  node_identity peer;
  capabilities common;
  bool dialled = false;  ///< by us
  bool replaces = false; ///< both know that it takes the place of another connection
};

/// The messages of a handshake on a stream: each with its length before it, of 32 bits within TLS.
class handshake_stream {
public:
  handshake_stream(net::stream& connection, time_point until) : connection_(connection), until_(until) {}
  /// The next message; the error is for people.
  task<std::expected<std::string, std::string>> read();
  task<std::expected<void, std::string>> write(std::vector<std::string> messages);

private:
  [[nodiscard]] duration left() const;
  task<std::expected<std::string, std::string>> read_bytes(std::size_t count);

  net::stream& connection_;
  time_point until_;
};

/// How a newcomer is answered, once it has told its name.
struct welcome {
  admission how = admission::not_allowed;
  std::optional<node_identity> given; ///< to one that wants a name
};

/// Connects as `mine` to the node `dialled`. `connected` says whether there is a connection by now.
task<std::expected<agreed, handshake_error>> greet(net::stream* connection, handshake_side mine,
                                                   std::string dialled, std::function<bool()> connected,
                                                   time_point until);

/// Lets another in; `admit` says how it is answered.
task<std::expected<agreed, handshake_error>> welcome_in(net::stream* connection, handshake_side mine,
                                                        std::function<welcome(const handshake_in&)> admit,
                                                        time_point until);

} // namespace coppice::dist::detail
