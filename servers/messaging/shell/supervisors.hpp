// The supervisors of the messaging server; README.md draws the tree.
#pragma once

#include "coppice/net/endpoint.hpp"
#include "coppice/otp/supervisor.hpp"
#include "servers/messaging/shell/host.hpp"

#include <functional>
#include <optional>
#include <string>

namespace coppice::messaging {

/// Where clients come in.
struct entrances {
  std::optional<net::endpoint> starttls; ///< RFC 6120; port 5222
  std::optional<net::endpoint> tls;      ///< XEP-0368; port 5223
  std::size_t max_connections = 100'000; ///< at each
  /// Told where they are, with the ports that were found: `starttls`, `tls`.
  std::function<void(std::string_view entrance, const net::endpoint& at)> opened = {};
};

/// Registered as `messaging_sup`.
class messaging_sup : public supervisor {
public:
  messaging_sup(host h, entrances in) : host_(std::move(h)), in_(std::move(in)) {}
  [[nodiscard]] supervisor_flags flags() const;
  [[nodiscard]] std::vector<child_spec> children() const;

private:
  host host_;
  entrances in_;
};

/// Registered as `user_sup`: `start_child(user_sup, Name)`.
class user_sup : public supervisor {
public:
  explicit user_sup(host h) : host_(std::move(h)) {}
  [[nodiscard]] supervisor_flags flags() const;
  [[nodiscard]] std::vector<child_spec> children() const;

private:
  host host_;
};

/// Registered as `muc_sup`: `start_child(muc_sup, Name)`.
class room_sup : public supervisor {
public:
  explicit room_sup(host h) : host_(std::move(h)) {}
  [[nodiscard]] supervisor_flags flags() const;
  [[nodiscard]] std::vector<child_spec> children() const;

private:
  host host_;
};

} // namespace coppice::messaging
