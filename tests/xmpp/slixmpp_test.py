"""What a user of slixmpp sees of the messaging server. `slixmpp_test.py --program PROGRAM CASE`."""

import argparse
import asyncio
import os
import re
import signal
import ssl
import subprocess
import sys
import xml.etree.ElementTree as ET

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from admin_cases import *  # noqa: E402,F401,F403
from exchange_cases import *  # noqa: E402,F401,F403
from metrics_cases import *  # noqa: E402,F401,F403
from operation_cases import *  # noqa: E402,F401,F403
from pass_cases import *  # noqa: E402,F401,F403
from presence_cases import *  # noqa: E402,F401,F403
from registration_cases import *  # noqa: E402,F401,F403
from reload_cases import *  # noqa: E402,F401,F403
from terminal_cases import *  # noqa: E402,F401,F403
from harness import Client, Server  # noqa: E402
from hostile_cases import *  # noqa: E402,F401,F403
from room_cases import *  # noqa: E402,F401,F403
from upload_cases import *  # noqa: E402,F401,F403
from slixmpp.exceptions import IqError  # noqa: E402


async def signs_in_by_each_mechanism(server):
    server.start()
    # slixmpp knows the binding of TLS 1.2 only, and gives up where it is offered another.
    old, new = ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3
    for mechanism, version in (("SCRAM-SHA-256-PLUS", old), ("SCRAM-SHA-1-PLUS", old), ("PLAIN", new)):
        client = Client(server, "alice", mechanism=mechanism)
        client.ssl_context.maximum_version = version
        await client.enter()
        assert client.boundjid.bare == "alice@localhost", client.boundjid
        await client.leave()


async def refuses_wrong_passwords(server):
    server.start()
    for user, password in (("alice", "wrong"), ("nobody", "pw-nobody")):
        client = Client(server, user, password=password)
        client.reach()
        await client.seen("failed_all_auth")
        client.abort()
    code, said = server.account("passwd", "alice", "another\n")
    assert code == 0, said
    await (await Client(server, "alice", password="another").enter()).leave()
    code, said = server.account("add", "alice", "x\n")
    assert code == 1 and "already an account alice@localhost" in said, said
    code, said = server.account("add", "b ad", "x\n")
    assert code == 1 and "b ad" in said, said


async def tls_from_the_start(server):
    server.start()
    alice = await Client(server, "alice").enter("tls")
    assert await alice["xep_0199"].ping("localhost") >= 0
    await alice.leave()


async def messages_go_both_ways(server):
    server.start()
    alice = await Client(server, "alice", "a").enter()
    bob = await Client(server, "bob", "b").enter()
    alice.send_message("bob@localhost", "to all of bob", mtype="chat")
    await bob.got("to all of bob")
    assert bob.messages[0]["from"].full == "alice@localhost/a"
    bob.send_message("alice@localhost/a", "to one of alice", mtype="chat")
    await alice.got("to one of alice")
    for i in range(200):
        alice.send_message("bob@localhost", f"{i}", mtype="chat")
    await bob.got("199")
    assert bob.bodies()[1:] == [str(i) for i in range(200)], "in order, each once"
    alice.send_message("alice@localhost", "to myself", mtype="chat")
    await alice.got("to myself")
    alice.send_message("nobody@localhost", "is there somebody?", mtype="chat")
    await alice.seen("error:service-unavailable")
    alice.send_message("somebody@elsewhere.example", "far away", mtype="chat")
    await alice.seen("error:remote-server-not-found")
    await alice.leave()
    await bob.leave()


async def messages_wait_for_who_is_away(server):
    server.start()
    alice = await Client(server, "alice", "a").enter()
    for i in range(20):
        alice.send_message("bob@localhost", f"{i}", mtype="chat")
    await alice.acknowledged()
    alice.abort()
    server.stop(signal.SIGKILL)
    server.start()
    bob = await Client(server, "bob", "b", plugins=("xep_0203",)).enter()
    await bob.got("19")
    assert bob.bodies() == [str(i) for i in range(20)], bob.bodies()
    assert bob.messages[0]["delay"]["stamp"] is not None
    await bob.leave()
    bob = await Client(server, "bob", "b").enter()
    assert await bob["xep_0199"].ping("localhost") >= 0
    assert bob.bodies() == [], "they come once"
    await bob.leave()


