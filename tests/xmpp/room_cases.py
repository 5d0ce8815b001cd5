"""What users of slixmpp see of rooms (XEP-0045): cases of slixmpp_test.py."""

import asyncio
import signal
import xml.etree.ElementTree as ET

from harness import PATIENCE, Client
from slixmpp.exceptions import IqError, PresenceError

ROOM = "coven@conference.localhost"
PLUGINS = ("xep_0045", "xep_0313", "xep_0203", "xep_0359")
CONFIG = "http://jabber.org/protocol/muc#roomconfig"


async def come(server, user, resource):
    client = Client(server, user, resource, plugins=PLUGINS)
    client.add_event_handler("groupchat_presence", client.take_presence)
    return await client.enter()


async def join(client, nick, room=ROOM, **how):
    return await client["xep_0045"].join_muc_wait(room, nick, timeout=PATIENCE, **how)


async def configure(client, room=ROOM, **fields):
    """Submits the form; without fields the room is as the server makes it."""
    form = "".join(f"<field var='muc#roomconfig_{name}'><value>{value}</value></field>"
                   for name, value in fields.items())
    iq = client.make_iq_set(ito=room)
    iq.append(ET.fromstring("<query xmlns='http://jabber.org/protocol/muc#owner'><x xmlns='jabber:x:data' "
                            f"type='submit'><field var='FORM_TYPE' type='hidden'><value>{CONFIG}</value>"
                            f"</field>{form}</x></query>"))
    await iq.send(timeout=PATIENCE)


def say(client, body, room=ROOM):
    client.send_message(room, body, mtype="groupchat")


async def refused(condition, asked):
    try:
        await asked
    except (IqError, PresenceError) as error:
        assert error.condition == condition, error
    else:
        raise AssertionError(f"was not refused with {condition}")


async def rooms_are_made_and_talked_in(server):
    server.start()
    alice, bob = await come(server, "alice", "a"), await come(server, "bob", "b")
    rooms = (await alice["xep_0030"].get_items("localhost"))["disco_items"]["items"]
    assert ("conference.localhost", None, "Rooms") in {tuple(i) for i in rooms}, rooms
    info = (await alice["xep_0030"].get_info("conference.localhost"))["disco_info"]
    assert "http://jabber.org/protocol/muc" in info["features"], info["features"]
    await join(alice, "alice")
    await refused("item-not-found", join(bob, "bob"))  # until it is configured
    await configure(alice, roomname="The coven")
    await join(bob, "bob")
    await alice.sees(f"{ROOM}/bob", "available")
    for i in range(100):
        say(alice, f"a{i}")
        say(bob, f"b{i}")
    await alice.got("b99")
    await bob.got("b99")
    await alice.got("a99")
    await bob.got("a99")
    assert alice.bodies() == bob.bodies() and len(bob.bodies()) == 200, "all hear the same in the same order"
    items = (await bob["xep_0030"].get_items("conference.localhost"))["disco_items"]["items"]
    assert {tuple(i) for i in items} == {(ROOM, None, "The coven")}, items
    bob.send_message(f"{ROOM}/alice", "for you alone", mtype="chat")
    await alice.got("for you alone")
    assert await bob["xep_0199"].ping(f"{ROOM}/bob") >= 0  # XEP-0410
    bob["xep_0045"].leave_muc(ROOM, "bob")
    await alice.sees(f"{ROOM}/bob", "unavailable")
    await refused("not-acceptable", bob["xep_0199"].send_ping(f"{ROOM}/bob"))
    alice["xep_0045"].leave_muc(ROOM, "alice")
    await refused("item-not-found", alice["xep_0199"].send_ping(ROOM))
    items = (await bob["xep_0030"].get_items("conference.localhost"))["disco_items"]["items"]
    assert not list(items), "a temporary room ends with the last one in it"
    await refused("item-not-found", bob["xep_0030"].get_info(ROOM))
    await alice.leave()
    await bob.leave()


async def rooms_tell_what_was_said(server):
    """The subject, the history, and the archive."""
    server.start()
    alice, bob = await come(server, "alice", "a"), await come(server, "bob", "b")
    await join(alice, "alice")
    await configure(alice)
    alice["xep_0045"].set_subject(ROOM, "Toil and trouble")
    for i in range(30):
        say(alice, f"{i}")
    await alice.got("29")
    _, subject, occupants, history = await join(bob, "bob", maxstanzas=5)
    assert subject["subject"] == "Toil and trouble", subject
    assert [p["from"].resource for p in occupants] == ["alice", "bob"], occupants
    assert [m["body"] for m in history] == [str(i) for i in range(25, 30)], history
    seen, after = [], None
    while True:
        page = await bob["xep_0313"].retrieve(ROOM, rsm={"max": "11", "after": after} if after else {"max": "11"})
        for result in page["mam"]["results"]:
            message = result["mam_result"]["forwarded"]["message"]
            assert message["from"].full == f"{ROOM}/alice", message
            seen.append(message["body"] or message["subject"])
        after = page["mam_fin"]["rsm"]["last"]
        if page.xml.find("{urn:xmpp:mam:2}fin").get("complete") == "true":
            break
    assert seen == ["Toil and trouble"] + [str(i) for i in range(30)], seen
    await alice.leave()
    await bob.leave()


