// gen_statem on a stepped node; the cases are named after those of OTP's gen_statem_SUITE where there is one.
#include "coppice/otp/gen_statem.hpp"

#include "coppice/otp/detail/test_node.hpp"
#include "coppice/term/text.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <variant>

namespace coppice {
namespace {

using namespace std::chrono_literals;
using namespace literals;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

// ---- handle_event_function, typed ------------------------------------------------------------------------

enum class door { locked, open };
struct button {
  int digit;
};
struct relock {};
struct knock {};
struct status {};
struct break_down {};

class code_lock : public gen_statem {
public:
  using state = door;
  using protocol = coppice::protocol<casts<button>, calls<knock, ok>, calls<status, std::string>,
                                     calls<break_down, ok>, events<relock>>;
  explicit code_lock(int code) : code_(code) {}

  door init() { return door::locked; }
  next<door> handle_event(door now, button b) {
    if (now == door::open) return keep_state().postpone();
    if (b.digit != code_) return keep_state();
    return next_state(door::open).state_timeout(10s, relock{});
  }
  next<door> handle_event(door, relock) { return door::locked; }
  next<door> handle_event(door now, knock, reply_to<ok>& who) {
    if (now == door::locked) return keep_state().postpone();
    return keep_state().reply(who, ok());
  }
  std::string handle_event(door now, status) { return now == door::open ? "open" : "locked"; }
  next<door> handle_event(door, break_down, reply_to<ok>& who) {
    return stop(exit_reason::shutdown()).reply(who, ok());
  }
  term data() const { return code_; }
  void replace_data(const term& t) { code_ = static_cast<int>(*t.as_int64()); }

private:
  int code_;
};

TEST(gen_statem, code_lock) {
  test_node f;
  f.n.run([](self) -> task<> {
    start_result<code_lock> s = co_await start_link<code_lock>(local("lock"), 7);
    cast<button>(*s, 3);
    std::string at_first = co_await call<status>(*s);
    EXPECT_EQ(at_first, "locked");
    cast<button>(*s, 7);
    std::string after_code = co_await call<status>(*s);
    EXPECT_EQ(after_code, "open");
    co_await idle_for(9999ms);
    std::string still = co_await call<status>(*s);
    EXPECT_EQ(still, "open");
    co_await idle_for(2ms);
    std::string in_the_end = co_await call<status>(*s);
    EXPECT_EQ(in_the_end, "locked");
  });
}

TEST(gen_statem, a_postponed_call_is_answered_in_another_state) {
  test_node f;
  f.n.run([](self) -> task<> {
    start_result<code_lock> s = co_await start_link<code_lock>(7);
    request_id<ok> waiting = send_request<knock>(*s);
    std::optional<std::expected<ok, exit_reason>> too_early = co_await wait_response(waiting, 1s);
    EXPECT_FALSE(too_early.has_value());
    cast<button>(*s, 7);
    std::optional<std::expected<ok, exit_reason>> answer = co_await receive_response(waiting);
    EXPECT_TRUE(answer.has_value() && answer->has_value());
  });
}

TEST(gen_statem, a_postponed_event_keeps_what_it_says) {
  test_node f;
  f.n.run([](self) -> task<> {
    start_result<code_lock> s = co_await start_link<code_lock>(7);
    cast<button>(*s, 7);
    cast<button>(*s, 7); // postponed until it is locked again: then it opens it
    co_await idle_for(10001ms);
    std::string now = co_await call<status>(*s);
    EXPECT_EQ(now, "open");
  });
}

TEST(gen_statem, stop_and_reply) {
  test_node f;
  f.n.run([](self) -> task<> {
    start_result<code_lock> s = co_await start<code_lock>(7);
    request_id<ok> postponed = send_request<knock>(*s);
    ok answer = co_await call<break_down>(*s);
    EXPECT_EQ(answer, ok());
    std::expected<std::string, exit_reason> gone = co_await try_call<status>(*s);
    EXPECT_TRUE(gone.error().is("noproc"));
    std::optional<std::expected<ok, exit_reason>> unanswered = co_await receive_response(postponed);
    EXPECT_TRUE(unanswered->error().is("shutdown"));
  });
  EXPECT_EQ(f.count("crash_report"), 0U);
}

// What an Erlang node asks a typed machine, and gets; a postponed request too.
TEST(gen_statem, terms_are_decoded_and_answered_as_terms) {
  test_node f;
  f.n.run([](self) -> task<> {
    start_result<code_lock> s = co_await start<code_lock>(7);
    request_id<term> waiting = send_request_any<term>(s->name(), term("knock"_atom));
    const std::pair<const char*, const char*> table[] = {
        {"status", "<<\"locked\">>"},
        {"{status,1}", "fails: {bad_request,{status,1}}"},
        {"nonsense", "fails: {bad_request,nonsense}"},
        {"relock", "fails: {bad_request,relock}"}, // an event of its own
        {"status", "<<\"locked\">>"},
    };
    for (const auto& [request, expected] : table) {
      term asked = *parse_term(request);
      std::expected<term, exit_reason> answer = co_await try_call_any<term>(s->name(), asked);
      EXPECT_EQ(answer ? to_string(*answer) : "fails: " + answer.error().to_string(), expected) << request;
    }
    cast_any(s->name(), *parse_term("{button,seven}")); // reported
    cast_any(s->name(), *parse_term("{button,7}"));
    std::optional<std::expected<term, exit_reason>> let_in = co_await receive_response(waiting);
    EXPECT_EQ(to_string(let_in->value()), "ok");
    term which = "status"_atom;
    term now = co_await call_any<term>(s->name(), which);
    EXPECT_EQ(to_string(now), "<<\"open\">>");
  });
  EXPECT_EQ(f.count("unexpected_cast"), 1U);
}

TEST(gen_statem, get_state_and_replace_state) {
  test_node f;
  f.n.run([](self) -> task<> {
    start_result<code_lock> s = co_await start_link<code_lock>(7);
    std::expected<term, exit_reason> before = co_await sys::get_state(s->name());
    EXPECT_EQ(*before, term::tuple("locked"_atom, 7));
    std::function<term(const term&)> open_it = [](const term&) { return term::tuple("open"_atom, 8); };
    std::expected<term, exit_reason> after = co_await sys::replace_state(s->name(), open_it);
    EXPECT_EQ(*after, term::tuple("open"_atom, 8));
    std::string now = co_await call<status>(*s);
    EXPECT_EQ(now, "open");
    std::function<term(const term&)> nonsense = [](const term&) { return term::tuple("ajar"_atom, 8); };
    std::expected<term, exit_reason> refused = co_await sys::replace_state(s->name(), nonsense);
    EXPECT_FALSE(refused.has_value());
  });
}

TEST(gen_statem, terms_are_decoded_and_requests_it_does_not_know_refused) {
  test_node f;
  f.n.run([](self) -> task<> {
    start_result<code_lock> s = co_await start_link<code_lock>(7);
    term press = term::tuple("button"_atom, 7);
    cast_any(s->name(), press);
    term question = "status"_atom;
    term now = co_await call_any<term>(s->name(), question);
    EXPECT_EQ(now, term("open"));
    term nonsense = "nonsense"_atom;
    std::expected<term, exit_reason> refused = co_await try_call_any<term>(s->name(), nonsense);
    EXPECT_EQ(refused.error().value(), term::tuple("bad_request"_atom, "nonsense"_atom));
    term from_outside = "relock"_atom; // its own event: not to be had from outside
    send(*s->resolve(), from_outside);
    term still = co_await call_any<term>(s->name(), question);
    EXPECT_EQ(still, term("open"));
  });
  EXPECT_EQ(f.count("unexpected_message"), 1U);
}

// ---- handle_event_function, untyped: a machine that does what its events say ------------------------------

// Events are terms `{do, Result, [Action]}`; the machine writes down each that it gets.
class puppet : public gen_statem {
public:
  using state = std::string;
  explicit puppet(shared_diary d, term first_actions = {})
      : diary_(std::move(d)), first_(std::move(first_actions)) {}