async def messages_reach_who_comes_just_now(server):
    """Sent while the receiver's first presence is on its way: they are neither given nor waiting yet."""
    server.start()
    alice = await Client(server, "alice", "a").enter()
    for i in range(20):
        bob = Client(server, "bob", "b")
        bob.reach()
        await bob.seen("session_start")
        bob.send_presence()
        alice.send_message("bob@localhost", f"{i}", mtype="chat")
        await bob.got(f"{i}")
        await bob.leave()
    await alice.leave()


async def subscriptions_and_presence(server):
    server.start()
    alice = await Client(server, "alice", "a").enter()
    bob = await Client(server, "bob", "b").enter()
    alice.send_presence_subscription("bob@localhost")  # slixmpp grants it, and asks back
    await alice.sees("bob@localhost/b", "available")
    await bob.sees("alice@localhost/a", "available")
    alice.send_presence(pshow="away", pstatus="gone for lunch")
    await bob.sees("alice@localhost/a", "away")
    bob.presences.clear()
    alice.abort()  # without a word: the session can be resumed, bob sees nothing yet
    other = await Client(server, "alice", "other").enter()
    await bob.sees("alice@localhost/other", "available")
    await other.leave()
    await bob.sees("alice@localhost/other", "unavailable")
    assert ("alice@localhost/a", "unavailable") not in bob.presences
    await bob.leave()


async def roster_is_kept_over_a_restart(server):
    server.start()
    alice = await Client(server, "alice", "a").enter()
    bob = await Client(server, "bob", "b").enter()
    alice.send_presence_subscription("bob@localhost")
    await alice.sees("bob@localhost/b", "available")
    await bob.sees("alice@localhost/a", "available")
    await alice.update_roster("bob@localhost", name="Bob", groups=["Friends & \"others\"", "<work>"])
    alice.abort()
    bob.abort()
    server.stop(signal.SIGKILL)
    server.start()
    alice = await Client(server, "alice", "a").enter()
    item = alice.client_roster["bob@localhost"]
    assert item["subscription"] == "both", item["subscription"]
    assert item["name"] == "Bob" and set(item["groups"]) == {"Friends & \"others\"", "<work>"}, item["groups"]
    bob = await Client(server, "bob", "b").enter()
    await alice.sees("bob@localhost/b", "available")
    await bob.sees("alice@localhost/a", "available")
    await alice.del_roster_item("bob@localhost")
    await bob.sees("alice@localhost/a", "unavailable")
    await alice.leave()
    await bob.leave()


async def copies_to_other_clients(server):
    server.start()
    phone = await Client(server, "alice", "phone", plugins=("xep_0280",)).enter()
    desk = await Client(server, "alice", "desk", plugins=("xep_0280",)).enter()
    bob = await Client(server, "bob", "b").enter()
    copies = {"sent": [], "received": []}

    def take(kind):
        def note(message):
            copies[kind].append(message[f"carbon_{kind}"]["body"])
            phone.changed.set()
        return note
    phone.add_event_handler("carbon_sent", take("sent"))
    phone.add_event_handler("carbon_received", take("received"))
    await phone["xep_0280"].enable()
    desk.send_message("bob@localhost", "from the desk", mtype="chat")
    await phone.until(lambda: copies["sent"] == ["from the desk"], "the copy of what was sent")
    await bob.got("from the desk")
    bob.send_message("alice@localhost/desk", "to the desk", mtype="chat")
    await phone.until(lambda: copies["received"] == ["to the desk"], "the copy of what came")
    await desk.got("to the desk")
    for client in (phone, desk, bob):
        await client.leave()


async def a_lost_connection_is_resumed(server):
    server.start()
    alice = await Client(server, "alice", "a").enter()
    bob = await Client(server, "bob", "b").enter()
    alice.send_message("bob@localhost", "before", mtype="chat")
    await bob.got("before")
    bob.abort()
    await bob.seen("disconnected")
    for i in range(10):
        alice.send_message("bob@localhost", f"meanwhile {i}", mtype="chat")
    await alice["xep_0199"].ping("localhost")
    assert "session_resumed" not in bob.events
    bob.reach()
    await bob.seen("session_resumed")
    await bob.got("meanwhile 9")
    assert bob.bodies() == ["before"] + [f"meanwhile {i}" for i in range(10)], bob.bodies()
    assert bob.events.count("session_start") == 1
    await alice.leave()
    await bob.leave()


