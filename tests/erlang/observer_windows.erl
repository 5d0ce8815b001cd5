%% Observer with a node of ours in its windows: opens each of them and writes what stands there.
-module(observer_windows).
-export([main/1]).

-define(first_node, 1000). % observer_wx.erl: FIRST_NODES_MENU_ID
-define(kill_process, 201). % observer_pro_wx.erl: ID_KILL

main(Node) ->
    pong = net_adm:ping(Node),
    ok = observer:start(),
    {dictionary, Own} = process_info(whereis(observer), dictionary),
    wx:set_env(proplists:get_value(wx_env, Own)),
    choose(Node),
    write("shown", gen_server:call(observer, get_active_node)),
    open("System"),
    wait(fun() -> lists:member("x86_64-linux", texts(panel("System"))) end),
    write("system", lists:member("System Version:", texts(panel("System")))),
    open("Load Charts"),
    Charts = sys:get_state(pid_of("Load Charts")),
    wait(fun() -> sys:get_state(pid_of("Load Charts")) =/= Charts end), % by a sample that has come
    open("Applications"),
    List = widget(wxListBox, sys:get_state(pid_of("Applications"))),
    wait(fun() -> wxControlWithItems:getCount(List) > 0 end),
    write("applications", wxControlWithItems:getString(List, 0)),
    wait(fun() -> mentions("chat_server", sys:get_state(pid_of("Applications"))) end),
    write("its tree", true),
    open("Processes"),
    Grid = widget(wxListCtrl, sys:get_state(pid_of("Processes"))),
    wait(fun() -> lists:member("chat_server", column(Grid, 1)) end),
    write("processes", lists:member("root_sup", column(Grid, 1))),
    [open(Tab) || Tab <- ["Memory Allocators", "Ports", "Sockets", "Table Viewer", "Trace Overview"]],
    Server = rpc:call(Node, erlang, whereis, [chat_server]),
    observer ! {open_link, Server},
    wait(fun() -> lists:member("chat_server", texts(widget(wxFrame, state()))) end),
    write("a process", true),
    Watched = monitor(process, Server),
    kill(Server),
    receive {'DOWN', Watched, process, Server, Reason} -> write("killed", Reason) end,
    write("alive", is_process_alive(whereis(observer))),
    ok = observer:stop().

write(What, Value) -> io:format("~s: ~tp~n", [What, Value]).

%% Windows tell nobody when they have been filled: they are looked at until they are, 10 s at most.
wait(Holds) -> wait(Holds, 200).
wait(Holds, Left) when Left > 0 ->
    case Holds() of
        true -> ok;
        false -> receive after 50 -> wait(Holds, Left - 1) end
    end.

state() -> lists:keyfind(state, 1, sys:get_state(observer)).
notebook() -> widget(wxNotebook, state()).
panels() -> hd([P || P = [{sys_panel, _, _} | _] <- tuple_to_list(state())]).
panel(Tab) -> {_, Panel, _} = lists:keyfind(Tab, 3, panels()), Panel.
pid_of(Tab) -> wx_object:get_pid(panel(Tab)).

%% What wx sends for an entry of a menu: #wx{} of wx.hrl, which is in a package of its own.
chosen(Id) -> {wx, Id, undefined, undefined, {wxCommand, command_menu_selected, "", 0, 0}}.

%% As the menu Nodes does.
choose(Node) ->
    wait(fun() -> lists:member(Node, known()) end),
    At = length(lists:takewhile(fun(N) -> N =/= Node end, known())) + 1,
    observer ! chosen(?first_node + At),
    wait(fun() -> gen_server:call(observer, get_active_node) =:= Node end).
known() ->
    case [Nodes || Nodes <- tuple_to_list(state()), is_list(Nodes), lists:member(node(), Nodes)] of
        [] -> [];
        [Nodes | _] -> Nodes
    end.

open(Tab) ->
    Book = notebook(),
    Pages = [wxBookCtrlBase:getPageText(Book, I) || I <- lists:seq(0, wxBookCtrlBase:getPageCount(Book) - 1)],
    At = length(lists:takewhile(fun(Text) -> Text =/= Tab end, Pages)),
    wxBookCtrlBase:setSelection(Book, At),
    wait(fun() -> lists:member(pid_of(Tab), tuple_to_list(state())) end).

%% As its menu does for the process that was clicked.
kill(Pid) ->
    Processes = pid_of("Processes"),
    sys:replace_state(Processes, fun(All) -> clicked(All, Pid) end),
    Processes ! chosen(?kill_process).
clicked(All, Pid) when is_list(All) -> [clicked(Each, Pid) || Each <- All];
clicked(State, Pid) when element(1, State) =:= state -> setelement(tuple_size(State) - 1, State, Pid);
clicked(Other, _) -> Other.

%% The first of that class among what a process has in its state.
widget(Class, State) -> hd(widgets(Class, State)).
widgets(Class, {wx_ref, _, Class, _} = Found) -> [Found];
widgets(Class, Tuple) when is_tuple(Tuple) -> widgets(Class, tuple_to_list(Tuple));
widgets(Class, [Head | Tail]) -> widgets(Class, Head) ++ widgets(Class, Tail);
widgets(_, _) -> [].

texts(Window) -> [wxWindow:getLabel(Window) | lists:append([texts(W) || W <- wxWindow:getChildren(Window)])].
column(Grid, At) ->
    [wxListCtrl:getItemText(Grid, I, [{col, At}]) || I <- lists:seq(0, wxListCtrl:getItemCount(Grid) - 1)].

mentions(Text, State) -> string:find(lists:flatten(io_lib:format("~tp", [State])), Text) =/= nomatch.
