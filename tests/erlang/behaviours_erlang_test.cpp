// Behaviours of ours asked by the modules of a real Erlang node, and its behaviours by ours.
#include <gtest/gtest.h>
#include <string>
#include <utility>
#include <vector>

#include "coppice/otp/gen_event.hpp"
#include "coppice/otp/gen_statem.hpp"
#include "coppice/otp/supervisor.hpp"
#include "coppice/term/text.hpp"
#include "tests/erlang/cluster.hpp"
#include "tests/erlang/heard_process.hpp"

namespace coppice::dist {
namespace {

using namespace std::chrono_literals;
using namespace literals;

// --- ours -------------------------------------------------------------------------------------------------

struct deposit {
  int sum;
};
struct balance {
  std::string account;
};
struct amount {
  std::string account;
  int sum;
};

class bank : public gen_server {
public:
  using protocol = coppice::protocol<casts<deposit>, calls<balance, amount>>;
  void handle_cast(deposit d) { sum_ += d.sum; }
  amount handle_call(const balance& b) const { return {b.account, sum_}; }
  term state() const { return term::tuple("holds"_atom, sum_); }

private:
  int sum_ = 0;
};

enum class door { locked, open };
struct unlock {
  int code;
};
struct look {};

class gate : public gen_statem {
public:
  using state = door;
  using protocol = coppice::protocol<casts<unlock>, calls<look, door>>;
  door init() { return door::locked; }
  next<door> handle_event(door now, unlock u) { return u.code == 7 ? door::open : now; }
  door handle_event(door now, look) { return now; }
  term data() const { return 7; }
};

struct said {
  std::string text;
};
struct heard {};

class ear : public event_handler {
public:
  using protocol = coppice::protocol<events<said>, calls<heard, std::string>>;
  void handle_event(const said& e) { all_ += e.text; }
  std::string handle_call(heard) const { return all_; }
  term terminate(const term& why) { return term::tuple("heard"_atom, all_, why); }

private:
  std::string all_;
};

class session : public gen_server {
public:
  session(std::string user, int room) : user_(std::move(user)), room_(room) {}
  term state() const { return term::tuple(user_, room_); }

private:
  std::string user_;
  int room_;
};

process run_all(self, std::unique_ptr<std::promise<bool>> started) {
  std::vector<child_spec> specs{child<bank>("bank"_atom, local("bank"))};
  auto sup = co_await start_link<plain_supervisor>(local("sup"), supervisor_flags(), specs);
  std::vector<child_spec> session_spec{child_template<session, std::string, int>("session"_atom)};
  supervisor_flags simple{.strategy = strategy::simple_one_for_one};
  auto pool = co_await start_link<plain_supervisor>(local("pool"), simple, session_spec);
  auto machine = co_await start_link<gate>(local("gate"));
  auto manager = co_await start_link<gen_event>(local("manager"));
  auto handler = co_await add_handler<ear>(*manager);
  started->set_value(sup && pool && machine && handler);
  co_await idle_for(infinity);
}

/// What an expression of Erlang's gives, and what it must.
struct row {
  const char* expression;
  const char* value;
};

/// Evaluates all in one real node, an exception as what it is.
void check(cluster& c, const std::vector<row>& rows) {
  std::string code =
      "N='cpp@127.0.0.1',Bank={bank,N},Gate={gate,N},Manager={manager,N},Sup={sup,N},Pool={pool,N},"
      "Say=fun(F)->io:format(\"~0tp~n\",[try F() catch C:R->{C,R} end]) end";
  std::string expected;
  for (const row& r : rows) {
    code += std::string(",Say(fun()->") + r.expression + " end)";
    expected += std::string(r.value) + "\n";
  }
  EXPECT_EQ(c.erl(code), expected);
}

class behaviours : public testing::Test {
protected:
  behaviours() {
    std::promise<bool> started;
    std::future<bool> outcome = started.get_future();
    c.home().spawn(&run_all, std::make_unique<std::promise<bool>>(std::move(started)));
    EXPECT_TRUE(outcome.get());
  }
  cluster c;
};

TEST_F(behaviours, sys_of_a_real_node_asks_ours) {
  check(
      c,
      {
          {"gen_server:cast(Bank,{deposit,5}),gen_server:call(Bank,{balance,<<\"bob\">>})",
           "{amount,<<\"bob\">>,5}"},
          {"gen_server:call(Bank,nonsense)",
           "{exit,{{bad_request,nonsense},{gen_server,call,[{bank,'cpp@127.0.0.1'},nonsense]}}}"},
          {"sys:get_state(Bank)", "{holds,5}"},
          {"{status,P,{module,M},[[{'$initial_call',I}|_],S,_,[],[{header,H},{data,_},{data,D}]]}="
           "sys:get_status(Bank),{is_pid(P),M,I,S,H,D}",
           "{true,gen_server,{bank,init,1},running,\"Status for generic server bank\","
           "[{\"State\",{holds,5}}]}"},
          {"sys:statistics(Bank,get)", "{ok,no_statistics}"},
          {"sys:statistics(Bank,true)", "ok"},
          {"sys:log(Bank,{true,3})", "ok"},
          {"gen_server:cast(Bank,{deposit,1}),sys:log(Bank,get)", "{ok,[{in,{deposit,1}}]}"},
          {"{ok,L}=sys:statistics(Bank,get),[{start_time,{{_,_,_},{_,_,_}}},{current_time,{{_,_,_},{_,_,_}}},"
           "{reductions,R}|More]=L,{is_integer(R),More}",
           "{true,[{messages_in,1},{messages_out,0}]}"},
          {"sys:no_debug(Bank)", "ok"},
          {"sys:trace(Bank,false)", "ok"},
          {"sys:log_to_file(Bank,\"f\")", "{error,open_file}"},
          {"{error,{cannot_run_fun,{F,0}}}=sys:install(Bank,{fun(_,_,_)->done end,0}),is_function(F)",
           "true"},
          {"try sys:replace_state(Bank,fun(X)->X end) catch error:{cannot_run_fun,_}->refused end",
           "refused"},
          {"sys:change_code(Bank,bank,1,[])", "{error,not_suspended}"},
          {"sys:suspend(Bank),sys:change_code(Bank,bank,1,[])", "ok"},
          {"sys:resume(Bank)", "ok"},
          {"sys:get_state(Gate)", "{locked,7}"},
          {"gen_statem:cast(Gate,{unlock,7}),gen_statem:call(Gate,look)", "open"},
          {"{{bad_request,_},_}=try gen_statem:call(Gate,nonsense) catch exit:E->E "
           "end,gen_statem:call(Gate,look)",
           "open"},
          {"sys:get_state(Manager)", "[{ear,false,ear}]"},
          {"sys:terminate(Gate,normal)", "ok"},
      });
}

TEST_F(behaviours, gen_event_of_a_real_node_asks_ours) {
  check(c,
        {
            {"gen_event:which_handlers(Manager)", "[ear]"},
            {"gen_event:notify(Manager,{said,<<\"a\">>})", "ok"},
            {"gen_event:sync_notify(Manager,{said,<<\"b\">>})", "ok"},
            {"gen_event:call(Manager,ear,heard)", "<<\"ab\">>"},
            {"gen_event:wait_response(gen_event:send_request(Manager,ear,heard),5000)", "{reply,<<\"ab\">>}"},
            {"gen_event:call(Manager,{ear,1},heard)", "{error,bad_module}"},
            {"gen_server:cast(Manager,{said,<<\"c\">>}),gen_event:call(Manager,ear,heard)", "<<\"ab\">>"},
            {"gen_event:add_handler(Manager,other,[])", "{error,{cannot_add_from_afar,other}}"},
            {"gen_event:add_sup_handler(Manager,other,[])", "{error,{cannot_add_from_afar,other}}"},
            {"gen_event:swap_handler(Manager,{ear,a},{other,b})", "{error,{cannot_add_from_afar,other}}"},
            {"gen_event:delete_handler(Manager,nobody,why)", "{error,module_not_found}"},
            {"gen_event:delete_handler(Manager,ear,why)", "{heard,<<\"ab\">>,why}"},
            {"gen_event:which_handlers(Manager)", "[]"},
            {"gen_event:stop(Manager)", "ok"},
        });
}

TEST_F(behaviours, supervisor_of_a_real_node_asks_ours) {
  check(c, {
               {"[{bank,P,worker,[bank]}]=supervisor:which_children(Sup),is_pid(P)", "true"},
               {"supervisor:count_children(Sup)", "[{specs,1},{active,1},{supervisors,0},{workers,1}]"},
               {"{ok,S}=supervisor:get_childspec(Sup,bank),lists:sort(maps:to_list(S))",
                "[{id,bank},{modules,[bank]},{restart,permanent},{shutdown,5000},{significant,false},"
                "{start,{bank,start_link,[]}},{type,worker}]"},
               {"supervisor:get_callback_module(rpc:call(N,erlang,whereis,[sup]))", "plain_supervisor"},
               {"supervisor:restart_child(Sup,bank)", "{error,running}"},
               {"supervisor:terminate_child(Sup,bank)", "ok"},
               {"{ok,P}=supervisor:restart_child(Sup,bank),is_pid(P)", "true"},
               {"supervisor:terminate_child(Sup,nobody)", "{error,not_found}"},
               {"supervisor:start_child(Sup,#{id=>x})", "{error,missing_start}"},
               {"supervisor:start_child(Sup,#{id=>x,start=>{m,f,[1]}})",
                "{error,{cannot_start_here,{m,f,[1]}}}"},
               {"{ok,P}=supervisor:start_child(Pool,[<<\"bob\">>,5]),sys:get_state(P)", "{<<\"bob\">>,5}"},
               {"supervisor:count_children(Pool)", "[{specs,1},{active,1},{supervisors,0},{workers,1}]"},
               {"{error,{badarg,T}}=supervisor:start_child(Pool,[5]),is_binary(T)", "true"},
               {"[{undefined,P,worker,[session]}]=supervisor:which_children(Pool),"
                "supervisor:terminate_child(Pool,P)",
                "ok"},
           });
}

// --- Erlang's ---------------------------------------------------------------------------------------------

/// The processes of a real node: a gen_server in the state {st,1}, a gen_statem in idle, a gen_event with a
/// handler, and a supervisor of a gen_server.
struct examine {
  pid server, machine, manager, sup;
};

template <class R>
std::string told(const std::expected<R, exit_reason>& answer) {
  return answer ? to_string(term(*answer)) : "error " + answer.error().to_string(60);
}

void tell(std::string& all, const std::string& one) { all += one + "\n"; }

task<std::string> examine_sys(examine who) {
  std::string all;
  for (pid process : {who.server, who.machine, who.manager, who.sup}) {
    const server_name server(process);
    std::expected<sys::status, exit_reason> s = co_await sys::get_status(server);
    tell(all, s ? std::string(s->module.name()) + ":" + std::string(s->callback.name())
                : told<term>(std::unexpected(s.error())));
  }
  const server_name server(who.server);
  std::expected<term, exit_reason> state = co_await sys::get_state(server);
  tell(all, told(state));
  std::expected<atom, exit_reason> suspended = co_await sys::suspend(server);
  std::expected<sys::status, exit_reason> status = co_await sys::get_status(server);
  tell(all, told(suspended) + (status->suspended ? " suspended" : " running"));
  std::expected<atom, exit_reason> resumed = co_await sys::resume(server);
  std::expected<sys::statistics, exit_reason> none = co_await sys::get_statistics(server);
  tell(all, told(resumed) + " " + none.error().to_string());
  std::expected<atom, exit_reason> counted = co_await sys::count_statistics(server, true);
  std::expected<atom, exit_reason> logged = co_await sys::log(server, 5);
  const term question = "q"_atom;
  std::expected<term, exit_reason> reply = co_await try_call_any<term>(server, question);
  std::expected<sys::statistics, exit_reason> figures = co_await sys::get_statistics(server);
  std::expected<std::vector<term>, exit_reason> log = co_await sys::get_log(server);
  tell(all, told(counted) + " " + told(logged) + " " + told(reply) + " " +
                std::to_string(figures->messages_in) + " " + std::to_string(log->size()));
  std::function<term(const term&)> same = [](const term& t) { return t; };
  std::expected<term, exit_reason> replaced = co_await sys::replace_state(server, same);
  tell(all, told(replaced));
  std::expected<atom, exit_reason> installed = co_await sys::install(server, "spy"_atom, same);
  tell(all, told(installed));
  std::expected<atom, exit_reason> changed = co_await sys::change_code(server, "gs"_atom, 1, 2);
  tell(all, told(changed));
  std::expected<ok, exit_reason> stopped = co_await stop(server);
  tell(all, stopped ? "stopped" : "error " + stopped.error().to_string(60));
  co_return all;
}

task<std::string> examine_machine(pid machine) {
  const server_name server(machine);
  const term look = "look"_atom;
  std::expected<term, exit_reason> before = co_await try_call_any<term>(server, look);
  const term open = "open"_atom;
  cast_any(server, open);
  std::expected<term, exit_reason> after = co_await try_call_any<term>(server, look);
  co_return told(before) + " " + told(after) + "\n";
}

task<std::string> examine_supervisor(pid sup) {
  std::string all;
  std::expected<std::vector<child_info>, child_error> children = co_await which_children(sup);
  tell(all, std::to_string(children->size()) + " " + to_string(*children->at(0).id));
  std::expected<child_spec, child_error> spec = co_await get_childspec(sup, "child"_atom);
  spec->id = "another"_atom;
  std::expected<pid, child_error> another = co_await start_child(sup, *spec);
  tell(all, another ? "started" : to_string(another.error().as_term()));
  std::expected<pid, child_error> again = co_await start_child(sup, *spec);
  tell(all, to_string(again.error().what));
  std::expected<child_counts, child_error> counts = co_await count_children(sup);
  tell(all, std::to_string(counts->active));
  std::expected<ok, child_error> ended = co_await terminate_child(sup, "another"_atom);
  std::expected<ok, child_error> gone = co_await delete_child(sup, "another"_atom);
  std::expected<ok, child_error> nobody = co_await delete_child(sup, "another"_atom);
  tell(all, std::string(ended && gone ? "deleted " : "kept ") + to_string(nobody.error().what));
  co_return all;
}

/// Asked by the real node about its own processes, so that it is there meanwhile.
class examiner : public gen_server {
public:
  using protocol = coppice::protocol<calls<examine, std::string>>;
  task<std::string> handle_call(examine who) {
    std::string of_sys = co_await examine_sys(who);
    std::string of_supervisor = co_await examine_supervisor(who.sup);
    std::string of_machine = co_await examine_machine(who.machine);
    co_return of_sys + of_supervisor + of_machine;
  }
};

process run_examiner(self, std::unique_ptr<std::promise<bool>> started) {
  auto s = co_await start_link<examiner>(local("examiner"));
  started->set_value(s.has_value());
  co_await idle_for(infinity);
}

/// `Load` makes a module of its forms.
const std::string loader = R"(
  Load = fun(Forms) ->
    {ok, M, B} = compile:forms([begin {ok, T, _} = erl_scan:string(F), {ok, P} = erl_parse:parse_form(T), P end
                                || F <- Forms]),
    {module, M} = code:load_binary(M, "", B) end,)";

const std::string modules_of_erlang = loader + R"(
  Load(["-module(gs).", "-export([init/1,handle_call/3,handle_cast/2]).", "init(X) -> {ok, X}.",
        "handle_call(R, _, S) -> {reply, {r, R}, S}.", "handle_cast(_, S) -> {noreply, S}."]),
  Load(["-module(sm).", "-export([init/1,callback_mode/0,handle_event/4]).",
        "callback_mode() -> handle_event_function.", "init(X) -> {ok, idle, X}.",
        "handle_event({call, F}, look, S, _) -> {keep_state_and_data, [{reply, F, S}]};"
        "handle_event(cast, open, _, D) -> {next_state, open, D};"
        "handle_event(_, _, _, _) -> keep_state_and_data."]),
  Load(["-module(ge).", "-export([init/1,handle_event/2,handle_call/2]).", "init(X) -> {ok, X}.",
        "handle_event(_, S) -> {ok, S}.", "handle_call(R, S) -> {ok, {r, R}, S}."]),
  Load(["-module(su).", "-export([init/1]).",
        "init([]) -> {ok, {#{}, [#{id => child, start => {gen_server, start_link, [gs, 1, []]}}]}}."]),
  {ok, Server} = gen_server:start(gs, {st, 1}, []),
  {ok, Machine} = gen_statem:start(sm, data, []),
  {ok, Manager} = gen_event:start(),
  ok = gen_event:add_handler(Manager, ge, h),
  {ok, Sup} = supervisor:start_link(su, []),
  Text = gen_server:call({examiner, 'cpp@127.0.0.1'}, {examine, Server, Machine, Manager, Sup}, 20000),
  io:put_chars(Text))";

