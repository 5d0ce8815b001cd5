// gen_server on a stepped node; the cases are named after those of OTP's gen_server_SUITE where there is one.
#include "coppice/otp/gen_server.hpp"

#include "coppice/otp/detail/test_node.hpp"
#include "coppice/runtime/timer.hpp"
#include "coppice/term/text.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <future>
#include <memory>
#include <unordered_map>

namespace coppice {
namespace {

using namespace std::chrono_literals;
using namespace literals;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

struct increment {
  int by;
};
struct read {};
struct reset {};
struct explode {};
struct slow {
  int answer;
};

class counter : public gen_server {
public:
  using protocol = coppice::protocol<calls<increment, int>, calls<read, int>, casts<reset>,
                                     calls<explode, int>, calls<slow, int>>;
  explicit counter(int start = 0) : n_(start) {}

  int handle_call(increment m) { return n_ += m.by; }
  int handle_call(read) const { return n_; }
  void handle_cast(reset) { n_ = 0; }
  int handle_call(explode) { throw std::runtime_error("boom"); }
  task<int> handle_call(slow m) {
    co_await idle_for(100ms);
    co_return m.answer;
  }
  term state() const { return n_; }
  void replace_state(const term& t) { n_ = static_cast<int>(*t.as_int64()); }

private:
  int n_;
};

TEST(gen_server, start) {
  test_node f;
  f.n.run([](self) -> task<> {
    start_result<counter> s = co_await start_link<counter>(local("counter"), 5);
    EXPECT_TRUE(s.has_value());
    int v = co_await call<increment>(*s, 2);
    EXPECT_EQ(v, 7);
    server_ref<counter> by_name{"counter"};
    cast<reset>(by_name);
    int zero = co_await call<read>(by_name);
    EXPECT_EQ(zero, 0);
    start_result<counter> again = co_await start<counter>(local("counter"));
    EXPECT_FALSE(again.has_value());
    EXPECT_EQ(again.error().value(), term::tuple(atom("already_started"), *s->resolve()));
  });
}

TEST(gen_server, crash_reaches_the_caller) {
  test_node f;
  f.n.run([](self) -> task<> {
    start_result<counter> s = co_await start<counter>();
    std::expected<int, exit_reason> r = co_await try_call<explode>(*s);
    EXPECT_FALSE(r.has_value());
    EXPECT_EQ(r.error().value(), term::tuple(atom("std::runtime_error"), "boom"));
    std::expected<int, exit_reason> late = co_await try_call<read>(*s);
    EXPECT_TRUE(late.error().is("noproc"));
  });
}

TEST(gen_server, call_with_a_callback_that_awaits) {
  test_node f;
  f.n.run([](self) -> task<> {
    start_result<counter> s = co_await start<counter>();
    int v = co_await call<slow>(*s, 9);
    EXPECT_EQ(v, 9);
    std::expected<int, exit_reason> r = co_await try_call<slow>(*s, within(50ms), 9);
    EXPECT_TRUE(r.error().is("timeout"));
    int now_idle = co_await call<read>(*s);
    EXPECT_EQ(now_idle, 0);
  });
}

TEST(gen_server, replace_state_and_get_state) {
  test_node f;
  f.n.run([](self) -> task<> {
    start_result<counter> s = co_await start<counter>(3);
    std::expected<term, exit_reason> state = co_await sys::get_state(s->name());
    EXPECT_EQ(*state, term(3));
    std::function<term(const term&)> change = [](const term& t) { return term(*t.as_int64() + 1); };
    std::expected<term, exit_reason> replaced = co_await sys::replace_state(s->name(), change);
    EXPECT_EQ(*replaced, term(4));
    int v = co_await call<read>(*s);
    EXPECT_EQ(v, 4);
  });
}

TEST(gen_server, stop) {
  test_node f;
  f.n.run([](self) -> task<> {
    start_result<counter> s = co_await start<counter>();
    std::expected<ok, exit_reason> r = co_await stop(s->name());
    EXPECT_TRUE(r.has_value());
    std::expected<ok, exit_reason> gone = co_await stop(s->name());
    EXPECT_TRUE(gone.error().is("noproc"));
  });
}

struct ask_yourself {
  bool and_die;
};
struct stop_yourself {};

class narcissus : public gen_server {
public:
  using protocol = coppice::protocol<calls<ask_yourself, std::string>, calls<stop_yourself, std::string>>;
  task<std::string> handle_call(ask_yourself how) {
    server_ref<narcissus> mirror{server_name(self_pid())};
    if (how.and_die) {
      std::string never = co_await call<ask_yourself>(mirror, false);
      co_return never;
    }
    std::expected<std::string, exit_reason> answer = co_await try_call<ask_yourself>(mirror, false);
    co_return to_string(answer.error().value());
  }
  task<std::string> handle_call(stop_yourself) {
    std::expected<ok, exit_reason> ended = co_await stop(server_name(self_pid()));
    co_return to_string(ended.error().value());
  }
};

TEST(gen_server, calling_self) {
  test_node f;
  f.n.run([](self) -> task<> {
    start_result<narcissus> s = co_await start<narcissus>();
    std::string why = co_await call<ask_yourself>(*s, false);
    EXPECT_EQ(why, "calling_self");
    std::string why_not_stopped = co_await call<stop_yourself>(*s);
    EXPECT_EQ(why_not_stopped, "calling_self");
    std::expected<std::string, exit_reason> dead = co_await try_call<ask_yourself>(*s, true);
    EXPECT_EQ(dead.error().value().elements()[0], term("calling_self"_atom));
    EXPECT_EQ(dead.error().value().elements()[1].elements()[1], term("call"_atom));
  });
}

// ---- starting ---------------------------------------------------------------------------------------------

struct beginner : gen_server {
  explicit beginner(std::string how) : how_(std::move(how)) {
    if (how_ == "throw in constructor") throw std::runtime_error("no memory");
  }
  task<init_result> init() {
    if (how_ == "sleep") co_await idle_for(1s);
    if (how_ == "ignore") co_return init_result::ignore();
    if (how_ == "stop") co_return init_result::stop(exit_reason("no_key"_atom));
    if (how_ == "throw") throw std::runtime_error("no door");
    if (how_ == "exit") exit(exit_reason("gone"_atom));
    co_return init_result();
  }
  std::string how_;
};

TEST(gen_server, start_fails) {
  test_node f;
  f.n.run([](self) -> task<> {
    start_result<beginner> ignore = co_await start<beginner>(local("b"), "ignore");
    EXPECT_TRUE(ignore.error() == ignored());
    EXPECT_FALSE(whereis("b"_atom));
    start_result<beginner> refuse = co_await start<beginner>(local("b"), "stop");
    EXPECT_TRUE(refuse.error().is("no_key"));
    EXPECT_FALSE(whereis("b"_atom));
    start_result<beginner> crash = co_await start<beginner>("throw");
    EXPECT_EQ(crash.error().value(), term::tuple(atom("std::runtime_error"), "no door"));
    start_result<beginner> unbuilt = co_await start<beginner>("throw in constructor");
    EXPECT_EQ(unbuilt.error().value(), term::tuple(atom("std::runtime_error"), "no memory"));
    start_result<beginner> left = co_await start<beginner>("exit");
    EXPECT_TRUE(left.error().is("gone"));
    start_result<beginner> fine = co_await start<beginner>(local("b"), "");
    EXPECT_TRUE(fine.has_value());
  });
}

TEST(gen_server, start_link_that_fails_sends_its_exit_signal) {
  test_node f;
  f.n.run([](self me) -> task<> {
    trap_exit(true);
    start_result<beginner> refuse = co_await start_link<beginner>("stop");
    EXPECT_TRUE(refuse.error().is("no_key"));
    exit_signal e = co_await me.receive<exit_signal>();
    EXPECT_TRUE(e.reason.is("no_key"));
    start_result<beginner> ignore = co_await start_link<beginner>("ignore");
    EXPECT_TRUE(ignore.error() == ignored());
    exit_signal second = co_await me.receive<exit_signal>();
    EXPECT_TRUE(second.reason.is_normal());
  });
}

TEST(gen_server, start_monitor) {
  test_node f;
  f.n.run([](self me) -> task<> {
    std::expected<monitored_server<counter>, exit_reason> s = co_await start_monitor<counter>(3);
    int three = co_await call<read>(s->server);
    EXPECT_EQ(three, 3);
    std::expected<ok, exit_reason> stopped = co_await stop(s->server.name(), exit_reason("over"_atom));
    down gone = co_await me.receive<down>();
    EXPECT_EQ(gone.ref, s->ref);
    EXPECT_TRUE(gone.reason.is("over"));
    std::expected<monitored_server<beginner>, exit_reason> refused = co_await start_monitor<beginner>("stop");
    EXPECT_TRUE(refused.error().is("no_key"));
    std::optional<down> none = co_await me.receive<down>(1ms);
    EXPECT_FALSE(none.has_value());
  });
}

TEST(gen_server, start_timeout) {
  test_node f;
  f.n.run([](self me) -> task<> {
    trap_exit(true);
    start_options options;
    options.name = server_name("late");
    options.timeout = 500ms;
    start_result<beginner> late = co_await start_link<beginner>(options, "sleep");
    EXPECT_TRUE(late.error().is("timeout"));
    co_await yield();
    EXPECT_FALSE(whereis("late"_atom));
    options.timeout = 2s;
    start_result<beginner> in_time = co_await start<beginner>(options, "sleep");
    EXPECT_TRUE(in_time.has_value());
    std::optional<exit_signal> none = co_await me.receive<exit_signal>(0ns);
    EXPECT_FALSE(none.has_value());
  });
}

// ---- calls ------------------------------------------------------------------------------------------------

TEST(gen_server, call_noproc) {
  test_node f;
  f.n.run([](self) -> task<> {
    server_ref<counter> nobody{"nobody"};
    std::expected<int, exit_reason> r = co_await try_call<read>(nobody);
    EXPECT_TRUE(r.error().is("noproc"));
    cast<reset>(nobody);
  });
}

process call_and_die(self, server_ref<counter> to) { [[maybe_unused]] int v = co_await call<read>(to); }

TEST(gen_server, call_ends_the_caller_when_it_fails) {
  test_node f;
  f.n.run([](self me) -> task<> {
    server_ref<counter> nobody{"nobody"};
    spawn_monitor(call_and_die, nobody);
    down gone = co_await me.receive<down>();
    EXPECT_EQ(to_string(gone.reason.value()), "{noproc,{gen_server,call,[nobody,read]}}");
  });
}

TEST(gen_server, a_late_reply_is_dropped) {
  test_node f;
  f.n.run([](self me) -> task<> {
    start_result<counter> s = co_await start<counter>(1);
    std::expected<int, exit_reason> r = co_await try_call<slow>(*s, within(50ms), 9);
    EXPECT_TRUE(r.error().is("timeout"));
    co_await idle_for(100ms);
    std::optional<term> stray = co_await me.receive<term>(0ns);
    EXPECT_FALSE(stray.has_value());
    int v = co_await call<read>(*s);
    EXPECT_EQ(v, 1);
  });
}

// ---- a server whose callbacks do what they are told ----

struct do_now {
  std::string what;
};
struct ask_now {
  std::string what;
};
struct poke {
  std::string what;
};
struct hold {};
struct release {
  int value;
};
struct hand_over {
  pid to;
};
struct holding {
  from who;
};

class actor : public gen_server {
public:
  using protocol = coppice::protocol<casts<do_now>, calls<ask_now, std::string>, infos<poke>,
                                     calls<hold, int>, casts<release>, calls<hand_over, int>, infos<down>>;
  explicit actor(shared_diary d, std::string first = "") : diary_(std::move(d)), first_(std::move(first)) {}

