"""Administering the running server: from a real Erlang shell, by the commands, over HTTP. Cases of slixmpp_test.py."""

import asyncio
import json
import os
import shutil
import socket
import stat

from harness import PATIENCE, Client
from room_cases import come, configure, join


async def run(*arguments, text="", environment=None):
    """A program to its end, while clients go on: status, output, errors."""
    process = await asyncio.create_subprocess_exec(
        *arguments, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
        env={**os.environ, **(environment or {})})
    out, err = await asyncio.wait_for(process.communicate(text.encode()), PATIENCE)
    return process.returncode, out.decode(), err.decode()


async def command(server, *arguments, text=""):
    return await run(server.program, "messaging", *arguments, "--data", server.folder + "/data", text=text)


async def well(server, *arguments, text=""):
    status, out, err = await command(server, *arguments, text=text)
    assert status == 0, err
    return out


def token_of(server):
    return open(server.folder + "/data/admin-token").read().strip()


async def ask(server, method, path, body=None, token=None, headers=(), raw=None):
    """Of the admin API, by a program that is no browser: status, JSON."""
    content = raw if raw is not None else b"" if body is None else json.dumps(body).encode()
    fields = [f"{method} {path} HTTP/1.1", f"Host: 127.0.0.1:{server.http}", "Connection: close",
              f"Content-Length: {len(content)}", "Content-Type: application/json", *headers]
    if token != "":
        fields.append(f"Authorization: Bearer {token or token_of(server)}")
    reader, writer = await asyncio.open_connection("127.0.0.1", server.http)
    writer.write("\r\n".join(fields).encode() + b"\r\n\r\n" + content)
    answer = await asyncio.wait_for(reader.read(), PATIENCE)
    writer.close()
    head, _, rest = answer.partition(b"\r\n\r\n")
    assert b"Access-Control" not in head, head
    return int(head.split()[1]), json.loads(rest) if b"application/json" in head and rest else None


async def an_erlang_shell_sends_and_reads(server):
    """The case study's two requests, by gen_server:call from a real node, go the way of clients' stanzas."""
    erl = shutil.which("erl")
    assert erl, "erlang-base is not installed"
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    cookie = server.folder + "/cookie"
    with open(cookie, "w") as file:
        file.write("c")
    os.chmod(cookie, 0o400)
    server.start(more=("--name", "xmpp@127.0.0.1", "--cookie-file", cookie, "--epmd-port", str(port)))
    alice = await Client(server, "alice", "a", plugins=("xep_0280",)).enter()
    copies = []
    alice.add_event_handler("carbon_sent", lambda m: (copies.append(m["carbon_sent"]["body"]), alice.changed.set()))
    await alice["xep_0280"].enable()
    bob = await Client(server, "bob", "b").enter()
    code = """
      S={messaging_server,'xmpp@127.0.0.1'}, Say=fun(T)->io:format("~0tp~n",[T]) end,
      Say(gen_server:call(S,{send_message,<<"alice">>,<<"bob">>,<<"from the shell">>})),
      Say(gen_server:call(S,{send_message,"alice","carol@localhost","for later"})),
      Say(gen_server:call(S,{send_message,<<"alice">>,<<"nobody">>,<<"x">>})),
      Say(gen_server:call(S,{send_message,<<"nobody">>,<<"bob">>,<<"x">>})),
      {Texts,Froms}=lists:unzip([{T,F}||#{text:=T,from:=F}<-gen_server:call(S,{get_messages,<<"bob">>})]),
      Say({Texts,Froms}),
      Say([T||#{text:=T}<-gen_server:call(S,{get_unread,<<"carol">>})]),
      Say([T||#{text:=T}<-gen_server:call(S,{get_archive,<<"alice">>,0,1})]),
      Say(gen_server:call(S,{get_messages,<<"nobody">>})),
      Say([A||#{address:=A}<-gen_server:call(S,{get_sessions,<<"bob">>})]),
      Say(element(1,element(2,catch gen_server:call(S,nonsense)))),
      Say(gen_server:call(S,{kick_address,<<"bob@localhost/b">>})),
      halt()."""
    status, out, err = await run(erl, "-noshell", "-name", "shell@127.0.0.1", "-setcookie", "c", "-start_epmd",
                                 "false", "-eval", code,
                                 environment={"ERL_EPMD_PORT": str(port), "ERL_EPMD_ADDRESS": "127.0.0.1"})
    assert status == 0, out + err
    assert out.splitlines() == [
        "ok", "ok", "{error,no_receiver}", "{error,no_user}",
        '{[<<"from the shell">>],[<<"alice@localhost">>]}', '[<<"for later">>]', '[<<"for later">>]',
        "{error,no_user}", '[<<"bob@localhost/b">>]', "{bad_request,nonsense}", "1"], out
    await bob.got("from the shell")
    await bob.seen("stream_error:policy-violation")
    assert bob.messages[0]["from"].full == "alice@localhost", bob.messages[0]
    await alice.until(lambda: copies == ["from the shell", "for later"], "copies of what was sent in her name")
    carol = await Client(server, "carol", "c").enter()
    await carol.got("for later")