async def the_same_resource_takes_over(server):
    server.start()
    first = await Client(server, "alice", "a").enter()
    second = await Client(server, "alice", "a").enter()
    await first.seen("stream_error:conflict")
    first.abort()
    assert second.boundjid.full == "alice@localhost/a"
    await second.leave()


async def answers_what_every_server_answers(server):
    server.start()
    alice = await Client(server, "alice", "a", plugins=("xep_0092", "xep_0202")).enter()
    version = await alice["xep_0092"].get_version("localhost")
    assert version["software_version"]["name"] == "Coppice"
    time = await alice["xep_0202"].get_entity_time("localhost")
    said = time.xml.find("{urn:xmpp:time}time/{urn:xmpp:time}utc").text  # what slixmpp makes of it fails
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", said), said
    iq = alice.make_iq_get(queryxmlns="urn:example:unknown", ito="localhost")
    try:
        await iq.send()
        raise AssertionError("an unknown request was answered")
    except IqError as error:
        assert error.condition == "service-unavailable", error
    await alice.leave()


async def says_what_it_can_do(server):
    server.start()
    alice = await Client(server, "alice", "a").enter()
    info = (await alice["xep_0030"].get_info("localhost"))["disco_info"]
    assert ("server", "im", None, "Coppice") in info["identities"], info["identities"]
    assert {"urn:xmpp:ping", "urn:xmpp:blocking", "urn:xmpp:carbons:2"} <= info["features"], info["features"]
    own = (await alice["xep_0030"].get_info("alice@localhost"))["disco_info"]
    assert {"urn:xmpp:mam:2", "urn:xmpp:mam:2#extended"} <= own["features"], own["features"]
    try:
        await alice["xep_0030"].get_info("bob@localhost")
        raise AssertionError("a stranger's account was shown")
    except IqError as error:
        assert error.condition == "service-unavailable", error
    await alice.leave()


async def archive_is_paged_through(server):
    server.start()
    alice = await Client(server, "alice", "a", plugins=("xep_0313",)).enter()
    bob = await Client(server, "bob", "b", plugins=("xep_0313",)).enter()
    for i in range(30):
        alice.send_message("bob@localhost", f"{i}", mtype="chat")
    await bob.got("29")
    await alice.acknowledged()
    bob.send_message("alice@localhost", "back", mtype="chat")
    await alice.got("back")
    await bob.acknowledged()
    server.stop(signal.SIGKILL)
    server.start()
    alice = await Client(server, "alice", "a", plugins=("xep_0313",)).enter()
    bob = await Client(server, "bob", "b", plugins=("xep_0313",)).enter()
    for client, other in ((alice, "bob@localhost"), (bob, "alice@localhost")):
        seen, after = [], None
        while True:
            page = await client["xep_0313"].retrieve(with_jid=other, rsm={"max": "7", "after": after} if after
                                                     else {"max": "7"})
            seen += [r["mam_result"]["forwarded"]["message"]["body"] for r in page["mam"]["results"]]
            after = page["mam_fin"]["rsm"]["last"]
            if page.xml.find("{urn:xmpp:mam:2}fin").get("complete") == "true":
                break
        assert seen == [str(i) for i in range(30)] + ["back"], seen
    none = await alice["xep_0313"].retrieve(with_jid="nobody@localhost")
    assert not list(none["mam"]["results"])
    live = bob.messages[0] if bob.messages else None
    assert live is None, "what was acknowledged does not come again"
    await alice.leave()
    await bob.leave()