TEST(behaviours_of_erlang, are_asked_by_ours) {
  cluster c;
  std::promise<bool> started;
  std::future<bool> outcome = started.get_future();
  c.home().spawn(&run_examiner, std::make_unique<std::promise<bool>>(std::move(started)));
  EXPECT_TRUE(outcome.get());
  EXPECT_EQ(c.erl(modules_of_erlang), R"(gen_server:gs
gen_statem:sm
gen_event:
supervisor:su
{st,1}
ok suspended
ok no_statistics
ok ok {r,q} 1 2
error {callback_failed,{gen_server,system_replace_state},{error...
error unknown_debug
error {unknown_system_msg,{change_code,gs,1,2}}
stopped
1 child
started
already_started
2
deleted not_found
idle open
)");
}

// --- an event manager of Erlang's -------------------------------------------------------------------------

struct burst {};

/// Stands for the handler of the module `ge` below; here it never runs.
class ge : public event_handler {
public:
  using protocol = coppice::protocol<events<said>, calls<heard, std::string>, calls<burst, int>>;
  void handle_event(const said& /*unused*/) {}
  std::string handle_call(heard) { return {}; }
  int handle_call(burst) { return 0; }
};

const std::string manager_of_erlang = loader + R"(
  Load(["-module(ge).", "-export([init/1,handle_event/2,handle_call/2,handle_info/2,terminate/2]).",
        "init(X) -> {ok, X}.",
        "handle_event({said, T}, S) -> {ok, <<S/binary, T/binary>>}.",
        "handle_call(heard, S) -> {ok, S, S}; handle_call(burst, _) -> exit(why).",
        "handle_info({'$gen_cast', {said, T}}, S) -> {ok, <<S/binary, $(, T/binary, $)>>}.",
        "terminate(Why, S) -> {S, Why}."]),
  {ok, Manager} = gen_event:start({local, manager}),
  ok = gen_event:add_handler(Manager, ge, <<>>),
  ok = gen_event:add_handler(Manager, {ge, 1}, <<>>))";

TEST(gen_event_of_erlang, is_told_and_asked_by_ours) {
  cluster c;
  erlang_node erlang(c.epmd_port, "c", manager_of_erlang);
  ASSERT_TRUE(erlang.up());
  c.home().run([](self) -> task<> {
    server_ref<gen_event> there(server_name(remote_name{"manager"_atom, "t@127.0.0.1"_atom}));
    const handler_ref<ge> first(there.name());
    const handler_ref<ge> second(there.name(), {"ge"_atom, term(1)});
    const handler_ref<ge> nobody(there.name(), {"ge"_atom, term(2)});
    notify<said>(there, "a");
    cast_any(there.name(), said{"b"});
    atom done = co_await sync_notify<said>(there, "c");
    EXPECT_EQ(done, "ok"_atom);
    std::string all = co_await call<heard>(first);
    EXPECT_EQ(all, "a(b)c");
    auto handlers = co_await which_handlers(there);
    const std::vector<handler_id> both{{"ge"_atom, term(1)}, {"ge"_atom}};
    EXPECT_EQ(*handlers, both);
    auto bad = co_await try_call<heard>(nobody);
    EXPECT_EQ(bad.error().to_string(), "bad_module");
    auto crashed = co_await try_call<burst>(second);
    EXPECT_TRUE(crashed.error().to_string().starts_with("{'EXIT',why")) << crashed.error().to_string();
    auto none = co_await delete_handler(second);
    EXPECT_EQ(none.error().to_string(), "module_not_found");
    auto gone = co_await delete_handler(first, term("over"_atom));
    EXPECT_EQ(to_string(*gone), "{<<\"a(b)c\">>,over}");
    auto added = co_await add_handler<ge>(there);
    EXPECT_EQ(added.error().to_string(), "{cannot_add_from_afar,ge}");
  });
}

} // namespace
} // namespace coppice::dist
