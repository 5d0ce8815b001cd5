// Registered names (erlang:register/2, unregister/1, whereis/1, registered/0).
#include "coppice/runtime/api.hpp"
#include "coppice/runtime/detail/runtime_test.hpp"
#include "coppice/runtime/node.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>

namespace coppice {
namespace {

using namespace std::chrono_literals;
using namespace literals;
using namespace coppice::test;

struct note {
  int n;
};

task<> end_of(self me, pid p) {
  reference ref = monitor(p);
  auto ours = [ref](const down& d) { return d.ref == ref; };
  co_await me.receive_if<down>(ours);
}

TEST(names, find_their_process) {
  node n(quiet());
  n.run([](self me) -> task<> {
    EXPECT_FALSE(whereis("clerk"_atom));
    EXPECT_TRUE(register_name("clerk"_atom, me));
    EXPECT_EQ(whereis("clerk"_atom), me.id());
    std::vector<atom> all = registered();
    EXPECT_EQ(all, std::vector<atom>{"clerk"_atom});
    send("clerk"_atom, note{1});
    note got = co_await me.receive<note>();
    EXPECT_EQ(got.n, 1);
    EXPECT_EQ(this_node().summary(me)->registered_name, "clerk"_atom);
    EXPECT_TRUE(unregister_name("clerk"_atom));
    EXPECT_FALSE(unregister_name("clerk"_atom));
    EXPECT_FALSE(whereis("clerk"_atom));
  });
}

TEST(names, are_refused_when_taken_reserved_or_for_the_dead) {
  node n(quiet());
  n.run([](self me) -> task<> {
    pid other = spawn(waits);
    EXPECT_TRUE(register_name("clerk"_atom, me));
    EXPECT_FALSE(register_name("clerk"_atom, other));
    EXPECT_FALSE(register_name("second"_atom, me)) << "one name a process";
    EXPECT_FALSE(register_name("undefined"_atom, other));
    EXPECT_FALSE(register_name(atom(), other));
    EXPECT_TRUE(register_name("other"_atom, other));
    EXPECT_FALSE(register_name("second"_atom, other)) << "one name a process, whoever gives it";
    send(other, stop());
    co_await end_of(me, other);
    EXPECT_FALSE(register_name("third"_atom, other));
    EXPECT_FALSE(whereis("other"_atom));
    EXPECT_FALSE(whereis("second"_atom));
    EXPECT_FALSE(whereis("third"_atom));
  });
}

TEST(names, are_free_before_anyone_hears_of_the_end) {
  node n(quiet());
  n.run([](self me) -> task<> {
    for (int i = 0; i < 20; ++i) {
      pid p = spawn(waits);
      bool by_another = i % 2 == 0;
      EXPECT_EQ(by_another && register_name("clerk"_atom, p), by_another);
      monitor(p);
      if (i % 4 == 0) {
        exit(p, exit_reason::kill());
      } else {
        send(p, stop());
      }
      co_await me.receive<down>();
      EXPECT_FALSE(whereis("clerk"_atom));
    }
  });
}

TEST(names, given_and_taken_back_by_another_can_be_given_again) {
  node n(quiet());
  n.run([](self me) -> task<> {
    pid p = spawn(waits);
    EXPECT_TRUE(register_name("a"_atom, p));
    EXPECT_TRUE(unregister_name("a"_atom));
    EXPECT_TRUE(register_name("b"_atom, p));
    co_await yield();
    EXPECT_EQ(whereis("b"_atom), p);
    EXPECT_TRUE(unregister_name("b"_atom));
    EXPECT_TRUE(register_name("a"_atom, p));
    send(p, stop());
    co_await end_of(me, p);
    EXPECT_TRUE(registered().empty());
  });
}

TEST(names, that_nobody_has_are_badarg_to_a_sender) {
  node n(quiet());
  n.run([](self me) -> task<> {
    monitored child = spawn_monitor([](self) -> process {
      send("nobody"_atom, note{1});
      co_return;
    });
    down d = co_await me.receive<down>();
    EXPECT_EQ(d.ref, child.ref);
    EXPECT_EQ(d.reason.value(), term::tuple("badarg"_atom, "nobody"_atom));
  });
}

TEST(names, of_a_node_are_its_own) {
  node a(quiet());
  node b(quiet());
  a.run([](self me) -> task<> {
    register_name("clerk"_atom, me);
    co_return;
  });
  pid p = b.spawn([](self me) -> process {
    register_name("clerk"_atom, me);
    co_await me.receive<stop>();
  });
  b.run_until_idle();
  EXPECT_FALSE(a.whereis("clerk"_atom)) << "its process has ended";
  EXPECT_EQ(b.whereis("clerk"_atom), p);
}

} // namespace
} // namespace coppice