async def blocked_contacts_find_nobody(server):
    server.start()
    alice = await Client(server, "alice", "a", plugins=("xep_0191",)).enter()
    bob = await Client(server, "bob", "b").enter()
    alice.send_presence_subscription("bob@localhost")
    await alice.sees("bob@localhost/b", "available")
    await bob.sees("alice@localhost/a", "available")
    await alice["xep_0191"].block("bob@localhost")
    await bob.sees("alice@localhost/a", "unavailable")
    bob.send_message("alice@localhost", "unheard", mtype="chat")
    await bob.seen("error:service-unavailable")
    alice.send_message("bob@localhost", "not said", mtype="chat")
    await alice.seen("error:not-acceptable")
    blocked = (await alice["xep_0191"].get_blocked())["blocklist"]["items"]
    assert {str(b) for b in blocked} == {"bob@localhost"}, blocked
    bob.presences.clear()
    await alice["xep_0191"].unblock("bob@localhost")
    await bob.sees("alice@localhost/a", "available")
    bob.send_message("alice@localhost", "heard again", mtype="chat")
    await alice.got("heard again")
    assert "unheard" not in alice.bodies() and "not said" not in bob.bodies()
    await alice.leave()
    await bob.leave()


async def keeps_what_clients_give_it(server):
    """Private XML (0049) and vCards (0054)."""
    server.start()
    alice = await Client(server, "alice", "a", plugins=("xep_0049", "xep_0054")).enter()
    card = alice["xep_0054"].make_vcard()
    card["NICKNAME"] = "Al <&> Ice"
    await alice["xep_0054"].publish_vcard(card)
    iq = alice.make_iq_set()
    iq.append(ET.fromstring("<query xmlns='jabber:iq:private'><x xmlns='urn:example:x'><y a='1'>z</y></x></query>"))
    await iq.send()
    await alice.leave()
    server.stop(signal.SIGKILL)
    server.start()
    alice = await Client(server, "alice", "a", plugins=("xep_0049", "xep_0054")).enter()
    iq = alice.make_iq_get()
    iq.append(ET.fromstring("<query xmlns='jabber:iq:private'><x xmlns='urn:example:x'/></query>"))
    answer = await iq.send()
    assert answer.xml.find(".//{urn:example:x}y").text == "z", answer
    bob = await Client(server, "bob", "b", plugins=("xep_0054",)).enter()
    seen = await bob["xep_0054"].get_vcard("alice@localhost")
    assert str(seen["vcard_temp"]["NICKNAME"]) in ("Al <&> Ice", "['Al <&> Ice']"), seen
    await alice.leave()
    await bob.leave()


async def inactive_clients_are_spared(server):
    server.start()
    alice = await Client(server, "alice", "a", plugins=("xep_0352",)).enter()
    bob = await Client(server, "bob", "b").enter()
    bob.send_presence_subscription("alice@localhost")
    await alice.sees("bob@localhost/b", "available")
    await bob.sees("alice@localhost/a", "available")
    alice["xep_0352"].send_inactive()
    await alice["xep_0199"].ping("localhost")
    alice.presences.clear()
    for show in ("away", "xa", "dnd"):
        bob.send_presence(pshow=show)
    await bob["xep_0199"].ping("localhost")
    await alice["xep_0199"].ping("localhost")  # an answer to her own question cannot wait, and takes the rest along
    await alice.sees("bob@localhost/b", "dnd")
    assert alice.presences == [("bob@localhost/b", "dnd")], alice.presences
    alice["xep_0352"].send_active()
    bob.send_presence(pshow="chat")
    await alice.sees("bob@localhost/b", "chat")
    await alice.leave()
    await bob.leave()


PUBSUB = "http://jabber.org/protocol/pubsub"
EVENT = "{http://jabber.org/protocol/pubsub#event}"
NICK = "http://jabber.org/protocol/nick"


async def listener(server, user, resource, *nodes, plugins=()):
    """A client that says by its capabilities which nodes it wants to hear of, and notes what it hears."""
    client = Client(server, user, resource, plugins=("xep_0060", "xep_0163", "xep_0115", "xep_0004", *plugins))
    client.heard = []

    def note(message):
        items = message.xml.find(f"{EVENT}event/{EVENT}items")
        for item in items:
            text = "".join(item.itertext()) if item.tag == f"{EVENT}item" else "retracted"
            client.heard.append((message["from"].full, items.get("node"), item.get("id"), text))
        client.changed.set()
    client.add_event_handler("pubsub_publish", note)
    client.add_event_handler("pubsub_retract", note)
    await client.enter(presence=False)
    for node in nodes:
        client["xep_0163"].add_interest(node)
    await client["xep_0115"].update_caps(broadcast=False)
    client.send_presence()
    await client.sees(client.boundjid.full, "available")
    return client


