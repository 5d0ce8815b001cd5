// Global names among nodes of ours.
#include "coppice/dist/global.hpp"

#include "coppice/dist/detail/test_cluster.hpp"

#include <gtest/gtest.h>
#include <optional>

namespace coppice::dist {
namespace {

using namespace literals;

struct end_now {};
process idle(self me) { co_await me.receive<end_now>(); }

/// Registers itself, says how that went, and lives until it is told.
process holder(self me, pid starter, term name) {
  const bool mine = co_await global::register_name(name, me);
  send(starter, term(mine));
  co_await me.receive<end_now>();
}

task<bool> hold(self me, term name) {
  spawn(holder, me.id(), std::move(name));
  const term mine = co_await me.receive<term>();
  co_return mine.is_atom("true"_atom);
}

/// Connects with that node, and waits until both know the same names.
task<> join(atom node) {
  const bool up = co_await connect_node(std::move(node));
  EXPECT_TRUE(up);
  co_await global::sync();
}

/// Until the name is gone: whoever had it has ended, and word of that gets about.
task<> gone(term name) {
  while (global::whereis_name(name)) co_await idle_for(std::chrono::milliseconds(1));
}

class global_names_of : public testing::Test {
protected:
  const std::uint16_t epmd_port = port_for_mapper();
  test_member a{"a", epmd_port, true};
  std::optional<test_member> b{std::in_place, "b", epmd_port, true};
};

TEST_F(global_names_of, one_node) {
  a.run([](self me) -> task<> {
    const bool first = co_await hold(me, "n"_atom);
    EXPECT_TRUE(first);
    const bool again = co_await hold(me, "n"_atom);
    EXPECT_FALSE(again);
    EXPECT_EQ(global::registered_names(), std::vector<term>{"n"_atom});
    co_await global::unregister_name("n"_atom);
    EXPECT_FALSE(global::whereis_name("n"_atom).has_value());
    EXPECT_THROW(global::send("n"_atom, end_now()), exit_exception);
    const pid other = spawn(idle);
    const bool given = co_await global::register_name("n"_atom, other);
    EXPECT_TRUE(given);
    const bool second = co_await global::register_name("m"_atom, other);
    EXPECT_FALSE(second);
    global::send("n"_atom, end_now());
    co_await gone("n"_atom);
  });
}

TEST_F(global_names_of, two_nodes_that_meet) {
  a.run([](self me) -> task<> { co_await hold(me, "of_a"_atom); });
  b->run([](self me) -> task<> {
    co_await hold(me, "of_b"_atom);
    co_await join("a@127.0.0.1"_atom);
    const std::optional<pid> of_a = global::whereis_name("of_a"_atom);
    EXPECT_TRUE(of_a && !of_a->local());
    const bool taken = co_await hold(me, "of_a"_atom);
    EXPECT_FALSE(taken);
    const bool mine = co_await hold(me, "later"_atom);
    EXPECT_TRUE(mine);
  });
  a.run([](self) -> task<> {
    co_await global::sync();
    EXPECT_TRUE(global::whereis_name("later"_atom).has_value());
    EXPECT_TRUE(global::whereis_name("of_b"_atom).has_value());
    global::send("later"_atom, end_now());
    co_await gone("later"_atom);
  });
  b.reset();
  a.run([](self) -> task<> {
    co_await gone("of_b"_atom);
    EXPECT_TRUE(global::whereis_name("of_a"_atom)->local());
  });
}

TEST_F(global_names_of, a_name_that_two_have_stays_with_one) {
  a.run([](self me) -> task<> { co_await hold(me, "n"_atom); });
  b->run([](self me) -> task<> {
    const bool mine = co_await hold(me, "n"_atom);
    EXPECT_TRUE(mine);
    const pid own = *global::whereis_name("n"_atom);
    const reference ref = monitor(own);
    co_await join("a@127.0.0.1"_atom);
    const down end = co_await me.receive<down>(); // that of the smaller node stays
    EXPECT_EQ(end.ref, ref);
    EXPECT_EQ(end.reason, exit_reason::killed());
    EXPECT_FALSE(global::whereis_name("n"_atom)->local());
  });
  a.run([](self) -> task<> {
    co_await global::sync();
    EXPECT_TRUE(global::whereis_name("n"_atom)->local());
  });
}

TEST_F(global_names_of, three_nodes_are_one_cluster) {
  test_member c("c", epmd_port, true);
  a.run([](self me) -> task<> {
    co_await hold(me, "of_a"_atom);
    co_await join("b@127.0.0.1"_atom);
  });
  c.run([](self me) -> task<> {
    co_await hold(me, "of_c"_atom);
    co_await join("b@127.0.0.1"_atom);
    EXPECT_TRUE(global::whereis_name("of_a"_atom).has_value());
    // Whoever is in touch with one is with all.
    while (nodes().size() < 2) co_await idle_for(std::chrono::milliseconds(1));
    const bool mine = co_await hold(me, "n"_atom);
    EXPECT_TRUE(mine);
  });
  const auto sees_both = [](self) -> task<> {
    EXPECT_TRUE(global::whereis_name("n"_atom).has_value());
    EXPECT_TRUE(global::whereis_name("of_c"_atom).has_value());
    co_return;
  };
  a.run(sees_both);
  b->run(sees_both);
  b.reset();
  a.run([](self) -> task<> {
    while (nodes().size() > 1) co_await idle_for(std::chrono::milliseconds(1));
    EXPECT_EQ(nodes(), std::vector<atom>{"c@127.0.0.1"_atom});
    EXPECT_TRUE(global::whereis_name("n"_atom).has_value());
  });
}

TEST_F(global_names_of, what_no_server_says_is_ignored) {
  a.run([](self me) -> task<> {
    const server_name server("global_name_server"_atom);
    const pid process = *server.resolve();
    std::vector<term> one;
    for (const char* tag : {"init_connect", "init_connect_ack", "cancel_connect", "lock_set", "exchange",
                            "resolved", "new_nodes", "in_sync", "lost_connection", "remove_connection"}) {
      for (std::size_t arity = 1; arity <= 7; ++arity) {
        for (const term& filler :
             {term(1), term("x"_atom), term(pid(me)), term::list(1), term::tuple(1, 2)}) {
          std::vector<term> e(arity, filler);
          e[0] = term(atom(tag));
          const term message = term::tuple_from(std::move(e));
          send(process, message);
          cast_any(server, message);
        }
      }
    }
    std::vector<term> requests = {
        term("x"_atom),
        term::tuple("set_lock"_atom, "x"_atom),
        term::tuple("del_lock"_atom, term::tuple(1, 2)),
        term::tuple("register"_atom, "n"_atom, "no process"_atom, "m"_atom),
        term::tuple("unregister"_atom, "n"_atom),
    };
    for (const term& request : requests) {
      std::expected<term, exit_reason> answer = co_await try_call_any<term>(server, request);
      EXPECT_EQ(answer.has_value(), request != requests[0]);
    }
    EXPECT_EQ(server.resolve(), process);
    const bool mine = co_await hold(me, "n"_atom);
    EXPECT_TRUE(mine);
  });
}

} // namespace
} // namespace coppice::dist
