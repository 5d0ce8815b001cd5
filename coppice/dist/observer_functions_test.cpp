// What Erlang's observer and etop ask: the shapes that those of OTP 25 take apart.
#include "coppice/dist/observer_functions.hpp"

#include "coppice/dist/detail/function_test.hpp"
#include "coppice/otp/application.hpp"
#include "coppice/otp/gen_server.hpp"
#include "coppice/otp/supervisor.hpp"
#include "coppice/runtime/node.hpp"

#include <gmock/gmock.h>

#include <chrono>
#include <map>

namespace coppice::dist {
namespace {

using namespace literals;
using namespace std::chrono_literals;
using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::StartsWith;

class chat : public gen_server {};

/// Linked with a process that did not start it.
class friend_of_chat : public gen_server {
public:
  static void init() { link(*whereis("chat"_atom)); }
};

class chat_sup : public supervisor {
public:
  [[nodiscard]] static std::vector<child_spec> children() {
    return {child<chat>("chat", local("chat")), child<friend_of_chat>("friend")};
  }
};

class empty_sup : public supervisor {
public:
  [[nodiscard]] static std::vector<child_spec> children() { return {}; }
};

shared_table table() {
  auto table = std::make_shared<function_table>();
  add_observer_functions(*table);
  return table;
}

/// As observer does it: a process that is linked with the one who asks.
pid spawn_linked(shared_table t, std::string name, std::vector<term> arguments) {
  return spawn_link(
      &run_spawned, std::move(t),
      function_call({atom("observer_backend"), atom(name), 0}, std::move(arguments), self_pid()));
}

TEST(observer_functions, small_answers) {
  test_node f;
  const shared_table t = table();
  EXPECT_EQ(ask_node(f, t, "observer_backend", "vsn", "[]"), "{ok,\"1.19\"}");
  EXPECT_EQ(ask_node(f, t, "observer_backend", "get_port_list", "[]"), "[]");
  EXPECT_EQ(ask_node(f, t, "observer_backend", "get_socket_list", "[]"), "[]");
  EXPECT_EQ(ask_node(f, t, "observer_backend", "socket_info", "[]"), "[{iov_max,1024},{num_monitors,0}]");
  EXPECT_EQ(ask_node(f, t, "observer_backend", "get_table_list", "[ets,[{sys_hidden,true}]]"), "[]");
  EXPECT_THAT(ask_node(f, t, "observer_backend", "get_table_list", "[mnesia,[]]"), StartsWith("{error,\""));
  EXPECT_THAT(ask_node(f, t, "observer_backend", "procs_info", "[x]"),
              StartsWith("{badrpc,{'EXIT',{badarg,"));
}

TEST(observer_functions, sys_info_has_what_the_system_tab_shows) {
  test_node f;
  f.n.run(
      [](self, shared_table t) -> task<> {
        co_await idle_for(5s);
        const std::vector<term> none;
        term info = co_await ask(t, "observer_backend", "sys_info", none);
        EXPECT_EQ(value_of(info, "uptime"), term(5000));
        for (const char* name : {"run_queue",
                                 "io_input",
                                 "io_output",
                                 "logical_processors",
                                 "logical_processors_online",
                                 "logical_processors_available",
                                 "schedulers",
                                 "schedulers_online",
                                 "schedulers_available",
                                 "thread_pool_size",
                                 "wordsize_internal",
                                 "wordsize_external",
                                 "process_count",
                                 "atom_count",
                                 "process_limit",
                                 "port_count",
                                 "total",
                                 "processes",
                                 "atom",
                                 "binary",
                                 "code",
                                 "ets"}) {
          EXPECT_TRUE(value_of(info, name).is_integer()) << name;
        }
        for (const char* name : {"otp_release", "version", "system_architecture"}) {
          EXPECT_TRUE(value_of(info, name).as_text().has_value()) << name;
        }
      },
      table());
}

/// What observer's allocator tab adds up: the blocks and carriers of a type.
std::pair<std::int64_t, std::int64_t> allocated(const term& type) {
  const term instance = type.elements()[1].head();
  const term sizes = instance.elements()[2].head().elements()[1];
  const term blocks = value_of(sizes, "blocks").head().elements()[1].head();
  const term carriers = sizes.tail().head();
  return {blocks.elements()[1].as_int64().value_or(0), carriers.elements()[1].as_int64().value_or(0)};
}

TEST(observer_functions, allocators_can_be_divided_by_their_carriers) {
  test_node f;
  f.n.run(
      [](self, shared_table t) -> task<> {
        const std::vector<term> none;
        term info = co_await ask(t, "observer_backend", "sys_info", none);
        term allocators = value_of(info, "alloc_info");
        EXPECT_EQ(allocators.length(), 1U);
        const auto [blocks, carriers] = allocated(allocators.head());
        EXPECT_GT(blocks, 100'000);
        EXPECT_GE(carriers, blocks);
      },
      table());
}

// --- processes ---

/// The rows of a list of processes by their pids; each must be an `#etop_proc_info{}`.
std::map<pid, term> rows_by_pid(const term& rows) {
  std::map<pid, term> all;
  for (const term& row : rows.items()) {
    EXPECT_TRUE(row.is_tagged("etop_proc_info"_atom, 8)) << to_string(row);
    if (const std::optional<pid> p = row.elements()[1].as_pid()) all.emplace(*p, row);
  }
  return all;
}

TEST(observer_functions, procs_info_tells_of_all_processes_and_ends) {
  test_node f;
  f.n.run(
      [](self me, shared_table t) -> task<> {
        trap_exit(true);
        start_result<chat> named = co_await start<chat>(local("chat"));
        start_result<chat> unnamed = co_await start<chat>();
        const pid asked = spawn_linked(t, "procs_info", {me.id()});
        term told = co_await me.receive<term>();
        EXPECT_TRUE(told.is_tagged("procs_info"_atom, 3) && told.elements()[1] == term(asked));
        const std::map<pid, term> rows = rows_by_pid(told.elements()[2]);
        EXPECT_EQ(rows.size(), 3U);
        const std::span<const term> first = rows.at(*named->resolve()).elements();
        EXPECT_EQ(first[4], term("chat"_atom));
        EXPECT_EQ(to_string(first[6]), "{gen_server,waiting,0}");
        EXPECT_GT(first[2].as_int64(), 100);
        EXPECT_EQ(to_string(rows.at(*unnamed->resolve()).elements()[4]), "{chat,init,1}");
        EXPECT_FALSE(rows.contains(asked));
        expect_travels(told);
        exit_signal ended = co_await me.receive<exit_signal>();
        EXPECT_EQ(ended.from, asked);
        EXPECT_TRUE(ended.reason.is_normal());
      },
      table());
}

process idle_process(self me) { co_await me.receive<int>(); }

TEST(observer_functions, procs_info_comes_in_pieces) {
  test_node f;
  f.n.run(
      [](self me, shared_table t) -> task<> {
        for (int i = 0; i < 10'000; ++i) spawn(&idle_process);
        spawn_linked(t, "procs_info", {me.id()});
        term first = co_await me.receive<term>();
        term second = co_await me.receive<term>();
        EXPECT_EQ(first.elements()[2].length(), 10'000U);
        EXPECT_EQ(second.elements()[2].length(), 1U);
      },
      table());
}

TEST(observer_functions, etop_collect_sends_the_record_that_etop_reads) {
  test_node f;
  f.n.run(
      [](self me, shared_table t) -> task<> {
        const pid asked = spawn_linked(t, "etop_collect", {me.id()});
        term told = co_await me.receive<term>();
        EXPECT_TRUE(told.is_tuple(2) && told.elements()[0] == term(asked));
        const term info = told.elements()[1];
        EXPECT_TRUE(info.is_tagged("etop_info"_atom, 9));
        EXPECT_TRUE(info.elements()[1].is_tuple(3));
        EXPECT_EQ(info.elements()[2], term(1));
        EXPECT_EQ(info.elements()[3], term("undefined"_atom));
        EXPECT_TRUE(info.elements()[4].head().is_tuple(3));
        EXPECT_EQ(info.elements()[6], term());
        EXPECT_EQ(info.elements()[7].length(), 6U);
        EXPECT_TRUE(rows_by_pid(info.elements()[8]).contains(me.id()));
        expect_travels(told);
      },
      table());
}

TEST(observer_functions, charts_are_fed_until_a_message_comes) {
  test_node f;
  f.n.run(
      [](self me, shared_table t) -> task<> {
        trap_exit(true);
        const pid fed = spawn_linked(t, "fetch_stats", {me.id(), 500});
        for (int i = 1; i <= 3; ++i) {
          term told = co_await me.receive<term>();
          EXPECT_TRUE(told.is_tagged("stats"_atom, 5)) << to_string(told);
          EXPECT_TRUE(told.elements()[2].head().is_tuple(3));
          EXPECT_TRUE(told.elements()[3].elements()[0].is_tagged("input"_atom, 2));
          EXPECT_TRUE(value_of(told.elements()[4], "total").is_integer());
          EXPECT_EQ(std::chrono::floor<std::chrono::milliseconds>(this_node().statistics().uptime),
                    i * 500ms);
          expect_travels(told);
        }
        exit(fed, exit_reason::normal());
        exit_signal ended = co_await me.receive<exit_signal>();
        EXPECT_TRUE(ended.reason.is_normal());
      },
      table());
}

TEST(observer_functions, a_table_that_is_not_there_ends_at_once) {
  test_node f;
  f.n.run(
      [](self me, shared_table t) -> task<> {
        const std::vector<term> arguments{me.id(), "tab"_atom, "ets"_atom};
        term getter = co_await ask(t, "observer_backend", "get_table", arguments);
        term told = co_await me.receive<term>();
        EXPECT_EQ(told, term::tuple(getter, "$end_of_table"_atom));
      },
      table());
}

// --- applications ---

application_spec talk() {
  return application_spec("talk", "1.0")
      .description("they talk")
      .start(child<chat_sup>("top", local("chat_sup")));
}

task<> start_talk() {
  std::expected<pid, exit_reason> up = co_await application::start_controller();
  EXPECT_TRUE(up.has_value());
  application_spec spec = talk();
  co_await application::start(spec);
}

task<pid> start_appmon(shared_table t, pid client) {
  const std::vector<term> arguments{client, client, term()};
  term started = co_await ask(std::move(t), "appmon_info", "start_link2", arguments);
  EXPECT_TRUE(started.is_tagged("ok"_atom, 2));
  co_return started.elements()[1].as_pid().value_or(pid());
}

void request(pid appmon, std::string_view command, term aux, bool on) {
  cast_any(appmon, term::tuple(self_pid(), atom(command), std::move(aux), on, term()));
}

/// What a delivery holds, behind `{delivery, Appmon, Command, Aux, _}`.
term delivered(const term& message, pid appmon, std::string_view command) {
  EXPECT_TRUE(message.is_tagged("delivery"_atom, 5)) << to_string(message);
  EXPECT_EQ(message.elements()[1], term(appmon));
  EXPECT_EQ(message.elements()[2], term(atom(command)));
  expect_travels(message);
  return message.elements()[4];
}

TEST(observer_functions, applications_are_delivered_and_again_when_they_change) {
  test_node f;
  f.n.run(
      [](self me, shared_table t) -> task<> {
        trap_exit(true);
        co_await start_talk();
        const pid appmon = co_await start_appmon(t, me.id());
        request(appmon, "app_ctrl", "cpp@127.0.0.1"_atom, true);
        term message = co_await me.receive<term>();
        term apps = delivered(message, appmon, "app_ctrl");
        EXPECT_EQ(apps.length(), 1U);
        EXPECT_TRUE(is_process_alive(apps.head().elements()[0].as_pid().value_or(pid())));
        EXPECT_EQ(apps.head().elements()[1], term("talk"_atom));
        EXPECT_EQ(to_string(apps.head().elements()[2]), "{talk,\"they talk\",\"1.0\"}");
        std::optional<term> unchanged = co_await me.receive<term>(10s);
        EXPECT_FALSE(unchanged.has_value());
        co_await application::stop("talk");
        term changed = co_await me.receive<term>();
        EXPECT_EQ(delivered(changed, appmon, "app_ctrl"), term());
        request(appmon, "app_ctrl", "cpp@127.0.0.1"_atom, false);
        co_await application::start("talk");
        std::optional<term> silent = co_await me.receive<term>(10s);
        EXPECT_FALSE(silent.has_value());
      },
      table());
}

std::vector<std::string> texts_of(const term& pairs) {
  std::vector<std::string> all;
  for (const term& pair : pairs.items()) {
    all.push_back(pair.elements()[0].as_text().value_or("?") + " " +
                  pair.elements()[1].as_text().value_or("?"));
  }
  return all;
}

TEST(observer_functions, the_tree_of_an_application) {
  test_node f;
  f.n.run(
      [](self me, shared_table t) -> task<> {
        co_await start_talk();
        link(*whereis("chat"_atom)); // a link out of the tree
        const pid appmon = co_await start_appmon(t, me.id());
        request(appmon, "app", "talk"_atom, true);
        term message = co_await me.receive<term>();
        const term tree = delivered(message, appmon, "app");
        EXPECT_TRUE(tree.is_tuple(4));
        const std::string root = tree.elements()[0].as_text().value_or("?");
        EXPECT_THAT(root, StartsWith("<0."));
        EXPECT_EQ(tree.elements()[1].length(), 4U);
        const std::vector<std::string> links = texts_of(tree.elements()[2]);
        EXPECT_EQ(links.size(), 3U);
        EXPECT_THAT(links, Contains(root + " chat_sup"));
        EXPECT_THAT(links, Contains("chat_sup chat"));
        EXPECT_THAT(links, Contains(StartsWith("chat_sup <0.")));
        const std::vector<std::string> others = texts_of(tree.elements()[3]);
        EXPECT_EQ(others.size(), 1U);
        EXPECT_THAT(others, Contains(HasSubstr("chat")));
        unlink(*whereis("chat"_atom));
        request(appmon, "app", "no_such"_atom, true);
        term none = co_await me.receive<term>();
        EXPECT_EQ(to_string(delivered(none, appmon, "app")), "{[],[],[],[]}");
        unlink(appmon);
      },
      table());
}

TEST(observer_functions, a_tree_of_no_application_stands_for_one) {
  test_node f;
  f.n.run(
      [](self me, shared_table t) -> task<> {
        co_await start_talk();
        co_await start<empty_sup>(local("own_sup"));
        const pid appmon = co_await start_appmon(t, me.id());
        request(appmon, "app_ctrl", "cpp@127.0.0.1"_atom, true);
        term message = co_await me.receive<term>();
        const term apps = delivered(message, appmon, "app_ctrl");
        EXPECT_EQ(apps.length(), 2U);
        EXPECT_EQ(apps.head().elements()[0], term(*whereis("own_sup"_atom)));
        EXPECT_EQ(to_string(apps.head().elements()[2]), "{own_sup,\"a supervision tree\",[]}");
        request(appmon, "app", "own_sup"_atom, true);
        term shown = co_await me.receive<term>();
        const term tree = delivered(shown, appmon, "app");
        EXPECT_EQ(tree.elements()[0].as_text(), "own_sup");
        EXPECT_EQ(tree.elements()[1].length(), 1U);
        unlink(appmon);
      },
      table());
}

TEST(observer_functions, the_monitor_of_applications_ends_with_its_client) {
  test_node f;
  f.n.run(
      [](self me, shared_table t) -> task<> {
        const pid client = spawn(&idle_process);
        const pid appmon = co_await start_appmon(t, client);
        EXPECT_EQ(this_node().summary(appmon)->module, "appmon_info");
        const reference ref = monitor(appmon);
        exit(client, exit_reason::kill());
        down gone = co_await me.receive<down>();
        EXPECT_EQ(gone.ref, ref);
        EXPECT_TRUE(gone.reason.is_normal());
        const pid late = co_await start_appmon(t, client);
        monitor(late);
        down at_once = co_await me.receive<down>();
        EXPECT_EQ(at_once.process, late);
      },
      table());
}

TEST(observer_functions, requests_that_mean_nothing_are_dropped) {
  test_node f;
  f.n.run(
      [](self me, shared_table t) -> task<> {
        const pid appmon = co_await start_appmon(t, me.id());
        cast_any(appmon, term("status"_atom));
        cast_any(appmon, term::tuple(1, 2, 3, 4, 5));
        request(appmon, "pinfo", me.id(), true);
        request(appmon, "app", term(17), true);
        term only = co_await me.receive<term>();
        EXPECT_EQ(to_string(delivered(only, appmon, "app")), "{[],[],[],[]}");
        std::optional<term> more = co_await me.receive<term>(10s);
        EXPECT_FALSE(more.has_value());
        unlink(appmon);
      },
      table());
}

} // namespace
} // namespace coppice::dist