async def hears(client, who, node, text):
    await client.until(lambda: any((h[0], h[1], h[3]) == (who, node, text) for h in client.heard),
                       f"{text!r} at {node} of {who}, heard {client.heard}")


async def publish(client, node, text, item="current", options=None, to=None):
    payload = ET.fromstring(f"<x xmlns='urn:example:payload'>{text}</x>")
    form = None
    if options:
        form = client["xep_0004"].make_form("submit")
        form.add_field("FORM_TYPE", ftype="hidden", value=f"{PUBSUB}#publish-options")
        for name, value in options.items():
            form.add_field(f"pubsub#{name}", value=value)
    return await client["xep_0060"].publish(to, node, id=item, payload=payload, options=form)


async def befriend(alice, bob):
    alice.send_presence_subscription("bob@localhost")  # slixmpp grants it, and asks back
    await alice.sees("bob@localhost/b", "available")
    await bob.sees("alice@localhost/a", "available")


async def refused(request, condition):
    try:
        await request
    except IqError as error:
        assert error.condition == condition, error
        return
    raise AssertionError(f"not refused with {condition}")


async def items_of(client, who, node):
    answer = await client["xep_0060"].get_items(who, node)
    found = answer.xml.findall(f".//{{{PUBSUB}}}item")
    return [(item.get("id"), "".join(item.itertext())) for item in found]


async def pep_tells_who_wants_to_know(server):
    """XEP-0163, 4.3: the own clients and those of contacts, by their capabilities."""
    server.start()
    alice = await listener(server, "alice", "a", NICK, plugins=("xep_0191",))
    deaf = await listener(server, "alice", "deaf", "urn:example:other")
    bob = await listener(server, "bob", "b", NICK)
    stranger = await listener(server, "carol", "c", NICK)
    await befriend(alice, bob)
    await publish(alice, NICK, "Al")
    await hears(alice, "alice@localhost", NICK, "Al")
    await hears(bob, "alice@localhost", NICK, "Al")
    await publish(alice, NICK, "Ally")
    await hears(bob, "alice@localhost", NICK, "Ally")
    await alice["xep_0060"].retract("alice@localhost", NICK, "current", notify="true")
    await hears(bob, "alice@localhost", NICK, "retracted")
    assert [h[3] for h in bob.heard] == ["Al", "Ally", "retracted"], bob.heard
    for client in (deaf, stranger):
        await client["xep_0199"].ping("localhost")
        assert client.heard == [], client.heard
    await alice["xep_0191"].block("bob@localhost")
    await publish(alice, NICK, "Unheard")
    await bob["xep_0199"].ping("localhost")
    assert len(bob.heard) == 3, bob.heard
    for client in (alice, deaf, bob, stranger):
        await client.leave()


async def pep_last_item_for_who_comes(server):
    server.start()
    alice = await listener(server, "alice", "a")
    bob = await listener(server, "bob", "b")
    await befriend(alice, bob)
    await publish(alice, NICK, "Al")
    bob2 = await listener(server, "bob", "later", NICK)  # a kind of client that is not known yet
    await hears(bob2, "alice@localhost", NICK, "Al")
    bob3 = await listener(server, "bob", "latest", NICK)  # and one that is
    await hears(bob3, "alice@localhost", NICK, "Al")
    alice2 = await listener(server, "alice", "later", NICK)
    await hears(alice2, "alice@localhost", NICK, "Al")
    for client in (alice, alice2, bob, bob2, bob3):
        await client.leave()
    server.stop(signal.SIGKILL)
    server.start()
    bob = await listener(server, "bob", "b", NICK)
    alice = await listener(server, "alice", "a")  # who comes later tells those who are there
    await hears(bob, "alice@localhost", NICK, "Al")
    assert bob.heard == [("alice@localhost", NICK, "current", "Al")], bob.heard
    await alice.leave()
    await bob.leave()


