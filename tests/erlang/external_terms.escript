#!/usr/bin/env escript
%%! -name terms@127.0.0.1 -setcookie c -start_epmd false -dist_listen false
%% Terms in the external format, in files of frames: a length of 32 bits, and the bytes.
%% echo IN OUT: each term of IN goes to OUT three times: as this node writes it, as older ones did, and compressed.
%% make OUT: terms of this node that no other could make up. Those of IN must be the same: check IN.
-mode(compile).
main(["echo", In, Out]) ->
    Terms = [binary_to_term(B) || B <- frames(In)],
    Ways = [[{minor_version, 2}], [{minor_version, 1}], [compressed]],
    write(Out, [term_to_binary(T, How) || T <- Terms, How <- Ways]);
main(["make", Out]) ->
    write(Out, [term_to_binary(T, [{minor_version, 2}]) || T <- own()]);
main(["check", In, Before]) ->
    Made = [binary_to_term(B) || B <- frames(Before)],
    Came = [binary_to_term(B) || B <- frames(In)],
    case [{M, C} || {M, C} <- lists:zip(Made, Came), M =/= C] of
        [] -> ok;
        Wrong -> io:format(standard_error, "differ: ~p~n", [Wrong]), halt(1)
    end.

own() ->
    X = {free, <<"variable">>, self()},
    Alias = alias(),
    [self(), make_ref(), Alias, hd(erlang:ports()), lists:nth(3, processes()),
     fun() -> X end, fun(Y) -> {X, Y} end, fun lists:map/2, fun erlang:'+'/2,
     #{self() => make_ref(), [make_ref() | self()] => fun own/0},
     binary_to_term(<<131, 88, 119, 7, "other@h", 1:32, 2:32, 77:32>>),
     binary_to_term(<<131, 90, 5:16, 119, 7, "other@h", 77:32, 1:32, 2:32, 3:32, 4:32, 5:32>>),
     binary_to_term(<<131, 120, 119, 7, "other@h", (1 bsl 40):64, 77:32>>),
     lists:seq(1, 65535), lists:duplicate(65536, 255), [1, 2 | [3]], [1, 2 | 3], "", <<>>, {}, #{},
     list_to_tuple(lists:seq(1, 300)), lists:foldl(fun(N, T) -> {N, T} end, [], lists:seq(1, 100000)),
     1 bsl 3000, -(1 bsl 2040), (1 bsl 2040) - 1, -1 bsl 63, 1 bsl 63, -2147483648, -2147483649, 2147483648,
     list_to_atom(lists:duplicate(255, 16#65e5)), <<5:3>>, <<1:1, 0:64>>, 1.0e300, -0.5].

frames(File) ->
    {ok, All} = file:read_file(File),
    [B || <<N:32, B:N/binary>> <= All].

write(File, Binaries) ->
    ok = file:write_file(File, [<<(byte_size(B)):32, B/binary>> || B <- Binaries]).
