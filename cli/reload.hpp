// Taking up what has changed while the program runs: SIGHUP.
#pragma once

#include "cli/options.hpp"
#include "coppice/runtime/node.hpp"
#include "servers/messaging/shell/host.hpp"

#include <optional>

namespace coppice::cli {

/// From here on SIGHUP waits for a `reloader`: for before there are threads, which would take it and end the
/// program.
void hold_reloading_signal();

/// Reads the certificate and the configuration again when SIGHUP asks for it. What may change holds from then
/// on; what may not is named in the log, as is every fault, and with one nothing changes.
class reloader {
public:
  /// `server`: nothing if there is none.
  reloader(node& home, run_options running, std::optional<messaging::host> server);

  /// Looks whether it was asked for, and does it. To be called often, from one thread.
  void tend();

private:
  void reload();
  void take(const run_options& told, report& about);
  void read_certificate(report& about);

  node& home_;
  run_options running_;
  std::optional<messaging::host> server_;
  const bool has_terminal_;
};

} // namespace coppice::cli
