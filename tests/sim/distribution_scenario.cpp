#include "tests/sim/distribution_scenario.hpp"

#include "coppice/otp/gen_server.hpp"
#include "coppice/runtime/timer.hpp"
#include "tests/sim/simulated_net.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <map>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace coppice::sim {
namespace {

using namespace literals;
using namespace std::chrono_literals;
using side = simulated_net::side;

/// What the processes of both nodes share.
struct affair {
  explicit affair(world& w) : net(w) {}
  simulated_net net;
  std::vector<pid> targets[2];
  pid echoes[2];
  std::int64_t sent = 0;
  std::int64_t heard = 0;
  bool gone = false; ///< a target before the end
  int busy = 0;      ///< who has something to do
  bool over = false;
};
using in_affair = held<affair>;

struct finish {};

class echo : public gen_server {
public:
  using protocol = coppice::protocol<>;
  result<term> handle_call(const term& request, from who) {
    if (request.is_atom("keep"_atom)) {
      kept_.push_back(std::move(who));
    } else {
      who.reply(request);
    }
    return {};
  }

private:
  std::vector<from> kept_;
};

/// Hears {n, Sender, Number}; what each says must come in order. Ends when it is told to, or before.
process target(self me, in_affair a) {
  world& w = a->net.in();
  std::map<pid, std::int64_t> last;
  const duration life = w.choices().chance(400)
                            ? duration(std::chrono::milliseconds(w.choices().between(0, 20'000)))
                            : infinity;
  const time_point end = life == infinity ? time_point::max() : now() + life;
  for (;;) {
    const duration left = life == infinity ? infinity : end - now();
    std::optional<std::variant<exit_signal, term>> got = co_await me.receive<exit_signal, term>(left);
    if (!got) {
      a->gone = true;
      exit(exit_reason("planned"_atom));
    }
    const auto* said = std::get_if<term>(&*got);
    if (said == nullptr) continue;
    if (said->is_atom("finish"_atom)) exit(exit_reason("planned"_atom));
    std::int64_t& newest = last[*said->elements()[1].as_pid()];
    const std::int64_t number = *said->elements()[2].as_int64();
    w.expect(number > newest, "messages of one process to another come twice or out of order");
    newest = number;
    ++a->heard;
  }
}

struct watch {
  reference ref;
  bool on = true;
  int told = 0;
};
struct tie {
  bool linked = false;
  int told = 0;
};

/// One process that ties itself to targets of the other node, talks to them and calls.
struct book {
  std::vector<watch> watches;
  std::map<pid, tie> ties;
  std::map<pid, std::int64_t> numbers;

  void note(world& w, const down& d) {
    const auto found = std::ranges::find(watches, d.ref, &watch::ref);
    w.expect(found != watches.end(), "a down for no monitor");
    if (found == watches.end()) return;
    w.expect(found->on, "a down after demonitor");
    w.expect(++found->told == 1, "a down came twice");
    w.expect(d.reason.is("noconnection") || d.reason.is("planned") || d.reason.is("killed") ||
                 d.reason.is("noproc"),
             "a down for no reason: " + d.reason.to_string());
  }
  void note(world& w, const exit_signal& e) {
    tie& t = ties[e.from];
    w.expect(t.linked, "an exit signal of a link that is no more");
    w.expect(++t.told == 1, "an exit signal came twice");
  }
};

task<> untie(self me, in_affair a, held<book> b, pid other) {
  unlink(other);
  const auto from_it = [other](const exit_signal& e) { return e.from == other; };
  for (;;) {
    std::optional<exit_signal> before = co_await me.receive_if<exit_signal>(from_it, duration::zero());
    if (!before) break;
    b->note(a->net.in(), *before);
  }
  b->ties[other] = tie();
}

void change_a_watch(in_affair a, held<book> b) {
  if (b->watches.empty()) return;
  watch& one = b->watches[a->net.in().choices().below(b->watches.size())];
  one.on = false;
  const bool active = demonitor(one.ref, true);
  a->net.in().expect(!active || one.told == 0, "a monitor that has told is still active");
}

task<> do_something(self me, in_affair a, side here, held<book> b) {
  random& choices = a->net.in().choices();
  const std::vector<pid>& there = a->targets[1 - here];
  const pid other = a->net.from(here, there[choices.below(there.size())]);
  switch (choices.between(0, 9)) {
  case 0:
  case 1: b->watches.push_back({monitor(other)}); break;
  case 2: b->watches.push_back({monitor(remote_name{"echo"_atom, a->net.name(1 - here)})}); break;
  case 3:
    if (!b->ties[other].linked) {
      b->ties[other].linked = true;
      link(other);
    }
    break;
  case 4:
    if (b->ties[other].linked) co_await untie(me, a, b, other);
    break;
  case 5: change_a_watch(a, b); break;
  case 6:
  case 7: {
    ++a->sent;
    const std::size_t extra = choices.chance(50) ? 150'000 : 10;
    send(other, term::tuple("n"_atom, me.id(), ++b->numbers[other], std::string(extra, 'x')));
    break;
  }
  case 8: {
    server_name server(remote_name{"echo"_atom, a->net.name(1 - here)});
    const term question = choices.chance(100) ? term("keep"_atom) : term(b->numbers[other]);
    const duration patience = question.is_atom() || choices.chance(300) ? duration(300ms) : infinity;
    std::expected<term, exit_reason> answer = co_await try_call_any<term>(server, question, patience);
    a->net.in().expect(!answer || *answer == question, "a call has another's answer");
    break;
  }
  default: co_await idle_for(std::chrono::milliseconds(choices.between(0, 3000)));
  }
}

/// Waits until all has been told, and sees that it was once.
task<> see_it_out(self me, in_affair a, held<book> b) {
  world& w = a->net.in();
  co_await me.receive<finish>();
  for (;;) {
    std::optional<std::variant<down, exit_signal>> any = co_await me.receive<down, exit_signal>(60s);
    if (!any) break;
    if (const auto* d = std::get_if<down>(&*any)) b->note(w, *d);
    if (const auto* e = std::get_if<exit_signal>(&*any)) b->note(w, *e);
  }
  for (const watch& m : b->watches) {
    w.expect(!m.on || m.told == 1, fmt::format("a monitor told {} times", m.told));
  }
  for (const auto& [other, t] : b->ties) {
    w.expect(!t.linked || t.told == 1, fmt::format("a link told {} times", t.told));
  }
}

process actor(self me, in_affair a, side here) {
  trap_exit(true);
  book own;
  const int steps = a->net.in().choices().between(5, 40);
  for (int n = 0; n < steps; ++n) co_await do_something(me, a, here, held(own));
  --a->busy;
  co_await see_it_out(me, a, held(own));
  --a->busy;
}

/// Cuts and heals, this way and that.
process weather(self me, in_affair a) {
  random& choices = a->net.in().choices();
  const int bad = choices.between(0, 3) * 250;
  while (!a->over) {
    for (const side s : {side{0}, side{1}}) a->net.wire().cut(s, choices.chance(static_cast<unsigned>(bad)));
    const duration spell = std::chrono::milliseconds(choices.between(1, 9000));
    std::optional<finish> end = co_await me.receive<finish>(spell);
    if (end) break;
  }
  for (const side s : {side{0}, side{1}}) a->net.wire().cut(s, false);
}

/// Whether the other node answers, in the end.
task<bool> is_answered(in_affair a) {
  for (int tries = 0; tries < 20; ++tries) {
    server_name server(remote_name{"echo"_atom, a->net.name(1)});
    std::expected<term, exit_reason> answer = co_await try_call_any<term>(server, "hello"_atom, 30s);
    if (answer) co_return true;
    co_await idle_for(100ms);
  }
  co_return false;
}

process start_echo(self me, in_affair a, side here) {
  auto started = co_await start<echo>(local("echo"));
  a->echoes[here] = *started->resolve();
  co_await end_of(me, a->echoes[here]);
}

task<> rest_until(in_affair a, int busy) {
  while (a->busy > busy) co_await idle_for(500ms);
}

task<> end_all(in_affair a) {
  for (const side s : {side{0}, side{1}}) {
    for (const pid t : a->targets[s]) a->net.at(s).send(t, term("finish"_atom));
    a->net.at(s).exit(a->echoes[s], exit_reason("planned"_atom));
  }
  co_await idle_for(30s);
}

void expect_nothing_tied(affair& a) {
  for (const side s : {side{0}, side{1}}) {
    const dist::detail::peer::tie_counts left = a.net.other(s).ties();
    a.net.in().expect(left.asked + left.links + left.watches + left.replies == 0,
                      fmt::format("left at {}: {} asked, {} links, {} watches, {} replies", s, left.asked,
                                  left.links, left.watches, left.replies));
  }
}

process distribution_main(self me, in_affair a) {
  world& w = a->net.in();
  std::vector<pid> actors[2];
  for (const side s : {side{0}, side{1}}) {
    a->net.start(s);
    a->net.at(s).spawn(&start_echo, a, s);
    for (int n = w.choices().between(1, 4); n > 0; --n) {
      a->targets[s].push_back(a->net.at(s).spawn(&target, a));
      if (s == 0 && w.choices().chance(200)) w.killable(a->targets[s].back());
    }
  }
  const pid outside = spawn(&weather, a);
  while (!a->net.network(0).speaker() || !a->net.network(1).speaker()) co_await idle_for(10ms);
  for (const side s : {side{0}, side{1}}) {
    for (int n = w.choices().between(1, 3); n > 0; --n) {
      ++a->busy;
      actors[s].push_back(a->net.at(s).spawn(&actor, a, s));
    }
  }
  co_await rest_until(a, 0);
  send(outside, finish());
  co_await end_of(me, outside);
  const bool heard = co_await is_answered(a);
  w.expect(heard, "no connection is made after the network has healed");
  const bool whole = a->net.losses() == 0 && !a->gone && w.kills() == 0;
  co_await end_all(a);
  w.expect(!whole || a->heard == a->sent, "something is missing though the connection held");
  for (const side s : {side{0}, side{1}}) {
    for (const pid p : actors[s]) {
      ++a->busy;
      a->net.at(s).send(p, finish());
    }
  }
  co_await rest_until(a, 0);
  expect_nothing_tied(*a);
  w.note(a->net.losses());
  for (const side s : {side{0}, side{1}}) a->net.stop(s);
  co_await idle_for(10s);
}

} // namespace

void play_distribution(world& w) {
  affair a(w);
  w.run_all(w.home().spawn(&distribution_main, in_affair(a)), a.net.wire());
  w.settle(); // what is left must end while the network is there
}

} // namespace coppice::sim