  init_state<std::string> init() {
    init_state<std::string> r("a");
    for (const term& t : first_.items()) act(r, t, nullptr);
    return r;
  }
  next<std::string> handle_event(const std::string& now, statem_event& e) {
    note(now + "<" + detail::statem::to_string(e.type) +
         (e.name.empty() ? "" : ":" + std::string(e.name.name())) + " " + to_string(e.content));
    if (!e.content.is_tuple() || e.content.elements()[0] != term("do"_atom)) return keep_state();
    const term& outcome = e.content.elements()[1];
    const term& actions = e.content.elements()[2];
    if (outcome == term("keep"_atom)) return with(keep_state(), now, actions, &e);
    if (outcome == term("repeat"_atom)) return with(repeat_state(), now, actions, &e);
    if (outcome.elements()[0] == term("stop"_atom)) return stop(exit_reason(outcome.elements()[1]));
    return with(next_state(std::string(outcome.elements()[1].as_atom()->name())), now, actions, &e);
  }
  void terminate(const exit_reason& why, const std::string& now) {
    note("ends in " + now + " " + why.to_string());
  }

private:
  template <class R>
  next<std::string> with(R r, const std::string& now, const term& actions, statem_event* e) {
    for (const term& t : actions.items()) {
      if (t == term("postpone_in_a"_atom)) {
        if (now == "a") r.postpone();
      } else {
        act(r, t, e);
      }
    }
    return r;
  }
  template <class R>
  void act(R& r, const term& t, statem_event* e) {
    std::string_view what = t.is_atom() ? t.as_atom()->name() : t.elements()[0].as_atom()->name();
    auto at = [&t](std::size_t i) -> const term& { return t.elements()[i]; };
    auto ms = [&at](std::size_t i) { return std::chrono::milliseconds(*at(i).as_int64()); };
    if (what == "hibernate") r.hibernate();
    if (what == "reply") r.reply(std::move(e->who), at(1));
    if (what == "insert") r.next_event(at(1));
    if (what == "state") r.state_timeout(ms(1), at(2));
    if (what == "state_at") r.state_timeout(now_plus(ms(1)), at(2));
    if (what == "cancel_state") r.cancel_state_timeout();
    if (what == "update_state") r.update_state_timeout(at(1));
    if (what == "forever") r.state_timeout(infinity, at(1));
    if (what == "event") r.timeout(ms(1), at(2));
    if (what == "bare_event") r.timeout(ms(1));
    if (what == "cancel_event") r.cancel_timeout();
    if (what == "update_event") r.update_timeout(at(1));
    if (what == "generic") r.generic_timeout(*at(1).as_atom(), ms(2), at(3));
    if (what == "cancel_generic") r.cancel_generic_timeout(*at(1).as_atom());
    if (what == "update_generic") r.update_generic_timeout(*at(1).as_atom(), at(2));
  }
  static time_point now_plus(duration d) { return now() + d; }
  void note(std::string what) { diary_->push_back(std::move(what)); }
  shared_diary diary_;
  term first_;
};

// `do("{next,b}", "[{state,10,x}]")`
term script(const char* outcome, const char* actions) {
  return term::tuple("do"_atom, *parse_term(outcome), *parse_term(actions));
}

struct stage {
  server_name m;
  shared_diary d = std::make_shared<diary>();
  void tell(const char* outcome, const char* actions = "[]") const { cast_any(m, script(outcome, actions)); }
  void say(const char* what) const { cast_any(m, term(atom(what))); }
};

task<stage> start_puppet() {
  stage s;
  start_result<puppet> started = co_await start<puppet>(s.d);
  s.m = started->name();
  co_return s;
}

/// Lets the machine come to rest, and gives what it wrote since, without the scripts.
task<diary> written(stage s, duration time = 0ns) {
  co_await idle_for(time + 1ns);
  diary all = std::exchange(*s.d, {});
  std::erase_if(all, [](const std::string& line) { return line.find("{do,") != std::string::npos; });
  co_return all;
}

TEST(gen_statem, event_types) {
  test_node f;
  f.n.run([](self) -> task<> {
    stage s = co_await start_puppet();
    s.say("c");
    term request = "r"_atom;
    [[maybe_unused]] request_id<term> r = send_request_any<term>(s.m, request);
    send(*s.m.resolve(), term("i"_atom));
    s.tell("keep", "[{insert,n},{event,0,e},{state,0,s},{generic,g,0,t}]");
    diary got = co_await written(s);
    EXPECT_THAT(got, ElementsAre("a<cast c", "a<call r", "a<info i", "a<internal n", "a<state_timeout s",
                                 "a<generic_timeout:g t"));
  });
}

TEST(gen_statem, postpone_event) {
  test_node f;
  f.n.run([](self) -> task<> {
    stage s = co_await start_puppet();
    cast_any(s.m, script("keep", "[postpone_in_a,{insert,retried}]"));
    s.say("x");
    s.tell("{next,b}");
    diary got = co_await written(s);
    EXPECT_THAT(got, ElementsAre("a<internal retried", "a<cast x", "b<internal retried"));
  });
}

TEST(gen_statem, next_events_come_before_what_waits) {
  test_node f;
  f.n.run([](self) -> task<> {
    stage s = co_await start_puppet();
    s.tell("{next,b}", "[{insert,one},{insert,two}]");
    s.say("later");
    diary got = co_await written(s);
    EXPECT_THAT(got, ElementsAre("b<internal one", "b<internal two", "b<cast later"));
  });
}

TEST(gen_statem, state_timeout) {
  test_node f;
  f.n.run([](self) -> task<> {
    stage s = co_await start_puppet();
    s.tell("keep", "[{state,100,t}]");
    s.say("other");
    diary before = co_await written(s, 99ms);
    EXPECT_THAT(before, ElementsAre("a<cast other"));
    diary after = co_await written(s, 1ms);
    EXPECT_THAT(after, ElementsAre("a<state_timeout t"));
    s.tell("keep", "[{state,100,t}]");
    s.tell("{next,b}");
    diary gone = co_await written(s, 200ms);
    EXPECT_THAT(gone, IsEmpty());
  });
}

TEST(gen_statem, event_timeout_is_cancelled_by_any_event) {
  test_node f;
  f.n.run([](self) -> task<> {
    stage s = co_await start_puppet();
    s.tell("keep", "[{event,100,t}]");
    diary fired = co_await written(s, 100ms);
    EXPECT_THAT(fired, ElementsAre("a<timeout t"));
    s.tell("keep", "[{event,100,t}]");
    s.say("x");
    diary cancelled = co_await written(s, 200ms);
    EXPECT_THAT(cancelled, ElementsAre("a<cast x"));
    s.tell("keep", "[{bare_event,100}]");
    diary bare = co_await written(s, 100ms);
    EXPECT_THAT(bare, ElementsAre("a<timeout timeout"));
  });
}

TEST(gen_statem, generic_timers) {
  test_node f;
  f.n.run([](self) -> task<> {
    stage s = co_await start_puppet();
    s.tell("{next,b}", "[{generic,one,100,x},{generic,two,200,y},{generic,three,300,z}]");
    s.tell("{next,c}", "[{cancel_generic,two}]");
    diary first = co_await written(s, 150ms);
    EXPECT_THAT(first, ElementsAre("c<generic_timeout:one x"));
    s.tell("keep", "[{generic,three,1000,later}]");
    diary second = co_await written(s, 500ms);
    EXPECT_THAT(second, IsEmpty());
    diary third = co_await written(s, 500ms);
    EXPECT_THAT(third, ElementsAre("c<generic_timeout:three later"));
  });
}

TEST(gen_statem, timeout_cancel_and_update) {
  test_node f;
  f.n.run([](self) -> task<> {
    stage s = co_await start_puppet();
    s.tell("keep", "[{state,100,old}]");
    s.tell("keep", "[{update_state,new}]");
    diary updated = co_await written(s, 100ms);
    EXPECT_THAT(updated, ElementsAre("a<state_timeout new"));
    s.tell("keep", "[{update_state,at_once}]");
    diary none_ran = co_await written(s);
    EXPECT_THAT(none_ran, ElementsAre("a<state_timeout at_once"));
    s.tell("keep", "[{state,100,x},{generic,g,100,y}]");
    s.tell("keep", "[cancel_state,{update_generic,g,z}]");
    diary other = co_await written(s, 100ms);
    EXPECT_THAT(other, ElementsAre("a<generic_timeout:g z"));
    s.tell("keep", "[{state,100,x}]");
    s.tell("keep", "[{forever,x}]");
    diary never = co_await written(s, 1s);
    EXPECT_THAT(never, IsEmpty());
  });
}

TEST(gen_statem, absolute_timeout) {
  test_node f;
  f.n.run([](self) -> task<> {
    stage s = co_await start_puppet();
    s.tell("keep", "[{state_at,100,t}]");
    diary before = co_await written(s, 99ms);
    EXPECT_THAT(before, IsEmpty());
    diary after = co_await written(s, 2ms);
    EXPECT_THAT(after, ElementsAre("a<state_timeout t"));
  });
}

TEST(gen_statem, actions_of_init) {
  test_node f;
  f.n.run([](self) -> task<> {
    stage s;
    term actions = *parse_term("[{insert,first},{state,50,soon}]");
    start_result<puppet> started = co_await start<puppet>(s.d, actions);
    EXPECT_TRUE(started.has_value());
    diary got = co_await written(s, 50ms);
    EXPECT_THAT(got, ElementsAre("a<internal first", "a<state_timeout soon"));
  });
}

TEST(gen_statem, reply_and_hibernate) {
  test_node f;
  f.n.run([](self) -> task<> {
    stage s = co_await start_puppet();
    term request = script("keep", "[hibernate,{reply,pong}]");
    term answer = co_await call_any<term>(s.m, request);
    EXPECT_EQ(answer, term("pong"_atom));
    s.say("awake");
    diary got = co_await written(s);
    EXPECT_THAT(got, ElementsAre("a<cast awake"));
  });
}

TEST(gen_statem, a_call_that_is_forgotten_fails) {
  test_node f;
  f.n.run([](self) -> task<> {
    stage s = co_await start_puppet();
    term request = script("keep", "[]");
    std::expected<term, exit_reason> answer = co_await try_call_any<term>(s.m, request);
    EXPECT_TRUE(answer.error().is("noreply"));
  });
}

TEST(gen_statem, stop_calls_terminate_with_the_state) {
  test_node f;
  f.n.run([](self) -> task<> {
    stage s = co_await start_puppet();
    reference ref = monitor(*s.m.resolve());
    s.tell("{next,b}");
    s.tell("{stop,enough}");
    self me(detail::running_process());
    down gone = co_await me.receive<down>();
    EXPECT_EQ(gone.ref, ref);
    EXPECT_TRUE(gone.reason.is("enough"));
    diary got = co_await written(s);
    EXPECT_THAT(got, ElementsAre("ends in b enough"));
    stage other = co_await start_puppet();
    std::expected<ok, exit_reason> stopped = co_await stop(other.m);
    EXPECT_TRUE(stopped.has_value());
    diary ended = co_await written(other);
    EXPECT_THAT(ended, ElementsAre("ends in a normal"));
  });
  EXPECT_EQ(f.count("crash_report"), 1U);
}

TEST(gen_statem, suspend_and_resume_keep_order) {
  test_node f;
  f.n.run([](self) -> task<> {
    stage s = co_await start_puppet();
    s.tell("keep", "[{state,50,t}]");
    std::expected<atom, exit_reason> suspended = co_await sys::suspend(s.m);
    s.say("x");
    diary nothing = co_await written(s, 100ms);
    EXPECT_THAT(nothing, IsEmpty());
    s.say("y");
    std::expected<atom, exit_reason> resumed = co_await sys::resume(s.m);
    diary got = co_await written(s);
    EXPECT_THAT(got, ElementsAre("a<cast x", "a<state_timeout t", "a<cast y"));
  });
}

// ---- state_functions: a type for each state ---------------------------------------------------------------

struct off {
  friend bool operator==(off, off) = default;
};
struct on {
  int level;
  friend bool operator==(const on&, const on&) = default;
};
struct push {};
struct dim {
  int by;
};
struct ask {};
struct tired {};
struct mistake {};

class lamp : public gen_statem {
public:
  using state = std::variant<off, on>;
  using protocol = coppice::protocol<casts<push>, casts<dim>, calls<ask, int>, events<tired>, casts<mistake>,
                                     infos<knock>>;
  explicit lamp(shared_diary d) : diary_(std::move(d)) {}

