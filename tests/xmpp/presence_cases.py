"""Presence, on its way through a user's event manager: cases of slixmpp_test.py."""

from harness import Client
from slixmpp.exceptions import IqError


async def shows(client, other, text, in_order=True):
    """Whatever has happened: what a client shows comes, and a message sent at once comes behind it."""
    other.presences.clear()
    other.heard.clear()
    client.send_presence(pshow=text)
    client.send_message(other.boundjid.bare, text, mtype="chat")
    await other.sees(client.boundjid.full, text)
    await other.until(lambda: other.bodies()[-1:] == [text], f"the message {text!r}")
    assert not in_order or other.heard == [text, "message"], other.heard


def listens(client):
    """Notes in which order presence and messages come."""
    client.heard = []
    client.add_event_handler("presence", lambda p: client.heard.append(p["type"]))
    client.add_event_handler("message", lambda _: client.heard.append("message"))
    return client


async def presence_survives_the_processes_it_goes_through(server):
    server.start()
    alice = await Client(server, "alice", "a").enter()
    assert not server.pids("presence:alice"), "nobody sees her yet"
    bob = listens(await Client(server, "bob", "b").enter())
    alice.send_presence_subscription("bob@localhost")
    await alice.sees("bob@localhost/b", "available")
    await bob.sees("alice@localhost/a", "available")
    await shows(alice, bob, "away")
    for name in ("presence:alice", "user:alice", "user:bob", "presence_events_sup", "presence:alice"):
        for text in ("dnd", "xa"):
            await server.kill(name)
            await shows(alice, bob, text, in_order=name != "user:bob")  # his next process asks again for what is lost
            await shows(alice, bob, "away", in_order=name != "user:bob")
    assert "disconnected" not in alice.events + bob.events, "nobody noticed"
    await bob.leave()
    bob = listens(await Client(server, "bob", "c").enter())
    await bob.sees("alice@localhost/a", "away")
    await shows(alice, bob, "chat")
    await alice.leave()
    await bob.sees("alice@localhost/a", "unavailable")
    assert not server.pids("presence:alice"), "she has gone"
    await bob.leave()


async def presence_is_for_who_may_see_it(server):
    server.start()
    alice = await Client(server, "alice", "a", plugins=("xep_0191",)).enter()
    bob = listens(await Client(server, "bob", "b").enter())
    carol = listens(await Client(server, "carol", "c").enter())
    for other in (bob, carol):
        alice.send_presence_subscription(other.boundjid.bare)
        await alice.sees(other.boundjid.full, "available")
        await other.sees("alice@localhost/a", "available")
    await alice["xep_0191"].block("bob@localhost")
    await bob.sees("alice@localhost/a", "unavailable")
    bob.presences.clear()
    await shows(alice, carol, "away")
    assert not bob.presences, "who is blocked hears no more"
    await alice["xep_0191"].unblock("bob@localhost")
    await bob.sees("alice@localhost/a", "away")
    await shows(alice, bob, "dnd")
    alice.send_presence(pto="carol@localhost", ptype="unsubscribed")
    await carol.sees("alice@localhost/a", "unavailable")
    carol.presences.clear()
    await shows(alice, bob, "xa")
    assert not carol.presences, "who is no longer subscribed hears no more"


async def strangers_do_not_learn_who_is_there(server):
    """By an iq to a full address (RFC 6121, section 8.5.3.1), or a probe."""
    server.start()
    alice = await Client(server, "alice", "a").enter()
    bob = await Client(server, "bob", "b").enter()
    carol = await Client(server, "carol", "c").enter()

    async def answers(asker, whom):
        try:
            await asker["xep_0199"].send_ping(whom)
            return "result"
        except IqError as error:
            return error.iq["error"]["condition"]
    alice.send_presence_subscription("bob@localhost")
    await alice.sees("bob@localhost/b", "available")
    await bob.sees("alice@localhost/a", "available")
    assert await answers(bob, "alice@localhost/a") == "result"
    assert await answers(bob, "alice@localhost/nowhere") == "service-unavailable"
    assert await answers(carol, "alice@localhost/a") == "service-unavailable"
    carol.send_presence(pto="alice@localhost", ptype="probe")
    assert await answers(alice, "carol@localhost/c") == "service-unavailable"
    assert not [who for who, _ in carol.presences if who.startswith("alice")], carol.presences
    alice.send_presence(pto="carol@localhost")
    await carol.sees("alice@localhost/a", "available")
    assert await answers(carol, "alice@localhost/a") == "result"