async def pep_access_models(server):
    """XEP-0060, 6.1.3: open, presence, roster, whitelist."""
    server.start()
    alice = await listener(server, "alice", "a")
    bob = await listener(server, "bob", "b")
    carol = await listener(server, "carol", "c")
    await befriend(alice, bob)
    for model in ("open", "presence", "whitelist"):
        await publish(alice, f"urn:example:{model}", model, options={"access_model": model})
    assert await items_of(carol, "alice@localhost", "urn:example:open") == [("current", "open")]
    assert await items_of(bob, "alice@localhost", "urn:example:presence") == [("current", "presence")]
    assert await items_of(alice, "alice@localhost", "urn:example:whitelist") == [("current", "whitelist")]
    await refused(items_of(carol, "alice@localhost", "urn:example:presence"), "not-authorized")
    await refused(items_of(bob, "alice@localhost", "urn:example:whitelist"), "not-allowed")
    await refused(items_of(bob, "alice@localhost", "urn:example:none"), "item-not-found")
    await refused(publish(bob, "urn:example:open", "not his", to="alice@localhost"), "forbidden")
    names = {i[1] for i in (await bob["xep_0030"].get_items("alice@localhost"))["disco_items"]["items"]}
    assert names == {"urn:example:open", "urn:example:presence"}, names
    # Who subscribes in so many words needs no capability, and no roster.
    await carol["xep_0060"].subscribe("alice@localhost", "urn:example:open")
    await hears(carol, "alice@localhost", "urn:example:open", "open")
    await publish(alice, "urn:example:open", "news")
    await hears(carol, "alice@localhost", "urn:example:open", "news")
    await carol["xep_0060"].unsubscribe("alice@localhost", "urn:example:open")
    await publish(alice, "urn:example:open", "unheard")
    await carol["xep_0199"].ping("localhost")
    assert [h[3] for h in carol.heard] == ["open", "news"], carol.heard
    for client in (alice, bob, carol):
        await client.leave()


async def pep_private_data(server):
    """XEP-0223: what publishers expect of the node, over a kill of the program."""
    server.start()
    alice = await listener(server, "alice", "a")
    private = {"persist_items": "true", "access_model": "whitelist", "max_items": "max"}
    for i in range(3):
        await publish(alice, "urn:example:private", f"{i}", item=f"item {i}", options=private)
    await refused(publish(alice, "urn:example:private", "x", options={"access_model": "open"}), "conflict")
    config = await alice["xep_0060"].get_node_config(None, "urn:example:private")
    assert config["pubsub_owner"]["configure"]["form"].get_values()["pubsub#access_model"] == "whitelist", config
    alice.abort()
    server.stop(signal.SIGKILL)
    server.start()
    alice = await listener(server, "alice", "a")
    kept = await items_of(alice, None, "urn:example:private")
    assert kept == [(f"item {i}", f"{i}") for i in range(3)], kept
    await server.kill("user:alice")
    await alice["xep_0060"].retract(None, "urn:example:private", "item 1")
    assert [i for i, _ in await items_of(alice, None, "urn:example:private")] == ["item 0", "item 2"]
    await alice["xep_0060"].delete_node(None, "urn:example:private")
    await refused(items_of(alice, None, "urn:example:private"), "item-not-found")
    await alice.leave()


