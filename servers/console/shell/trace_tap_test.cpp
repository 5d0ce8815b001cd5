// A tap notes what a process does, up to its bound, and is over when it goes.
#include "servers/console/shell/trace_tap.hpp"

#include "coppice/runtime/process.hpp"

#include <gtest/gtest.h>

namespace coppice::console {
namespace {

struct parcel {
  int number;
};

process take_all(self me) {
  for (;;) co_await me.receive<parcel>();
}

class trace_tap_test : public testing::Test {
protected:
  void post(int count) {
    for (int i = 0; i < count; ++i) home.send(target, parcel{i});
    home.run_until_idle();
  }
  node home{stepped()};
  std::shared_ptr<traced_processes> all = std::make_shared<traced_processes>();
  pid target = home.spawn(take_all);
};

TEST_F(trace_tap_test, catches_what_comes_and_gives_it_once) {
  ASSERT_TRUE(all->add(target));
  EXPECT_FALSE(all->add(target)) << "one at a time";
  trace_tap tap(home, all, target);
  post(3);
  trace_tap::catch_of caught = tap.take();
  ASSERT_EQ(caught.events.size(), 3U);
  EXPECT_EQ(caught.events[0].what, trace_kind::receive);
  EXPECT_EQ(caught.events[0].process, target);
  EXPECT_FALSE(caught.paused);
  EXPECT_TRUE(tap.take().events.empty());
}

TEST_F(trace_tap_test, leaves_a_busy_process_in_peace_until_it_is_emptied) {
  ASSERT_TRUE(all->add(target));
  trace_tap tap(home, all, target);
  post(5000);
  trace_tap::catch_of caught = tap.take();
  EXPECT_EQ(caught.events.size(), trace_tap::most);
  EXPECT_TRUE(caught.paused);
  post(2);
  caught = tap.take();
  EXPECT_EQ(caught.events.size(), 2U);
  EXPECT_FALSE(caught.paused);
}

TEST_F(trace_tap_test, gives_the_process_free_when_it_goes) {
  ASSERT_TRUE(all->add(target));
  {
    trace_tap tap(home, all, target);
  }
  EXPECT_TRUE(all->add(target));
  trace_tap again(home, all, target);
  post(1);
  EXPECT_EQ(again.take().events.size(), 1U);
}

} // namespace
} // namespace coppice::console
