// Links, monitors and exit signals of processes of ours to processes of a real node.
#include <algorithm>
#include <csignal>
#include <gtest/gtest.h>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "coppice/dist/erpc.hpp"
#include "coppice/term/text.hpp"
#include "tests/erlang/cluster.hpp"
#include "tests/erlang/heard_process.hpp"

namespace coppice::dist {
namespace {

using namespace literals;
using namespace std::chrono_literals;

const atom theirs("t@127.0.0.1");

/// `maker` makes processes: they tell of themselves, and end when they are told.
const char* const code = R"(
  Target = fun F() -> receive
      {tell, From, What} -> {What, V} = process_info(self(), What), From ! {told, V}, F();
      {trap, From} -> process_flag(trap_exit, true), From ! {told, yes}, put(to, From), F();
      {register, From, Name} -> From ! {told, register(Name, self())}, F();
      {'end', Why} -> exit(Why);
      {'EXIT', From, Why} -> get(to) ! {told, {From, Why}}, F()
    end end,
  register(maker, spawn(fun M() -> receive {make, From} -> From ! {told, spawn(Target)}, M() end end)))";

/// What a process there answers.
task<term> answer_of(pid_or_name whom, term request) {
  if (const auto* name = std::get_if<atom>(&whom)) {
    send(remote_name{*name, theirs}, std::move(request));
  } else {
    send(std::get<pid>(whom), std::move(request));
  }
  self me(coppice::detail::running_process());
  const auto told = [](const term& t) { return t.is_tagged("told"_atom, 2); };
  term all = co_await me.receive_if<term>(told);
  co_return all.elements()[1];
}

task<pid> make_target() {
  term request = term::tuple("make"_atom, self_pid());
  term made = co_await answer_of("maker"_atom, std::move(request));
  co_return *made.as_pid();
}

task<term> tell(pid who, atom what) {
  term request = term::tuple("tell"_atom, self_pid(), what);
  co_return co_await answer_of(who, std::move(request));
}

task<> ask(pid who, atom what) {
  term request = term::tuple(what, self_pid());
  co_await answer_of(who, std::move(request));
}

void end(pid who, const char* why) { send(who, term::tuple("end"_atom, atom(why))); }

bool has(const term& list, pid who) {
  return std::ranges::any_of(list.items(), [who](const term& t) { return t.as_pid() == who; });
}

class signals_to_erlang : public testing::Test {
protected:
  void SetUp() override { ASSERT_TRUE(erlang_.up()); }
  node& home() { return ours_.home(); }

private:
  cluster ours_;
  erlang_node erlang_{ours_.epmd_port, "c", code};
};

TEST_F(signals_to_erlang, a_link_brings_their_reason) {
  home().run([](self me) -> task<> {
    trap_exit(true);
    pid there = co_await make_target();
    link(there);
    term links = co_await tell(there, "links"_atom);
    EXPECT_TRUE(has(links, me.id())) << to_string(links);
    end(there, "by_order");
    coppice::exit_signal gone = co_await me.receive<coppice::exit_signal>();
    EXPECT_EQ(gone.from, there);
    EXPECT_EQ(gone.reason.to_string(), "by_order");
    link(there);
    coppice::exit_signal none = co_await me.receive<coppice::exit_signal>();
    EXPECT_EQ(none.reason.to_string(), "noproc");
  });
}

process link_and_end(self, pid other) {
  link(other);
  co_await tell(other, "links"_atom);
  exit(exit_reason("ours_ends"_atom));
}

TEST_F(signals_to_erlang, a_link_takes_our_reason_there) {
  home().run([](self me) -> task<> {
    pid there = co_await make_target();
    co_await ask(there, "trap"_atom);
    pid here = spawn(&link_and_end, there);
    const auto told = [](const term& t) { return t.is_tagged("told"_atom, 2); };
    term seen = co_await me.receive_if<term>(told);
    EXPECT_EQ(seen.elements()[1], term::tuple(here, "ours_ends"_atom));
  });
}

TEST_F(signals_to_erlang, an_unlinked_process_is_not_heard_of) {
  home().run([](self me) -> task<> {
    trap_exit(true);
    pid there = co_await make_target();
    for (int i = 0; i < 1000; ++i) {
      link(there);
      unlink(there);
    }
    term links = co_await tell(there, "links"_atom);
    EXPECT_TRUE(links.is_nil()) << to_string(links);
    reference ref = monitor(there);
    end(there, "by_order");
    down gone = co_await me.receive<down>();
    EXPECT_EQ(gone.ref, ref);
    std::optional<coppice::exit_signal> heard = co_await me.receive<coppice::exit_signal>(0ms);
    EXPECT_FALSE(heard);
  });
}

TEST_F(signals_to_erlang, a_monitor_tells_the_end) {
  home().run([](self me) -> task<> {
    pid there = co_await make_target();
    reference ref = monitor(there);
    end(there, "by_order");
    down gone = co_await me.receive<down>();
    EXPECT_EQ(gone.ref, ref);
    EXPECT_EQ(gone.process, there);
    EXPECT_EQ(gone.reason.to_string(), "by_order");
    monitor(there);
    down none = co_await me.receive<down>();
    EXPECT_EQ(none.reason.to_string(), "noproc");
  });
}

TEST_F(signals_to_erlang, a_monitor_by_name_tells_the_end) {
  home().run([](self me) -> task<> {
    pid there = co_await make_target();
    term by_name = term::tuple("register"_atom, me.id(), "target"_atom);
    co_await answer_of(there, std::move(by_name));
    reference ref = monitor(remote_name{"target"_atom, theirs});
    end(there, "by_order");
    down gone = co_await me.receive<down>();
    EXPECT_EQ(gone.ref, ref);
    EXPECT_EQ(gone.name, "target"_atom);
    EXPECT_EQ(gone.node, theirs);
    EXPECT_EQ(gone.reason.to_string(), "by_order");
    monitor(remote_name{"target"_atom, theirs});
    down none = co_await me.receive<down>();
    EXPECT_EQ(none.reason.to_string(), "noproc");
  });
}

TEST_F(signals_to_erlang, a_monitor_that_is_taken_back_is_silent) {
  home().run([](self me) -> task<> {
    pid there = co_await make_target();
    reference taken_back = monitor(there);
    reference kept = monitor(there);
    EXPECT_TRUE(demonitor(taken_back));
    term watchers = co_await tell(there, "monitored_by"_atom);
    EXPECT_EQ(watchers.length(), 1U) << to_string(watchers);
    end(there, "by_order");
    down gone = co_await me.receive<down>();
    EXPECT_EQ(gone.ref, kept);
    std::optional<down> another = co_await me.receive<down>(0ms);
    EXPECT_FALSE(another);
  });
}

TEST_F(signals_to_erlang, an_exit_signal_ends_or_is_trapped) {
  home().run([](self me) -> task<> {
    pid there = co_await make_target();
    co_await ask(there, "trap"_atom);
    exit(there, exit_reason("go"_atom));
    const auto told = [](const term& t) { return t.is_tagged("told"_atom, 2); };
    term trapped = co_await me.receive_if<term>(told);
    EXPECT_EQ(trapped.elements()[1], term::tuple(me.id(), "go"_atom));
    reference ref = monitor(there);
    exit(there, exit_reason::kill());
    down gone = co_await me.receive<down>();
    EXPECT_EQ(gone.ref, ref);
    EXPECT_EQ(gone.reason.to_string(), "killed");
  });
}

TEST_F(signals_to_erlang, the_loss_of_the_node_is_told_once_to_each) {
  home().run([](self me) -> task<> {
    trap_exit(true);
    co_await monitor_nodes(true);
    pid there = co_await make_target();
    link(there);
    reference by_pid = monitor(there);
    reference by_name = monitor(remote_name{"maker"_atom, theirs});
    co_await tell(there, "links"_atom);
    std::vector<term> none;
    erpc_cast(theirs, "erlang"_atom, "halt"_atom, std::move(none));
    nodedown lost = co_await me.receive<nodedown>();
    EXPECT_EQ(lost.node, theirs);
    std::optional<coppice::exit_signal> broken = co_await me.receive<coppice::exit_signal>(0ms);
    EXPECT_TRUE(broken && broken->from == there && broken->reason.is("noconnection"));
    std::set<std::string> seen;
    for (int i = 0; i < 2; ++i) {
      std::optional<down> gone = co_await me.receive<down>(0ms);
      EXPECT_TRUE(gone && gone->reason.is("noconnection"));
      if (gone) seen.insert(gone->ref == by_pid ? "pid" : gone->ref == by_name ? "name" : "another");
    }
    EXPECT_EQ(seen, (std::set<std::string>{"pid", "name"}));
    std::optional<std::variant<down, coppice::exit_signal>> more =
        co_await me.receive<down, coppice::exit_signal>(0ms);
    EXPECT_FALSE(more);
  });
}

// --- a silent node ----------------------------------------------------------------------------------------

TEST(silent_erlang, is_given_up_by_ours) {
  cluster c({.net_ticktime = 4s});
  const auto wait = [&c] {
    c.home().run([](self me) -> task<> {
      co_await monitor_nodes(true);
      register_name("watcher"_atom, me);
      const auto number = [](const term& t) { return t.is_tagged("number"_atom, 3); };
      term told = co_await me.receive_if<term>(number);
      send(*told.elements()[1].as_pid(), "seen"_atom);
      nodedown lost = co_await me.receive<nodedown>();
      EXPECT_EQ(lost.node, theirs);
      EXPECT_EQ(lost.reason, "net_tick_timeout"_atom);
      EXPECT_EQ(::kill(static_cast<pid_t>(*told.elements()[2].as_int64()), SIGCONT), 0);
    });
  };
  EXPECT_EQ(c.erl("N='cpp@127.0.0.1',net_kernel:monitor_nodes(true,[{node_type,all}]),"
                  "Tell=fun F()->{watcher,N}!{number,self(),list_to_integer(os:getpid())},"
                  "receive seen->ok after 20->F() end end,Tell(),"
                  "os:cmd(\"kill -STOP \"++os:getpid()),receive {nodedown,N,_}->ok end,"
                  "io:format(\"~p\",[net_adm:ping(N)])",
                  {"-kernel", "net_ticktime", "4"}, "c", wait),
            "pong");
}

// --- printing ---------------------------------------------------------------------------------------------

/// Prints as `io:put_chars/1` does, to the group leader of whoever has it run.
task<term> print(function_call call) {
  const reference ref = make_ref();
  send(group_leader(), term::tuple("io_request"_atom, self_pid(), ref,
                                   term::tuple("put_chars"_atom, "unicode"_atom, call.arguments[0])));
  self me(coppice::detail::running_process());
  const auto reply = [ref](const term& t) {
    return t.is_tagged("io_reply"_atom, 3) && t.elements()[1] == term(ref);
  };
  term all = co_await me.receive_if<term>(reply);
  co_return all.elements()[2];
}

TEST(group_leader_of_erlang, takes_what_ours_prints) {
  auto table = safe_functions();
  table->add("ours"_atom, "print"_atom, 1, function(&print));
  cluster c({.functions = table});
  EXPECT_EQ(c.erl("io:format(\"~p\",[rpc:call('cpp@127.0.0.1',ours,print,[<<\"hi \">>])]),"
                  "io:format(\" ~p\",[erpc:call('cpp@127.0.0.1',ours,print,[\" there \"])])"),
            "hi ok there  ok");
}

TEST(group_leader_of_ours, takes_what_another_of_ours_prints) {
  auto table = safe_functions();
  table->add("ours"_atom, "print"_atom, 1, function(&print));
  cluster c({.functions = table});
  cluster d({.name = "d@127.0.0.1"}, c.epmd_port);
  d.home().run([](self) -> task<> {
    std::vector<term> text{"hi"};
    erpc_result done = co_await erpc("cpp@127.0.0.1"_atom, "ours"_atom, "print"_atom, std::move(text), 20s);
    EXPECT_TRUE(done && *done == term("ok"_atom));
  });
}

} // namespace
} // namespace coppice::dist
