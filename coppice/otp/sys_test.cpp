// System messages; the cases are named after those of OTP's sys_SUITE where there is one.
#include "coppice/otp/gen_server.hpp"

#include "coppice/otp/detail/test_node.hpp"
#include "coppice/term/text.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace coppice {
namespace {

using namespace std::chrono_literals;
using namespace literals;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

struct write {
  int n;
};
struct read {};
struct wait {};

class scribe : public gen_server {
public:
  using protocol = coppice::protocol<casts<write>, calls<read, int>, casts<wait>>;
  explicit scribe(shared_diary d) : diary_(std::move(d)) {}
  void handle_cast(write m) {
    last_ = m.n;
    diary_->push_back(std::to_string(m.n));
  }
  result<> handle_cast(wait) { return result<>().timeout(100ms); }
  int handle_call(read) const { return last_; }
  void handle_timeout() { diary_->push_back("timeout"); }
  void terminate(const exit_reason& why) { diary_->push_back("ends " + why.to_string()); }
  term state() const { return last_; }
  void replace_state(const term& t) { last_ = static_cast<int>(*t.as_int64()); }
  void code_change(const term& old_vsn, const term& extra) {
    if (extra == term("fail"_atom)) throw std::runtime_error("cannot");
    diary_->push_back("change " + to_string(old_vsn) + " " + to_string(extra));
  }

private:
  shared_diary diary_;
  int last_ = 0;
};

class plain : public gen_server {};

struct stage {
  server_ref<scribe> s;
  shared_diary d = std::make_shared<diary>();
};

task<stage> start_scribe() {
  stage st;
  start_result<scribe> started = co_await start<scribe>(local("scribe"), st.d);
  st.s = *started;
  co_return st;
}

TEST(sys, suspend_and_resume_keep_order) {
  test_node f;
  f.n.run([](self) -> task<> {
    stage st = co_await start_scribe();
    cast<write>(st.s, 1);
    std::expected<atom, exit_reason> suspended = co_await sys::suspend("scribe");
    EXPECT_EQ(*suspended, "ok"_atom);
    for (int i = 2; i < 5; ++i) cast<write>(st.s, i);
    co_await idle_for(1ms);
    EXPECT_THAT(*st.d, ElementsAre("1"));
    std::expected<int, exit_reason> no_answer = co_await try_call<read>(st.s, within(10ms));
    EXPECT_TRUE(no_answer.error().is("timeout"));
    std::expected<atom, exit_reason> again = co_await sys::suspend("scribe");
    EXPECT_TRUE(again.has_value());
    cast<write>(st.s, 5);
    std::expected<atom, exit_reason> resumed = co_await sys::resume("scribe");
    cast<write>(st.s, 6);
    int last = co_await call<read>(st.s);
    EXPECT_EQ(last, 6);
    EXPECT_THAT(*st.d, ElementsAre("1", "2", "3", "4", "5", "6"));
  });
}

TEST(sys, a_suspended_server_does_not_time_out) {
  test_node f;
  f.n.run([](self) -> task<> {
    stage st = co_await start_scribe();
    cast<wait>(st.s);
    std::expected<atom, exit_reason> suspended = co_await sys::suspend("scribe");
    co_await idle_for(1s);
    EXPECT_THAT(*st.d, IsEmpty());
    std::expected<atom, exit_reason> resumed = co_await sys::resume("scribe");
    co_await idle_for(1ms);
    EXPECT_THAT(*st.d, ElementsAre("timeout"));
  });
}

TEST(sys, get_status) {
  test_node f;
  f.n.run([](self) -> task<> {
    stage st = co_await start_scribe();
    cast<write>(st.s, 3);
    std::expected<sys::status, exit_reason> status = co_await sys::get_status("scribe");
    EXPECT_EQ(status->process, *st.s.resolve());
    EXPECT_EQ(status->module, "gen_server"_atom);
    EXPECT_EQ(status->name, term("scribe"_atom));
    EXPECT_EQ(status->state, term(3));
    EXPECT_FALSE(status->suspended);
  });
}

TEST(sys, get_state_and_replace_state) {
  test_node f;
  f.n.run([](self) -> task<> {
    stage st = co_await start_scribe();
    std::function<term(const term&)> next = [](const term& t) { return term(*t.as_int64() + 7); };
    std::expected<term, exit_reason> replaced = co_await sys::replace_state("scribe", next);
    EXPECT_EQ(*replaced, term(7));
    std::function<term(const term&)> broken = [](const term&) -> term { throw std::runtime_error("no"); };
    std::expected<term, exit_reason> failed = co_await sys::replace_state("scribe", broken);
    EXPECT_FALSE(failed.has_value());
    std::expected<term, exit_reason> state = co_await sys::get_state("scribe");
    EXPECT_EQ(*state, term(7));
    start_result<plain> p = co_await start<plain>();
    std::expected<term, exit_reason> cannot = co_await sys::replace_state(p->name(), next);
    EXPECT_EQ(cannot.error().value(), term::tuple("unsupported"_atom, "replace_state"_atom));
  });
}

struct shy : gen_server {
  term state() const { throw std::runtime_error("not mine to say"); }
};

TEST(sys, a_state_that_cannot_be_told_ends_nobody) {
  test_node f;
  f.n.run([](self) -> task<> {
    start_result<shy> s = co_await start<shy>();
    std::expected<term, exit_reason> state = co_await sys::get_state(s->name());
    EXPECT_EQ(state.error().to_string(),
              "{callback_failed,state,{'std::runtime_error',<<\"not mine to say\">>}}");
    std::expected<ok, exit_reason> stopped = co_await stop(s->name(), exit_reason("enough"_atom));
    EXPECT_TRUE(stopped.has_value());
  });
  EXPECT_EQ(f.count("crash_report"), 1U);
}

TEST(sys, log) {
  test_node f;
  f.n.run([](self) -> task<> {
    stage st = co_await start_scribe();
    std::expected<atom, exit_reason> on = co_await sys::log("scribe", 3);
    cast<write>(st.s, 1);
    cast<write>(st.s, 2);
    [[maybe_unused]] int last = co_await call<read>(st.s);
    std::expected<sys::status, exit_reason> status = co_await sys::get_status("scribe");
    EXPECT_EQ(status->log.size(), 3U);
    EXPECT_EQ(to_string(status->log[0]), "{in,{write,2}}");
    EXPECT_EQ(to_string(status->log[1]), "{in,read}");
    EXPECT_EQ(to_string(status->log[2]), "{out,2}");
    std::expected<atom, exit_reason> off = co_await sys::log("scribe", 0);
    std::expected<sys::status, exit_reason> empty = co_await sys::get_status("scribe");
    EXPECT_THAT(empty->log, IsEmpty());
  });
}

TEST(sys, trace) {
  test_node f;
  f.n.run([](self) -> task<> {
    stage st = co_await start_scribe();
    std::expected<atom, exit_reason> on = co_await sys::trace("scribe", true);
    cast<write>(st.s, 1);
    [[maybe_unused]] int last = co_await call<read>(st.s);
    std::expected<atom, exit_reason> off = co_await sys::trace("scribe", false);
    cast<write>(st.s, 2);
    [[maybe_unused]] int last2 = co_await call<read>(st.s);
  });
  EXPECT_EQ(f.count("sys_trace"), 3U);
}

TEST(sys, statistics) {
  test_node f;
  f.n.run([](self) -> task<> {
    stage st = co_await start_scribe();
    std::expected<sys::statistics, exit_reason> none = co_await sys::get_statistics("scribe");
    EXPECT_TRUE(none.error().is("no_statistics"));
    for (int i = 0; i < 100; ++i) cast<write>(st.s, i);
    [[maybe_unused]] int before = co_await call<read>(st.s);
    std::expected<atom, exit_reason> on = co_await sys::count_statistics("scribe", true);
    cast<write>(st.s, 1);
    [[maybe_unused]] int last = co_await call<read>(st.s);
    std::expected<sys::statistics, exit_reason> figures = co_await sys::get_statistics("scribe");
    EXPECT_EQ(figures->messages_in, 2U);
    EXPECT_EQ(figures->messages_out, 1U);
    EXPECT_LT(figures->reductions, 100U); // those spent before do not count
    std::expected<atom, exit_reason> off = co_await sys::count_statistics("scribe", false);
    std::expected<sys::statistics, exit_reason> no_more = co_await sys::get_statistics("scribe");
    EXPECT_TRUE(no_more.error().is("no_statistics"));
  });
}

TEST(sys, change_code) {
  test_node f;
  f.n.run([](self) -> task<> {
    stage st = co_await start_scribe();
    std::expected<atom, exit_reason> too_soon =
        co_await sys::change_code("scribe", "scribe"_atom, 1, "x"_atom);
    EXPECT_TRUE(too_soon.error().is("not_suspended"));
    std::expected<atom, exit_reason> suspended = co_await sys::suspend("scribe");
    std::expected<atom, exit_reason> done = co_await sys::change_code("scribe", "scribe"_atom, 1, "x"_atom);
    EXPECT_TRUE(done.has_value());
    EXPECT_THAT(*st.d, ElementsAre("change 1 x"));
    std::expected<atom, exit_reason> failed =
        co_await sys::change_code("scribe", "scribe"_atom, 1, "fail"_atom);
    EXPECT_FALSE(failed.has_value());
    std::expected<atom, exit_reason> resumed = co_await sys::resume("scribe");
    int alive = co_await call<read>(st.s);
    EXPECT_EQ(alive, 0);
  });
}

TEST(sys, terminate) {
  test_node f;
  f.n.run([](self) -> task<> {
    stage st = co_await start_scribe();
    std::expected<atom, exit_reason> suspended = co_await sys::suspend("scribe");
    request_id<int> waiting = send_request<read>(st.s);
    std::expected<atom, exit_reason> told = co_await sys::terminate("scribe", exit_reason::shutdown());
    EXPECT_TRUE(told.has_value());
    std::optional<std::expected<int, exit_reason>> none = co_await receive_response(waiting);
    EXPECT_TRUE(none->error().is("shutdown"));
    EXPECT_THAT(*st.d, ElementsAre("ends shutdown"));
  });
}

} // namespace
} // namespace coppice
