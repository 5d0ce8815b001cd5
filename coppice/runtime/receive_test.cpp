// Selective receive: what is taken, what stays, and what is not looked at twice.
#include "coppice/runtime/receive.hpp"

#include "coppice/runtime/api.hpp"
#include "coppice/runtime/call.hpp"
#include "coppice/runtime/node.hpp"
#include "coppice/runtime/timer.hpp"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

namespace coppice {
namespace {

using namespace std::chrono_literals;
using namespace literals;

struct stop {};
struct number {
  int n;
};
struct text {
  std::string s;
};
struct noise {};

TEST(receive, takes_the_first_of_its_type_and_leaves_the_rest) {
  node n(stepped());
  n.run([](self me) -> task<> {
    send(me, text{"a"});
    send(me, number{1});
    send(me, text{"b"});
    send(me, number{2});
    number one = co_await me.receive<number>();
    text a = co_await me.receive<text>();
    text b = co_await me.receive<text>();
    number two = co_await me.receive<number>();
    EXPECT_EQ(one.n, 1);
    EXPECT_EQ(a.s, "a");
    EXPECT_EQ(b.s, "b");
    EXPECT_EQ(two.n, 2);
  });
}

TEST(receive, of_several_types_gives_the_earliest_of_any) {
  node n(stepped());
  n.run([](self me) -> task<> {
    send(me, noise());
    send(me, text{"a"});
    send(me, number{1});
    std::variant<number, text> first = co_await me.receive<number, text>();
    std::variant<number, text> second = co_await me.receive<number, text>();
    EXPECT_TRUE(std::holds_alternative<text>(first));
    EXPECT_TRUE(std::holds_alternative<number>(second));
    std::optional<std::variant<number, text>> third = co_await me.receive<number, text>(1ms);
    EXPECT_FALSE(third);
    co_await me.receive<noise>();
  });
}

TEST(receive, with_a_predicate_leaves_what_it_refuses) {
  node n(stepped());
  n.run([](self me) -> task<> {
    for (int i = 0; i < 6; ++i) send(me, number{i});
    auto odd = [](const number& m) { return m.n % 2 == 1; };
    number a = co_await me.receive_if<number>(odd);
    number b = co_await me.receive_if<number>(odd);
    number c = co_await me.receive<number>();
    EXPECT_EQ(a.n, 1);
    EXPECT_EQ(b.n, 3);
    EXPECT_EQ(c.n, 0);
    auto big = [](const number& m) { return m.n > 100; };
    std::optional<number> none = co_await me.receive_if<number>(big, 5ms);
    EXPECT_FALSE(none);
    number d = co_await me.receive<number>();
    EXPECT_EQ(d.n, 2);
  });
}

TEST(receive, with_after_zero_only_looks) {
  node n(stepped());
  n.run([](self me) -> task<> {
    time_point before = now();
    std::optional<number> none = co_await me.receive<number>(0ns);
    EXPECT_FALSE(none);
    send(me, noise());
    send(me, number{7});
    std::optional<number> some = co_await me.receive<number>(0ns);
    EXPECT_EQ(some.value().n, 7);
    EXPECT_EQ(now(), before);
  });
}

TEST(receive, of_a_term_takes_anything_in_order) {
  node n(stepped());
  n.run([](self me) -> task<> {
    send(me, noise());
    send(me, number{1});
    send(me, term::tuple("hello"_atom, 2));
    term a = co_await me.receive<term>();
    term b = co_await me.receive<term>();
    term c = co_await me.receive<term>();
    EXPECT_EQ(a, term("noise"_atom));
    EXPECT_EQ(b, term::tuple("number"_atom, 1));
    EXPECT_EQ(c, term::tuple("hello"_atom, 2));
  });
}

TEST(receive, decodes_a_term_that_is_one_of_its_types) {
  node n(stepped());
  n.run([](self me) -> task<> {
    send(me, term::tuple("unknown"_atom, 1));
    send(me, term::tuple("number"_atom, 41));
    send(me, term::tuple("number"_atom, "not a number"_atom));
    number got = co_await me.receive<number>();
    EXPECT_EQ(got.n, 41);
    std::optional<number> none = co_await me.receive<number>(1ms);
    EXPECT_FALSE(none);
    term first = co_await me.receive<term>();
    EXPECT_EQ(first, term::tuple("unknown"_atom, 1));
  });
}

TEST(receive, of_move_only_messages_moves) {
  node n(stepped());
  n.run([](self me) -> task<> {
    send(me, std::make_unique<int>(5));
    std::unique_ptr<int> got = co_await me.receive<std::unique_ptr<int>>();
    EXPECT_EQ(*got, 5);
  });
}

TEST(receive, finds_what_arrives_while_it_waits) {
  node n(stepped());
  n.run([](self me) -> task<> {
    pid sender = spawn(
        [](self it, pid to) -> process {
          for (int i = 0; i < 100; ++i) {
            send(to, noise());
            co_await yield();
          }
          send(to, number{1});
          co_await it.receive<stop>();
        },
        me.id());
    number got = co_await me.receive<number>();
    EXPECT_EQ(got.n, 1);
    for (int i = 0; i < 100; ++i) co_await me.receive<noise>();
    send(sender, stop());
  });
}

TEST(receive, finds_what_its_own_predicate_sends) {
  node n(stepped());
  n.run([](self me) -> task<> {
    send(me, number{0});
    pid to = me;
    auto grow = [to](const number& m) {
      if (m.n < 5) send(to, number{m.n + 1});
      return m.n == 5;
    };
    number got = co_await me.receive_if<number>(grow);
    EXPECT_EQ(got.n, 5);
  });
}

TEST(receive, that_throws_in_its_predicate_leaves_the_mailbox_whole) {
  node n(stepped());
  n.run([](self me) -> task<> {
    send(me, number{1});
    auto bad = [](const number& m) -> bool { throw std::runtime_error(std::to_string(m.n)); };
    bool thrown = false;
    try {
      co_await me.receive_if<number>(bad);
    } catch (const std::runtime_error&) {
      thrown = true;
    }
    EXPECT_TRUE(thrown);
    number got = co_await me.receive<number>();
    EXPECT_EQ(got.n, 1);
  });
}

/// Counts how often it is decoded or looked at.
struct counted {
  int n;
  bool wanted;
};

TEST(receive, does_not_look_again_at_what_its_types_have_refused) {
  node n(stepped());
  n.run([](self me) -> task<> {
    constexpr int older = 20'000;
    for (int i = 0; i < older; ++i) send(me, noise());
    // Each receive would walk over all the noise; 2000 times 20 000 looks would be felt.
    std::uint64_t looks = 0;
    for (int i = 0; i < 2000; ++i) {
      send(me, counted{i, true});
      auto look = [&looks](const counted& c) {
        ++looks;
        return c.wanted;
      };
      counted c = co_await me.receive_if<counted>(look);
      EXPECT_EQ(c.n, i);
    }
    EXPECT_EQ(looks, 2000U);
  });
}

TEST(receive, looks_again_only_at_what_a_predicate_refused) {
  node n(stepped());
  n.run([](self me) -> task<> {
    for (int i = 0; i < 50; ++i) send(me, noise());
    send(me, counted{0, false});
    int looks = 0;
    auto look = [&looks](const counted& c) {
      ++looks;
      return c.wanted;
    };
    for (int i = 1; i <= 10; ++i) {
      send(me, counted{i, true});
      counted c = co_await me.receive_if<counted>(look);
      EXPECT_EQ(c.n, i);
    }
    EXPECT_EQ(looks, 20) << "the refused one and the new one, ten times";
    counted left = co_await me.receive<counted>(); // another predicate: it may want what the other refused
    EXPECT_EQ(left.n, 0);
  });
}

TEST(receive, remembers_nothing_wrong_when_sets_of_types_alternate) {
  node n(stepped());
  n.run([](self me) -> task<> {
    for (int round = 0; round < 50; ++round) {
      send(me, noise());
      send(me, number{round});
      send(me, text{"t"});
    }
    for (int round = 0; round < 50; ++round) {
      text t = co_await me.receive<text>();
      EXPECT_EQ(t.s, "t");
      number m = co_await me.receive<number>();
      EXPECT_EQ(m.n, round);
      std::optional<std::variant<stop, std::string>> none = co_await me.receive<stop, std::string>(0ns);
      EXPECT_FALSE(none);
      co_await me.receive<noise>();
    }
    std::optional<term> rest = co_await me.receive<term>(0ns);
    EXPECT_FALSE(rest);
  });
}

TEST(receive, of_a_bare_type_does_not_take_the_reply_to_a_request) {
  node n(stepped());
  n.run([](self me) -> task<> {
    detail::process_block& p = detail::running_process();
    std::uint64_t tag = detail::next_unique(this_node());
    detail::open_request(p, pid(), tag);
    from(this_node(), me, tag).reply(5);
    std::optional<int> bare = co_await me.receive<int>(1ms);
    EXPECT_FALSE(bare);
    term whole = co_await me.receive<term>();
    EXPECT_EQ(whole, term::tuple(reference::local(tag), 5));
  });
}

TEST(receive, in_an_endless_loop_lets_others_run_and_can_be_killed) {
  node n(stepped());
  n.run([](self me) -> task<> {
    monitored busy = spawn_monitor([](self it) -> process {
      for (;;) co_await it.receive<stop>(0ns);
    });
    for (int i = 0; i < 10; ++i) co_await yield();
    exit(busy.process, exit_reason::kill());
    down d = co_await me.receive<down>();
    EXPECT_TRUE(d.reason.is("killed"));
  });
}

} // namespace
} // namespace coppice
