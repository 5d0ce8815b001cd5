// The console of a node: what it knows, its supervisor, and the routes that it serves (PROTOCOL.md).
#pragma once

#include "coppice/http/server.hpp"
#include "coppice/otp/supervisor.hpp"
#include "coppice/runtime/node.hpp"
#include "servers/console/shell/archive.hpp"

#include <memory>
#include <string>

namespace coppice::console {

/// What a console may be told to do differently.
struct console_options {
  /// The states of processes and their messages can be looked at. They may hold secrets.
  bool shows_state = true;
};

/// What outlives every process of the console: reports, places, token. The node must outlive all use of it.
class console {
public:
  console(node& home, node_identity identity, console_options options = {});

  /// Takes every report of the node.
  [[nodiscard]] report_sink watcher() const;
  /// The root supervisor was started again. Thread-safe.
  void root_replaced(pid old, pid now) { kept_->seen.root_replaced(old, now); }

  /// The supervisor of its processes, `console_sup`, as a child of another.
  [[nodiscard]] child_description supervisor() const;
  /// Adds the page, the API and the WebSocket below `/console/`. Host and Origin must have been checked
  /// before.
  void mount(http::routes& routes) const;

private:
  std::shared_ptr<archive> kept_;
  std::string token_;
};

} // namespace coppice::console
