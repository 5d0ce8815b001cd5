"""What operators rely on: how the server stops, whom it makes wait, and what its logs say. Cases of slixmpp_test.py."""

import asyncio
import re
import signal
import socket
import subprocess
import time

from harness import PATIENCE, Client
from hostile_cases import Peer
from metrics_cases import metrics

MUC = "http://jabber.org/protocol/muc"


def configured(server, text):
    config = server.folder + "/coppice.yaml"
    with open(config, "w") as file:
        file.write("messaging:\n" + text)
    return server.start(more=("--config", config))


def enter_room(peer, nick, first=False):
    peer.send(f"<presence xmlns='jabber:client' to='den@conference.localhost/{nick}'><x xmlns='{MUC}'/></presence>")
    peer.until("status code=.110.")
    if first:
        peer.send(f"<iq xmlns='jabber:client' type='set' id='make' to='den@conference.localhost'><query xmlns='{MUC}#owner'>"
                  "<x xmlns='jabber:x:data' type='submit'/></query></iq>").until("id=.make.")


async def a_stopping_server_sends_its_clients_elsewhere(server):
    uri = "wss://other.example/xmpp-websocket"
    configured(server, f"  drain:\n    see_other_host: other.example:5223\n    see_other_uri: {uri}\n")

    def talk():
        alice = Peer(server, "tls").sign_in("alice")
        bob = Peer(server, "websocket").sign_in("bob")
        stranger = Peer(server, "tls").open().until("features>")
        enter_room(alice, "alice", first=True)
        enter_room(bob, "bob")
        server.process.send_signal(signal.SIGTERM)
        return [peer.last_words() for peer in (alice, bob, stranger)]
    alice, bob, stranger = await asyncio.to_thread(talk)
    server.stop()
    for said in (alice, bob):
        assert re.search('code="332".*error>', said, re.S), said
        assert said.count('code="332"') == 1, said
    assert ('<see-other-host xmlns="urn:ietf:params:xml:ns:xmpp-streams">other.example:5223</see-other-host>'
            '</stream:error></stream:stream>') in alice, alice
    assert "<system-shutdown " in bob and f'see-other-uri="{uri}"' in bob, bob
    assert "<system-shutdown " in stranger and "</stream:stream>" in stranger, stranger

    server.start()  # it says nothing of others now

    def come_and_go():
        carol = Peer(server, "starttls").sign_in("carol")
        server.process.send_signal(signal.SIGTERM)
        return carol.last_words()
    carol = await asyncio.to_thread(come_and_go)
    assert "<system-shutdown " in carol and "see-other" not in carol, carol
    server.stop()


def seconds_to_send(server, user, entrance, number):
    """So many messages of 10 KiB to bob, until the server has taken them all."""
    peer = Peer(server, entrance).sign_in(user)
    begun = time.monotonic()
    for _ in range(number):
        peer.send(f"<message xmlns='jabber:client' to='bob@localhost' type='chat'><body>{'x' * 10240}</body></message>")
    peer.send("<iq xmlns='jabber:client' type='get' id='end'><ping xmlns='urn:xmpp:ping'/></iq>").until("id=.end.")
    return time.monotonic() - begun


async def whoever_sends_too_fast_has_to_wait(server):
    configured(server, "  limits: {bytes_per_second: 128KiB}\n")
    bob = await Client(server, "bob", "b", mechanism="PLAIN").enter()

    sending = asyncio.get_running_loop().run_in_executor(None, seconds_to_send, server, "alice", "tls", 64)
    pings = 0
    while not sending.done():
        await bob["xep_0199"].ping("localhost")
        pings += 1
    taken = await sending
    # 640 KiB, of which 256 go at once, then 128 a second: never sooner than that.
    assert taken >= 2.9, taken
    assert pings > 20, pings
    await bob.until(lambda: len(bob.messages) == 64, "all messages")
    assert metrics(server)["coppice_messaging_pauses_total"] > 1

    taken = await asyncio.to_thread(seconds_to_send, server, "carol", "websocket", 48)
    assert taken >= 1.6, taken


