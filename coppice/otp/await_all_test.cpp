#include "coppice/otp/await_all.hpp"

#include "coppice/otp/detail/test_node.hpp"
#include "coppice/otp/gen_server.hpp"

#include <gtest/gtest.h>

namespace coppice {
namespace {

using namespace std::chrono_literals;
using namespace literals;

struct think {
  std::int64_t ms;
};
struct name_of {};
struct fall {};

/// Takes its time over each answer.
class thinker : public gen_server {
public:
  using protocol =
      coppice::protocol<calls<think, std::int64_t>, calls<name_of, std::string>, calls<fall, int>>;
  task<std::int64_t> handle_call(think t) {
    co_await idle_for(std::chrono::milliseconds(t.ms));
    co_return t.ms;
  }
  std::string handle_call(name_of) { return "thinker"; }
  int handle_call(fall) {
    exit(exit_reason("fell"_atom));
    return 0;
  }
};

TEST(await_all, waits_for_all_at_once_and_keeps_the_order) {
  test_node f;
  f.n.run([](self) -> task<> {
    std::vector<request_id<std::int64_t>> open;
    for (std::int64_t ms : {300, 100, 200}) {
      start_result<thinker> s = co_await start<thinker>();
      open.push_back(send_request<think>(*s, ms));
    }
    time_point before = now();
    std::vector<std::expected<std::int64_t, exit_reason>> all = co_await await_all(open);
    EXPECT_LT(now() - before, 310ms); // the slowest, not the sum
    EXPECT_EQ(all.size(), 3U);
    EXPECT_EQ(all[0], 300);
    EXPECT_EQ(all[1], 100);
    EXPECT_EQ(all[2], 200);
  });
}

TEST(await_all, one_failure_leaves_the_others_their_replies) {
  test_node f;
  f.n.run([](self) -> task<> {
    start_result<thinker> faller = co_await start<thinker>();
    start_result<thinker> other = co_await start<thinker>();
    server_ref<thinker> nobody{"nobody"};
    request_id<int> falls = send_request<fall>(*faller);
    request_id<std::string> named = send_request<name_of>(*other);
    request_id<std::int64_t> lost = send_request<think>(nobody, 1);
    auto replies = co_await await_all(falls, named, lost);
    auto& [a, b, c] = replies;
    EXPECT_TRUE(a.error().is("fell"));
    EXPECT_EQ(b, "thinker");
    EXPECT_TRUE(c.error().is("noproc"));
  });
}

TEST(await_all, the_time_is_for_all_together) {
  test_node f;
  f.n.run([](self me) -> task<> {
    start_result<thinker> slow = co_await start<thinker>();
    start_result<thinker> quick = co_await start<thinker>();
    std::vector<request_id<std::int64_t>> open;
    open.push_back(send_request<think>(*slow, 400));
    open.push_back(send_request<think>(*quick, 50));
    open.push_back(send_request<think>(*slow, 1));
    time_point before = now();
    std::vector<std::expected<std::int64_t, exit_reason>> all = co_await await_all(open, 100ms);
    EXPECT_LT(now() - before, 110ms);
    EXPECT_TRUE(all[0].error().is("timeout"));
    EXPECT_EQ(all[1], 50) << "what was answered in time is not lost to one that was not";
    EXPECT_TRUE(all[2].error().is("timeout"));

    // The late replies are dropped: nothing is left in the mailbox.
    std::optional<term> rest = co_await me.receive<term>(1s);
    EXPECT_FALSE(rest.has_value());
  });
}

TEST(await_all, of_different_kinds_within_a_time) {
  test_node f;
  f.n.run([](self) -> task<> {
    start_result<thinker> s = co_await start<thinker>();
    request_id<std::int64_t> late = send_request<think>(*s, 200);
    request_id<std::string> behind = send_request<name_of>(*s);
    auto replies = co_await await_all(within(150ms), late, behind);
    auto& [a, b] = replies;
    EXPECT_TRUE(a.error().is("timeout"));
    EXPECT_TRUE(b.error().is("timeout"));
    request_id<std::int64_t> again = send_request<think>(*s, 200);
    auto reply = co_await await_all(within(infinity), again);
    auto& [c] = reply;
    EXPECT_EQ(c, 200);
  });
}

TEST(await_all, of_none_is_over_at_once) {
  test_node f;
  f.n.run([](self) -> task<> {
    std::vector<request_id<int>> none;
    std::vector<std::expected<int, exit_reason>> all = co_await await_all(none, infinity);
    EXPECT_TRUE(all.empty());
  });
}

} // namespace
} // namespace coppice
