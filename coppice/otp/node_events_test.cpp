#include "coppice/otp/node_events.hpp"

#include "coppice/runtime/node.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace coppice {
namespace {

using namespace std::chrono_literals;
using namespace literals;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

TEST(node_events, tell_subscribers_who_came) {
  node n(stepped());
  n.run([](self me) -> task<> {
    const std::shared_ptr<node_events> events = this_node().part<node_events>();
    events->came("a@host"_atom);
    EXPECT_THAT(events->subscribe(me), ElementsAre("a@host"_atom));
    events->came("b@host"_atom);
    const node_came news = co_await me.receive<node_came>();
    EXPECT_EQ(news.node, "b@host"_atom);
    events->went("a@host"_atom);
    events->unsubscribe(me);
    events->came("c@host"_atom);
    const std::optional<node_came> nothing = co_await me.receive<node_came>(0ns);
    EXPECT_FALSE(nothing.has_value());
    EXPECT_THAT(events->subscribe(me), ElementsAre("b@host"_atom, "c@host"_atom));
    events->all_went();
    EXPECT_THAT(events->subscribe(me), IsEmpty());
  });
}

} // namespace
} // namespace coppice