async def pep_avatars_of_both_kinds(server):
    """XEP-0084, and XEP-0153 by XEP-0398."""
    server.start()
    alice = await listener(server, "alice", "a", plugins=("xep_0084", "xep_0054"))
    bob = await listener(server, "bob", "b", plugins=("xep_0084", "xep_0054"))
    shown = []

    def note(presence):
        photo = presence.xml.find("{vcard-temp:x:update}x/{vcard-temp:x:update}photo")
        if presence["from"].bare == "alice@localhost" and photo is not None:
            shown.append(photo.text)
            bob.changed.set()
    bob.add_event_handler("presence", note)
    await befriend(alice, bob)
    first, second = b"\x89PNG\r\n\x1a\n the first", b"\x89PNG\r\n\x1a\n the second"
    ids = [alice["xep_0084"].generate_id(p) for p in (first, second)]
    await alice["xep_0084"].publish_avatar(first)
    await alice["xep_0084"].publish_avatar_metadata({"id": ids[0], "type": "image/png", "bytes": len(first)})
    await bob.until(lambda: shown == [ids[0]], "the hash of the first picture")
    await bob.until(lambda: ids[0] in [h[2] for h in bob.heard], "its metadata")
    card = (await bob["xep_0054"].get_vcard("alice@localhost", cached=False))["vcard_temp"]
    assert card["PHOTO"]["BINVAL"] == first and card["PHOTO"]["TYPE"] == "image/png", card
    card = alice["xep_0054"].make_vcard()
    card["NICKNAME"] = "Al"
    card["PHOTO"]["TYPE"] = "image/png"
    card["PHOTO"]["BINVAL"] = second
    await alice["xep_0054"].publish_vcard(card)
    await bob.until(lambda: shown == ids, "the hash of the second picture")
    await bob.until(lambda: ids[1] in [h[2] for h in bob.heard], "its metadata")
    data = await bob["xep_0084"].retrieve_avatar("alice@localhost", ids[1])
    assert data["pubsub"]["items"]["item"]["avatar_data"]["value"] == second, data
    alice.send_presence(pshow="away")  # the server adds the hash
    await bob.until(lambda: shown == [*ids, ids[1]], "the hash again")
    server.stop(signal.SIGKILL)
    server.start()
    alice = await listener(server, "alice", "a", plugins=("xep_0084", "xep_0054"))
    bob = await listener(server, "bob", "b")
    shown.clear()
    bob.add_event_handler("presence", note)
    alice.send_presence()
    await bob.until(lambda: ids[1] in shown, "the hash after a restart")
    await alice["xep_0054"].publish_vcard(alice["xep_0054"].make_vcard())
    await bob.until(lambda: shown[-1] is None, "that there is no picture")
    await alice.leave()
    await bob.leave()


async def pep_bookmarks_of_all_kinds(server):
    """XEP-0402, with the views of XEP-0048 by a node and by private XML."""
    server.start()
    new, old = "urn:xmpp:bookmarks:1", "storage:bookmarks"
    alice = await listener(server, "alice", "a", new, plugins=("xep_0049",))
    elder = await listener(server, "alice", "elder", old, plugins=("xep_0049",))

    async def by_private():
        iq = alice.make_iq_get()
        iq.append(ET.fromstring(f"<query xmlns='jabber:iq:private'><storage xmlns='{old}'/></query>"))
        answer = await iq.send()
        return [(c.get("jid"), c.get("name")) for c in answer.xml.iter(f"{{{old}}}conference")]

    async def by_node():
        answer = await elder["xep_0060"].get_items(None, old)
        return [(c.get("jid"), c.get("name")) for c in answer.xml.iter(f"{{{old}}}conference")]
    room = ET.fromstring(f"<conference xmlns='{new}' name='Play' autojoin='true'><nick>Al</nick>"
                         "<extensions><x xmlns='urn:example:x'/></extensions></conference>")
    options = alice["xep_0004"].make_form("submit")
    options.add_field("FORM_TYPE", ftype="hidden", value=f"{PUBSUB}#publish-options")
    for name, value in {"persist_items": "true", "max_items": "max", "send_last_published_item": "never",
                        "access_model": "whitelist"}.items():
        options.add_field(f"pubsub#{name}", value=value)
    await alice["xep_0060"].publish(None, new, id="play@conference.localhost", payload=room, options=options)
    await alice.until(lambda: (new, "play@conference.localhost") in [h[1:3] for h in alice.heard], "the bookmark")
    await elder.until(lambda: (old, "current") in [h[1:3] for h in elder.heard], "the list of old")
    both = [("play@conference.localhost", "Play")]
    assert await by_private() == both and await by_node() == both
    # A client of old adds a room by private XML, another takes the first away by its node.
    two = (f"<storage xmlns='{old}'><conference jid='play@conference.localhost' name='Play' autojoin='true'>"
           "<nick>Al</nick></conference><conference jid='work@conference.localhost' name='Work'/></storage>")
    iq = alice.make_iq_set()
    iq.append(ET.fromstring(f"<query xmlns='jabber:iq:private'>{two}</query>"))
    await iq.send()
    await alice.until(lambda: (new, "work@conference.localhost") in [h[1:3] for h in alice.heard], "the second")
    assert [h[2] for h in alice.heard].count("play@conference.localhost") == 1, "the first is as it was"
    one = f"<storage xmlns='{old}'><conference jid='work@conference.localhost' name='Work'/></storage>"
    await elder["xep_0060"].publish(None, old, id="current", payload=ET.fromstring(one))
    await hears(alice, "alice@localhost", new, "retracted")
    alice.abort()
    elder.abort()
    server.stop(signal.SIGKILL)
    server.start()
    alice = await listener(server, "alice", "a", new, plugins=("xep_0049",))
    elder = await listener(server, "alice", "elder", old)
    left = [("work@conference.localhost", "Work")]
    assert await by_private() == left and await by_node() == left
    assert [i for i, _ in await items_of(alice, None, new)] == ["work@conference.localhost"]
    await elder.until(lambda: (old, "current") in [h[1:3] for h in elder.heard], "the list for who comes")
    await alice.leave()
    await elder.leave()