  init_result init() {
    if (first_ == "continue") return init_result().then("from_init"_atom);
    if (first_ == "timeout") return init_result().timeout(10ms);
    if (first_ == "hibernate") return init_result().hibernate();
    if (first_ == "trap") trap_exit(true);
    return {};
  }
  result<> handle_cast(const do_now& m) { return act(m.what); }
  result<> handle_info(const poke& m) { return act(m.what); }
  result<std::string> handle_call(const ask_now& m) {
    note("asked " + m.what);
    if (m.what == "stop") return result<std::string>("bye").stop();
    if (m.what == "stop silently") return result<std::string>().stop(exit_reason::shutdown());
    if (m.what == "continue") return result<std::string>("first").then("after_reply"_atom);
    if (m.what == "throw") throw std::runtime_error("oops");
    return m.what;
  }
  void handle_call(hold, reply_to<int> who) { held_ = std::move(who); }
  void handle_cast(release m) { held_.reply(m.value); }
  void handle_call(hand_over m, reply_to<int> who) { send(m.to, holding{who.release()}); }
  void handle_info(const down& d) { note("down " + d.reason.to_string()); }
  result<> handle_timeout() { return act("timeout"); }
  result<> handle_continue(const term& t) {
    note("continue " + to_string(t));
    if (t.as_int64() && *t.as_int64() > 0) return result<>().then(*t.as_int64() - 1);
    if (t == term("throw"_atom)) throw std::runtime_error("oops");
    return {};
  }
  void terminate(const exit_reason& why) {
    note("ends " + why.to_string());
    if (why.is("throw")) throw std::runtime_error("and again");
  }

private:
  result<> act(const std::string& what) {
    note(what);
    if (what == "stop") return result<>().stop(exit_reason("enough"_atom));
    if (what == "throw") throw std::runtime_error("oops");
    if (what == "exit") exit(exit_reason("left"_atom));
    if (what == "hibernate") return result<>().hibernate();
    if (what == "wait") return result<>().timeout(100ms);
    if (what == "count down") return result<>().then(3);
    if (what == "count long") return result<>().then(100'000);
    if (what == "continue and throw") return result<>().then("throw"_atom);
    return {};
  }
  void note(std::string what) { diary_->push_back(std::move(what)); }

  shared_diary diary_;
  std::string first_;
  reply_to<int> held_;
};

struct stage {
  server_ref<actor> s;
  shared_diary d = std::make_shared<diary>();
  void tell(const char* what) const { cast<do_now>(s, what); }
};

task<stage> start_actor(std::string first) {
  stage st;
  start_result<actor> started = co_await start<actor>(st.d, first);
  st.s = *started;
  co_return st;
}

TEST(gen_server, cast_and_info) {
  test_node f;
  f.n.run([](self) -> task<> {
    stage st = co_await start_actor("");
    st.tell("a cast");
    send(*st.s.resolve(), poke{"an info"});
    term remote = *parse_term("{do_now,<<\"a term\">>}");
    cast_any(st.s.name(), remote);
    std::string echo = co_await call<ask_now>(st.s, "x");
    EXPECT_EQ(echo, "x");
    EXPECT_THAT(*st.d, ElementsAre("a cast", "an info", "a term", "asked x"));
  });
}

TEST(gen_server, what_no_callback_takes_is_reported) {
  test_node f;
  f.n.run([](self) -> task<> {
    stage st = co_await start_actor("");
    cast_any(st.s.name(), 17);
    send(*st.s.resolve(), 18);
    std::expected<int, exit_reason> refused = co_await try_call_any<int>(st.s.name(), 19);
    EXPECT_EQ(refused.error().value(), term::tuple("bad_request"_atom, 19));
    std::string alive = co_await call<ask_now>(st.s, "alive");
    EXPECT_EQ(alive, "alive");
  });
  EXPECT_EQ(f.count("unexpected_cast"), 1U);
  EXPECT_EQ(f.count("unexpected_message"), 1U);
}

TEST(gen_server, stop_from_callbacks) {
  test_node f;
  f.n.run([](self me) -> task<> {
    stage st = co_await start_actor("");
    monitor(*st.s.resolve());
    st.tell("stop");
    down gone = co_await me.receive<down>();
    EXPECT_TRUE(gone.reason.is("enough"));
    EXPECT_THAT(*st.d, ElementsAre("stop", "ends enough"));

    stage st2 = co_await start_actor("");
    std::string bye = co_await call<ask_now>(st2.s, "stop");
    EXPECT_EQ(bye, "bye");
    EXPECT_THAT(*st2.d, ElementsAre("asked stop", "ends normal"));

    stage st3 = co_await start_actor("");
    std::expected<std::string, exit_reason> none = co_await try_call<ask_now>(st3.s, "stop silently");
    EXPECT_TRUE(none.error().is("shutdown"));
  });
  EXPECT_EQ(f.count("crash_report"), 1U); // `enough`; the others are clean ends
}

TEST(gen_server, exceptions_in_each_callback) {
  test_node f;
  f.n.run([](self me) -> task<> {
    term oops = term::tuple(atom("std::runtime_error"), "oops");
    stage by_cast = co_await start_actor("");
    monitor(*by_cast.s.resolve());
    by_cast.tell("throw");
    down gone = co_await me.receive<down>();
    EXPECT_EQ(gone.reason.value(), oops);
    EXPECT_NE(gone.reason.details(), nullptr);
    EXPECT_EQ(by_cast.d->back(), "ends " + to_string(oops));

    stage by_call = co_await start_actor("");
    std::expected<std::string, exit_reason> none = co_await try_call<ask_now>(by_call.s, "throw");
    EXPECT_EQ(none.error().value(), oops);

    stage by_info = co_await start_actor("");
    monitor(*by_info.s.resolve());
    send(*by_info.s.resolve(), poke{"exit"});
    down left = co_await me.receive<down>();
    EXPECT_TRUE(left.reason.is("left"));
    EXPECT_EQ(by_info.d->back(), "ends left");

    stage by_continue = co_await start_actor("");
    monitor(*by_continue.s.resolve());
    by_continue.tell("continue and throw");
    down third = co_await me.receive<down>();
    EXPECT_EQ(third.reason.value(), oops);

    stage in_terminate = co_await start_actor("");
    std::expected<ok, exit_reason> stopped = co_await stop(in_terminate.s.name(), exit_reason("throw"_atom));
    EXPECT_EQ(stopped.error().value(), term::tuple(atom("std::runtime_error"), "and again"));
  });
  EXPECT_EQ(f.count("crash_report"), 5U);
}

TEST(gen_server, timeout) {
  test_node f;
  f.n.run([](self) -> task<> {
    stage st = co_await start_actor("timeout");
    co_await idle_for(9ms);
    EXPECT_THAT(*st.d, IsEmpty());
    co_await idle_for(2ms);
    EXPECT_THAT(*st.d, ElementsAre("timeout"));
    st.tell("wait");
    co_await idle_for(50ms);
    st.tell("interrupted");
    co_await idle_for(500ms);
    EXPECT_THAT(*st.d, ElementsAre("timeout", "wait", "interrupted"));
    st.tell("wait");
    co_await idle_for(101ms);
    EXPECT_EQ(st.d->back(), "timeout");
  });
}

struct waiting_for_nothing : gen_server {
  explicit waiting_for_nothing(shared_diary d) : diary_(std::move(d)) {}
  init_result init() { return init_result().timeout(10ms); }
  void handle_info(const term& t) { diary_->push_back(to_string(t)); }
  shared_diary diary_;
};

TEST(gen_server, without_handle_timeout_the_atom_comes_as_a_message) {
  test_node f;
  f.n.run([](self) -> task<> {
    auto d = std::make_shared<diary>();
    start_result<waiting_for_nothing> s = co_await start<waiting_for_nothing>(d);
    co_await idle_for(11ms);
    EXPECT_THAT(*d, ElementsAre("timeout"));
  });
}

TEST(gen_server, continue_comes_before_any_message) {
  test_node f;
  f.n.run([](self) -> task<> {
    stage st = co_await start_actor("continue");
    EXPECT_THAT(*st.d, ElementsAre("continue from_init"));
    st.d->clear();
    st.tell("count down");
    st.tell("next");
    std::string first = co_await call<ask_now>(st.s, "continue");
    EXPECT_EQ(first, "first");
    co_await yield();
    EXPECT_THAT(*st.d, ElementsAre("count down", "continue 3", "continue 2", "continue 1", "continue 0",
                                   "next", "asked continue", "continue after_reply"));
  });
}

TEST(gen_server, continuing_takes_no_stack) {
  test_node f;
  f.n.run([](self) -> task<> {
    stage st = co_await start_actor("");
    st.tell("count long");
    std::string alive = co_await call<ask_now>(st.s, "alive");
    EXPECT_EQ(alive, "alive");
  });
}

TEST(gen_server, hibernate) {
  test_node f;
  f.n.run([](self) -> task<> {
    stage st = co_await start_actor("hibernate");
    st.tell("hibernate");
    std::string awake = co_await call<ask_now>(st.s, "awake");
    EXPECT_EQ(awake, "awake");
  });
}

// ---- replies later ----------------------------------------------------------------------------------------

TEST(gen_server, reply_later) {
  test_node f;
  f.n.run([](self) -> task<> {
    stage st = co_await start_actor("");
    request_id<int> asked = send_request<hold>(st.s);
    std::optional<std::expected<int, exit_reason>> early = co_await wait_response(asked, 1s);
    EXPECT_FALSE(early.has_value());
    cast<release>(st.s, 5);
    std::optional<std::expected<int, exit_reason>> answer = co_await receive_response(asked);
    EXPECT_EQ(answer->value(), 5);
  });
}

TEST(gen_server, a_reply_that_never_comes_fails_with_the_end_of_its_server) {
  test_node f;
  f.n.run([](self) -> task<> {
    stage st = co_await start_actor("");
    request_id<int> asked = send_request<hold>(st.s);
    st.tell("stop");
    std::optional<std::expected<int, exit_reason>> answer = co_await receive_response(asked);
    EXPECT_TRUE(answer->error().is("enough"));
  });
}

process answer_for_it(self me) {
  holding h = co_await me.receive<holding>();
  co_await idle_for(10ms);
  h.who.reply(7);
}

process drop_it(self me) {
  holding h = co_await me.receive<holding>();
  exit(exit_reason("lost"_atom));
}

TEST(gen_server, from_is_handed_to_another_process) {
  test_node f;
  f.n.run([](self) -> task<> {
    stage st = co_await start_actor("");
    pid helper = spawn(answer_for_it);
    int seven = co_await call<hand_over>(st.s, helper);
    EXPECT_EQ(seven, 7);
    pid careless = spawn(drop_it);
    std::expected<int, exit_reason> lost = co_await try_call<hand_over>(st.s, careless);
    EXPECT_TRUE(lost.error().is("lost"));
  });
}

TEST(gen_server, send_request_collections) {
  test_node f;
  f.n.run([](self) -> task<> {
    stage st = co_await start_actor("");
    start_result<counter> c = co_await start<counter>(1);
    request_collection<int, std::string> open;
    open.add(send_request<slow>(*c, 100), "slow");
    open.add(send_request<hold>(st.s), "held");
    server_ref<counter> nobody{"nobody"};
    open.add(send_request<read>(nobody), "nobody");
    auto first = co_await open.wait_response();
    EXPECT_EQ(first->label, "nobody");
    EXPECT_TRUE(first->reply.error().is("noproc"));
    auto second = co_await open.wait_response();
    EXPECT_EQ(second->label, "slow");
    EXPECT_EQ(second->reply.value(), 100);
    auto none_in_time = co_await open.wait_response(1s);
    EXPECT_FALSE(none_in_time.has_value());
    cast<release>(st.s, 3);
    auto third = co_await open.wait_response();
    EXPECT_EQ(third->label, "held");
    EXPECT_EQ(open.size(), 0U);
    auto no_more = co_await open.wait_response();
    EXPECT_FALSE(no_more.has_value());
  });
}

// ---- the end of the parent --------------------------------------------------------------------------------

process parent_of(self me, shared_diary d, std::string how) {
  start_result<actor> s = co_await start_link<actor>(local("child"), d, how);
  co_await me.receive<poke>();
  exit(exit_reason("parent_died"_atom));
}

TEST(gen_server, terminate_is_called_when_the_parent_ends_and_exits_are_trapped) {
  test_node f;
  f.n.run([](self) -> task<> {
    auto d = std::make_shared<diary>();
    pid parent = spawn(parent_of, d, std::string("trap"));
    co_await idle_for(1ms);
    send(parent, poke{});
    co_await idle_for(1ms);
    EXPECT_FALSE(whereis("child"_atom));
    EXPECT_THAT(*d, ElementsAre("ends parent_died"));
  });
}

TEST(gen_server, terminate_is_not_called_when_exits_are_not_trapped) {
  test_node f;
  f.n.run([](self) -> task<> {
    auto d = std::make_shared<diary>();
    pid parent = spawn(parent_of, d, std::string());
    co_await idle_for(1ms);
    send(parent, poke{});
    co_await idle_for(1ms);
    EXPECT_FALSE(whereis("child"_atom));
    EXPECT_THAT(*d, IsEmpty());
  });
}

// ---- names through a registry of one's own ----------------------------------------------------------------

class phone_book : public via_registry {
public:
  bool register_name(const term& name, pid process) override {
    return entries_.emplace(name, process).second;
  }
  void unregister_name(const term& name) override { entries_.erase(name); }
  std::optional<pid> whereis_name(const term& name) override {
    auto found = entries_.find(name);
    if (found == entries_.end()) return std::nullopt;
    return found->second;
  }

private:
  std::unordered_map<term, pid> entries_;
};

TEST(gen_server, via_names) {
  test_node f;
  phone_book book;
  f.n.run(
      [](self, std::uintptr_t where) -> task<> {
        auto& entries = *reinterpret_cast<phone_book*>(where);
        via name(entries, term::tuple("desk"_atom, 3));
        start_result<counter> s = co_await start<counter>(name, 5);
        EXPECT_EQ(entries.whereis_name(name.name), s->resolve());
        server_ref<counter> by_name{server_name(name)};
        int five = co_await call<read>(by_name);
        EXPECT_EQ(five, 5);
        start_result<counter> taken = co_await start<counter>(name, 6);
        EXPECT_EQ(taken.error().value(), term::tuple("already_started"_atom, *s->resolve()));
        via another(entries, "other"_atom);
        start_result<beginner> refused = co_await start<beginner>(another, "stop");
        EXPECT_FALSE(entries.whereis_name(another.name));
      },
      reinterpret_cast<std::uintptr_t>(&book));
}

// ---- callbacks that await ---------------------------------------------------------------------------------

class patient : public gen_server {
public:
  using protocol =
      coppice::protocol<casts<do_now>, calls<ask_now, std::string>, infos<poke>, calls<hold, int>>;
  explicit patient(shared_diary d) : diary_(std::move(d)) {}
  task<init_result> init() {
    co_await pause("init");
    init_result r = init_result().then("one"_atom);
    co_return r;
  }
  task<result<>> handle_continue(term t) {
    co_await pause("continue " + to_string(t));
    if (t == term("one"_atom)) co_return result<>().then("two"_atom);
    co_return result<>().timeout(100ms);
  }
  task<result<>> handle_timeout() {
    co_await pause("timeout");
    co_return result<>().hibernate();
  }
  task<result<>> handle_cast(do_now m) {
    co_await pause("cast " + m.what);
    if (m.what == "throw") throw std::runtime_error("oops");
    if (m.what == "stop") co_return result<>().stop(exit_reason("enough"_atom));
    co_return result<>();
  }
  task<> handle_info(poke m) { co_await pause("info " + m.what); }
  task<result<std::string>> handle_call(ask_now m) {
    co_await pause("call " + m.what);
    if (m.what == "throw") throw std::runtime_error("oops");
    co_return m.what;
  }
  task<> handle_call(hold, reply_to<int> who) {
    co_await pause("hold");
    who.reply(4);
  }
  void terminate(const exit_reason& why) { diary_->push_back("ends " + why.to_string()); }

private:
  task<> pause(std::string what) {
    co_await idle_for(1ms);
    diary_->push_back(what);
  }
  shared_diary diary_;
};

TEST(gen_server, every_callback_may_await) {
  test_node f;
  f.n.run([](self me) -> task<> {
    auto d = std::make_shared<diary>();
    start_result<patient> s = co_await start<patient>(d);
    co_await idle_for(200ms);
    EXPECT_THAT(*d, ElementsAre("init", "continue one", "continue two", "timeout"));
    d->clear();
    cast<do_now>(*s, "x");
    send(*s->resolve(), poke{"y"});
    std::string z = co_await call<ask_now>(*s, "z");
    EXPECT_EQ(z, "z");
    int four = co_await call<hold>(*s);
    EXPECT_EQ(four, 4);
    EXPECT_THAT(*d, ElementsAre("cast x", "info y", "call z", "hold"));
    std::expected<std::string, exit_reason> crash = co_await try_call<ask_now>(*s, "throw");
    EXPECT_EQ(crash.error().value(), term::tuple(atom("std::runtime_error"), "oops"));
    EXPECT_EQ(d->back(), "ends {'std::runtime_error',<<\"oops\">>}");

    start_result<patient> s2 = co_await start<patient>(d);
    monitor(*s2->resolve());
    cast<do_now>(*s2, "stop");
    request_id<std::string> hopeless = send_request<ask_now>(*s2, "too late");
    down gone = co_await me.receive<down>();
    EXPECT_TRUE(gone.reason.is("enough"));
    std::optional<std::expected<std::string, exit_reason>> answer = co_await receive_response(hopeless);
    EXPECT_TRUE(answer->error().is("enough"));
  });
}

class trapping : public gen_server {
public:
  void init() { trap_exit(true); }
};

process start_many(self, std::unique_ptr<std::promise<void>> started) {
  for (int i = 0; i < 3000; ++i) co_await start_link<trapping>();
  started->set_value();
  co_await idle_for(infinity);
}

/// Their parent is killed first, and on another core its end may come to them before their own.
TEST(gen_server, that_its_node_kills_at_the_end_has_not_crashed) {
  std::atomic<int> crashes = 0;
  node_options options;
  options.cores = 4;
  options.on_report = [&crashes](const report& r) { crashes += r.kind == "crash_report" ? 1 : 0; };
  node n(std::move(options));
  auto started = std::make_unique<std::promise<void>>();
  std::future<void> all = started->get_future();
  n.spawn(&start_many, std::move(started));
  all.get();
  EXPECT_TRUE(n.shutdown());
  EXPECT_EQ(crashes, 0);
}

} // namespace
} // namespace coppice
