// Request and reply: a call is its own monitor.
#include "coppice/runtime/call.hpp"

#include "coppice/runtime/detail/runtime_test.hpp"
#include "coppice/runtime/node.hpp"
#include "coppice/runtime/timer.hpp"

#include <gtest/gtest.h>

#include <array>
#include <string>
#include <vector>

namespace coppice {
namespace {

using namespace std::chrono_literals;
using namespace literals;
using namespace coppice::test;

struct twice {
  int n;
};
struct twice_later {
  int n;
};
struct forget {};
struct keep {};
struct hand_on {
  pid to;
};
struct handed {
  from who;
};
struct fail_me {};
struct die {
  bool by_exception;
};

/// A server by hand: what it does with a request's `from` depends on the request.
class server : public body {
public:
  void receive(message_ptr m) override {
    if (m->kind != detail::envelope_kind::message) return;
    std::uint64_t type = m->ops->type->hash;
    if (type == type_hash<stop>()) exit(exit_reason::normal());
    if (type == type_hash<handed>()) held_.push_back(std::move(m->as<handed>().who));
    if (m->form != detail::message_form::call) return;
    from who = std::move(detail::from_of(*m));
    if (type == type_hash<twice>()) who.reply(m->as<twice>().n * 2);
    if (type == type_hash<keep>()) held_.push_back(std::move(who));
    if (type == type_hash<hand_on>()) send(m->as<hand_on>().to, handed{std::move(who)});
    if (type == type_hash<fail_me>()) who.fail(exit_reason("refused"_atom));
    if (type == type_hash<die>()) {
      if (m->as<die>().by_exception) throw std::runtime_error("disk full");
      exit(exit_reason("enough"_atom));
    }
  }

private:
  std::vector<from> held_;
};

pid start_server() { return spawn_body({}, std::make_unique<server>()).process; }

template <class R, class Request>
task<std::expected<R, exit_reason>> ask(pid to, Request request, duration timeout = 5s) {
  request_awaiter<R> asked(to, std::move(request), timeout);
  std::expected<R, exit_reason> reply = co_await asked;
  co_return reply;
}

TEST(call, is_answered) {
  node n(quiet());
  n.run([](self) -> task<> {
    pid s = start_server();
    twice request{21};
    std::expected<int, exit_reason> r = co_await ask<int>(s, request);
    EXPECT_EQ(r.value(), 42);
    std::expected<term, exit_reason> t = co_await ask<term>(s, request);
    EXPECT_EQ(t.value(), term(42));
    std::expected<std::string, exit_reason> wrong = co_await ask<std::string>(s, request);
    EXPECT_FALSE(wrong);
    send(s, stop());
  });
  EXPECT_EQ(n.statistics().processes, 0U);
}

TEST(call, that_nobody_can_answer_fails_at_once) {
  node n(quiet());
  n.run([](self me) -> task<> {
    pid s = start_server();
    std::expected<int, exit_reason> dropped = co_await ask<int>(s, forget(), infinity);
    EXPECT_TRUE(dropped.error().is("noreply"));
    std::expected<int, exit_reason> refused = co_await ask<int>(s, fail_me(), infinity);
    EXPECT_TRUE(refused.error().is("refused"));
    send(s, stop());
    monitor(s);
    co_await me.receive<down>();
    std::expected<int, exit_reason> gone = co_await ask<int>(s, forget(), infinity);
    EXPECT_TRUE(gone.error().is("noproc"));
    std::expected<int, exit_reason> nobody = co_await ask<int>(pid(), forget(), infinity);
    EXPECT_TRUE(nobody.error().is("noproc"));
  });
}

TEST(call, fails_with_the_servers_reason_however_it_ends) {
  node n(quiet());
  n.run([](self) -> task<> {
    die by_exit{false};
    std::expected<int, exit_reason> a = co_await ask<int>(start_server(), by_exit, infinity);
    EXPECT_TRUE(a.error().is("enough"));
    die by_exception{true};
    std::expected<int, exit_reason> b = co_await ask<int>(start_server(), by_exception, infinity);
    EXPECT_EQ(b.error().value(), term::tuple(atom("std::runtime_error"), "disk full"));
    pid holder = start_server();
    spawn(
        [](self, pid victim) -> process {
          co_await idle_for(10ms);
          exit(victim, exit_reason::kill());
        },
        holder);
    std::expected<int, exit_reason> c = co_await ask<int>(holder, keep(), infinity);
    EXPECT_TRUE(c.error().is("killed"));
  });
}

TEST(call, that_waits_in_the_mailbox_of_the_dying_fails_with_its_reason) {
  node n(quiet());
  n.run([](self) -> task<> {
    pid s = start_server();
    send(s, stop());
    std::expected<int, exit_reason> r = co_await ask<int>(s, forget(), infinity);
    EXPECT_TRUE(r.error().is("normal"));
  });
}

TEST(call, may_be_answered_by_another_process) {
  node n(quiet());
  n.run([](self me) -> task<> {
    pid s = start_server();
    pid helper = spawn([](self it) -> process {
      handed h = co_await it.receive<handed>();
      h.who.reply(7);
    });
    hand_on request{helper};
    std::expected<int, exit_reason> r = co_await ask<int>(s, request, infinity);
    EXPECT_EQ(r.value(), 7);
    pid dying = spawn([](self it) -> process {
      handed h = co_await it.receive<handed>();
      exit(exit_reason("oops"_atom));
    });
    hand_on doomed{dying};
    std::expected<int, exit_reason> f = co_await ask<int>(s, doomed, infinity);
    EXPECT_TRUE(f.error().is("oops"));
    hand_on void_{pid()};
    std::expected<int, exit_reason> v = co_await ask<int>(s, void_, infinity);
    EXPECT_FALSE(v);
    EXPECT_TRUE(is_process_alive(s));
    EXPECT_NE(s, me.id());
  });
}

TEST(call, times_out_and_its_late_reply_is_dropped) {
  node n(quiet());
  n.run([](self me) -> task<> {
    pid slow = spawn([](self it) -> process {
      handed h = co_await it.receive<handed>();
      co_await idle_for(100ms);
      h.who.reply(1);
    });
    pid s = start_server();
    hand_on request{slow};
    time_point before = now();
    std::expected<int, exit_reason> r = co_await ask<int>(s, request, 10ms);
    EXPECT_TRUE(r.error().is("timeout"));
    EXPECT_GE(now() - before, 10ms);
    EXPECT_LT(now() - before, 11ms);
    twice other{4};
    std::expected<int, exit_reason> next = co_await ask<int>(s, other, 5s);
    EXPECT_EQ(next.value(), 8);
    std::optional<term> late = co_await me.receive<term>(200ms);
    EXPECT_FALSE(late);
    std::expected<int, exit_reason> again = co_await ask<int>(s, other, 5s);
    EXPECT_EQ(again.value(), 8);
  });
}

TEST(call, passes_over_the_messages_in_the_callers_mailbox) {
  node n(quiet());
  n.run([](self me) -> task<> {
    pid s = start_server();
    for (int i = 0; i < 100; ++i) send(me, twice_later{i});
    twice request{1};
    std::expected<int, exit_reason> r = co_await ask<int>(s, request);
    EXPECT_EQ(r.value(), 2);
    for (int i = 0; i < 100; ++i) {
      twice_later m = co_await me.receive<twice_later>();
      EXPECT_EQ(m.n, i);
    }
  });
}

TEST(call, is_answered_once) {
  node n(quiet());
  n.run([](self me) -> task<> {
    pid s = start_server();
    pid helper = spawn([](self it) -> process {
      handed h = co_await it.receive<handed>();
      EXPECT_TRUE(h.who);
      h.who.reply(1);
      EXPECT_FALSE(h.who);
      h.who.reply(2);
      h.who.fail(exit_reason::timeout());
    });
    hand_on request{helper};
    std::expected<int, exit_reason> r = co_await ask<int>(s, request);
    EXPECT_EQ(r.value(), 1);
    std::optional<term> more = co_await me.receive<term>(10ms);
    EXPECT_FALSE(more);
  });
}

TEST(call, of_a_caller_that_is_gone_is_answered_into_the_void) {
  node n(quiet());
  n.run([](self me) -> task<> {
    pid s = start_server();
    monitored caller =
        spawn_monitor([](self, pid server) -> process { co_await ask<int>(server, keep(), infinity); }, s);
    co_await yield();
    exit(caller.process, exit_reason::kill());
    co_await me.receive<down>();
    send(s, stop()); // drops the `from` it holds
    twice request{1};
    std::expected<int, exit_reason> r = co_await ask<int>(s, request);
    EXPECT_FALSE(r);
  });
  EXPECT_EQ(n.statistics().processes, 0U);
}

TEST(call, whose_from_is_lost_to_an_exception_that_was_caught_fails) {
  node n(quiet());
  n.run([](self) -> task<> {
    pid s = start_server();
    pid careless = spawn([](self it) -> process {
      try {
        handed h = co_await it.receive<handed>();
        throw std::runtime_error("whatever");
      } catch (const std::runtime_error&) {
      }
      co_await it.receive<stop>();
    });
    hand_on request{careless};
    std::expected<int, exit_reason> r = co_await ask<int>(s, request, infinity);
    EXPECT_TRUE(r.error().is("noreply"));
    send(careless, stop());
  });
}

// --- send_request ---

/// The reply to one of the requests, read as an int.
task<std::expected<int, exit_reason>> response(std::vector<std::uint64_t> tags, duration timeout) {
  detail::response_wait wait(detail::running_process(), tags, timeout);
  struct awaiter {
    explicit awaiter(detail::response_wait& w) noexcept : wait(w) {}
    bool await_ready() { return wait.ready(); }
    void await_suspend(std::coroutine_handle<> h) noexcept { wait.suspend(h); }
    std::expected<int, exit_reason> await_resume() { return detail::read_reply<int>(wait.finish()); }
    detail::response_wait& wait;
  };
  awaiter waits(wait);
  std::expected<int, exit_reason> reply = co_await waits;
  co_return reply;
}

TEST(send_request, replies_come_as_messages_of_their_own) {
  node n(quiet());
  n.run([](self) -> task<> {
    pid s = start_server();
    std::uint64_t a = send_request_to(s, twice{1});
    std::uint64_t b = send_request_to(s, twice{2});
    std::expected<int, exit_reason> second = co_await response(std::vector<std::uint64_t>(1, b), 1s);
    EXPECT_EQ(second.value(), 4);
    co_await idle_for(1ms);
    detail::envelope_ptr first = detail::take_response(detail::running_process(), a);
    EXPECT_TRUE(first && detail::read_reply<int>(std::move(first)).value() == 2);
    EXPECT_FALSE(detail::take_response(detail::running_process(), a));
  });
}

TEST(send_request, gives_the_earliest_of_several_or_times_out) {
  node n(quiet());
  n.run([](self) -> task<> {
    pid s = start_server();
    std::vector<std::uint64_t> tags;
    for (int i = 1; i <= 3; ++i) tags.push_back(send_request_to(s, twice{i}));
    for (int i = 1; i <= 3; ++i) {
      std::expected<int, exit_reason> r = co_await response(tags, infinity);
      EXPECT_EQ(r.value(), 2 * i);
    }
    time_point before = now();
    std::expected<int, exit_reason> none = co_await response(tags, 20ms);
    EXPECT_TRUE(none.error().is("timeout"));
    EXPECT_GE(now() - before, 20ms);
  });
}

TEST(send_request, fails_as_a_call_does) {
  node n(quiet());
  n.run([](self) -> task<> {
    pid s = start_server();
    std::uint64_t kept = send_request_to(s, keep());
    std::uint64_t fatal = send_request_to(s, die{false});
    std::expected<int, exit_reason> a = co_await response(std::vector<std::uint64_t>(1, kept), infinity);
    std::expected<int, exit_reason> b = co_await response(std::vector<std::uint64_t>(1, fatal), infinity);
    EXPECT_TRUE(a.error().is("enough"));
    EXPECT_TRUE(b.error().is("enough"));
  });
}

TEST(send_request, that_was_given_up_brings_nothing) {
  node n(quiet());
  n.run([](self me) -> task<> {
    pid s = start_server();
    std::uint64_t tag = send_request_to(s, twice{1});
    detail::close_request(detail::running_process(), tag);
    std::optional<term> m = co_await me.receive<term>(10ms);
    EXPECT_FALSE(m);
  });
}

} // namespace
} // namespace coppice
