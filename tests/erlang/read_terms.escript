#!/usr/bin/env escript
%%! +pc unicode
%% read_terms.escript IN OUT: reads the terms of a file, and writes them line by line as ~p prints them; then as ~tp
%% does; then their order as the numbers of the lines, each followed by how it stands to the one before it: <, == or =:=.
main([In, Out]) ->
    {ok, Terms} = file:consult(In),
    {ok, To} = file:open(Out, [write, {encoding, utf8}]),
    [io:put_chars(To, [io_lib:format(Format, [T]), $\n]) || Format <- ["~0p", "~0tp"], T <- Terms],
    Sorted = lists:keysort(1, lists:zip(Terms, lists:seq(0, length(Terms) - 1))),
    standing(Sorted, none, To),
    ok = file:close(To).

standing([], _, _) -> ok;
standing([{T, N} | Rest], Before, To) ->
    How = case Before of
              {B} when B =:= T -> "=:=";
              {B} when B == T -> "==";
              _ -> "<"
          end,
    io:format(To, "~b ~s~n", [N, How]),
    standing(Rest, {T}, To).
