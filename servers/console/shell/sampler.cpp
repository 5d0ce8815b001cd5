#include "servers/console/shell/sampler.hpp"

#include "coppice/runtime/node.hpp"

#include <chrono>
#include <fstream>
#include <unistd.h>

namespace coppice::console {
namespace {

/// Bytes of memory that the OS process has now; 0 if the system does not say.
std::uint64_t resident_bytes() {
  std::ifstream statm("/proc/self/statm");
  std::uint64_t size = 0;
  std::uint64_t resident = 0;
  if (!(statm >> size >> resident)) return 0;
  return resident * static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE));
}

} // namespace

std::shared_ptr<const sample> sampler::handle_call(take_sample) {
  const time_point at = now();
  if (last_ != nullptr && at - taken_ < freshness) return last_;
  seen_->flush_overdue();
  const auto wall = this_node().time().system_now().time_since_epoch();
  node_figures node = figures(at);
  taken_ = at;
  last_ = std::make_shared<const sample>(std::chrono::duration_cast<std::chrono::milliseconds>(wall).count(),
                                         std::move(node), look());
  return last_;
}

node_figures sampler::figures(time_point at) {
  const node_statistics s = this_node().statistics();
  node_figures f;
  f.name = identity_.name;
  f.version = identity_.version;
  f.uptime = std::chrono::duration_cast<std::chrono::milliseconds>(s.uptime).count();
  f.processes = s.processes;
  f.workers = s.cores;
  f.run_queue = s.run_queue;
  f.memory = resident_bytes();
  f.restarts = seen_->restarts();
  if (last_ != nullptr) {
    const double seconds = std::chrono::duration<double>(at - taken_).count();
    f.messages_per_s = static_cast<std::uint64_t>(static_cast<double>(s.messages - messages_) / seconds);
  }
  messages_ = s.messages;
  return f;
}

tree sampler::look() const {
  const std::vector<process_summary> processes = this_node().processes(most_processes);
  const std::vector<place> places = seen_->places_of(processes);
  const std::vector<vacancy> vacancies = seen_->vacancies();
  tree::input in;
  in.processes = processes;
  in.places = places;
  in.vacancies = vacancies;
  in.root = whereis(atom(identity_.root)).value_or(pid());
  return tree::build(in);
}

} // namespace coppice::console
