// Test support: a worker that tells what happens to it, and ways to look at a supervisor from a test process.
#pragma once

#include "coppice/otp/gen_server.hpp"
#include "coppice/otp/supervisor.hpp"
#include "coppice/runtime/node.hpp"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

namespace coppice::testing {

using namespace std::chrono_literals;
using namespace literals;

/// What a worker tells its observer.
struct seen {
  std::string what;
};
/// Makes a worker end with a reason.
struct end_with {
  term reason;
};
struct crash {};
/// Makes a worker leave its supervisor unnoticed.
struct unlink_parent {
  pid parent;
};

/// Tells its observer when it starts and ends.
class worker : public gen_server {
public:
  using protocol = coppice::protocol<casts<end_with>, casts<crash>, casts<unlink_parent>>;
  worker(pid observer, std::string id) : observer_(observer), id_(std::move(id)) {}

  void init() {
    trap_exit(true);
    send(observer_, seen{"start " + id_});
  }
  result<> handle_cast(end_with m) { return result<>().stop(exit_reason(m.reason)); }
  void handle_cast(crash) { throw std::runtime_error("boom"); }
  void handle_cast(unlink_parent m) { unlink(m.parent); }
  void terminate(const exit_reason& why) { send(observer_, seen{"end " + id_ + " " + why.to_string()}); }

private:
  pid observer_;
  std::string id_;
};

/// A worker as a child.
inline child_description worker_child(pid observer, const std::string& id) {
  return child<worker>(term(id), observer, id);
}

/// A node whose reports are kept.
struct watched_node {
  watched_node() : n(options(reports)) {}
  static node_options options(const std::shared_ptr<std::vector<report>>& into) {
    node_options o = stepped();
    o.on_report = [into](const report& r) { into->push_back(r); };
    return o;
  }
  /// How many supervisor reports there are in that context.
  [[nodiscard]] std::size_t count(std::string_view context) const {
    std::size_t all = 0;
    for (const report& r : *reports) {
      for (const auto& [key, value] : r.fields) all += key == "errorContext" && value == term(atom(context));
    }
    return all;
  }
  template <class F, class... Args>
  auto run(F function, Args&&... args) {
    return n.run(function, std::forward<Args>(args)...);
  }

  std::shared_ptr<std::vector<report>> reports = std::make_shared<std::vector<report>>();
  node n;
};

/// What has been seen until now.
inline task<std::vector<std::string>> log_of(self me) {
  std::vector<std::string> all;
  for (;;) {
    std::optional<seen> one = co_await me.receive<seen>(0ns);
    if (!one) co_return all;
    all.push_back(std::move(one->what));
  }
}

/// The pid of the child of that id now; none if it does not run.
inline task<pid> child_pid(server_name sup, std::string id) {
  std::expected<std::vector<child_info>, child_error> all = co_await which_children(sup);
  if (!all) co_return pid();
  for (const child_info& c : *all) {
    if (c.id && c.id->as_text() == id) co_return c.pid;
  }
  co_return pid();
}

/// Waits until the process has ended, and says why.
inline task<exit_reason> end_of(self me, pid process) {
  reference ref = monitor(process);
  auto ours = [ref](const down& d) { return d.ref == ref; };
  down gone = co_await me.receive_if<down>(ours);
  co_return gone.reason;
}

/// Ends the child by that reason and waits until the supervisor has done what it does about it.
inline task<> end_child(self me, server_name sup, pid child, term reason) {
  reference ref = monitor(child);
  cast_any(server_name(child), end_with{reason});
  auto ours = [ref](const down& d) { return d.ref == ref; };
  co_await me.receive_if<down>(ours);
  std::expected<child_counts, child_error> settled = co_await count_children(sup);
}

/// Kills a child and waits until the supervisor has dealt with that.
inline task<> kill_child(self me, server_name sup, pid child) {
  reference ref = monitor(child);
  exit(child, exit_reason::kill());
  auto ours = [ref](const down& d) { return d.ref == ref; };
  co_await me.receive_if<down>(ours);
  std::expected<child_counts, child_error> settled = co_await count_children(sup);
}

} // namespace coppice::testing
