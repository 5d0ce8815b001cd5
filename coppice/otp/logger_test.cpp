// Reports on their way to the log: rendering and limiting as pure functions, the way there with a node.
#include "coppice/otp/logger.hpp"

#include "coppice/otp/detail/report_limiter.hpp"
#include "coppice/otp/detail/report_text.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <mutex>

namespace coppice {
namespace {

using namespace std::chrono_literals;
using namespace literals;
using detail::log_entry;
using detail::render_json;
using detail::render_text;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

std::chrono::system_clock::time_point noon() {
  return std::chrono::sys_days{std::chrono::year{2026} / 3 / 1} + 12h + 34min + 56s + 789ms;
}

exit_reason disk_full() {
  return exit_reason::from_exception(std::make_exception_ptr(std::runtime_error("disk\n\"full\"")));
}

report crash() {
  report r{severity::error, "crash_report", pid{5}, {}, disk_full()};
  r.fields.emplace_back("behaviour", "gen_server"_atom);
  r.fields.emplace_back("name", "chat"_atom);
  r.fields.emplace_back("initial_call", "chat_server"_atom);
  r.fields.emplace_back("state", term::tuple("inbox"_atom, 3));
  return r;
}

report about_child(std::string kind, severity level) {
  report r{level, std::move(kind), pid{3}, {}, exit_reason("killed"_atom)};
  r.fields.emplace_back("supervisor", "rooms"_atom);
  r.fields.emplace_back("errorContext", "child_terminated"_atom);
  r.fields.emplace_back("id", "lobby"_atom);
  r.fields.emplace_back("pid", pid{9});
  r.fields.emplace_back("action", "restart the child"_atom);
  return r;
}

// ---- text ------------------------------------------------------------------------------------------------

TEST(report_text, a_crash_says_who_and_why_in_its_first_line) {
  std::string text = render_text({crash(), noon()}, {});
  EXPECT_THAT(text, StartsWith("2026-03-01 12:34:56.789Z [error] chat (chat_server) ended: "
                               "std::runtime_error: disk\\x0a\"full\"\n"));
  EXPECT_THAT(text, HasSubstr("\n    state         {inbox,3}\n"));
  EXPECT_THAT(text, HasSubstr("\n    reason        {'std::runtime_error',<<\"disk\\n\\\"full\\\"\">>}\n"));
}

TEST(report_text, a_supervisor_says_what_it_does_about_it) {
  std::string text = render_text({about_child("supervisor_report", severity::error), noon()}, {});
  EXPECT_THAT(
      text, HasSubstr("[error] supervisor rooms: child lobby child_terminated: killed; restart the child\n"));
}

TEST(report_text, progress_is_one_line) {
  std::string text = render_text({about_child("progress", severity::info), noon()}, {});
  EXPECT_EQ(text, "2026-03-01 12:34:56.789Z [info] supervisor rooms started lobby as <0.9.0>\n");
}

TEST(report_text, what_has_no_form_of_its_own_names_its_kind) {
  report r{severity::warning, "unexpected_message", pid{5}, {{"message", "hello"}}, exit_reason()};
  std::string text = render_text({r, noon()}, {});
  EXPECT_THAT(text, HasSubstr("[warning] unexpected_message in <0.5.0>\n"));
  EXPECT_THAT(text, HasSubstr("    message       <<\"hello\">>\n"));
}

TEST(report_text, long_terms_are_cut) {
  report r = crash();
  r.fields.emplace_back("huge", term::binary(std::string(2'500'000, 'x')));
  r.reason =
      exit_reason::from_exception(std::make_exception_ptr(std::runtime_error(std::string(2'500'000, 'y'))));
  EXPECT_LT(render_text({r, noon()}, {}).size(), 10'000U);
  EXPECT_LT(render_json({r, noon()}, {}).size(), 10'000U);
  EXPECT_THAT(render_text({r, noon()}, {}), HasSubstr("xxx..."));
  EXPECT_THAT(render_text({r, noon()}, {.term_limit = 50}), Not(HasSubstr(std::string(60, 'x'))));
}

TEST(report_text, nothing_reaches_the_terminal_that_it_would_obey) {
  report r{severity::error, "error", pid{5}, {}, exit_reason()};
  r.reason = exit_reason::from_exception(std::make_exception_ptr(std::runtime_error("\x1b[2J\xff\xfe gone")));
  std::string text = render_text({r, noon()}, {});
  EXPECT_THAT(text, HasSubstr("\\x1b[2J\xEF\xBF\xBD\xEF\xBF\xBD gone"));
  EXPECT_THAT(text, Not(HasSubstr("\x1b")));
}

TEST(report_text, a_cut_never_splits_a_character) {
  report r{severity::error, "error", pid(), {}, exit_reason()};
  r.reason = exit_reason::from_exception(
      std::make_exception_ptr(std::runtime_error("aaaa\xE2\x82\xAC\xE2\x82\xAC zzzz")));
  for (std::size_t limit = 20; limit < 45; ++limit) {
    EXPECT_THAT(render_json({r, noon()}, {.term_limit = limit}), Not(HasSubstr("\xEF\xBF\xBD"))) << limit;
  }
}

TEST(report_text, colour_is_asked_for) {
  EXPECT_THAT(render_text({crash(), noon()}, {.colour = true}), HasSubstr("[\x1b[31merror\x1b[0m]"));
}

TEST(report_text, what_was_held_back_is_counted) {
  EXPECT_THAT(render_text({crash(), noon(), 12}, {}), HasSubstr("12 times more"));
}

// ---- JSON ------------------------------------------------------------------------------------------------

TEST(report_json, is_one_line) {
  std::string line = render_json({crash(), noon(), 2}, {});
  EXPECT_THAT(line, StartsWith(R"({"time":"2026-03-01T12:34:56.789Z","level":"error","kind":"crash_report",)"
                               R"("process":"<0.5.0>","text":"chat (chat_server) ended: )"));
  EXPECT_THAT(line, HasSubstr(R"("fields":{"behaviour":"gen_server","name":"chat",)"));
  EXPECT_THAT(line, HasSubstr(R"("exception":{"type":"std::runtime_error","text":"disk\u000a\"full\""})"));
  EXPECT_THAT(line, EndsWith("\"dropped\":2}\n"));
  EXPECT_EQ(std::ranges::count(line, '\n'), 1);
}

TEST(report_json, integers_are_numbers) {
  report r{severity::info, "x", pid(), {{"n", 3}}, exit_reason()};
  EXPECT_EQ(render_json({r, noon()}, {}),
            "{\"time\":\"2026-03-01T12:34:56.789Z\",\"level\":\"info\",\"kind\":\"x\","
            "\"text\":\"x\",\"fields\":{\"n\":3}}\n");
}

// ---- limiting --------------------------------------------------------------------------------------------

TEST(report_limiter, tells_texts_that_are_printed_apart) {
  detail::report_limiter limiter(1, 10s);
  const auto printed = [](const char* text) {
    return report{severity::notice, "printed", pid(), {{"text", term(text)}}, exit_reason()};
  };
  const time_point now{};
  EXPECT_TRUE(limiter.admit(printed("one"), now).write);
  EXPECT_TRUE(limiter.admit(printed("two"), now).write);
  EXPECT_FALSE(limiter.admit(printed("two"), now).write);
}

TEST(report_limiter, lets_a_burst_through_and_counts_the_rest) {
  detail::report_limiter limiter(2, 10s);
  time_point now;
  EXPECT_TRUE(limiter.admit(crash(), now).write);
  EXPECT_TRUE(limiter.admit(crash(), now).write);
  EXPECT_FALSE(limiter.admit(crash(), now).write);
  EXPECT_FALSE(limiter.admit(crash(), now + 9s).write);
  auto next = limiter.admit(crash(), now + 10s);
  EXPECT_TRUE(next.write);
  EXPECT_EQ(next.dropped, 2U);
  EXPECT_FALSE(limiter.has_dropped());
}

TEST(report_limiter, other_reasons_and_other_places_are_other_reports) {
  detail::report_limiter limiter(1, 10s);
  report other_reason = crash();
  other_reason.reason = exit_reason("badarg"_atom);
  report other_place = crash();
  other_place.fields[2].second = "session"_atom;
  report other_process = crash();
  other_process.process = pid{77};
  other_process.fields[3].second = term("other state");
  time_point now;
  EXPECT_TRUE(limiter.admit(crash(), now).write);
  EXPECT_TRUE(limiter.admit(other_reason, now).write);
  EXPECT_TRUE(limiter.admit(other_place, now).write);
  EXPECT_FALSE(limiter.admit(other_process, now).write);
}

TEST(report_limiter, tells_the_rest_when_the_period_is_over) {
  detail::report_limiter limiter(1, 10s);
  time_point now;
  for (int i = 0; i < 4; ++i) limiter.admit(crash(), now);
  EXPECT_TRUE(limiter.expired(now + 9s).empty());
  std::vector<log_entry> rest = limiter.expired(now + 10s);
  ASSERT_EQ(rest.size(), 1U);
  EXPECT_EQ(rest[0].dropped, 2U); // beside the one that stands for them
  EXPECT_FALSE(limiter.has_dropped());
}

TEST(report_limiter, stays_small) {
  detail::report_limiter limiter(1, 10s);
  time_point now;
  for (int i = 0; i < 5000; ++i) {
    report r = crash();
    r.reason = exit_reason(term(i));
    EXPECT_TRUE(limiter.admit(r, now).write);
  }
}

// ---- with a node -----------------------------------------------------------------------------------------

TEST(logger, writes_the_reports_of_a_node) {
  auto lines = std::make_shared<std::vector<std::string>>();
  {
    node n(stepped());
    install_logger(n, {.format = log_format::json,
                       .level = severity::notice,
                       .same_burst = 2,
                       .write = [lines](std::string_view text) { lines->emplace_back(text); }});
    for (int i = 0; i < 5; ++i) n.report(crash());
    n.report(about_child("progress", severity::info));
    n.report(about_child("supervisor_report", severity::error));
  } // the log is written when the node is gone
  ASSERT_EQ(lines->size(), 4U);
  EXPECT_THAT((*lines)[0], HasSubstr("chat_server"));
  EXPECT_THAT((*lines)[2], HasSubstr("supervisor_report"));
  EXPECT_THAT((*lines)[3], HasSubstr("\"dropped\":2"));
}

TEST(logger, reads_its_options) {
  EXPECT_EQ(parse_log_format("json"), log_format::json);
  EXPECT_EQ(parse_log_format("xml"), std::nullopt);
  EXPECT_EQ(parse_severity("warning"), severity::warning);
  EXPECT_EQ(parse_severity("loud"), std::nullopt);
}

TEST(logger, a_file_that_cannot_be_opened_is_an_error) {
  node n(stepped());
  EXPECT_THROW(install_logger(n, {.file = "/proc/no/such/log"}), std::runtime_error);
}

} // namespace
} // namespace coppice
