%% What node.cpp is, on a node of Erlang's: obeys the same lines, and has the same server `hub`.
-module(partition_node).
-behaviour(gen_server).
-export([main/0, init/1, handle_call/3, handle_cast/2, handle_info/2]).

main() ->
    {ok, _} = inet:getaddr("localhost", inet), % its resolver runs from now on, not from when it first connects
    {ok, _} = gen_server:start({local, hub}, ?MODULE, [], []),
    register(gazer, spawn(fun gazer/0)),
    io:format("up~n"),
    obey().

obey() ->
    case io:get_line("") of
        Line when is_list(Line) ->
            Words = string:lexemes(Line, " \n"),
            Answer = try do(Words) catch _:Why -> io_lib:format("~0p", [Why]) end,
            io:format("~ts~n", [Answer]),
            obey();
        _ -> halt()
    end.

do(["connect", Node]) ->
    atom_to_list(net_kernel:connect_node(list_to_atom(Node)));
do(["tie", Name, Count]) ->
    Node = list_to_atom(Name),
    Targets = gen_server:call({hub, Node}, {targets, list_to_integer(Count)}, infinity),
    Me = self(),
    spawn(fun() -> register(tracker, self()), track(Node, Targets, Me) end),
    receive tied -> "tied" end;
do(["told", N]) ->
    Tracker = whereis(tracker),
    Tracker ! {{told, list_to_integer(N)}, self()},
    told(receive {Tracker, Summary} -> Summary after 30000 -> ask(tracker, {told, 0}) end);
do(["untie"]) -> told(ask(tracker, untie));
do(["broken", N]) ->
    numbers(["broken", "doubled"], gen_server:call(hub, {broken, list_to_integer(N)}, infinity));
do(["die", N]) -> atom_to_list(gen_server:call(hub, {die, list_to_integer(N)}, infinity));
do(["done"]) -> atom_to_list(gen_server:call(hub, done, infinity));
do(["flow", Name, Senders, Messages, Bytes]) ->
    Me = self(),
    All = [spawn(fun() ->
                     Me ! {self(), sender(list_to_atom(Name), list_to_integer(Messages), list_to_integer(Bytes))}
                 end) || _ <- lists:seq(1, list_to_integer(Senders))],
    Said = [receive {P, Sums} -> Sums end || P <- All],
    flowed(lists:foldl(fun({A, B, C, D}, {E, F, G, H}) -> {A + E, B + F, C + G, D + H} end, {0, 0, 0, 0}, Said));
do(["stream", Name]) ->
    Me = self(),
    register(streamer, spawn(fun() -> streamer(list_to_atom(Name), Me) end)),
    receive streams -> "ok" end;
do(["end_stream"]) -> flowed(ask(streamer, stop));
do(["calls", Name, N]) ->
    Node = list_to_atom(Name),
    register(callers, spawn(fun() -> callers(Node, list_to_integer(N)) end)),
    "ok";
do(["end_calls"]) -> numbers(["answered", "failed", "wrong"], ask(callers, stop));
do(["nodes", Name, Ups, Downs]) ->
    gazer ! {nodes, list_to_atom(Name), list_to_integer(Ups), list_to_integer(Downs), self()},
    numbers(["ups", "downs", "out_of_turn"], receive {gazer, Seen} -> Seen end);
do(["left"]) -> at_rest(left(), 75);
do(["left" | Wanted]) -> becomes(lists:flatten(lists:join(" ", Wanted)), 750).

ask(Who, What) ->
    Pid = whereis(Who),
    Pid ! {What, self()},
    receive {Pid, Answer} -> Answer end.

numbers(Names, Tuple) ->
    lists:join(" ", [io_lib:format("~s ~b", [Name, N]) || {Name, N} <- lists:zip(Names, tuple_to_list(Tuple))]).

told(Summary) ->
    numbers(["monitors", "links", "noconnection", "planned", "other", "doubled", "strange"], Summary).

flowed(Sums) -> numbers(["sent", "seen", "out_of_order", "wrong"], Sums).

left() ->
    Info = process_info(whereis(hub), [links, monitors, monitored_by]),
    Ties = lists:sum([length(L) || {_, L} <- Info]),
    lists:flatten(io_lib:format("processes ~b ties ~b connections ~b ports ~b",
                                [length(processes()), Ties, length(nodes(connected)), length(erlang:ports())])).

%% Once it has not changed for a while.
at_rest(Was, Tries) ->
    receive after 200 -> ok end,
    case left() of
        Is when Is =:= Was; Tries =:= 0 -> Is;
        Is -> at_rest(Is, Tries - 1)
    end.

