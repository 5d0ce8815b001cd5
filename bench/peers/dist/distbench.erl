%% Erlang's side of `./dev bench dist`: the shapes and sizes of bench/dist, by the same messages.
%%   erl -noshell <flags> -s distbench serve             prints `ready`; ends when standard input does
%%   erl -noshell <flags> -s distbench run WORKLOAD SERVER   prints `name value unit`
-module(distbench).
-behaviour(gen_server).
-export([serve/0, run/1]).
-export([init/1, handle_call/3, handle_cast/2]).

%% ---------------------------------------------------------------- the server
serve() ->
    {ok, _} = gen_server:start({local, counter}, ?MODULE, 0, []),
    register(echo, spawn(fun echo/0)),
    register(sink, spawn(fun() -> sink(0) end)),
    io:format("ready~n"),
    wait_for_end_of_input(),
    halt(0).

wait_for_end_of_input() ->
    case io:get_line("") of
        eof -> ok;
        {error, _} -> ok;
        _ -> wait_for_end_of_input()
    end.

init(N) -> {ok, N}.
handle_call(increment, _, N) -> {reply, N, N + 1}.
handle_cast(_, N) -> {noreply, N}.

echo() ->
    receive
        {ping, From} -> From ! pong;
        {memory, From} -> From ! {memory_is, rss()};
        {who, From} -> From ! {it, self()}
    end,
    echo().

sink(N) ->
    receive
        {item, _} -> sink(N + 1);
        {finish, From} -> From ! {received, N}, sink(0);
        _ -> sink(N + 1)
    end.

%% ---------------------------------------------------------------- the client
run([Workload, Server]) ->
    logger:set_primary_config(level, none),
    try
        true = net_kernel:connect_node(Server),
        on_proc(fun() -> run(Workload, Server) end)
    catch C:R:S -> io:format(standard_error, "~p ~p ~p~n", [C, R, S]), halt(1)
    end,
    halt(0).

run(roundtrip, Server) ->
    To = address_of_echo(Server),
    N = 30000,
    ping_times(To, N div 10),
    out(roundtrip, ping_times(To, N) / 1000 / N, "us");

run(call64, Server) ->
    Me = self(), Clients = 64, Each = 5000,
    Callers = [spawn_link(fun() -> caller({counter, Server}, Me) end) || _ <- lists:seq(1, Clients)],
    all_at_once(Callers, Each div 10),
    {Time, Latencies} = all_at_once(Callers, Each),
    Sorted = list_to_tuple(lists:sort(lists:append(Latencies))),
    out(call64, Clients * Each / (Time / 1.0e9), "calls/s"),
    out(call64_p50, pct(Sorted, 50) / 1000, "us"),
    out(call64_p99, pct(Sorted, 99) / 1000, "us");

run(small, Server) ->
    N = 2000000,
    send_items({sink, Server}, N div 10),
    out(small, N / (send_items({sink, Server}, N) / 1.0e9), "msgs/s");

run(binary, Server) ->
    N = 16384, Bytes = binary:copy(<<"x">>, 65536),
    send_binaries({sink, Server}, Bytes, N div 10),
    out(binary, N * 65536 / 1.0e6 / (send_binaries({sink, Server}, Bytes, N) / 1.0e9), "MB/s");

run(monitors, Server) ->
    N = 1000000,
    Echo = address_of_echo(Server),
    Here = rss(), There = memory_of(Echo),
    T0 = now_ns(),
    watch(Echo, N),
    There1 = memory_of(Echo), % behind the monitors: all are there
    T1 = now_ns(),
    out(monitors_set, N / ((T1 - T0) / 1.0e9), "monitors/s"),
    out(monitors_memory, (rss() - Here) / N, "bytes/monitor"),
    out(monitors_memory_watched, (There1 - There) / N, "bytes/monitor"),
    T2 = now_ns(),
    erlang:disconnect_node(Server),
    Told = downs(N, 0),
    out(monitors_lost, (now_ns() - T2) / 1.0e6, "ms"),
    out(monitors_told, Told, "of_1000000");

run(W, _) -> io:format(standard_error, "no workload ~s~n", [W]), halt(3).

address_of_echo(Server) ->
    {echo, Server} ! {who, self()},
    receive {it, Pid} -> Pid end.

memory_of(Echo) ->
    Echo ! {memory, self()},
    receive {memory_is, Bytes} -> Bytes end.

ping_times(To, N) -> T0 = now_ns(), pings(To, self(), N), now_ns() - T0.
pings(_, _, 0) -> ok;
pings(To, Me, N) -> To ! {ping, Me}, receive pong -> ok end, pings(To, Me, N - 1).

caller(Server, Main) ->
    receive {go, Times} -> Main ! {latencies, calls(Server, Times, [])} end,
    caller(Server, Main).

calls(_, 0, All) -> All;
calls(Server, N, All) ->
    T0 = now_ns(),
    gen_server:call(Server, increment),
    calls(Server, N - 1, [now_ns() - T0 | All]).

all_at_once(Callers, Times) ->
    T0 = now_ns(),
    [C ! {go, Times} || C <- Callers],
    Latencies = [receive {latencies, L} -> L end || _ <- Callers],
    {now_ns() - T0, Latencies}.

%% until the sink says that all of them came
send_items(To, N) ->
    T0 = now_ns(),
    items(To, 0, N),
    finish(small_lost, To, N),
    now_ns() - T0.
items(_, N, N) -> ok;
items(To, I, N) -> To ! {item, I}, items(To, I + 1, N).

send_binaries(To, Bytes, N) ->
    T0 = now_ns(),
    binaries(To, Bytes, N),
    finish(binary_lost, To, N),
    now_ns() - T0.
binaries(_, _, 0) -> ok;
binaries(To, Bytes, N) -> To ! Bytes, binaries(To, Bytes, N - 1).

finish(Lost, To, N) ->
    To ! {finish, self()},
    receive {received, N} -> ok; {received, M} -> out(Lost, N - M, "msgs") end.

watch(_, 0) -> ok;
watch(Echo, N) -> erlang:monitor(process, Echo), watch(Echo, N - 1).

downs(N, N) -> N;
downs(N, Told) ->
    receive {'DOWN', _, process, _, noconnection} -> downs(N, Told + 1)
    after 30000 -> Told
    end.

%% ---------------------------------------------------------------- helpers
on_proc(F) ->
    {_, Ref} = spawn_monitor(F),
    receive
        {'DOWN', Ref, process, _, normal} -> ok;
        {'DOWN', Ref, process, _, Why} -> exit(Why)
    end.

out(Name, V, Unit) when is_integer(V) -> io:format("~s ~w ~s~n", [Name, V, Unit]);
out(Name, V, Unit) -> io:format("~s ~.3f ~s~n", [Name, V, Unit]).

now_ns() -> erlang:monotonic_time(nanosecond).

rss() ->
    {ok, B} = file:read_file("/proc/self/statm"),
    [_, R | _] = string:lexemes(binary_to_list(B), " \n"),
    list_to_integer(R) * 4096.

pct(Sorted, P) ->
    N = tuple_size(Sorted),
    element(max(1, min(N, ceil(P / 100 * N))), Sorted).
