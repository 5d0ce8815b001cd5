#include "coppice/dist/detail/global_locks.hpp"

#include "coppice/otp/await_all.hpp"
#include "coppice/otp/gen.hpp"
#include "coppice/runtime/timer.hpp"

#include <algorithm>
#include <random>
#include <utility>

namespace coppice::dist::detail {

using namespace literals;

atom global_server() { return "global_name_server"_atom; }

atom boss_of(const std::vector<atom>& nodes) {
  return *std::ranges::max_element(
      nodes, [](const atom& a, const atom& b) { return compare(term(a), term(b)) < 0; });
}

task<std::vector<std::pair<atom, term>>> ask_global(std::vector<atom> nodes, term request) {
  std::vector<request_id<term>> asked;
  asked.reserve(nodes.size());
  for (const atom& node : nodes) {
    asked.push_back(send_request_any<term>(server_name(remote_name{global_server(), node}), request));
  }
  std::vector<std::expected<term, exit_reason>> answers = co_await await_all(std::move(asked), infinity);
  std::vector<std::pair<atom, term>> all;
  for (std::size_t i = 0; i < answers.size(); ++i) {
    if (answers[i]) all.emplace_back(nodes[i], std::move(*answers[i]));
  }
  co_return all;
}

task<bool> set_global_lock(std::vector<atom> nodes, term id) {
  std::vector<std::pair<atom, term>> answers =
      co_await ask_global(std::move(nodes), term::tuple("set_lock"_atom, id));
  std::vector<atom> granted;
  for (const auto& [node, answer] : answers) {
    if (answer.is_atom("true"_atom)) granted.push_back(node);
  }
  if (granted.size() == answers.size()) co_return true;
  co_await ask_global(std::move(granted), term::tuple("del_lock"_atom, id));
  co_return false;
}

task<> del_global_lock(std::vector<atom> nodes, term id) {
  if (nodes.empty()) co_return;
  std::vector<atom> last{boss_of(nodes)};
  std::erase(nodes, last.front());
  const term request = term::tuple("del_lock"_atom, id);
  co_await ask_global(std::move(nodes), request);
  co_await ask_global(std::move(last), request);
}

task<> wait_for_lock(unsigned times) {
  constexpr unsigned most_doublings = 6;
  const std::int64_t most = times < most_doublings ? (std::int64_t{1000} << times) / 8 : 8000;
  std::random_device device;
  const std::int64_t time = 1 + device() % most;
  co_await idle_for(std::chrono::milliseconds(time));
}

} // namespace coppice::dist::detail
