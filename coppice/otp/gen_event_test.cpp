// gen_event on a stepped node; the cases are named after those of OTP's gen_event_SUITE where there is one.
#include "coppice/otp/gen_event.hpp"

#include "coppice/otp/detail/test_node.hpp"
#include "coppice/term/text.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace coppice {
namespace {

using namespace std::chrono_literals;
using namespace literals;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

struct said {
  std::string text;
};
struct rest {};
struct leave {};
struct become_quiet {};
struct explode {};
struct get_seen {};
struct get_later {};
struct poke {
  int n;
};

class quiet : public event_handler {
public:
  using protocol = coppice::protocol<calls<get_seen, std::string>>;
  explicit quiet(shared_diary d) : diary_(std::move(d)) {}
  void init(const term& previous) { diary_->push_back("quiet after " + to_string(previous)); }
  std::string handle_call(get_seen) { return "quiet"; }

private:
  shared_diary diary_;
};

class listener : public event_handler {
public:
  using protocol =
      coppice::protocol<events<said>, events<leave>, events<rest>, events<become_quiet>, events<explode>,
                        infos<poke>, calls<get_seen, std::string>, calls<explode, int>, calls<get_later, int>,
                        calls<leave, int>, calls<rest, int>>;
  listener(std::string name, shared_diary d) : name_(std::move(name)), diary_(std::move(d)) {}

