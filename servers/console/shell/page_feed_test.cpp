// What a page is told: in simulated time, by a process that is its WebSocket's.
#include "servers/console/shell/page_feed.hpp"

#include "servers/console/core/tree.hpp"
#include "servers/console/shell/test_world.hpp"

#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

namespace coppice::console {
namespace {

using namespace test;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

using frames = std::vector<boost::json::value>;

http::websocket_message said(std::string text) { return {true, std::move(text)}; }
http::websocket_message watching(pid process) {
  return said(fmt::format(R"({{"type":"watch","process":"{}"}})", pid_text(process)));
}
http::websocket_message tracing(pid process, bool on = true) {
  return said(fmt::format(R"({{"type":"trace","pid":"{}","on":{}}})", pid_text(process), on));
}
http::websocket_message state_of(pid process) {
  return said(fmt::format(R"({{"type":"state","pid":"{}"}})", pid_text(process)));
}

boost::json::value read(const std::string& frame) { return boost::json::parse(frame); }
std::string text_at(const boost::json::value& frame, std::string_view member) {
  const boost::json::value* found = frame.as_object().if_contains(member);
  return found == nullptr ? "" : found->as_string().c_str();
}

/// What the page is sent within that time.
task<frames> within_time(self me, page_feed* feed, duration time) {
  frames sent;
  const time_point end = now() + time;
  while (now() < end) {
    duration left = end - now();
    auto news = co_await me.receive<tick, looked, inspected, state_read>(left);
    if (!news) break;
    const std::string text = std::visit([feed](const auto& one) { return feed->take(one); }, *news);
    if (!text.empty()) sent.push_back(read(text));
  }
  co_return std::move(sent);
}

frames of_type(const frames& all, std::string_view type) {
  frames some;
  for (const boost::json::value& f : all) {
    if (text_at(f, "type") == type) some.push_back(f);
  }
  return some;
}

TEST(page_feed, lets_in_who_says_hello_with_the_token) {
  const std::string token = "secret";
  const auto h = greet(said(R"({"type":"hello","v":1,"token":"secret","reports":3,"points":40})"), token);
  ASSERT_TRUE(h.has_value());
  EXPECT_EQ(h->reports, 3U);
  EXPECT_EQ(h->points, 40);
  auto code = [&token](http::websocket_message first) {
    return static_cast<int>(greet(first, token).error().code);
  };
  EXPECT_EQ(code(said(R"({"type":"hello","v":1,"token":"guess","reports":0,"points":0})")), 4403);
  EXPECT_EQ(code(said(R"({"type":"watch","process":"<0.1.1>"})")), 4401);
  EXPECT_EQ(code(said("{")), 4400);
  EXPECT_EQ(code({false, R"({"type":"hello","v":1,"token":"secret","reports":0,"points":0})"}), 4400);
  EXPECT_EQ(static_cast<int>(no_hello_in_time().code), 4401);
}

TEST(page_feed, sends_a_snapshot_at_once_and_then_each_second) {
  world w;
  w.home.run(
      [](self me, std::shared_ptr<archive> kept) -> task<> {
        co_await start_sampler(kept);
        co_await idle_for(3s);
        page_feed feed(me, kept, hello{});
        feed.look();
        frames first = co_await within_time(me, &feed, 1ms);
        EXPECT_EQ(first.size(), 1U);
        EXPECT_EQ(text_at(first.at(0), "type"), "snapshot");
        EXPECT_FALSE(first.at(0).at("processes").as_array().empty())
            << "a page that has said nothing sees the tree";
        EXPECT_FALSE(first.at(0).as_object().contains("list"));
        EXPECT_EQ(first.at(0).at("points").as_array().size(), 3U);
        frames more = co_await within_time(me, &feed, 3s);
        EXPECT_EQ(more.size(), 3U);
        std::int64_t last = first.at(0).at("points").as_array().back().at("at").as_int64();
        for (const boost::json::value& f : more) {
          for (const boost::json::value& p : f.at("points").as_array()) {
            EXPECT_GT(p.at("at").as_int64(), last) << "a point is sent once";
            last = p.at("at").as_int64();
          }
        }
      },
      w.kept);
}

TEST(page_feed, sends_what_the_page_looks_at_and_nothing_else) {
  world w;
  w.home.run(
      [](self me, std::shared_ptr<archive> kept) -> task<> {
        co_await start_sampler(kept);
        page_feed feed(me, kept, hello{});
        feed.look(); // a tree, which has to wait for the next walk
        feed.take(said(
            R"({"type":"watch","list":{"filter":"","sort":"pid","ascending":true,"offset":0,"limit":2}})"));
        frames sent = co_await within_time(me, &feed, 900ms);
        EXPECT_EQ(sent.size(), 1U) << "what it looked at before is not sent any more";
        EXPECT_EQ(sent.at(0).at("list").at("rows").as_array().size(), 2U);
        EXPECT_FALSE(sent.at(0).as_object().contains("processes"));
        EXPECT_FALSE(feed.leaving().has_value());
        feed.take(watching(me));
        co_await idle_for(1ms); // the answer is there already
        feed.take(said(R"({"type":"watch"})"));
        frames later = co_await within_time(me, &feed, 900ms);
        EXPECT_EQ(later.size(), 1U);
        EXPECT_FALSE(later.at(0).as_object().contains("process"));
      },
      w.kept);
}

TEST(page_feed, sends_a_report_once) {
  world w;
  w.home.run(
      [](self me, std::shared_ptr<archive> kept) -> task<> {
        co_await start_sampler(kept);
        co_await idle_for(1s);
        page_feed feed(me, kept, hello{});
        feed.look();
        co_await within_time(me, &feed, 1ms);
        const pid victim = spawn(sits);
        kept->seen.killed(*this_node().summary(victim));
        frames sent = co_await within_time(me, &feed, 3s);
        std::size_t reports = 0;
        for (const boost::json::value& f : sent) {
          const boost::json::value* some = f.as_object().if_contains("reports");
          if (some == nullptr) continue;
          for (const boost::json::value& r : some->as_array()) {
            ++reports;
            EXPECT_EQ(text_at(r, "kind"), "kill");
            EXPECT_EQ(text_at(r, "pid"), pid_text(victim));
          }
        }
        EXPECT_EQ(reports, 1U);
      },
      w.kept);
}

TEST(page_feed, waits_for_a_sampler_that_is_being_restarted) {
  world w;
  w.home.run(
      [](self me, std::shared_ptr<archive> kept) -> task<> {
        page_feed feed(me, kept, hello{});
        feed.look();
        frames none = co_await within_time(me, &feed, 2500ms);
        EXPECT_THAT(none, IsEmpty());
        co_await start_sampler(kept);
        frames sent = co_await within_time(me, &feed, 1s);
        EXPECT_FALSE(sent.empty());
      },
      w.kept);
}

TEST(page_feed, asks_again_when_the_sampler_has_not_answered_for_five_seconds) {
  world w;
  w.home.run(
      [](self me, std::shared_ptr<archive> kept) -> task<> {
        const pid silent = spawn(sits);
        register_name(atom(sampler::name), silent);
        page_feed feed(me, kept, hello{});
        feed.look();
        frames none = co_await within_time(me, &feed, 2s);
        exit(silent, exit_reason::kill());
        co_await idle_for(1ms);
        co_await start_sampler(kept);
        frames lost = co_await within_time(me, &feed, page_feed::sampler_patience - 2s - 10ms);
        EXPECT_THAT(none, IsEmpty());
        EXPECT_THAT(lost, IsEmpty()) << "what was asked of the one before is lost";
        frames sent = co_await within_time(me, &feed, 200ms);
        EXPECT_EQ(sent.size(), 1U);
      },
      w.kept);
}

TEST(page_feed, shows_a_process_from_inside_until_it_dies) {
  world w;
  w.home.run(
      [](self me, std::shared_ptr<archive> kept) -> task<> {
        co_await start_sampler(kept);
        start_result<clerk> s = co_await start<clerk>();
        const pid one = *s->resolve();
        page_feed feed(me, kept, hello{});
        feed.take(watching(one));
        frames sent = co_await within_time(me, &feed, 500ms);
        EXPECT_FALSE(sent.empty());
        const boost::json::value& process = sent.back().at("process");
        EXPECT_EQ(text_at(process, "name"), "the clerk");
        EXPECT_TRUE(process.at("alive").as_bool());
        EXPECT_GT(process.at("inside").at("memory").to_number<int>(), 0);
        exit(one, exit_reason::kill());
        frames after = co_await within_time(me, &feed, 1100ms);
        EXPECT_FALSE(after.empty());
        EXPECT_FALSE(after.back().at("process").at("alive").as_bool());
      },
      w.kept);
}

TEST(page_feed, reads_one_state_at_a_time) {
  world w;
  w.home.run(
      [](self me, std::shared_ptr<archive> kept) -> task<> {
        start_result<clerk> s = co_await start<clerk>();
        const pid one = *s->resolve();
        page_feed feed(me, kept, hello{});
        EXPECT_EQ(feed.take(state_of(one)), "");
        EXPECT_THAT(text_at(read(feed.take(state_of(one))), "problem"), HasSubstr("already"));
        frames sent = co_await within_time(me, &feed, 1ms);
        EXPECT_EQ(sent.size(), 1U);
        EXPECT_EQ(text_at(sent.at(0), "text"), "<<\"x\">>");
        EXPECT_EQ(feed.take(state_of(one)), "") << "the next may be asked for";
        co_await within_time(me, &feed, 1ms);
        const pid plain = spawn(sits);
        EXPECT_THAT(text_at(read(feed.take(state_of(plain))), "problem"),
                    HasSubstr("no process of a behaviour"));
        exit(one, exit_reason::kill());
        co_await idle_for(1ms);
        EXPECT_EQ(text_at(read(feed.take(state_of(one))), "problem"), "It is dead.");
      },
      w.kept);
}

TEST(page_feed, a_node_that_shows_no_states_refuses_them_and_traces) {
  world w(false);
  w.home.run(
      [](self me, std::shared_ptr<archive> kept) -> task<> {
        start_result<clerk> s = co_await start<clerk>();
        const pid one = *s->resolve();
        page_feed feed(me, kept, hello{});
        feed.take(watching(one));
        EXPECT_EQ(text_at(read(feed.take(state_of(one))), "problem"), "This node does not show states.");
        EXPECT_EQ(text_at(read(feed.take(tracing(one))), "ended"), "This node does not show messages.");
      },
      w.kept);
}

TEST(page_feed, traces_what_the_page_looks_at_for_one_page_at_a_time) {
  world w;
  w.home.run(
      [](self me, std::shared_ptr<archive> kept) -> task<> {
        co_await start_sampler(kept);
        start_result<clerk> s = co_await start<clerk>();
        const pid one = *s->resolve();
        page_feed feed(me, kept, hello{});
        EXPECT_EQ(text_at(read(feed.take(tracing(one))), "ended"), "The page does not look at it.");
        feed.take(watching(one));
        EXPECT_EQ(text_at(read(feed.take(tracing(one))), "ended"), "");
        page_feed other(me, kept, hello{});
        other.take(watching(one));
        EXPECT_EQ(text_at(read(other.take(tracing(one))), "ended"), "Another page traces it.");
        co_await within_time(me, &feed, 100ms);
        cast<parcel>(*s);
        frames sent = co_await within_time(me, &feed, 1100ms);
        const frames traces = of_type(sent, "trace");
        EXPECT_EQ(traces.size(), 1U);
        bool caught = false;
        for (const boost::json::value& e : traces.at(0).at("events").as_array()) {
          caught = caught || (text_at(e, "what") == "receive" && text_at(e, "content").contains("parcel"));
        }
        EXPECT_TRUE(caught);
        feed.take(watching(me)); // it looks at something else: the trace is over
        EXPECT_EQ(text_at(read(other.take(tracing(one))), "ended"), "");
        EXPECT_EQ(text_at(read(other.take(tracing(one, false))), "ended"), "stopped");
      },
      w.kept);
}

TEST(page_feed, a_trace_ends_with_its_process_and_after_five_minutes) {
  world w;
  w.home.run(
      [](self me, std::shared_ptr<archive> kept) -> task<> {
        co_await start_sampler(kept);
        for (bool dies : {true, false}) {
          const pid one = spawn(sits);
          page_feed feed(me, kept, hello{});
          feed.take(watching(one));
          feed.take(tracing(one));
          if (dies) exit(one, exit_reason::kill());
          const duration time = dies ? duration(1500ms) : page_feed::longest_trace - 1s;
          frames sent = co_await within_time(me, &feed, time);
          frames then = co_await within_time(me, &feed, 3s);
          const auto ended = [](const boost::json::value& f) { return !text_at(f, "ended").empty(); };
          EXPECT_EQ(std::ranges::count_if(sent, ended), dies ? 1 : 0);
          const frames traces = of_type(dies ? sent : then, "trace");
          EXPECT_FALSE(traces.empty());
          EXPECT_EQ(text_at(traces.back(), "ended"), dies ? "it has ended" : "stopped after five minutes");
        }
      },
      w.kept);
}

TEST(page_feed, says_goodbye_to_a_page_that_breaks_the_protocol) {
  for (const char* frame : {"nonsense", R"({"type":"hello","v":1,"token":"x","reports":0,"points":0})"}) {
    world w;
    w.home.run(
        [](self me, std::shared_ptr<archive> kept, std::string text) -> task<> {
          page_feed feed(me, kept, hello{});
          EXPECT_EQ(feed.take(said(std::move(text))), "");
          EXPECT_EQ(static_cast<int>(feed.leaving().value().code), 4400);
          co_return;
        },
        w.kept, std::string(frame));
  }
}

} // namespace
} // namespace coppice::console
