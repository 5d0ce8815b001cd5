// The cases are named after those of OTP's gen_server_SUITE where there is one.
#include "coppice/otp/multi_call.hpp"

#include "coppice/otp/detail/test_node.hpp"
#include "coppice/otp/gen_server.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace coppice {
namespace {

using namespace std::chrono_literals;
using namespace literals;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Pair;

struct put {
  std::string what;
};
struct all_of {
  std::string greeting;
};
struct wait_for {
  std::int64_t ms;
};

class shelf : public gen_server {
public:
  using protocol = coppice::protocol<casts<put>, calls<all_of, std::string>, calls<wait_for, int>>;
  void handle_cast(const put& p) { content_ += p.what; }
  std::string handle_call(const all_of& a) { return a.greeting + content_; }
  task<int> handle_call(wait_for w) {
    co_await idle_for(std::chrono::milliseconds(w.ms));
    co_return 1;
  }

private:
  std::string content_;
};

TEST(multi_call, multicall) {
  test_node f;
  f.n.run([](self) -> task<> {
    start_result<shelf> s = co_await start<shelf>(local("shelf"));
    EXPECT_TRUE(s.has_value());
    server_ref<shelf> name{"shelf"};
    multi_reply<std::string> all = co_await multi_call<all_of>(all_nodes(), name, "empty");
    EXPECT_THAT(all.replies, ElementsAre(Pair(node_name(), "empty")));
    EXPECT_THAT(all.bad_nodes, IsEmpty());
  });
}

TEST(multi_call, multicall_down) {
  test_node f;
  f.n.run([](self) -> task<> {
    start_result<shelf> s = co_await start<shelf>(local("shelf"));
    EXPECT_TRUE(s.has_value());
    server_ref<shelf> name{"shelf"};
    server_ref<shelf> nobody{"nobody"};
    std::vector<atom> nodes{"far@away"_atom, node_name()};
    multi_reply<std::string> one = co_await multi_call<all_of>(nodes, name, "");
    EXPECT_THAT(one.replies, ElementsAre(Pair(node_name(), "")));
    EXPECT_THAT(one.bad_nodes, ElementsAre("far@away"_atom));
    multi_reply<std::string> none = co_await multi_call<all_of>(nodes, nobody, "");
    EXPECT_THAT(none.replies, IsEmpty());
    EXPECT_THAT(none.bad_nodes, ElementsAre("far@away"_atom, node_name()));
  });
}

TEST(multi_call, multicall_recv_opt_timeout) {
  test_node f;
  f.n.run([](self me) -> task<> {
    start_result<shelf> s = co_await start<shelf>(local("shelf"));
    EXPECT_TRUE(s.has_value());
    server_ref<shelf> name{"shelf"};
    multi_reply<int> late = co_await multi_call<wait_for>(all_nodes(), name, within(50ms), 100);
    EXPECT_THAT(late.bad_nodes, ElementsAre(node_name()));
    multi_reply<int> in_time = co_await multi_call<wait_for>(all_nodes(), name, within(500ms), 100);
    EXPECT_THAT(in_time.replies, ElementsAre(Pair(node_name(), 1)));
    std::optional<term> rest = co_await me.receive<term>(1s);
    EXPECT_FALSE(rest.has_value()) << "the late reply is dropped";
  });
}

TEST(multi_call, abcast) {
  test_node f;
  f.n.run([](self) -> task<> {
    start_result<shelf> s = co_await start<shelf>(local("shelf"));
    EXPECT_TRUE(s.has_value());
    server_ref<shelf> name{"shelf"};
    server_ref<shelf> nobody{"nobody"};
    abcast<put>(all_nodes(), name, "a");
    abcast<put>(all_nodes(), nobody, "lost");
    std::vector<atom> far{"far@away"_atom};
    abcast<put>(far, name, "lost");
    std::vector<atom> twice{node_name(), "far@away"_atom, node_name()};
    abcast<put>(twice, name, "b");
    std::string content = co_await call<all_of>(name, "");
    EXPECT_EQ(content, "abb");
  });
}

} // namespace
} // namespace coppice