async def an_address_has_so_many_connections(server):
    configured(server, "  limits: {address_connections: 2}\n")

    def crowd():
        first = Peer(server, "tls").sign_in("alice", "1")
        second = Peer(server, "starttls").sign_in("alice", "2")
        said = Peer(server, "tls").last_words()
        assert "<policy-violation " in said and "too many connections" in said, said
        Peer(server, "websocket").sign_in("bob")  # by a proxy on this machine, which stands for many
        second.send("</stream:stream>").last_words()
        while True:  # until the server has noticed that it is gone
            next_one = Peer(server, "tls").open()
            while not re.search(b"features>|stream:stream>", next_one.got) and not next_one.over:
                next_one.read()
            if b"features>" in next_one.got:
                break
        first.send("<iq xmlns='jabber:client' type='get' id='p'><ping xmlns='urn:xmpp:ping'/></iq>").until("id=.p.")
    await asyncio.wait_for(asyncio.to_thread(crowd), PATIENCE)
    assert metrics(server)["coppice_messaging_streams_refused_total"] >= 1


async def who_takes_nothing_is_left(server):
    """Not even as much as the operating systems keep for it; and it is gone soon."""
    configured(server, "  limits: {bytes_per_second: 0, write: 1s}\n")

    def flood():
        deaf = []
        for entrance in ("starttls", "tls"):
            peer = Peer(server, entrance)
            peer.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            deaf.append(peer.sign_in("carol", entrance).send("<presence xmlns='jabber:client'/>").until("presence"))
        alice = Peer(server, "tls").sign_in("alice")
        ping = "<iq xmlns='jabber:client' type='get' id='end'><ping xmlns='urn:xmpp:ping'/></iq>"
        for _ in range(150):
            alice.send("<message xmlns='jabber:client' to='carol@localhost' type='headline'>"
                       f"<body>{'x' * 50000}</body></message>")
        alice.send(ping).until("id=.end.")
        while metrics(server)['coppice_messaging_streams{transport="tcp"}'] != 1:
            alice.send(ping).until("id=.end.")
        return deaf
    await asyncio.wait_for(asyncio.to_thread(flood), PATIENCE)


async def logs_hold_no_bodies_and_no_secrets(server):
    for number, form in enumerate(("text", "json")):
        server.start(again=number > 0, more=("--log-level", "debug", "--log-format", form))
        await say_what_must_not_be_logged(server)
        server.stop()
        with open(server.folder + "/log") as file:
            log = file.read()
        assert "sign_in" in log and "sign_in_failure" in log and "killed" in log, log[-2000:]
        with open(server.folder + "/data/admin-token") as file:
            token = file.read().strip()
        for secret in ("MUST-NOT", "pw-alice", "pw-bob", token):
            found = log.find(secret)
            assert found < 0, f"{secret} is in the log: ...{log[max(0, found - 200):found + 200]}..."


async def say_what_must_not_be_logged(server):
    alice = await Client(server, "alice", "a").enter()
    bob = await Client(server, "bob", "b", mechanism="PLAIN").enter()
    stranger = Client(server, "carol", "c", password="MUST-NOT-pw", mechanism="PLAIN")
    stranger.reach()
    await stranger.seen("failed_all_auth")
    await stranger.disconnect()
    for whom in ("bob", "carol", "nobody"):
        alice.send_message(f"{whom}@localhost", "MUST-NOT body", mtype="chat", msubject="MUST-NOT subject")
    await bob.got("MUST-NOT body")
    await server.kill("user:bob")
    await server.kill("keeper")
    alice.send_message("bob@localhost", "MUST-NOT again", mtype="chat")
    await bob.got("MUST-NOT again")
    await alice.acknowledged()

    def speak_badly():
        for text in ("<message xmlns='jabber:client'><body>MUST-NOT</wrong>", "<MUST-NOT xmlns='MUST-NOT'/>",
                     "<message xmlns='jabber:client' to='@MUST-NOT@'><body>MUST-NOT</body></message>",
                     "<!-- MUST-NOT -->", "<iq xmlns='jabber:client' type='set' id='MUST-NOT'>"
                     "<query xmlns='jabber:iq:private'><MUST-NOT xmlns='MUST-NOT'>MUST-NOT</MUST-NOT></query></iq>"):
            peer = Peer(server, "tls").sign_in("carol", "bad")
            peer.send(text).send("</stream:stream>").last_words()
        enter_room(Peer(server, "tls").sign_in("carol", "talks"), "MUST-NOT-nick", first=True)
    await asyncio.to_thread(speak_badly)
    for task, user in (("passwd", "carol"), ("add", "dora"), ("remove", "dora")):
        server.account(task, user, "MUST-NOT-password\n")
    server.account("passwd", "carol", "pw-carol\n")
    subprocess.run([server.program, "messaging", "send", "alice", "bob", "--data", server.folder + "/data"],
                   input="MUST-NOT from the command line", text=True, check=True, capture_output=True)
    await bob.got("MUST-NOT from the command line")
    for client in (alice, bob):
        await client.disconnect()


