#include "servers/console/shell/inspector.hpp"

#include "coppice/otp/sys.hpp"
#include "coppice/term/text.hpp"

#include <algorithm>
#include <chrono>
#include <fmt/format.h>
#include <utility>

namespace coppice::console {
namespace {

using namespace std::chrono_literals;

constexpr duration patience = 30s;
constexpr duration state_patience = 3s;
constexpr std::size_t state_limit = std::size_t{16} << 10U; // bytes
constexpr std::size_t most_ancestors = 32;

const char* to_string(priority p) noexcept {
  switch (p) {
  case priority::max: return "max";
  case priority::high: return "high";
  case priority::normal: return "normal";
  case priority::low: return "low";
  }
  return "";
}

process_inside::relatives relatives_of(std::vector<pid> all) {
  std::ranges::sort(all);
  process_inside::relatives out;
  out.count = all.size();
  all.resize(std::min(all.size(), process_inside::most_relatives));
  for (pid p : all) out.some.push_back(relative_of(p));
  return out;
}

std::optional<process_glimpse> glimpse_of(pid about) {
  std::optional<process_glimpse> found;
  this_node().glimpse(about.slot(), 1, [&found, about](const process_glimpse& g) {
    if (g.process == about) found = g;
  });
  return found;
}

} // namespace

bool has_state(const process_glimpse& process) noexcept { return kind_of(process.behaviour) != "process"; }

process inspect_for(self, pid page, pid about, std::uint64_t number) {
  set_label("console:inspector");
  std::optional<process_details> found = co_await process_info(about, patience);
  send(page, inspected{number, std::move(found)});
}

process read_state_for(self, pid page, pid about) {
  set_label("console:state_reader");
  const server_name whom(about);
  std::expected<term, exit_reason> state = co_await sys::get_state(whom, state_patience);
  state_read answer;
  answer.process = about;
  if (state) {
    answer.text = coppice::to_string(*state, {.limit = state_limit, .unicode = true});
  } else if (state.error().is("timeout")) {
    answer.problem = "It has not answered within 3 seconds: it is busy, blocked, or has much to do first.";
  } else if (state.error().is("noproc")) {
    answer.problem = "It is dead.";
  } else {
    answer.problem = fmt::format("It has not answered: {}", state.error().to_string(200));
  }
  send(page, std::move(answer));
}

relative relative_of(pid process) {
  const std::optional<process_summary> found = this_node().summary(process);
  return {process, found ? name_of(*found) : std::string()};
}

process_page page_of(archive& kept, pid about) {
  process_page page;
  page.process = about;
  const std::optional<process_glimpse> found = glimpse_of(about);
  if (!found) return page;
  page.alive = true;
  page.glimpse = *found;
  const place where = kept.seen.places_of(std::span(&about, 1)).front();
  page.name = relative_of(about).name;
  if (page.name.empty()) page.name = where.id;
  page.restarts = where.restarts;
  const auto present = now().time_since_epoch();
  {
    std::lock_guard guard(kept.known_mutex);
    page.lately =
        kept.known.of(*found, std::chrono::duration_cast<std::chrono::milliseconds>(present).count());
  }
  pid up = found->parent;
  while (up && page.ancestors.size() < most_ancestors) {
    page.ancestors.push_back(relative_of(up));
    const std::optional<process_glimpse> above = glimpse_of(up);
    up = above ? above->parent : pid();
  }
  page.has_state = kept.shows_state && has_state(*found);
  return page;
}

process_inside inside_of(const process_details& told) {
  process_inside in;
  in.trap_exit = told.trap_exit;
  in.priority = to_string(told.prio);
  in.memory = told.memory;
  if (told.group_leader) in.group_leader = relative_of(told.group_leader);
  in.links = relatives_of(told.links);
  in.monitors = relatives_of(told.monitors);
  in.monitored_by = relatives_of(told.monitored_by);
  in.messages = told.messages;
  return in;
}

} // namespace coppice::console