%% Once it is that, or after a while.
becomes(Wanted, Tries) ->
    case left() of
        Is when Is =:= Wanted; Tries =:= 0 -> Is;
        _ -> receive after 20 -> becomes(Wanted, Tries - 1) end
    end.

%% --- the server ---

init([]) -> {ok, empty()}.

empty() -> #{targets => [], sinks => [], broken => #{}, asks => none}.

handle_call({targets, N}, _From, State = #{targets := Targets}) ->
    Home = self(),
    Made = [spawn(fun() -> process_flag(trap_exit, true), target(Home) end) || _ <- lists:seq(1, N)],
    {reply, Made, State#{targets := Targets ++ Made}};
handle_call(sink, _From, State = #{sinks := Sinks}) ->
    Made = spawn(fun() -> sink(0, 0, 0, 0) end),
    {reply, Made, State#{sinks := [Made | Sinks]}};
handle_call({echo, What}, _From, State) -> {reply, What, State};
handle_call(hold, _From, State) -> {noreply, State};
handle_call({die, N}, _From, State = #{targets := Targets}) ->
    [P ! {'end', planned} || P <- lists:sublist(Targets, N)],
    {reply, ok, State};
handle_call({broken, N}, From, State) -> {noreply, answer(State#{asks := {N, From}})};
handle_call(done, _From, #{targets := Targets, sinks := Sinks}) ->
    [P ! {'end', normal} || P <- Targets ++ Sinks],
    {reply, ok, empty()}.

handle_cast(_, State) -> {noreply, State}.

handle_info({broken, Target, Whom}, State = #{broken := Broken}) ->
    {noreply, answer(State#{broken := maps:update_with({Target, Whom}, fun(N) -> N + 1 end, 1, Broken)})};
handle_info(_, State) -> {noreply, State}.

answer(State = #{asks := {N, From}, broken := Broken}) when map_size(Broken) >= N ->
    gen_server:reply(From, {map_size(Broken), length([T || T <- maps:values(Broken), T > 1])}),
    State#{asks := none};
answer(State) -> State.

target(Home) ->
    receive
        {'EXIT', From, _} -> Home ! {broken, self(), From}, target(Home);
        {hello, From} -> From ! {here, self()}, target(Home);
        {'end', Reason} -> exit(Reason)
    end.

%% --- who keeps account ---

track(Node, Targets, Asker) ->
    process_flag(trap_exit, true),
    Links = [begin link(T), T end || T <- Targets],
    Monitors = [monitor(process, T) || T <- Targets, _ <- [1, 2]] ++ [monitor(process, {hub, Node})],
    [T ! {hello, self()} || T <- Targets],
    tracker(#{links => length(Links), monitors => length(Monitors), waits => none, awaited => 0,
              ties => maps:from_list([{Tie, 0} || Tie <- Links ++ Monitors]),
              told => 0, noconnection => 0, planned => 0, other => 0, doubled => 0, strange => 0},
            length(Targets), Asker).

tracker(Kept, Here, Asker) ->
    receive
        {'DOWN', Ref, process, _, Why} -> told(note(Ref, Why, Kept), Here, Asker);
        {'EXIT', From, Why} -> told(note(From, Why, Kept), Here, Asker);
        {here, _} when Here =:= 1 -> Asker ! tied, tracker(Kept, 0, Asker);
        {here, _} -> tracker(Kept, Here - 1, Asker);
        {{told, N}, From} -> told(Kept#{waits := From, awaited := N}, Here, Asker);
        {untie, From} -> From ! {self(), summary(Kept)}
    end.

told(Kept = #{waits := From, told := N, awaited := Awaited}, Here, Asker) when From =/= none, N >= Awaited ->
    From ! {self(), summary(Kept)},
    tracker(Kept#{waits := none}, Here, Asker);
told(Kept, Here, Asker) -> tracker(Kept, Here, Asker).

note(Tie, Why, Kept = #{ties := Ties}) ->
    case Ties of
        #{Tie := 0} ->
            Kind = if Why =:= noconnection -> noconnection; Why =:= planned -> planned; true -> other end,
            more(Kind, more(told, Kept#{ties := Ties#{Tie := 1}}));
        #{Tie := _} -> more(doubled, Kept);
        _ -> more(strange, Kept)
    end.

more(What, Kept) -> maps:update_with(What, fun(N) -> N + 1 end, Kept).

summary(Kept) ->
    list_to_tuple([maps:get(K, Kept) || K <- [monitors, links, noconnection, planned, other, doubled, strange]]).

gazer() ->
    ok = net_kernel:monitor_nodes(true, [{node_type, all}]),
    gazer(#{}, none).

gazer(Seen, Wish) ->
    receive
        {nodeup, Node, _} -> answer(seen(Node, up, Seen), Wish);
        {nodedown, Node, _} -> answer(seen(Node, down, Seen), Wish);
        New -> answer(Seen, New)
    end.

seen(Node, Now, Seen) ->
    {Ups, Downs, Turns, Was} = maps:get(Node, Seen, {0, 0, 0, down}),
    Wrong = if Was =:= Now -> Turns + 1; true -> Turns end,
    case Now of
        up -> Seen#{Node => {Ups + 1, Downs, Wrong, up}};
        down -> Seen#{Node => {Ups, Downs + 1, Wrong, down}}
    end.

answer(Seen, Wish = {nodes, Node, Ups, Downs, From}) ->
    case Seen of
        #{Node := {U, D, Wrong, _}} when U >= Ups, D >= Downs ->
            From ! {gazer, {U, D, Wrong}},
            gazer(Seen, none);
        _ -> gazer(Seen, Wish)
    end;
answer(Seen, none) -> gazer(Seen, none).

%% --- messages and calls ---

numbered(N, Size) -> {n, N, binary:copy(<<(N band 255)>>, Size)}.

sink(Count, Last, OutOfOrder, Wrong) ->
    receive
        {n, N, Bytes} ->
            Late = if N =< Last -> 1; true -> 0 end,
            Bad = case Bytes =:= binary:copy(<<(N band 255)>>, byte_size(Bytes)) of true -> 0; false -> 1 end,
            sink(Count + 1, N, OutOfOrder + Late, Wrong + Bad);
        {how_many, From} ->
            From ! {seen, Count, OutOfOrder, Wrong},
            sink(Count, Last, OutOfOrder, Wrong);
        {'end', _} -> ok
    end.

call(Node, What) ->
    try {ok, gen_server:call({hub, Node}, What, infinity)} catch exit:_ -> failed end.

find_sink(Node) ->
    case call(Node, sink) of
        {ok, Pid} -> Pid;
        failed -> receive after 50 -> find_sink(Node) end
    end.

seen_by(Sink) ->
    Sink ! {how_many, self()},
    receive {seen, Count, OutOfOrder, Wrong} -> {Count, OutOfOrder, Wrong} after 2000 -> seen_by(Sink) end.

sender(Node, Count, Size) ->
    To = find_sink(Node),
    Wrong = lists:sum([send_one(Node, To, N, if N =:= Count div 2 -> 163840; true -> Size end)
                       || N <- lists:seq(1, Count)]),
    {Seen, OutOfOrder, Bad} = seen_by(To),
    {Count, Seen, OutOfOrder, Bad + Wrong}.

send_one(Node, To, N, Size) ->
    To ! numbered(N, Size),
    if
        N rem 16 =/= 0 -> 0;
        true -> case call(Node, {echo, N}) of {ok, N} -> 0; _ -> 1 end
    end.

%% Slower than ours, which does it each two milliseconds: with 8 KiB on their way to a node that is gone, this one's
%% ticks wait behind them, and it does not notice before TCP gives up.
streamer(Node, Asker) ->
    To = find_sink(Node),
    To ! numbered(1, 10),
    seen_by(To),
    Asker ! streams,
    stream_to(To, 1).

stream_to(To, Sent) ->
    receive
        {stop, From} ->
            {Seen, OutOfOrder, Wrong} = seen_by(To),
            From ! {self(), {Sent, Seen, OutOfOrder, Wrong}}
    after 20 ->
        To ! numbered(Sent + 1, 10),
        stream_to(To, Sent + 1)
    end.

callers(Node, Count) ->
    Me = self(),
    All = [spawn(fun() -> caller(Node, Me, hold, {0, 0, 0}, 1) end) || _ <- lists:seq(1, Count)],
    receive {stop, From} -> ok end,
    [P ! stop || P <- All],
    Said = [receive {P, Sums} -> Sums end || P <- All],
    From ! {self(), lists:foldl(fun({A, B, C}, {D, E, F}) -> {A + D, B + E, C + F} end, {0, 0, 0}, Said)}.

caller(Node, Asker, Request, Sums = {Answered, Failed, Wrong}, N) ->
    receive
        stop -> Asker ! {self(), Sums}
    after 0 ->
        Now = case {call(Node, Request), Request} of
                  {{ok, What}, {echo, What}} -> {Answered + 1, Failed, Wrong};
                  {{ok, _}, _} -> {Answered + 1, Failed, Wrong + 1};
                  {failed, _} -> receive after 50 -> {Answered, Failed + 1, Wrong} end
              end,
        caller(Node, Asker, {echo, N}, Now, N + 1)
    end.
