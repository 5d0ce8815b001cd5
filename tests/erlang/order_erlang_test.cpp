// What one process sends to another comes in its order between a node of ours and a real one, long messages
// in fragments among short ones, and more of it than a connection takes at once.
#include <array>
#include <gtest/gtest.h>
#include <iterator>
#include <string>

#include "tests/erlang/cluster.hpp"

namespace coppice::dist {
namespace {

using namespace literals;

const atom theirs("t@127.0.0.1");
constexpr int senders = 4;
constexpr int each = 150;

struct numbered {
  int sender;
  int number;
  std::string filling;
};

/// Tells `judge` over there whether the messages of each sender have come in order.
process check_order(self me) {
  register_name("checks"_atom, me);
  std::array<int, senders> next{};
  bool in_order = true;
  for (int left = senders * each; left > 0; --left) {
    numbered got = co_await me.receive<numbered>();
    in_order = in_order && next.at(static_cast<std::size_t>(got.sender))++ == got.number;
  }
  send(remote_name{"judge"_atom, theirs}, term::tuple("in_order"_atom, in_order));
}

TEST(order_with_erlang, is_kept_of_what_it_sends_us) {
  cluster c;
  c.home().spawn(&check_order);
  EXPECT_EQ(c.erl("register(judge,self()),N='cpp@127.0.0.1',pong=net_adm:ping(N),"
                  "Sizes={10,200000,0,65536,1048576,65535,3,70000},"
                  "Send=fun(S)->[{checks,N}!{numbered,S,I,binary:copy(<<7>>,element((I*3+S) rem 8+1,Sizes))}"
                  "||I<-lists:seq(0,149)] end,"
                  "[spawn(fun()->Send(S) end)||S<-lists:seq(0,3)],"
                  "receive {in_order,B}->io:format(\"~p\",[B]) end"),
            "true");
}

process send_in_order(self, int sender) {
  static constexpr std::size_t sizes[] = {10, 200'000, 0, 65'536, 1 << 20, 65'535, 3, 70'000};
  for (int i = 0; i < each; ++i) {
    const std::size_t at = static_cast<std::size_t>(i) * 3 + static_cast<std::size_t>(sender);
    send(remote_name{"checks"_atom, theirs},
         numbered{sender, i, std::string(sizes[at % std::size(sizes)], 'x')});
    if (i % 5 == 0) co_await yield();
  }
}

process send_when_told(self me) {
  register_name("gate"_atom, me);
  co_await me.receive<term>();
  for (int i = 0; i < senders; ++i) spawn(&send_in_order, i);
}

TEST(order_with_erlang, is_kept_of_what_we_send_it) {
  cluster c;
  c.home().spawn(&send_when_told);
  EXPECT_EQ(c.erl("register(checks,self()),N='cpp@127.0.0.1',pong=net_adm:ping(N),{gate,N}!go,"
                  "Check=fun F(0,_)->true;F(Left,Next)->receive {numbered,S,I,_}->"
                  "case maps:get(S,Next,0) of I->F(Left-1,Next#{S=>I+1});O->{S,O,I} end end end,"
                  "io:format(\"~p\",[Check(600,#{})])"),
            "true");
}

} // namespace
} // namespace coppice::dist
