#include "servers/console/shell/trace_tap.hpp"

#include <utility>

namespace coppice::console {

bool traced_processes::add(pid process) {
  std::lock_guard guard(mutex_);
  return all_.insert(process).second;
}

void traced_processes::remove(pid process) noexcept {
  std::lock_guard guard(mutex_);
  all_.erase(process);
}

trace_tap::trace_tap(node& home, std::shared_ptr<traced_processes> all, pid process)
    : home_(home), all_(std::move(all)), process_(process), net_(std::make_shared<net>()) {
  start();
}

trace_tap::~trace_tap() {
  trace_off(home_, process_);
  all_->remove(process_);
}

void trace_tap::start() {
  const trace_flags flags{.send = true, .receive = true, .procs = true};
  trace(home_, process_, flags, tracer([home = &home_, into = net_](const trace_event& e) {
          {
            std::lock_guard guard(into->mutex);
            if (into->caught.events.size() < most) {
              into->caught.events.push_back(e);
              return;
            }
            into->caught.paused = true;
          }
          trace_off(*home, e.process);
        }));
}

trace_tap::catch_of trace_tap::take() {
  catch_of caught;
  {
    std::lock_guard guard(net_->mutex);
    caught = std::exchange(net_->caught, {});
  }
  if (caught.paused) start();
  return caught;
}

} // namespace coppice::console
