// Calls: every one is answered, or its caller is told why not, exactly once, with servers killed in the
// middle.
#include "coppice/otp/gen_server.hpp"
#include "coppice/otp/supervisor.hpp"
#include "coppice/runtime/timer.hpp"
#include "coppice/sim/scenario.hpp"

#include <fmt/format.h>

namespace coppice::sim {
namespace {

/// The requests: each is answered with its number, in another way.
struct at_once {
  int number;
  token alive;
};
struct later {
  int number;
  token alive;
};
struct slowly {
  int number;
  token alive;
};
struct forget {
  int number;
  token alive;
};
struct crash {
  int number;
  token alive;
};
struct flush {};

class answerer : public gen_server {
public:
  using protocol = coppice::protocol<calls<at_once, int>, calls<later, int>, calls<slowly, int>,
                                     calls<forget, int>, calls<crash, int>, infos<flush>>;
  explicit answerer(in_world w) : world_(w) {}

  void init() { world_->killable(self_pid()); }
  int handle_call(const at_once& m) { return m.number; }
  void handle_call(const later& m, reply_to<int> who) {
    owed_.emplace_back(m.number, std::move(who));
    send_after(std::chrono::microseconds(world_->choices().between(0, 5000)), self_pid(), flush());
  }
  task<int> handle_call(slowly m) {
    co_await idle_for(std::chrono::microseconds(world_->choices().between(0, 3000)));
    co_return m.number;
  }
  void handle_call(const forget&, reply_to<int>) {}
  int handle_call(const crash& m) { throw std::runtime_error(fmt::format("crash {}", m.number)); }
  void handle_info(flush) {
    if (owed_.empty()) return;
    auto at = owed_.begin() + static_cast<std::ptrdiff_t>(world_->choices().below(owed_.size()));
    at->second.reply(at->first);
    owed_.erase(at);
  }

private:
  in_world world_;
  std::vector<std::pair<int, reply_to<int>>> owed_;
};

using answer = std::expected<int, exit_reason>;

void check(world& w, const answer& a, int number, bool may_time_out) {
  if (a) {
    w.expect(*a == number, "an answer to another question");
  } else {
    w.expect(may_time_out || !a.error().is("timeout"), "a call without a time limit timed out");
  }
  w.note(a ? static_cast<std::uint64_t>(number) : 0);
}

template <class Request>
task<> ask(in_world w, server_ref<answerer> who, int number) {
  bool in_time = w->choices().chance(300);
  within limit(in_time ? duration(std::chrono::microseconds(w->choices().between(0, 4000))) : infinity);
  token alive = w->make_token();
  answer a = co_await try_call<Request>(who, limit, number, alive);
  check(*w, a, number, in_time);
}

task<> ask_many(in_world w, server_ref<answerer> who, int first) {
  std::vector<request_id<int>> open;
  int count = w->choices().between(1, 4);
  for (int i = 0; i < count; ++i) {
    if (w->choices().chance(500)) {
      open.push_back(send_request<later>(who, first + i, w->make_token()));
    } else {
      open.push_back(send_request<slowly>(who, first + i, w->make_token()));
    }
  }
  for (int i = count - 1; i >= 0; --i) {
    std::optional<answer> a = co_await receive_response(open[static_cast<std::size_t>(i)], infinity);
    w->expect(a.has_value(), "a request without a time limit has no outcome");
    if (a) check(*w, *a, first + i, false);
  }
}

process client(self me, in_world w, std::vector<atom> servers, token) {
  for (int n = w->choices().between(1, 10); n > 0; --n) {
    server_ref<answerer> who{server_name(servers[w->choices().below(servers.size())])};
    int number = 100 * n;
    switch (w->choices().between(0, 6)) {
    case 0:
    case 1: co_await ask<at_once>(w, who, number); break;
    case 2: co_await ask<later>(w, who, number); break;
    case 3: co_await ask<slowly>(w, who, number); break;
    case 4: co_await ask<forget>(w, who, number); break;
    case 5: co_await ask<crash>(w, who, number); break;
    default: co_await ask_many(w, who, number);
    }
  }
  std::optional<term> stray = co_await me.receive<term>(std::chrono::milliseconds(10));
  w->expect(!stray.has_value(), "a late or second answer came as a message");
}

task<> main_process(self me, in_world w) {
  trap_exit(true);
  std::vector<atom> names;
  std::vector<child_spec> specs;
  for (int n = w->choices().between(1, 3); n > 0; --n) {
    names.emplace_back(fmt::format("sim_answerer_{}", n));
    specs.push_back(child<answerer>(n, local(names.back()), w));
  }
  supervisor_flags often{.strategy = strategy::one_for_one, .intensity = 1000};
  start_result<plain_supervisor> sup = co_await start_link<plain_supervisor>(often, specs);
  w->expect(sup.has_value(), "the supervisor does not start");
  if (!sup) co_return;
  std::vector<pid> clients;
  for (int n = w->choices().between(1, 5); n > 0; --n) {
    clients.push_back(spawn(&client, w, names, w->make_token()));
    if (w->choices().chance(150)) w->killable(clients.back());
  }
  for (pid c : clients) {
    exit_reason why = co_await end_of(me, c);
    w->expect(why.is_normal() || why.is("noproc") || w->was_killed(c), "a client ended badly");
  }
  std::expected<ok, exit_reason> stopped = co_await stop(sup->name(), exit_reason::shutdown());
  w->expect(stopped.has_value(), "the supervisor does not stop");
}

} // namespace

void play_calls(world& w) { w.run(&main_process); }

} // namespace coppice::sim
