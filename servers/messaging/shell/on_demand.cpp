#include "servers/messaging/shell/on_demand.hpp"

#include "coppice/otp/supervisor.hpp"

namespace coppice::messaging {

std::optional<pid> running(std::string_view process_name) {
  const std::optional<atom> known = atom::existing(process_name);
  return known ? whereis(*known) : std::nullopt;
}

task<std::optional<pid>> find_or_start(std::string process_name, atom supervisor, std::string name) {
  std::optional<pid> found = running(process_name);
  if (found) co_return found;
  std::expected<pid, child_error> started = co_await start_child(supervisor, name);
  // Somebody else may have been quicker, then the start was ignored.
  co_return running(process_name);
}

} // namespace coppice::messaging
