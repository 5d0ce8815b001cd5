// What OTP's gen_event_SUITE demands and gen_event_test.cpp does not show, under the cases' names.
// docs/otp-conformance.md is the table.
#include "coppice/otp/gen_event.hpp"

#include "coppice/otp/detail/report_text.hpp"
#include "coppice/otp/detail/suite_test.hpp"
#include "coppice/term/text.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace coppice {
namespace {

using namespace std::chrono_literals;
using namespace literals;
using namespace coppice::test;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

struct said {
  std::string text;
};
struct rest {};
struct seen_so_far {};
struct ponder {
  std::int64_t ms;
};
struct nobody_listens {};

/// Takes what it is told; "make_error" makes its start fail.
class ear : public event_handler {
public:
  using protocol = coppice::protocol<events<said>, events<rest>, calls<seen_so_far, std::string>,
                                     calls<ponder, std::int64_t>>;
  explicit ear(std::string how = "") {
    if (how == "make_error") throw std::runtime_error("my_error");
  }
  void handle_event(const said& s) { seen_ += s.text; }
  handler_result<> handle_event(rest) { return handler_result<>().hibernate(); }
  std::string handle_call(seen_so_far) { return seen_; }
  task<std::int64_t> handle_call(ponder p) {
    co_await idle_for(std::chrono::milliseconds(p.ms));
    co_return p.ms;
  }
  term state() const { return seen_; }

private:
  std::string seen_;
};

/// Has no terminate, no state and nothing that must not be missing.
struct bare : event_handler {};

struct falls_at_the_end : event_handler {
  void terminate(const term&) { throw std::runtime_error("no way out"); }
};

class takes_messages : public event_handler {
public:
  using protocol = coppice::protocol<infos<nobody_listens>, calls<seen_so_far, std::string>>;
  void handle_info(nobody_listens) { ++count_; }
  std::string handle_call(seen_so_far) const { return std::to_string(count_); }

private:
  int count_ = 0;
};

/// Labels the process that it is in, has a state of some size, and falls over what it hears.
class falls : public event_handler {
public:
  using protocol = coppice::protocol<events<said>>;
  explicit falls(bool labels) {
    if (labels) set_label("alarms of bob");
  }
  void handle_event(const said& s) { exit(exit_reason(term::tuple("fell"_atom, s.text))); }
  term state() const { return term::list(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15); }
};

task<server_ref<gen_event>> start_manager() {
  start_result<gen_event> m = co_await start<gen_event>(local("manager"));
  co_return *m;
}

task<std::size_t> how_many(server_ref<gen_event> m) {
  std::expected<std::vector<handler_id>, exit_reason> all = co_await which_handlers(m);
  co_return all->size();
}

TEST(gen_event_suite, start) {
  test_node f;
  f.n.run([](self me) -> task<> {
    auto monitored = co_await start_monitor<gen_event>(local("manager"));
    EXPECT_TRUE(monitored.has_value());
    std::size_t none = co_await how_many(monitored->server);
    EXPECT_EQ(none, 0U);
    start_options options;
    options.name = server_name("manager"_atom);
    options.spawn.prio = priority::low;
    start_result<gen_event> taken = co_await start<gen_event>(options);
    EXPECT_EQ(taken.error().value(), term::tuple("already_started"_atom, *monitored->server.resolve()));
    std::expected<ok, exit_reason> ended = co_await stop("manager", exit_reason::shutdown(), 10s);
    EXPECT_TRUE(ended.has_value());
    down gone = co_await me.receive<down>();
    EXPECT_EQ(gone.ref, monitored->ref);
    EXPECT_TRUE(gone.reason.is("shutdown"));

    trap_exit(true);
    start_result<gen_event> linked = co_await start_link<gen_event>(options);
    EXPECT_TRUE(linked.has_value());
    exit(*linked->resolve(), exit_reason::shutdown());
    exit_signal signal = co_await me.receive<exit_signal>();
    EXPECT_TRUE(signal.reason.is("shutdown"));
  });
}

TEST(gen_event_suite, add_handler) {
  test_node f;
  f.n.run([](self) -> task<> {
    auto m = co_await start_manager();
    auto failed = co_await add_handler<ear>(m, "make_error");
    EXPECT_FALSE(failed.has_value());
    std::size_t none = co_await how_many(m);
    EXPECT_EQ(none, 0U);
    auto plain = co_await add_handler<ear>(m);
    auto failed2 = co_await add_handler<ear>(m, with_id("second"_atom), "make_error");
    EXPECT_FALSE(failed2.has_value());
    auto second = co_await add_handler<ear>(m, with_id("second"_atom));
    std::expected<std::vector<handler_id>, exit_reason> all = co_await which_handlers(m);
    EXPECT_THAT(*all, ElementsAre(second->handler, plain->handler));
    // delete_handler: only the one that is meant.
    handler_ref<ear> stranger(m.name(), handler_id{atom("ear"), "third"_atom});
    std::expected<term, exit_reason> unknown = co_await delete_handler(stranger);
    EXPECT_TRUE(unknown.error().is("module_not_found"));
    std::expected<term, exit_reason> gone = co_await delete_handler(*plain);
    EXPECT_TRUE(gone.has_value());
    std::expected<std::vector<handler_id>, exit_reason> left = co_await which_handlers(m);
    EXPECT_THAT(*left, ElementsAre(second->handler));
  });
}

TEST(gen_event_suite, add_sup_handler) {
  test_node f;
  f.n.run([](self me) -> task<> {
    auto m = co_await start_manager();
    auto failed = co_await add_sup_handler<ear>(m, "make_error");
    EXPECT_FALSE(failed.has_value());
    auto plain = co_await add_sup_handler<ear>(m);
    auto second = co_await add_sup_handler<ear>(m, with_id("second"_atom));
    EXPECT_TRUE(plain && second);
    trap_exit(true);
    std::expected<ok, exit_reason> ended = co_await stop("manager");
    EXPECT_TRUE(ended.has_value());
    for (int i = 0; i < 2; ++i) {
      gen_event_exit told = co_await me.receive<gen_event_exit>();
      EXPECT_TRUE(told.handler == plain->handler || told.handler == second->handler);
      EXPECT_TRUE(told.reason.is("shutdown") || told.reason.is_normal());
    }
  });
}

TEST(gen_event_suite, swap_sup_handler) {
  test_node f;
  f.n.run([](self me) -> task<> {
    auto m = co_await start_manager();
    auto old = co_await add_sup_handler<ear>(m, with_id(3));
    auto fresh = co_await swap_sup_handler<bare>(*old, "swap"_atom);
    EXPECT_TRUE(fresh.has_value());
    std::expected<std::vector<handler_id>, exit_reason> all = co_await which_handlers(m);
    EXPECT_THAT(*all, ElementsAre(fresh->handler));
    [[maybe_unused]] gen_event_exit swapped = co_await me.receive<gen_event_exit>();
    std::expected<term, exit_reason> gone = co_await delete_handler(*fresh);
    EXPECT_TRUE(gone.has_value());
    gen_event_exit told = co_await me.receive<gen_event_exit>();
    EXPECT_EQ(told.handler, fresh->handler);
    EXPECT_TRUE(told.reason.is_normal());
  });
}

TEST(gen_event_suite, send_request_receive_reqid_collection) {
  test_node f;
  f.n.run([](self) -> task<> {
    auto m = co_await start_manager();
    auto e = co_await add_handler<ear>(m);
    request_id<std::int64_t> slow = send_request<ponder>(*e, 100);
    request_id<std::string> behind = send_request<seen_so_far>(*e);
    std::optional<std::expected<std::int64_t, exit_reason>> early = co_await wait_response(slow, 50ms);
    EXPECT_FALSE(early.has_value());
    std::optional<std::expected<std::int64_t, exit_reason>> first = co_await receive_response(slow);
    EXPECT_EQ(first->value(), 100);
    std::optional<std::expected<std::string, exit_reason>> second = co_await receive_response(behind);
    EXPECT_EQ(second->value(), "");
    handler_ref<ear> stranger(m.name(), handler_id{atom("ear"), "third"_atom});
    request_id<std::string> lost = send_request<seen_so_far>(stranger);
    std::optional<std::expected<std::string, exit_reason>> none = co_await receive_response(lost);
    EXPECT_TRUE(none->error().is("bad_module"));
  });
}

/// Two managers, and one that is gone; each of the others has an ear.
struct offices {
  handler_ref<ear> a{server_name()};
  handler_ref<ear> b{server_name()};
  handler_ref<ear> gone{server_name()};
};

task<offices> open_offices() {
  offices o;
  for (auto* one : {&o.a, &o.b, &o.gone}) {
    start_result<gen_event> m = co_await start<gen_event>();
    auto e = co_await add_handler<ear>(*m);
    *one = *e;
  }
  std::expected<ok, exit_reason> ended = co_await stop(o.gone.manager);
  EXPECT_TRUE(ended.has_value());
  co_return o;
}

TEST(gen_event_suite, request_collections_span_managers) {
  test_node f;
  f.n.run([](self) -> task<> {
    offices o = co_await open_offices();
    request_id<std::string> alone = send_request<seen_so_far>(o.a);
    request_collection<std::int64_t, std::string> open;
    open.add(send_request<ponder>(o.a, 400), "slow");
    open.add(send_request<ponder>(o.b, 200), "fast");
    open.add(send_request<ponder>(o.gone, 1), "gone");
    open.add(send_request<ponder>(handler_ref<ear>(o.b.manager, handler_id{atom("bad_h")}), 1), "nobody");
    EXPECT_EQ(open.size(), 4U);
    auto first = co_await open.wait_response();
    EXPECT_EQ(first->label, "gone");
    EXPECT_TRUE(first->reply.error().is("noproc"));
    auto none = co_await open.wait_response(100ms);
    EXPECT_FALSE(none.has_value());
    EXPECT_EQ(open.size(), 3U);
    auto second = co_await open.wait_response(infinity);
    EXPECT_EQ(second->label, "fast");
    EXPECT_EQ(second->reply.value(), 200);
    auto third = co_await open.wait_response(); // it waited behind the fast one, in the same manager
    EXPECT_EQ(third->label, "nobody");
    EXPECT_TRUE(third->reply.error().is("bad_module"));
    auto fourth = co_await open.wait_response();
    EXPECT_EQ(fourth->label, "slow");
    auto empty = co_await open.wait_response();
    EXPECT_FALSE(empty.has_value()) << "no request is open";
    std::optional<std::expected<std::string, exit_reason>> before =
        co_await receive_response(alone, infinity);
    EXPECT_EQ(before->value(), "") << "a request of its own is no business of the collection";
  });
}

TEST(gen_event_suite, hibernate) {
  test_node f;
  f.n.run([](self) -> task<> {
    auto m = co_await start_manager();
    auto e = co_await add_handler<ear>(m);
    for (int i = 0; i < 3; ++i) { // it wakes by itself for whatever comes, and keeps what it knows
      notify<rest>(m);
      notify<said>(m, "a");
    }
    std::string seen = co_await call<seen_so_far>(*e);
    EXPECT_EQ(seen, "aaa");
    notify<rest>(m);
    co_await yield();
    EXPECT_TRUE(hibernates(*m.resolve()));
    std::expected<atom, exit_reason> suspended = co_await sys::suspend("manager");
    co_await yield();
    EXPECT_TRUE(hibernates(*m.resolve()));
    std::expected<atom, exit_reason> resumed = co_await sys::resume("manager");
    co_await yield();
    EXPECT_TRUE(hibernates(*m.resolve()));
    EXPECT_TRUE(suspended && resumed);
    co_await sync_notify<said>(m, "b");
    std::string more = co_await call<seen_so_far>(*e);
    EXPECT_EQ(more, "aaab");
  });
}

TEST(gen_event_suite, auto_hibernate) {
  test_node f;
  f.n.run([](self) -> task<> {
    start_options options;
    options.hibernate_after = 100ms;
    start_result<gen_event> m = co_await start<gen_event>(options);
    pid p = *m->resolve();
    for (int n = 0; n < 4; ++n) {
      if (n == 1) auto e = co_await add_handler<ear>(*m);
      if (n == 2) notify<said>(*m, "a");
      if (n == 3) send(p, nobody_listens{});
      co_await hibernates_in_a_tenth(p, n);
    }
    handler_ref<ear> e(m->name());
    std::string seen = co_await call<seen_so_far>(e);
    EXPECT_EQ(seen, "a");
    co_await yield();
    EXPECT_FALSE(hibernates(p));
  });
}

TEST(gen_event_suite, undef_code_change) {
  test_node f;
  f.n.run([](self) -> task<> {
    auto m = co_await start_manager();
    auto e = co_await add_handler<bare>(m);
    std::expected<atom, exit_reason> suspended = co_await sys::suspend("manager");
    std::expected<atom, exit_reason> changed = co_await sys::change_code("manager", "bare"_atom, 1, 2);
    EXPECT_TRUE(suspended && changed) << "the handlers stay as they are";
    std::expected<atom, exit_reason> resumed = co_await sys::resume("manager");
    std::size_t still = co_await how_many(m);
    EXPECT_EQ(still, 1U);
  });
}

TEST(gen_event_suite, call_format_status) {
  test_node f;
  f.n.run([](self) -> task<> {
    auto m = co_await start_manager();
    auto e = co_await add_handler<ear>(m);
    notify<said>(m, "x");
    std::expected<sys::status, exit_reason> named = co_await sys::get_status("manager");
    EXPECT_EQ(named->module, "gen_event"_atom);
    EXPECT_EQ(named->name, term("manager"_atom));
    EXPECT_THAT(to_string(named->state), HasSubstr("<<\"x\">>"));
    start_result<gen_event> anonymous = co_await start<gen_event>();
    std::expected<sys::status, exit_reason> status = co_await sys::get_status(anonymous->name());
    EXPECT_EQ(status->name, term(*anonymous->resolve()));
  });
}

TEST(gen_event_suite, undef_handle_event) {
  test_node f;
  f.n.run([](self) -> task<> {
    auto m = co_await start_manager();
    auto e = co_await add_handler<bare>(m);
    notify<nobody_listens>(m);
    send(*m.resolve(), nobody_listens{});
    std::size_t still = co_await how_many(m);
    EXPECT_EQ(still, 1U) << "an event that a handler does not name passes it by";
  });
}

TEST(gen_event_suite, undef_handle_info) {
  test_node f;
  f.n.run([](self) -> task<> {
    auto m = co_await start_manager();
    send(*m.resolve(), nobody_listens{}); // there is no handler yet to miss it
    std::size_t none = co_await how_many(m);
    EXPECT_EQ(none, 0U);
    auto e = co_await add_handler<bare>(m);
    auto second = co_await add_handler<ear>(m);
    send(*m.resolve(), nobody_listens{});
    std::size_t still = co_await how_many(m);
    EXPECT_EQ(still, 2U);
    auto takes = co_await add_handler<takes_messages>(m);
    send(*m.resolve(), nobody_listens{});
    std::string taken = co_await call<seen_so_far>(*takes);
    EXPECT_EQ(taken, "1");
  });
  EXPECT_EQ(f.reports.size(), 1U) << "once, however many handlers there are";
  EXPECT_EQ(f.field("unexpected_message", "message"), term("nobody_listens"_atom));
  EXPECT_EQ(f.field("unexpected_message", "name"), term("manager"_atom));
}

TEST(gen_event_suite, undef_terminate) {
  test_node f;
  f.n.run([](self) -> task<> {
    auto m = co_await start_manager();
    auto e = co_await add_handler<bare>(m);
    std::expected<term, exit_reason> gone = co_await delete_handler(*e);
    EXPECT_TRUE(gone.has_value());
    std::size_t none = co_await how_many(m);
    EXPECT_EQ(none, 0U);
  });
}

TEST(gen_event_suite, undef_in_terminate) {
  test_node f;
  f.n.run([](self) -> task<> {
    auto m = co_await start_manager();
    auto e = co_await add_handler<falls_at_the_end>(m);
    std::expected<term, exit_reason> gone = co_await delete_handler(*e);
    EXPECT_FALSE(gone.has_value());
    EXPECT_THAT(to_string(gone.error().value()), HasSubstr("no way out"));
    std::size_t none = co_await how_many(m);
    EXPECT_EQ(none, 0U) << "it is gone all the same";
    EXPECT_TRUE(is_process_alive(*m.resolve()));
  });
}

report report_of_a_fall(bool labelled) {
  test_node f;
  f.n.run(
      [](self, bool labels) -> task<> {
        auto m = co_await start_manager();
        auto e = co_await add_handler<falls>(m, with_id(7), labels);
        co_await sync_notify<said>(m, "disk full");
        std::size_t none = co_await how_many(m);
        EXPECT_EQ(none, 0U);
      },
      labelled);
  EXPECT_EQ(f.reports.size(), 1U);
  return f.reports.at(0);
}

TEST(gen_event_suite, format_log_1) {
  report r = report_of_a_fall(false);
  std::string text = detail::render_text({r, {}}, {});
  EXPECT_THAT(text, HasSubstr("[error] handler {falls,7} of manager ended: {fell,<<\"disk full\">>}\n"));
  EXPECT_THAT(text, HasSubstr("    handler       {falls,7}\n"));
  EXPECT_THAT(text, HasSubstr("    name          manager\n"));
  EXPECT_THAT(text, HasSubstr("    last_message  {said,<<\"disk full\">>}\n"));
  EXPECT_THAT(text, HasSubstr("    state         [1,2,3,4,5,6,7,8,9,10,11,12,13,14,15]\n"));
  EXPECT_THAT(text, HasSubstr("    reason        {fell,<<\"disk full\">>}\n"));
  std::string cut = detail::render_text({r, {}}, {.term_limit = 20});
  EXPECT_THAT(cut, HasSubstr("handler {falls,7} of manager ended: {fell,"));
  EXPECT_THAT(cut, HasSubstr("    state         [1,2,3,4,5"));
  EXPECT_THAT(cut, Not(HasSubstr("15]")));
  EXPECT_LT(cut.size(), text.size());
}

TEST(gen_event_suite, format_log_2) {
  report r = report_of_a_fall(false);
  std::string line = detail::render_json({r, {}}, {});
  EXPECT_THAT(line, HasSubstr(R"("text":"handler {falls,7} of manager ended: {fell,)"));
  EXPECT_THAT(line, HasSubstr(R"("state":"[1,2,3,4,5,6,7,8,9,10,11,12,13,14,15]")"));
  EXPECT_EQ(line.find('\n'), line.size() - 1);
  EXPECT_LT(detail::render_json({r, {}}, {.term_limit = 20}).size(), line.size());
}

TEST(gen_event_suite, format_log_with_process_label) {
  std::string text = detail::render_text({report_of_a_fall(true), {}}, {});
  EXPECT_THAT(text, HasSubstr("    label         <<\"alarms of bob\">>\n"));
  EXPECT_THAT(detail::render_text({report_of_a_fall(false), {}}, {}), Not(HasSubstr("label")));
}

} // namespace
} // namespace coppice