async def commands_administer_the_running_server(server):
    status, _, err = await command(server, "sessions")
    assert status == 1 and "start it with 'coppice run --data" in err, err
    server.start()
    alice, bob = await come(server, "alice", "a"), await come(server, "bob", "b")
    await join(alice, "al")
    await configure(alice, roomname="Coven", persistentroom="1")
    await join(bob, "bo")
    assert await well(server, "sessions") == ("alice@localhost/a  tcp  connected, available\n"
                                              "bob@localhost/b  tcp  connected, available\n")
    assert await well(server, "rooms") == ("coven@conference.localhost  persistent  2 there\n"
                                           "  al  alice@localhost  owner, moderator\n"
                                           "  bo  bob@localhost  none, participant\n")
    assert await well(server, "send", "alice", "bob", text="by command\n") == ""
    await bob.got("by command")
    assert await well(server, "send", "bob", "carol", text="wait\x1b[31m") == ""
    assert (await well(server, "inbox", "carol", "--unread")).endswith(
        " bob@localhost -> carol@localhost: wait\ufffd[31m\n"), "nothing steers the terminal"
    assert "by command" in await well(server, "inbox", "bob")
    status, _, err = await command(server, "send", "alice", "nobody", text="x")
    assert status == 1 and "no account of the name in 'to'" in err, err
    # A user is added, signs in, gets another password, and is thrown out when he is removed.
    await well(server, "user", "add", "dave", text="pw-dave\n")
    assert "dave@localhost" in await well(server, "user", "list")
    status, _, err = await command(server, "user", "add", "dave", text="x\n")
    assert status == 1 and "There is already an account dave@localhost." in err, err
    dave = await Client(server, "dave", "d").enter()
    await well(server, "user", "passwd", "dave", text="other\n")
    await dave.seen("stream_error:not-authorized")
    dave = await Client(server, "dave", "d", password="other").enter()
    again = await Client(server, "dave", "e", password="other").enter()
    assert await well(server, "user", "kick", "dave@localhost/e") == "1 ended\n"
    await again.seen("stream_error:policy-violation")
    assert "disconnected" not in dave.events
    await well(server, "user", "remove", "dave")
    await dave.seen("stream_error:not-authorized")
    gone = Client(server, "dave", "f", password="other")
    gone.reach()
    await gone.seen("failed_all_auth")
    # One of the same name is another: nothing of the first is left.
    await well(server, "user", "add", "dave", text="third\n")
    await Client(server, "dave", "g", password="third").enter()
    status, _, err = await command(server, "user", "kick", "nobody")
    assert status == 1 and "no such session: nobody@localhost" in err, err
    second = await run(server.program, "run", "--port", "0", "--data", server.folder + "/data", "--xmpp",
                       "127.0.0.1:0", "--xmpp-tls", "127.0.0.1:0")
    assert second[0] == 1 and "another server runs with the folder" in second[2], second