async def rooms_are_kept_over_a_restart(server):
    server.start()
    alice, bob = await come(server, "alice", "a"), await come(server, "bob", "b")
    await join(alice, "alice")
    await configure(alice, persistentroom=1, roomname="Kept", membersonly=1)
    await alice["xep_0045"].set_affiliation(ROOM, "member", jid="bob@localhost")
    alice["xep_0045"].set_subject(ROOM, "Still here")
    await join(alice, "brief", room="brief@conference.localhost")
    await configure(alice, room="brief@conference.localhost")
    say(alice, "soon forgotten", room="brief@conference.localhost")
    for i in range(10):
        say(alice, f"{i}")
    await alice.got("9")
    await alice.acknowledged()
    server.stop(signal.SIGKILL)
    server.start()
    alice, bob = await come(server, "alice", "a"), await come(server, "bob", "b")
    items = (await alice["xep_0030"].get_items("conference.localhost"))["disco_items"]["items"]
    assert {tuple(i) for i in items} == {(ROOM, None, "Kept")}, items
    _, subject, _, history = await join(bob, "bob", maxstanzas=100)
    assert subject["subject"] == "Still here", subject
    assert [m["body"] for m in history] == [str(i) for i in range(10)], history
    await join(alice, "alice")
    page = await alice["xep_0313"].retrieve(ROOM)
    assert len(list(page["mam"]["results"])) == 11
    await join(alice, "brief", room="brief@conference.localhost")
    await configure(alice, room="brief@conference.localhost")
    page = await alice["xep_0313"].retrieve("brief@conference.localhost")
    assert not list(page["mam"]["results"]), "another room of that name has nothing of the first"
    await alice["xep_0045"].destroy(ROOM, reason="done")
    await bob.sees(f"{ROOM}/bob", "unavailable")
    await refused("item-not-found", bob["xep_0030"].get_info(ROOM))
    server.stop(signal.SIGKILL)
    server.start()
    bob = await come(server, "bob", "b")
    await refused("item-not-found", bob["xep_0030"].get_info(ROOM))
    await bob.leave()


async def rooms_keep_strangers_out(server):
    server.start()
    alice, bob = await come(server, "alice", "a"), await come(server, "bob", "b")
    await join(alice, "alice")
    await configure(alice, membersonly=1)
    await refused("registration-required", join(bob, "bob"))
    await refused("forbidden", bob["xep_0313"].retrieve(ROOM))
    await configure(alice, membersonly=0, passwordprotectedroom=1, roomsecret="cauldron")
    await refused("not-authorized", join(bob, "bob"))
    await join(bob, "bob", password="cauldron")
    await alice["xep_0045"].set_role(ROOM, "bob", "none", reason="out")
    await bob.sees(f"{ROOM}/bob", "unavailable")
    bob.presences.clear()
    await join(bob, "bob", password="cauldron")
    await alice["xep_0045"].set_affiliation(ROOM, "outcast", jid="bob@localhost")
    await bob.sees(f"{ROOM}/bob", "unavailable")
    await refused("forbidden", join(bob, "bob", password="cauldron"))
    say(bob, "let me in")
    await bob.seen("error:not-acceptable")
    await alice.leave()
    await bob.leave()


async def rooms_notice_who_has_gone(server):
    """Sessions that end are in no room any more; those that can be resumed are."""
    server.start()
    alice, bob = await come(server, "alice", "a"), await come(server, "bob", "b")
    await join(alice, "alice")
    await configure(alice)
    await join(bob, "bob")
    bob.abort()
    await bob.seen("disconnected")
    for i in range(10):
        say(alice, f"meanwhile {i}")
    await alice.got("meanwhile 9")
    assert (f"{ROOM}/bob", "unavailable") not in alice.presences
    bob.reach()
    await bob.seen("session_resumed")
    await bob.got("meanwhile 9")
    assert bob.bodies() == [f"meanwhile {i}" for i in range(10)], bob.bodies()
    await bob.leave()
    await alice.sees(f"{ROOM}/bob", "unavailable")
    await alice.leave()


async def rooms_lose_nothing_when_processes_are_killed(server):
    server.start()
    alice, bob = await come(server, "alice", "a"), await come(server, "bob", "b")
    await join(alice, "alice")
    await configure(alice, persistentroom=1)
    await join(bob, "bob")
    sent = 0
    for name in ("muc:coven", "muc_events:coven", "keeper", "user:bob", "muc_sup", "muc_events_sup",
                 "muc:coven", "user:alice", "muc", "muc_events:coven"):
        for _ in range(50):
            say(alice, f"{sent}")
            sent += 1
        await server.kill(name)
        for _ in range(50):
            say(alice, f"{sent}")
            sent += 1
        await bob.got(str(sent - 1))
        await alice.got(str(sent - 1))
    everything = [str(i) for i in range(sent)]
    assert bob.bodies() == everything and alice.bodies() == everything, "all, in order, each once"
    assert "disconnected" not in alice.events + bob.events, "nobody noticed"
    await alice.acknowledged()
    assert await bob["xep_0199"].ping(f"{ROOM}/bob") >= 0, "nobody has lost his place"
    seen, after = [], None
    while True:
        page = await bob["xep_0313"].retrieve(ROOM, rsm={"max": "200", "after": after} if after else {"max": "200"})
        seen += [r["mam_result"]["forwarded"]["message"]["body"] for r in page["mam"]["results"]]
        after = page["mam_fin"]["rsm"]["last"]
        if page.xml.find("{urn:xmpp:mam:2}fin").get("complete") == "true":
            break
    assert seen == everything, "the archive has all, in order, each once"
    others = [asyncio.ensure_future(join(bob, f"bob{i}", room=f"r{i}@conference.localhost")) for i in range(20)]
    assert await alice["xep_0199"].ping("localhost") >= 0
    await server.kill("muc_sup")
    await asyncio.gather(*others)  # nobody waits in vain at a door
    await alice.leave()
    await bob.leave()
