// The supervisor above all, and who starts it again when it is gone.
#pragma once

#include "coppice/otp/supervisor.hpp"
#include "coppice/runtime/node.hpp"

#include <expected>
#include <functional>
#include <future>
#include <memory>
#include <string>
#include <vector>

namespace coppice::cli {

/// Starts the root supervisor, `root_sup`, and starts it again whenever it has ended: it may be killed as any
/// process. The keeper itself is no process, so nobody can kill it; the thread that waits for the end of the
/// program calls `tend`.
class root_keeper {
public:
  static constexpr const char* name = "root_sup";
  using replaced = std::function<void(pid old, pid now)>;

  /// `children` in start order; `on_replaced` is told of each new start.
  root_keeper(node& home, std::vector<child_spec> children, replaced on_replaced);

  /// The first start: the reason if it fails.
  std::expected<void, exit_reason> start();
  /// Looks whether the root lives, and if not, begins to start it; what fails is tried again the next time.
  void tend();

private:
  using outcome = std::expected<pid, exit_reason>;
  static task<outcome> start_root(self, std::vector<child_spec> children);
  static process try_start(self me, std::vector<child_spec> children,
                           std::unique_ptr<std::promise<outcome>> into);
  void take(pid now);

  node& home_;
  std::vector<child_spec> children_;
  replaced on_replaced_;
  pid root_;
  std::future<outcome> starting_; ///< of a start under way
};

/// From here on SIGTERM and SIGINT wait for `run_until_stopped`: to be called before it is said that all is
/// up, for whoever hears that may send one.
void hold_ending_signals();

/// Why a start failed, without what supervisors wrap around it.
std::string innermost(const term& reason);

} // namespace coppice::cli