  state init() { return off{}; }
  // off
  next<state> handle_event(off, push) { return next_state(on{10}).state_timeout(1s); }
  int handle_event(off, ask) { return 0; }
  // on
  next<state> handle_event(on, push) { return off{}; }
  next<state> handle_event(on now, dim d) { return on{now.level - d.by}; }
  int handle_event(on now, ask) { return now.level; }
  next<state> handle_event(on, state_timeout) { return next_state(off{}).next_event(tired{}); }
  // whatever the state
  void handle_event(const state&, dim) { diary_->push_back("dark"); }
  void handle_event(const state&, tired) { diary_->push_back("tired"); }
  next<state> handle_event(const state&, mistake) { throw std::runtime_error("short circuit"); }
  void handle_event(const state&, knock) { diary_->push_back("knock"); }

  next<state> state_enter(const state& old, on now) {
    diary_->push_back("on " + std::to_string(now.level) + " from " +
                      (std::holds_alternative<off>(old) ? "off" : "on"));
    if (now.level == 1) return keep_state().state_timeout(10ms);
    return keep_state();
  }

private:
  shared_diary diary_;
};

TEST(gen_statem, state_functions_and_state_enter) {
  test_node f;
  f.n.run([](self) -> task<> {
    auto d = std::make_shared<diary>();
    start_result<lamp> s = co_await start_link<lamp>(d);
    cast<dim>(*s, 3);
    cast<push>(*s);
    cast<dim>(*s, 3);
    int level = co_await call<ask>(*s);
    EXPECT_EQ(level, 7);
    std::expected<term, exit_reason> state = co_await sys::get_state(s->name());
    EXPECT_EQ(to_string(*state), "{{on,7},lamp}");
    send(*s->resolve(), knock{});
    cast<dim>(*s, 6);
    co_await idle_for(11ms);
    int dark = co_await call<ask>(*s);
    EXPECT_EQ(dark, 0);
    EXPECT_THAT(*d, ElementsAre("dark", "on 10 from off", "on 7 from on", "knock", "on 1 from on", "tired"));
  });
}

TEST(gen_statem, a_callback_that_throws_ends_the_machine) {
  test_node f;
  f.n.run([](self) -> task<> {
    auto d = std::make_shared<diary>();
    start_result<lamp> s = co_await start<lamp>(d);
    monitor(*s->resolve());
    cast<mistake>(*s);
    self me(detail::running_process());
    down gone = co_await me.receive<down>();
    EXPECT_EQ(gone.reason.value(), term::tuple(atom("std::runtime_error"), "short circuit"));
  });
  ASSERT_EQ(f.count("crash_report"), 1U);
  EXPECT_EQ(f.reports[0].fields.back().first, "state");
}

// ---- state enter calls and what they must not do ----------------------------------------------------------

enum class step { first, second };
struct go {};

class entering : public gen_statem {
public:
  using state = step;
  using protocol = coppice::protocol<casts<go>>;
  entering(shared_diary d, bool wrong) : diary_(std::move(d)), wrong_(wrong) {}
  step init() { return step::first; }
  next<step> state_enter(step old, step now) {
    diary_->push_back("enter " + std::to_string(static_cast<int>(now)) + " from " +
                      std::to_string(static_cast<int>(old)));
    if (wrong_ && now == step::second) return step::first;
    return keep_state();
  }
  next<step> handle_event(step now, go) {
    if (now == step::second) return repeat_state();
    return step::second;
  }

private:
  shared_diary diary_;
  bool wrong_;
};

TEST(gen_statem, state_enter) {
  test_node f;
  f.n.run([](self) -> task<> {
    auto d = std::make_shared<diary>();
    start_result<entering> s = co_await start<entering>(d, false);
    cast<go>(*s);
    cast<go>(*s);
    co_await idle_for(1ms);
    EXPECT_THAT(*d, ElementsAre("enter 0 from 0", "enter 1 from 0", "enter 1 from 1"));
  });
}

TEST(gen_statem, a_state_enter_call_must_not_change_the_state) {
  test_node f;
  f.n.run([](self me) -> task<> {
    auto d = std::make_shared<diary>();
    start_result<entering> s = co_await start<entering>(d, true);
    monitor(*s->resolve());
    cast<go>(*s);
    down gone = co_await me.receive<down>();
    EXPECT_THAT(gone.reason.to_string(), ::testing::HasSubstr("bad_state_enter_return_from_state_function"));
  });
}

// ---- starting ---------------------------------------------------------------------------------------------

struct beginner : gen_statem {
  using state = door;
  explicit beginner(std::string how) : how_(std::move(how)) {}
  init_state<door> init() {
    if (how_ == "ignore") return init_state<door>::ignore();
    if (how_ == "stop") return init_state<door>::stop(exit_reason("no_key"_atom));
    if (how_ == "throw") throw std::runtime_error("no door");
    return door::open;
  }
  void handle_event(door, statem_event&) {}
  std::string how_;
};

TEST(gen_statem, start) {
  test_node f;
  f.n.run([](self) -> task<> {
    start_result<beginner> ignore = co_await start<beginner>("ignore");
    EXPECT_TRUE(ignore.error() == ignored());
    start_result<beginner> refuse = co_await start<beginner>(local("d"), "stop");
    EXPECT_TRUE(refuse.error().is("no_key"));
    EXPECT_FALSE(whereis("d"_atom));
    start_result<beginner> crash = co_await start<beginner>("throw");
    EXPECT_EQ(crash.error().value(), term::tuple(atom("std::runtime_error"), "no door"));
    start_result<beginner> fine = co_await start<beginner>(local("d"), "");
    start_result<beginner> taken = co_await start<beginner>(local("d"), "");
    EXPECT_EQ(taken.error().value(), term::tuple("already_started"_atom, *fine->resolve()));
  });
}

// ---- callbacks that await ---------------------------------------------------------------------------------

class slow_lock : public gen_statem {
public:
  using state = door;
  using protocol = coppice::protocol<casts<button>, calls<status, std::string>, calls<knock, ok>,
                                     events<relock>, casts<mistake>>;
  explicit slow_lock(shared_diary d) : diary_(std::move(d)) {}

