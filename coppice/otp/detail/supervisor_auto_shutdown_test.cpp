// auto_shutdown and significant children, under the names of OTP's supervisor_SUITE.
#include "coppice/otp/detail/supervisor_core.hpp"
#include "coppice/otp/detail/test_supervisor_world.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace coppice::detail::supervision {
namespace {

using namespace std::chrono_literals;
using coppice::restart;
using testing::IsEmpty;

child_spec significant(std::string id, restart r) {
  child_spec s = spec(std::move(id), r);
  s.significant = true;
  return s;
}

TEST(supervisor_core, any_significant) {
  for (restart r : {restart::transient, restart::temporary}) {
    world w = started(with(strategy::one_for_one, 3, 5s, auto_shutdown::any_significant),
                      {significant("a", r), significant("b", r), spec("c", restart::transient)});
    w.end("c", normal());
    EXPECT_FALSE(w.stopped);
    w.end("a", normal());
    ASSERT_TRUE(w.stopped);
    EXPECT_EQ(w.stopped->why, stop_self::cause::auto_shutdown);
    EXPECT_EQ(w.log, (log_lines{"stop b"}));
  }
}

TEST(supervisor_core, any_significant_transient_crash_restarts) {
  world w = started(with(strategy::one_for_one, 3, 5s, auto_shutdown::any_significant),
                    {significant("a", restart::transient)});
  w.end("a", crash());
  EXPECT_FALSE(w.stopped);
  EXPECT_TRUE(w.pid_of("a"));
}

TEST(supervisor_core, any_significant_terminated_by_request_does_not_count) {
  world w = started(with(strategy::one_for_one, 3, 5s, auto_shutdown::any_significant),
                    {significant("a", restart::transient), spec("b")});
  w.ask(terminate_child_request{"a"});
  EXPECT_FALSE(w.stopped);
}

TEST(supervisor_core, all_significant) {
  world w = started(with(strategy::one_for_one, 3, 5s, auto_shutdown::all_significant),
                    {significant("a", restart::transient), significant("b", restart::temporary), spec("c")});
  w.end("a", normal());
  EXPECT_FALSE(w.stopped);
  w.end("b", crash());
  EXPECT_TRUE(w.stopped);
}

supervisor_flags shuts_down(strategy s, auto_shutdown mode) { return with(s, 5, 3600s, mode); }

TEST(supervisor_core, nonsignificant_temporary_and_transient) {
  for (restart r : {restart::temporary, restart::transient}) {
    for (auto_shutdown mode :
         {auto_shutdown::never, auto_shutdown::any_significant, auto_shutdown::all_significant}) {
      world w = started(shuts_down(strategy::one_for_one, mode), {});
      auto begin_anew = [&] {
        if (!w.pid_of("a")) w.ask(start_child_request{spec("a", r)});
        if (!w.pid_of("a")) w.ask(restart_child_request{"a"});
        ASSERT_TRUE(w.pid_of("a"));
      };
      begin_anew();
      w.ask(terminate_child_request{"a"});
      for (const exit_info& why : {ended(exit_class::killed, "killed"), crash(), normal()}) {
        begin_anew();
        w.end("a", why);
        EXPECT_EQ(bool(w.pid_of("a")), r == restart::transient && why.kind != exit_class::normal);
        EXPECT_FALSE(w.stopped) << text(why.reason);
      }
    }
  }
}

TEST(supervisor_core, significant_temporary) {
  std::vector<child_spec> specs{significant("a", restart::temporary), significant("b", restart::temporary),
                                spec("c", restart::temporary)};
  for (const exit_info& why : {ended(exit_class::killed, "killed"), crash(), normal()}) {
    world w = started(shuts_down(strategy::one_for_one, auto_shutdown::any_significant), specs);
    w.ask(terminate_child_request{"a"});
    EXPECT_FALSE(w.stopped) << "an end by request does not count";
    w.ask(start_child_request{significant("a", restart::temporary)});
    w.take_log();
    w.end("a", why);
    EXPECT_TRUE(w.stopped) << text(why.reason);
    EXPECT_EQ(w.log, (log_lines{"stop c", "stop b"}));
  }
  world w = started(shuts_down(strategy::one_for_one, auto_shutdown::all_significant), specs);
  w.end("a", normal());
  EXPECT_FALSE(w.stopped);
  EXPECT_TRUE(w.pid_of("b") && w.pid_of("c"));
  w.end("b", normal());
  EXPECT_TRUE(w.stopped);
  EXPECT_EQ(w.log, (log_lines{"stop c"}));
}

TEST(supervisor_core, significant_transient) {
  std::vector<child_spec> specs{significant("a", restart::transient), significant("b", restart::transient),
                                spec("c", restart::transient)};
  world any = started(shuts_down(strategy::one_for_one, auto_shutdown::any_significant), specs);
  any.ask(terminate_child_request{"a"});
  EXPECT_FALSE(any.stopped);
  any.ask(restart_child_request{"a"});
  for (const exit_info& why : {ended(exit_class::killed, "killed"), crash()}) {
    any.end("a", why);
    EXPECT_FALSE(any.stopped);
    EXPECT_TRUE(any.pid_of("a")) << "restarted";
  }
  any.take_log();
  any.end("a", normal());
  EXPECT_TRUE(any.stopped);
  EXPECT_EQ(any.log, (log_lines{"stop c", "stop b"}));
  world all = started(shuts_down(strategy::one_for_one, auto_shutdown::all_significant), specs);
  all.end("a", normal());
  EXPECT_FALSE(all.stopped);
  all.end("b", normal());
  EXPECT_TRUE(all.stopped);
}

TEST(supervisor_core, significant_simple) {
  for (auto_shutdown mode : {auto_shutdown::any_significant, auto_shutdown::all_significant}) {
    EXPECT_EQ(check_flags(shuts_down(strategy::simple_one_for_one, mode)).error().fault,
              spec_fault::bad_combination);
  }
  EXPECT_TRUE(check_flags(shuts_down(strategy::simple_one_for_one, auto_shutdown::never)));
}

TEST(supervisor_core, significant_bystander) {
  for (strategy s : {strategy::one_for_one, strategy::one_for_all, strategy::rest_for_one}) {
    for (auto_shutdown mode : {auto_shutdown::any_significant, auto_shutdown::all_significant}) {
      world w =
          started(shuts_down(s, mode), {significant("a", restart::transient), spec("b", restart::transient),
                                        significant("c", restart::transient)});
      w.end("b", ended(exit_class::killed, "killed"));
      EXPECT_FALSE(w.stopped) << "siblings that die with it do not count";
      EXPECT_TRUE(w.pid_of("a") && w.pid_of("b") && w.pid_of("c"));
    }
  }
}

} // namespace
} // namespace coppice::detail::supervision