async def the_admin_api_is_for_who_has_the_token(server):
    server.start()
    assert stat.S_IMODE(os.stat(server.folder + "/data/admin-token").st_mode) == 0o600
    assert stat.S_IMODE(os.stat(server.folder + "/data/running").st_mode) == 0o600
    users = "/api/messaging/users"
    for wrong in ("", "x", token_of(server)[:-1], token_of(server) + "x"):
        status, said = await ask(server, "GET", users, token=wrong)
        assert status == 401 and said["error"]["code"] == "unauthorized", (wrong, status, said)
    status, said = await ask(server, "GET", users, headers=["Origin: https://elsewhere.example"])
    assert status == 403, (status, said)
    status, said = await ask(server, "GET", users + "?limit=2")
    assert (status, said) == (200, {"users": ["alice@localhost", "bob@localhost"], "next": "bob@localhost"}), said
    status, said = await ask(server, "GET", users + "?limit=2&after=bob@localhost")
    assert (status, said) == (200, {"users": ["carol@localhost"], "next": None}), said
    for raw, expected in ((b"{", 400), (b"[]", 400), (b'{"name":"x"}', 400), (b'{"name":1,"password":"x"}', 400),
                          (b'{"name":"x","password":"x","more":"x"}', 400), (b'{"name":"a b","password":"x"}', 400),
                          (b'{"name":"x","password":""}', 400), (b" " * 200_000, 413),
                          (b"[" * 60_000, 400), (b'{"name":"alice","password":"x"}', 409),
                          (b'{"name":"erin","password":"pw-erin"}', 201)):
        status, said = await ask(server, "POST", users, raw=raw)
        assert status == expected, (raw[:40], status, said)
    erin = await Client(server, "erin", "e", plugins=()).enter()
    status, said = await ask(server, "POST", "/api/messaging/messages",
                             {"from": "alice", "to": "erin", "text": "a\u0001 <b> & \u00e9"})
    assert status == 201, said
    await erin.got("a\ufffd <b> & \u00e9")
    for n in range(3):
        status, said = await ask(server, "POST", "/api/messaging/messages",
                                 {"from": "alice", "to": "carol", "text": str(n)})
        assert status == 201, said
    status, first = await ask(server, "GET", users + "/carol/messages?limit=2")
    assert [m["text"] for m in first["messages"]] == ["1", "2"], first
    status, second = await ask(server, "GET", users + f"/carol/messages?limit=2&before={first['next']}")
    assert [m["text"] for m in second["messages"]] == ["0"] and second["next"] is None, second
    status, unread = await ask(server, "GET", users + "/carol/messages?box=unread&limit=2")
    assert [m["text"] for m in unread["messages"]] == ["0", "1"], unread
    status, unread = await ask(server, "GET", users + f"/carol/messages?box=unread&after={unread['next']}")
    assert [m["text"] for m in unread["messages"]] == ["2"], unread
    assert (await ask(server, "GET", users + "/carol/messages?box=other"))[0] == 400
    assert (await ask(server, "GET", users + "/nobody/messages"))[0] == 404
    assert (await ask(server, "POST", "/api/messaging/messages",
                      {"from": "alice", "to": "carol", "text": "x" * 60_001}))[0] == 413
    status, said = await ask(server, "GET", users + "/erin/sessions")
    assert said == {"sessions": [{"address": "erin@localhost/e", "transport": "tcp", "connected": True,
                                  "available": True, "priority": 0}]}, said
    assert (await ask(server, "PUT", users + "/erin", {"password": "second"}))[0] == 204
    await erin.seen("stream_error:not-authorized")
    erin = await Client(server, "erin", "e", password="second", plugins=()).enter()
    status, said = await ask(server, "DELETE", "/api/messaging/sessions/erin@localhost%2Fe")
    assert (status, said) == (200, {"ended": 1}), said
    await erin.seen("stream_error:policy-violation")
    assert (await ask(server, "DELETE", "/api/messaging/sessions/erin"))[0] == 404
    assert (await ask(server, "DELETE", users + "/erin"))[0] == 204
    assert (await ask(server, "DELETE", users + "/erin"))[0] == 404
    assert (await ask(server, "GET", "/api/messaging/rooms"))[1] == {"rooms": [], "next": None}
    assert (await ask(server, "PATCH", users))[0] == 405