  task<door> init() {
    co_await idle_for(1ms);
    co_return door::locked;
  }
  task<next<door>> handle_event(door, button) {
    co_await idle_for(1ms);
    next<door> result = next_state(door::open).state_timeout(1s, relock{});
    co_return result;
  }
  task<next<door>> handle_event(door, relock) {
    co_await idle_for(1ms);
    co_return door::locked;
  }
  task<std::string> handle_event(door now, status) {
    co_await idle_for(1ms);
    co_return now == door::open ? "open" : "locked";
  }
  task<> handle_event(door, knock, reply_to<ok> who) {
    co_await idle_for(1ms);
    who.reply(ok());
  }
  task<> handle_event(door, mistake) {
    co_await idle_for(1ms);
    throw std::runtime_error("stuck");
  }
  task<> state_enter(door, door now) {
    co_await idle_for(1ms);
    diary_->push_back(now == door::open ? "open" : "locked");
  }

private:
  shared_diary diary_;
};

TEST(gen_statem, every_callback_may_await) {
  test_node f;
  f.n.run([](self me) -> task<> {
    auto d = std::make_shared<diary>();
    start_result<slow_lock> s = co_await start<slow_lock>(d);
    cast<button>(*s, 1);
    std::string opened = co_await call<status>(*s);
    EXPECT_EQ(opened, "open");
    ok answered = co_await call<knock>(*s);
    EXPECT_EQ(answered, ok());
    co_await idle_for(1100ms);
    std::string closed = co_await call<status>(*s);
    EXPECT_EQ(closed, "locked");
    EXPECT_THAT(*d, ElementsAre("locked", "open", "locked"));
    monitor(*s->resolve());
    request_id<std::string> waiting = send_request<status>(*s);
    cast<mistake>(*s);
    request_id<std::string> hopeless = send_request<status>(*s);
    down gone = co_await me.receive<down>();
    EXPECT_EQ(gone.reason.value(), term::tuple(atom("std::runtime_error"), "stuck"));
    std::optional<std::expected<std::string, exit_reason>> answer = co_await receive_response(waiting);
    EXPECT_EQ(answer->value(), "locked");
    std::optional<std::expected<std::string, exit_reason>> none = co_await receive_response(hopeless);
    EXPECT_EQ(none->error(), gone.reason);
  });
}

} // namespace
} // namespace coppice
