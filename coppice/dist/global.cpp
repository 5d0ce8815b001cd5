#include "coppice/dist/global.hpp"

#include "coppice/dist/detail/global_locks.hpp"
#include "coppice/dist/detail/global_name_server.hpp"
#include "coppice/otp/gen.hpp"
#include "coppice/runtime/node.hpp"

#include <algorithm>
#include <utility>

namespace coppice::dist::global {

using namespace literals;

namespace {

/// All nodes of our part of the cluster, with us.
task<std::vector<atom>> members() {
  server_name server(detail::global_server());
  term question("get_known"_atom);
  term known = co_await call_any<term>(std::move(server), std::move(question), infinity);
  std::vector<atom> all{node_name()};
  for (const term& node : known.items()) all.push_back(*node.as_atom());
  co_return all;
}

term own_lock() { return term::tuple("global"_atom, self_pid()); }

/// Takes the lock on all nodes; gives them.
task<std::vector<atom>> lock_all() {
  const term id = own_lock();
  for (unsigned times = 0;; ++times) {
    std::vector<atom> all = co_await members();
    std::vector<atom> first{detail::boss_of(all)};
    const bool have_boss = co_await detail::set_global_lock(first, id);
    if (have_boss) {
      const bool have_all = co_await detail::set_global_lock(all, id);
      if (have_all) {
        const std::vector<atom> now = co_await members();
        const bool grown = std::ranges::any_of(
            now, [&all](const atom& node) { return std::ranges::find(all, node) == all.end(); });
        if (!grown) co_return all;
        co_await detail::del_global_lock(std::move(all), id);
      } else {
        co_await detail::del_global_lock(std::move(first), id);
      }
    }
    co_await detail::wait_for_lock(times);
  }
}

} // namespace

task<bool> register_name(term name, pid process) {
  std::vector<atom> all = co_await lock_all();
  const bool is_free = !whereis_name(name) && !this_node().part<detail::global_names>()->has_name(process);
  if (is_free) {
    const term request = term::tuple("register"_atom, name, process, detail::random_exit_name());
    co_await detail::ask_global(all, request);
  }
  co_await detail::del_global_lock(std::move(all), own_lock());
  co_return is_free;
}

task<> unregister_name(term name) {
  std::vector<atom> all = co_await lock_all();
  const term request = term::tuple("unregister"_atom, name);
  co_await detail::ask_global(all, request);
  co_await detail::del_global_lock(std::move(all), own_lock());
}

std::optional<pid> whereis_name(const term& name) {
  return this_node().part<detail::global_names>()->find(name);
}

std::vector<term> registered_names() { return this_node().part<detail::global_names>()->all(); }

task<> sync() {
  server_name server(detail::global_server());
  detail::global_sync wish;
  co_await call_any<bool>(std::move(server), wish, infinity);
}

} // namespace coppice::dist::global