async def pep_is_discovered(server):
    server.start()
    alice = await listener(server, "alice", "a")
    own = (await alice["xep_0030"].get_info("alice@localhost"))["disco_info"]
    assert ("pubsub", "pep", None, None) in own["identities"], own["identities"]
    assert {f"{PUBSUB}#publish-options", f"{PUBSUB}#filtered-notifications", "urn:xmpp:pep-vcard-conversion:0",
            "urn:xmpp:bookmarks:1#compat", "urn:xmpp:bookmarks:1#compat-pep"} <= own["features"], own["features"]
    caps = await alice["xep_0115"].get_verstring("localhost")  # which slixmpp has verified
    assert caps, "the server tells of its capabilities"
    await refused(alice["xep_0030"].get_info("localhost", node="urn:coppice:messaging#other"), "item-not-found")
    await alice.leave()


async def any_process_may_be_killed(server):
    """The processes of a user, of his stream and of the keeper, while messages go through them."""
    server.start()
    alice = await Client(server, "alice", "a").enter()
    bob = await Client(server, "bob", "b").enter()
    sent = 0
    for name in ("user:bob", "user:alice", "keeper", "user_sup", "user:bob", "keeper"):
        for _ in range(50):
            alice.send_message("bob@localhost", f"{sent}", mtype="chat")
            sent += 1
        await server.kill(name)
        for _ in range(50):
            alice.send_message("bob@localhost", f"{sent}", mtype="chat")
            sent += 1
        await bob.got(str(sent - 1))
    assert bob.bodies() == [str(i) for i in range(sent)], "all, in order, each once"
    assert "disconnected" not in alice.events + bob.events, "nobody noticed"
    await alice.leave()
    await bob.leave()


async def the_program_may_be_killed_under_load(server):
    """Two hundred clients with XEP-0198, ten times SIGKILL: nothing acknowledged is lost or doubled."""
    clients = 200
    for n in range(clients):
        assert server.account("add", f"u{n}", f"u{n}\n")[0] == 0
    server.start()
    load = subprocess.Popen([server.crash_load, f"127.0.0.1:{server.ports['tls']}", str(clients)],
                            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        for n in range(11):
            for _ in range(1 + n % 3):
                assert load.stdout.readline() == "more\n"
            if n < 10:
                server.stop(signal.SIGKILL)
                server.start(again=True)
        said = load.communicate("over\n", timeout=120)[0].splitlines()[-1]
    finally:
        load.kill()
    print(said)
    words = said.split()
    figures = dict(zip(words[::2], map(int, words[1::2])))
    assert load.returncode == 0 and figures["lost"] == 0 and figures["doubled"] == 0, said
    assert figures["acknowledged"] > 10 * clients and figures["anew"] > clients, said


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--program", required=True)
    parser.add_argument("--crash-load", default="")
    parser.add_argument("case")
    asked = parser.parse_args()
    server = Server(asked.program)
    server.crash_load = asked.crash_load
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    try:
        loop.run_until_complete(globals()[asked.case](server))
    except BaseException:
        log = open(server.folder + "/log").read() if os.path.exists(server.folder + "/log") else ""
        print("log of the server:\n" + log[-4000:], file=sys.stderr)
        raise
    finally:
        server.remove()
    os._exit(0)  # slixmpp leaves tasks behind that complain of their end


if __name__ == "__main__":
    main()