async def so_much_is_kept_for_a_user(server):
    configured(server, "  storage: {offline_messages: 3, private_xml: 2KiB, nodes: 2KiB}\n")
    alice = await Client(server, "alice", "a").enter()

    def keep():
        bob = Peer(server, "tls").sign_in("bob")

        def answer(inside):
            bob.send(f"<iq xmlns='jabber:client' type='set' id='q'>{inside}</iq>")
            while not (found := re.search(rb"<iq [^>]*id=.q.[^>]*?(/>|>.*?</iq>)", bob.got, re.S)):
                bob.read()
            bob.got = b""
            return found[0].decode()

        def private(name):
            return answer(f"<query xmlns='jabber:iq:private'><x xmlns='urn:{name}'>{'p' * 1100}</x></query>")

        def node(name, what):
            inside = f"<item id='1'><x xmlns='urn:x'>{'n' * 1100}</x></item>" if what == "publish" else "<item id='1'/>"
            return answer(f"<pubsub xmlns='http://jabber.org/protocol/pubsub'><{what} node='{name}'>{inside}</{what}></pubsub>")

        assert "error" not in private("a") and "error" not in private("a")
        assert "<resource-constraint" in private("b")
        assert "error" not in node("a", "publish") and "error" not in node("a", "publish")
        assert "<resource-constraint" in node("b", "publish")
        assert "error" not in node("a", "retract")
        assert "error" not in node("b", "publish")
        assert "error" not in answer("<prefs xmlns='urn:xmpp:mam:2' default='never'/>")
        bob.socket.close()
    await asyncio.to_thread(keep)
    await asyncio.to_thread(server.stop)
    configured(server, "  storage: {offline_messages: 3, nodes: 2KiB}\n")
    alice = await Client(server, "alice", "b").enter()
    for n in range(5):
        alice.send_message("bob@localhost", str(n), mtype="chat")
    await alice.until(lambda: alice.events.count("error:service-unavailable") == 2, "two messages that come back")
    bob = await Client(server, "bob", "b").enter()
    await bob.got("2")
    assert await bob["xep_0199"].ping("localhost") >= 0
    assert bob.bodies() == ["0", "1", "2"], bob.bodies()


async def whoever_was_away_for_long_gets_all_at_his_pace(server):
    """More than a client may leave unread at once."""
    configured(server, "  limits: {bytes_per_second: 0}\n")
    alice = await Client(server, "alice", "a").enter()
    for n in range(400):
        alice.send_message("bob@localhost", f"{n} " + "x" * 20_000, mtype="chat")
    await alice.acknowledged()
    bob = await Client(server, "bob", "b").enter()
    await bob.until(lambda: len(bob.messages) == 400, "all messages")
    assert [body.split()[0] for body in bob.bodies()] == [str(n) for n in range(400)]
    assert bob.events.count("session_start") == 1 and "disconnected" not in bob.events, bob.events
    await bob.leave()
    bob = await Client(server, "bob", "b").enter()
    assert await bob["xep_0199"].ping("localhost") >= 0
    assert bob.bodies() == [], "they come once"
