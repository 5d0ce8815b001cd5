// What outlives every process of the console: held by the application, handed to the processes.
#pragma once

#include "servers/console/core/census.hpp"
#include "servers/console/core/history.hpp"
#include "servers/console/core/observer.hpp"
#include "servers/console/shell/trace_tap.hpp"

#include <mutex>
#include <string>
#include <utility>

namespace coppice::console {

/// What does not change while the node runs.
struct node_identity {
  std::string name;    ///< `coppice@host`
  std::string version; ///< of the program
  std::string root;    ///< the registered name of the supervisor above all
};

struct archive {
  archive(observer::world node, node_identity who, bool state)
      : seen(std::move(node)), identity(std::move(who)), shows_state(state) {}

  observer seen;
  history past;
  std::mutex known_mutex;
  sightings known; ///< under known_mutex
  traced_processes traced;
  const node_identity identity;
  const bool shows_state; ///< states of processes and their messages may be looked at
};

} // namespace coppice::console
