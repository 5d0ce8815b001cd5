// What a core sleeps on. The runtime knows a poller only by this; net/ supplies the one on sockets.
#pragma once

#include "coppice/runtime/clock.hpp"

#include <functional>
#include <memory>
#include <optional>

namespace coppice {

/// A core's place to wait for the outside world. One thread at a time calls `wait` and `poll`; `wake` may be
/// called from any thread. No user code runs inside: what becomes ready is sent to a process.
class poller {
public:
  virtual ~poller() = default;
  /// Blocks until `wake`, an event, or `until` (for ever without one).
  virtual void wait(std::optional<time_point> until) = 0;
  /// Delivers what is ready; does not block.
  virtual void poll() = 0;
  /// Ends the current `wait`, or the next one if none is under way.
  virtual void wake() = 0;
};

/// Makes the poller of one core.
using poller_factory = std::function<std::unique_ptr<poller>()>;

/// A poller with no sockets: sleeps until woken or until the time.
std::unique_ptr<poller> make_sleep_poller();

} // namespace coppice
