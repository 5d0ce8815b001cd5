#include "coppice/runtime/trace.hpp"

#include "coppice/runtime/call.hpp"
#include "coppice/term/text.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <string>

namespace coppice {
namespace {

using namespace std::chrono_literals;
using namespace literals;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

struct ping {
  pid to;
};
struct pong {};
struct have_child {};
struct end_now {};

process answers(self me) {
  for (;;) {
    auto m = co_await me.receive<ping, have_child, end_now>();
    if (m.index() == 2) co_return;
    if (ping* p = std::get_if<ping>(&m)) {
      send(p->to, pong{});
    } else {
      pid child = spawn_link(answers);
      send(child, end_now{});
    }
  }
}

/// Events as texts, with the pids that a test knows by their names.
struct notes {
  std::vector<std::string> lines;
  std::map<std::string, std::string> names;

  void name(pid p, const std::string& as) { names[to_string(term(p))] = as; }
  tracer writer() {
    return [this](const trace_event& e) {
      std::string line = to_string(e.as_term());
      for (const auto& [from, to] : names) {
        for (auto at = line.find(from); at != std::string::npos; at = line.find(from)) {
          line.replace(at, from.size(), to);
        }
      }
      lines.push_back(line);
    };
  }
};

task<> round_trip(self me, pid to) {
  send(to, ping{me.id()});
  co_await me.receive<pong>();
}

} // namespace

template <>
struct enable_sendable<notes*> {
  static constexpr bool value = true;
};

namespace {

TEST(trace, send_and_receive) {
  node n(stepped());
  notes all;
  n.run(
      [](self me, notes* seen) -> task<> {
        pid p = spawn(answers);
        seen->name(p, "p");
        seen->name(me, "me");
        EXPECT_TRUE(trace(this_node(), p, {.send = true, .receive = true}, seen->writer()));
        co_await round_trip(me, p);
        EXPECT_THAT(seen->lines, ElementsAre("{trace,p,'receive',{ping,me}}", "{trace,p,send,pong,me}"));
        seen->lines.clear();
        trace_off(this_node(), p);
        co_await round_trip(me, p);
        EXPECT_THAT(seen->lines, IsEmpty());
      },
      &all);
}

TEST(trace, only_what_was_asked_for) {
  node n(stepped());
  notes all;
  n.run(
      [](self me, notes* seen) -> task<> {
        pid p = spawn(answers);
        pid other = spawn(answers);
        seen->name(p, "p");
        seen->name(me, "me");
        EXPECT_TRUE(trace(this_node(), p, {.send = true}, seen->writer()));
        co_await round_trip(me, p);
        co_await round_trip(me, other);
        EXPECT_THAT(seen->lines, ElementsAre("{trace,p,send,pong,me}"));
      },
      &all);
}

TEST(trace, sends_to_the_dead_are_told_apart) {
  node n(stepped());
  notes all;
  n.run(
      [](self me, notes* seen) -> task<> {
        pid p = spawn(answers);
        monitored dead = spawn_monitor(answers);
        send(dead.process, end_now{});
        co_await me.receive<down>();
        seen->name(p, "p");
        seen->name(dead.process, "dead");
        EXPECT_TRUE(trace(this_node(), p, {.send = true}, seen->writer()));
        EXPECT_FALSE(trace(this_node(), dead.process, {.send = true}, seen->writer()));
        send(p, ping{dead.process});
        co_await idle_for(1ms);
        EXPECT_THAT(seen->lines, ElementsAre("{trace,p,send_to_non_existing_process,pong,dead}"));
      },
      &all);
}

TEST(trace, procs) {
  node n(stepped());
  notes all;
  n.run(
      [](self me, notes* seen) -> task<> {
        monitored p = spawn_monitor(answers);
        seen->name(p.process, "p");
        EXPECT_TRUE(trace(this_node(), p.process, {.procs = true}, seen->writer()));
        register_name("papa"_atom, p.process);
        unregister_name("papa"_atom);
        exit(p.process, exit_reason("enough"_atom));
        co_await me.receive<down>();
        EXPECT_THAT(seen->lines, ElementsAre("{trace,p,register,papa}", "{trace,p,unregister,papa}",
                                             "{trace,p,exit,enough}"));
      },
      &all);
}

TEST(trace, set_on_spawn) {
  node n(stepped());
  notes all;
  n.run(
      [](self me, notes* seen) -> task<> {
        monitored p = spawn_monitor(answers);
        EXPECT_TRUE(trace(this_node(), p.process, {.procs = true, .set_on_spawn = true}, seen->writer()));
        send(p.process, have_child{});
        co_await idle_for(1ms);
        send(p.process, end_now{});
        co_await me.receive<down>();
      },
      &all);
  std::vector<std::string> kinds;
  for (const std::string& line : all.lines) {
    std::size_t at = line.find(',', line.find(',') + 1) + 1;
    kinds.push_back(line.substr(at, line.find_first_of(",}", at) - at));
  }
  EXPECT_THAT(kinds, ElementsAre("spawn", "spawned", "exit", "exit"));
}

TEST(trace, by_a_process_that_is_told) {
  node n(stepped());
  n.run([](self me) -> task<> {
    pid p = spawn(answers);
    trace_all(this_node(), {.receive = true}, trace_to(this_node(), me));
    send(p, ping{p});
    term first = co_await me.receive<term>();
    EXPECT_EQ(to_string(first.elements()[3].elements()[0]), "ping");
    EXPECT_EQ(first.elements()[1], term(p));
    term second = co_await me.receive<term>();
    EXPECT_EQ(second.elements()[3], term("pong"_atom));
    trace_off(this_node());
    send(p, ping{p});
    std::optional<term> more = co_await me.receive<term>(1ms);
    EXPECT_FALSE(more.has_value()) << "what the tracer receives is not traced, and off is off";
  });
}

TEST(trace, of_all_includes_those_that_come_later) {
  node n(stepped());
  notes all;
  n.run(
      [](self me, notes* seen) -> task<> {
        trace_all(this_node(), {.send = true}, seen->writer());
        pid p = spawn(answers);
        seen->name(p, "p");
        seen->name(me, "me");
        co_await round_trip(me, p);
        EXPECT_THAT(seen->lines, ElementsAre("{trace,me,send,{ping,me},p}", "{trace,p,send,pong,me}"));
        trace_off(this_node());
      },
      &all);
}

TEST(trace, calls_show_as_those_of_otp) {
  node n(stepped());
  notes all;
  n.run(
      [](self, notes* seen) -> task<> {
        pid p = spawn(answers);
        EXPECT_TRUE(trace(this_node(), p, {.receive = true}, seen->writer()));
        request_awaiter<term> asks(p, term("question"_atom), 5ms);
        std::expected<term, exit_reason> none = co_await std::move(asks);
        EXPECT_TRUE(none.error().is("timeout"));
      },
      &all);
  ASSERT_EQ(all.lines.size(), 1U);
  EXPECT_THAT(all.lines[0], ::testing::HasSubstr("'receive',{'$gen_call',{"));
  EXPECT_THAT(all.lines[0], ::testing::HasSubstr(",question}"));
}

TEST(trace, what_a_tracer_throws_is_lost) {
  node n(stepped());
  n.run([](self me) -> task<> {
    pid p = spawn(answers);
    tracer bad([](const trace_event&) { throw std::runtime_error("no paper"); });
    EXPECT_TRUE(trace(this_node(), p, {.send = true, .receive = true}, bad));
    co_await round_trip(me, p);
    EXPECT_TRUE(is_process_alive(p));
  });
}

} // namespace
} // namespace coppice
