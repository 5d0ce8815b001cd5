#include "cli/root.hpp"

#include "coppice/term/text.hpp"

#include <csignal>
#include <utility>

namespace coppice::cli {

using namespace std::chrono_literals;

root_keeper::root_keeper(node& home, std::vector<child_spec> children, replaced on_replaced)
    : home_(home), children_(std::move(children)), on_replaced_(std::move(on_replaced)) {}

task<root_keeper::outcome> root_keeper::start_root(self, std::vector<child_spec> children) {
  // Not linked: the starter ends at once.
  const supervisor_flags flags{.intensity = 100, .period = 10s};
  start_result<plain_supervisor> started =
      co_await coppice::start<plain_supervisor>(local(name), flags, children);
  if (!started) co_return std::unexpected(started.error());
  co_return started->resolve().value_or(pid());
}

process root_keeper::try_start(self me, std::vector<child_spec> children,
                               std::unique_ptr<std::promise<outcome>> into) {
  outcome done = co_await start_root(me, std::move(children));
  into->set_value(std::move(done));
}

std::expected<void, exit_reason> root_keeper::start() {
  outcome first = home_.run(&root_keeper::start_root, children_);
  if (!first) return std::unexpected(std::move(first.error()));
  take(*first);
  return {};
}

void root_keeper::take(pid now) {
  const pid old = std::exchange(root_, now);
  home_.set_root(now);
  if (old) on_replaced_(old, now);
}

void root_keeper::tend() {
  if (starting_.valid()) {
    if (starting_.wait_for(0s) != std::future_status::ready) return;
    try {
      (void)starting_.get();             // whether it worked is seen below, and in the reports
    } catch (const std::future_error&) { // nothing to do: the starter was killed
    }
  }
  if (home_.is_process_alive(root_)) return;
  if (const std::optional<pid> now = home_.whereis(atom(name))) return take(*now);
  auto promise = std::make_unique<std::promise<outcome>>();
  starting_ = promise->get_future();
  home_.spawn(&root_keeper::try_start, children_, std::move(promise));
}

void hold_ending_signals() {
  sigset_t ending;
  sigemptyset(&ending);
  sigaddset(&ending, SIGTERM);
  sigaddset(&ending, SIGINT);
  pthread_sigmask(SIG_BLOCK, &ending, nullptr);
}

std::string innermost(const term& reason) {
  term inner = reason;
  while (inner.is_tuple() && inner.size() > 0) inner = term(inner.elements().back());
  return inner.as_text().value_or(to_string(reason, {.limit = 500}));
}

} // namespace coppice::cli