  void handle_event(const said& e) {
    seen_ += e.text;
    note(e.text);
  }
  handler_result<> handle_event(leave) { return handler_result<>().remove(); }
  handler_result<> handle_event(rest) { return handler_result<>().hibernate(); }
  handler_result<> handle_event(become_quiet) { return handler_result<>().swap<quiet>("calm"_atom, diary_); }
  void handle_event(explode) { throw std::runtime_error("boom"); }
  void handle_info(const poke& p) { note("poked " + std::to_string(p.n)); }
  std::string handle_call(get_seen) { return seen_; }
  int handle_call(explode) { exit(exit_reason("bang"_atom)); }
  handler_result<int> handle_call(leave) { return handler_result<int>(1).remove(); }
  handler_result<int> handle_call(rest) { return handler_result<int>(2).hibernate(); }
  void handle_call(get_later, reply_to<int> who) {
    note("asked");
    who.reply(3);
  }
  term terminate(const term& why) {
    note("ends " + to_string(why));
    return term::tuple("last"_atom, atom(name_));
  }
  term state() const { return seen_; }
  void replace_state(const term& t) { seen_ = from_term<std::string>(t).value_or(""); }

private:
  void note(const std::string& what) { diary_->push_back(name_ + ": " + what); }
  std::string name_;
  shared_diary diary_;
  std::string seen_;
};

using manager = server_ref<gen_event>;

task<manager> start_manager() {
  start_result<gen_event> m = co_await start_link<gen_event>();
  co_return *m;
}

TEST(gen_event, notify_reaches_all_handlers_newest_first) {
  test_node f;
  f.n.run([](self) -> task<> {
    manager m = co_await start_manager();
    auto d = std::make_shared<diary>();
    std::expected<handler_ref<listener>, exit_reason> a =
        co_await add_handler<listener>(m, with_id(1), "a", d);
    std::expected<handler_ref<listener>, exit_reason> b =
        co_await add_handler<listener>(m, with_id(2), "b", d);
    notify<said>(m, "hi");
    EXPECT_THAT(*d, IsEmpty());
    atom done = co_await sync_notify<said>(m, "!");
    EXPECT_EQ(done, "ok"_atom);
    EXPECT_THAT(*d, ElementsAre("b: hi", "a: hi", "b: !", "a: !"));
    std::string seen = co_await call<get_seen>(*a);
    EXPECT_EQ(seen, "hi!");
    request_id<std::string> asked = send_request<get_seen>(*b);
    std::optional<std::expected<std::string, exit_reason>> answer = co_await receive_response(asked);
    EXPECT_EQ(answer->value(), "hi!");
    std::expected<std::vector<handler_id>, exit_reason> which = co_await which_handlers(m);
    EXPECT_THAT(*which,
                ElementsAre(handler_id{atom("listener"), term(2)}, handler_id{atom("listener"), term(1)}));
  });
}

struct two {
  manager m;
  std::shared_ptr<diary> d = std::make_shared<diary>();
  handler_ref<listener> a{server_name()};
  handler_ref<listener> b{server_name()};
};

task<two> start_two() {
  two t;
  manager m = co_await start_manager();
  t.m = m;
  std::expected<handler_ref<listener>, exit_reason> a =
      co_await add_handler<listener>(t.m, with_id(1), "a", t.d);
  std::expected<handler_ref<listener>, exit_reason> b =
      co_await add_handler<listener>(t.m, with_id(2), "b", t.d);
  t.a = *a;
  t.b = *b;
  co_return t;
}

task<std::size_t> handlers_of(manager m) {
  std::expected<std::vector<handler_id>, exit_reason> which = co_await which_handlers(m);
  co_return which->size();
}

TEST(gen_event, start) {
  test_node f;
  f.n.run([](self) -> task<> {
    start_result<gen_event> first = co_await start<gen_event>(local("alarms"));
    EXPECT_TRUE(first.has_value());
    start_result<gen_event> second = co_await start<gen_event>(local("alarms"));
    EXPECT_EQ(second.error().value(), term::tuple("already_started"_atom, *first->resolve()));
    std::expected<ok, exit_reason> stopped = co_await stop("alarms");
    EXPECT_TRUE(stopped.has_value());
    EXPECT_FALSE(whereis("alarms"_atom));
  });
}

TEST(gen_event, delete_handler_gives_what_terminate_returned) {
  test_node f;
  f.n.run([](self) -> task<> {
    two t = co_await start_two();
    std::expected<term, exit_reason> gave = co_await delete_handler(t.a, "bye"_atom);
    EXPECT_EQ(*gave, term::tuple("last"_atom, "a"_atom));
    EXPECT_THAT(*t.d, ElementsAre("a: ends bye"));
    std::expected<term, exit_reason> gave2 = co_await delete_handler(t.a, "bye"_atom);
    EXPECT_TRUE(gave2.error().is("module_not_found"));
    std::size_t left = co_await handlers_of(t.m);
    EXPECT_EQ(left, 1U);
  });
}

TEST(gen_event, a_handler_removes_itself) {
  test_node f;
  f.n.run([](self) -> task<> {
    two t = co_await start_two();
    co_await sync_notify<leave>(t.m);
    std::size_t left = co_await handlers_of(t.m);
    EXPECT_EQ(left, 0U);
    EXPECT_THAT(*t.d, ElementsAre("b: ends remove_handler", "a: ends remove_handler"));
    notify<said>(t.m, "to nobody");
  });
}

TEST(gen_event, who_tries_to_notify_outlives_the_manager) {
  test_node f;
  f.n.run([](self) -> task<> {
    two t = co_await start_two();
    std::expected<atom, exit_reason> heard = co_await try_sync_notify<said>(t.m, "there");
    EXPECT_EQ(heard, "ok"_atom);
    EXPECT_THAT(*t.d, ElementsAre("b: there", "a: there"));
    std::expected<ok, exit_reason> stopped = co_await stop(t.m.name());
    EXPECT_TRUE(stopped);
    std::expected<atom, exit_reason> unheard = co_await try_sync_notify<said>(t.m, "gone");
    EXPECT_TRUE(unheard.error().is("noproc"));
  });
}

TEST(gen_event, call) {
  test_node f;
  f.n.run([](self) -> task<> {
    two t = co_await start_two();
    int later = co_await call<get_later>(t.a);
    EXPECT_EQ(later, 3);
    int rested = co_await call<rest>(t.a);
    EXPECT_EQ(rested, 2);
    int left = co_await call<leave>(t.a);
    EXPECT_EQ(left, 1);
    std::expected<std::string, exit_reason> gone = co_await try_call<get_seen>(t.a);
    EXPECT_TRUE(gone.error().is("bad_module"));
    EXPECT_THAT(*t.d, ElementsAre("a: asked", "a: ends remove_handler"));
  });
}

TEST(gen_event, a_handler_that_throws_is_removed_and_reported_while_the_manager_lives_on) {
  test_node f;
  f.n.run([](self) -> task<> {
    two t = co_await start_two();
    co_await sync_notify<explode>(t.m);
    std::size_t left = co_await handlers_of(t.m);
    EXPECT_EQ(left, 0U);
    EXPECT_THAT(*t.d, ElementsAre(testing::StartsWith("b: ends {error,{'EXIT',{'std::runtime_error'"),
                                  testing::StartsWith("a: ends {error,{'EXIT',{'std::runtime_error'")));
  });
  ASSERT_EQ(f.reports.size(), 2U);
  EXPECT_EQ(f.reports[0].kind, "gen_event_crash");
}

TEST(gen_event, a_handler_that_exits_in_a_call_fails_that_call) {
  test_node f;
  f.n.run([](self) -> task<> {
    two t = co_await start_two();
    std::expected<int, exit_reason> r = co_await try_call<explode>(t.a);
    EXPECT_EQ(r.error().value(), term::tuple("EXIT"_atom, "bang"_atom));
    std::string other = co_await call<get_seen>(t.b);
    EXPECT_EQ(other, "");
  });
  EXPECT_EQ(f.reports.size(), 1U);
}

TEST(gen_event, info_reaches_handle_info) {
  test_node f;
  f.n.run([](self) -> task<> {
    two t = co_await start_two();
    send(*t.m.resolve(), poke{4});
    co_await sync_notify<rest>(t.m);
    EXPECT_THAT(*t.d, ElementsAre("b: poked 4", "a: poked 4"));
  });
}

TEST(gen_event, swap_handler) {
  test_node f;
  f.n.run([](self) -> task<> {
    two t = co_await start_two();
    std::expected<handler_ref<quiet>, exit_reason> q = co_await swap_handler<quiet>(t.a, "shh"_atom, t.d);
    std::string seen = co_await call<get_seen>(*q);
    EXPECT_EQ(seen, "quiet");
    EXPECT_THAT(*t.d, ElementsAre("a: ends shh", "quiet after {last,a}"));
    t.d->clear();
    std::expected<handler_ref<quiet>, exit_reason> q2 = co_await swap_handler<quiet>(t.a, "shh"_atom, t.d);
    EXPECT_TRUE(q2.has_value());
    EXPECT_THAT(*t.d, ElementsAre("quiet after error"));
  });
}

TEST(gen_event, a_handler_swaps_itself_in_its_place) {
  test_node f;
  f.n.run([](self) -> task<> {
    two t = co_await start_two();
    std::expected<term, exit_reason> gone = co_await delete_handler(t.b);
    t.d->clear();
    co_await sync_notify<become_quiet>(t.m);
    EXPECT_THAT(*t.d, ElementsAre("a: ends calm", "quiet after {last,a}"));
    std::expected<std::vector<handler_id>, exit_reason> which = co_await which_handlers(t.m);
    EXPECT_THAT(*which, ElementsAre(handler_id{atom("quiet")}));
  });
}

process supervise_one(self me, manager m, shared_diary d) {
  std::expected<handler_ref<listener>, exit_reason> h = co_await add_sup_handler<listener>(m, "sup", d);
  co_await me.receive<leave>();
  exit(exit_reason("enough"_atom));
}

TEST(gen_event, add_sup_handler_goes_with_its_adder) {
  test_node f;
  f.n.run([](self) -> task<> {
    manager m = co_await start_manager();
    auto d = std::make_shared<diary>();
    pid p = spawn(supervise_one, m, d);
    co_await idle_for(1ms);
    std::size_t count = co_await handlers_of(m);
    EXPECT_EQ(count, 1U);
    send(p, leave{});
    co_await idle_for(1ms);
    std::size_t count2 = co_await handlers_of(m);
    EXPECT_EQ(count2, 0U);
    EXPECT_THAT(*d, ElementsAre("sup: ends {stop,enough}"));
  });
}

TEST(gen_event, whoever_supervises_a_handler_is_told_of_its_end) {
  test_node f;
  f.n.run([](self me) -> task<> {
    manager m = co_await start_manager();
    auto d = std::make_shared<diary>();
    std::expected<handler_ref<listener>, exit_reason> h = co_await add_sup_handler<listener>(m, "x", d);
    std::expected<term, exit_reason> gave = co_await delete_handler(*h);
    gen_event_exit told = co_await me.receive<gen_event_exit>();
    EXPECT_EQ(told.handler, handler_id{atom("listener")});
    EXPECT_TRUE(told.reason.is_normal());
    std::expected<handler_ref<listener>, exit_reason> h2 = co_await add_sup_handler<listener>(m, "y", d);
    std::expected<handler_ref<quiet>, exit_reason> q = co_await swap_handler<quiet>(*h2, "shh"_atom, d);
    gen_event_exit told2 = co_await me.receive<gen_event_exit>();
    EXPECT_EQ(told2.reason.value(), term::tuple("swapped"_atom, atom("quiet"), atom("undefined")));
    notify<explode>(m);
    std::expected<ok, exit_reason> stopped = co_await stop(m.name());
    gen_event_exit told3 = co_await me.receive<gen_event_exit>();
    EXPECT_EQ(told3.handler, handler_id{atom("quiet")});
    EXPECT_TRUE(told3.reason.is("shutdown"));
  });
}

TEST(gen_event, stop_terminates_all_handlers) {
  test_node f;
  f.n.run([](self) -> task<> {
    two t = co_await start_two();
    std::expected<ok, exit_reason> stopped = co_await stop(t.m.name());
    EXPECT_THAT(*t.d, ElementsAre("b: ends stop", "a: ends stop"));
  });
}

struct picky : event_handler {
  explicit picky(bool throws) : throws_(throws) {}
  std::expected<void, exit_reason> init() {
    if (throws_) throw std::runtime_error("no disk");
    return std::unexpected(exit_reason("not_today"_atom));
  }
  bool throws_;
};

TEST(gen_event, a_handler_whose_init_fails_is_not_added) {
  test_node f;
  f.n.run([](self) -> task<> {
    manager m = co_await start_manager();
    std::expected<handler_ref<picky>, exit_reason> h = co_await add_handler<picky>(m, false);
    EXPECT_TRUE(h.error().is("not_today"));
    std::expected<handler_ref<picky>, exit_reason> h2 = co_await add_handler<picky>(m, true);
    EXPECT_EQ(h2.error().value(),
              term::tuple("EXIT"_atom, term::tuple(atom("std::runtime_error"), "no disk")));
    std::size_t count = co_await handlers_of(m);
    EXPECT_EQ(count, 0U);
  });
}

// Every callback is a coroutine.
class slow : public event_handler {
public:
  using protocol = coppice::protocol<events<said>, events<leave>, events<explode>,
                                     calls<get_seen, std::string>, calls<explode, int>>;
  explicit slow(shared_diary d) : diary_(std::move(d)) {}
  task<> init() {
    co_await idle_for(1ms);
    diary_->push_back("up");
  }
  task<> handle_event(said e) {
    co_await idle_for(1ms);
    diary_->push_back("slow: " + e.text);
  }
  task<handler_result<>> handle_event(leave) {
    co_await idle_for(1ms);
    co_return handler_result<>().remove();
  }
  task<> handle_event(explode) {
    co_await idle_for(1ms);
    throw std::runtime_error("boom");
  }
  task<std::string> handle_call(get_seen) {
    co_await idle_for(1ms);
    co_return "seen";
  }
  task<int> handle_call(explode) {
    co_await idle_for(1ms);
    throw std::runtime_error("boom");
  }

private:
  shared_diary diary_;
};

TEST(gen_event, handlers_may_await) {
  test_node f;
  f.n.run([](self) -> task<> {
    two t = co_await start_two();
    std::expected<handler_ref<slow>, exit_reason> s = co_await add_handler<slow>(t.m, t.d);
    co_await sync_notify<said>(t.m, "x");
    EXPECT_THAT(*t.d, ElementsAre("up", "slow: x", "b: x", "a: x"));
    std::string seen = co_await call<get_seen>(*s);
    EXPECT_EQ(seen, "seen");
    std::expected<int, exit_reason> crashed = co_await try_call<explode>(*s);
    EXPECT_EQ(crashed.error().value(),
              term::tuple("EXIT"_atom, term::tuple(atom("std::runtime_error"), "boom")));
    std::size_t count = co_await handlers_of(t.m);
    EXPECT_EQ(count, 2U);
    std::expected<handler_ref<slow>, exit_reason> s2 = co_await add_handler<slow>(t.m, t.d);
    co_await sync_notify<leave>(t.m);
    std::size_t count2 = co_await handlers_of(t.m);
    EXPECT_EQ(count2, 0U);
  });
}

class anything : public event_handler {
public:
  explicit anything(shared_diary d) : diary_(std::move(d)) {}
  void handle_event(const term& e) { diary_->push_back("event " + to_string(e)); }
  void handle_info(const term& m) { diary_->push_back("info " + to_string(m)); }
  void handle_call(term request, from who) { who.reply(term::tuple("got"_atom, std::move(request))); }

private:
  shared_diary diary_;
};

TEST(gen_event, untyped_handlers_take_terms) {
  test_node f;
  f.n.run([](self) -> task<> {
    manager m = co_await start_manager();
    auto d = std::make_shared<diary>();
    std::expected<handler_ref<anything>, exit_reason> h = co_await add_handler<anything>(m, d);
    notify<poke>(m, 1);
    notify<term>(m, "ping"_atom);
    send(*m.resolve(), poke{2});
    co_await sync_notify<rest>(m);
    EXPECT_THAT(*d, ElementsAre("event {poke,1}", "event ping", "info {poke,2}", "event rest"));
  });
}

TEST(gen_event, terms_are_decoded_for_typed_handlers) {
  test_node f;
  f.n.run([](self) -> task<> {
    two t = co_await start_two();
    term event = term::tuple("said"_atom, "hello");
    co_await sync_notify<term>(t.m, event);
    EXPECT_THAT(*t.d, ElementsAre("b: hello", "a: hello"));
  });
}

TEST(gen_event, get_state_and_replace_state) {
  test_node f;
  f.n.run([](self) -> task<> {
    two t = co_await start_two();
    co_await sync_notify<said>(t.m, "x");
    std::expected<term, exit_reason> state = co_await sys::get_state(t.m.name());
    EXPECT_EQ(to_string(*state), R"([{listener,2,<<"x">>},{listener,1,<<"x">>}])");
    std::function<term(const term&)> swap_texts = [](const term&) {
      return term::list(term::tuple(atom("listener"), 2, "two"), term::tuple(atom("listener"), 1, "one"));
    };
    std::expected<term, exit_reason> state2 = co_await sys::replace_state(t.m.name(), swap_texts);
    std::string seen = co_await call<get_seen>(t.a);
    EXPECT_EQ(seen, "one");
  });
}

} // namespace
} // namespace coppice
