"""What clients say to each other in extensions that are no business of the server's goes through as it was sent: live,
to other clients by carbons, out of archives, from what waited, and in rooms. Cases of slixmpp_test.py."""

import xml.etree.ElementTree as ET

from slixmpp.xmlstream.handler import Callback
from slixmpp.xmlstream.matcher import MatchXPath

from harness import PATIENCE, Client
from room_cases import come, configure, join

PAYLOADS = {
    "chat state (XEP-0085)": "<active xmlns='http://jabber.org/protocol/chatstates'/>",
    "receipt wanted (XEP-0184)": "<request xmlns='urn:xmpp:receipts'/>",
    "receipt (XEP-0184)": "<received xmlns='urn:xmpp:receipts' id='richard2-4.1.247'/>",
    "marker wanted (XEP-0333)": "<markable xmlns='urn:xmpp:chat-markers:0'/>",
    "marker (XEP-0333)": "<displayed xmlns='urn:xmpp:chat-markers:0' id='message-1' sender='a@b/c'/>",
    "correction (XEP-0308)": "<replace id='bad1' xmlns='urn:xmpp:message-correct:0'/>",
    "reaction (XEP-0444)": "<reactions id='744f6e18' xmlns='urn:xmpp:reactions:0'><reaction>\U0001f44b</reaction>"
                           "<reaction>\U0001f422</reaction></reactions>",
    "OMEMO (XEP-0384, 0.3)": "<encrypted xmlns='eu.siacs.conversations.axolotl'><header sid='27183'>"
                             "<key rid='31415' prekey='true'>QkFTRTY0Li4u</key><key rid='12321'>QkFTRTY0</key>"
                             "<iv>QkFTRTY0</iv></header><payload>QkFTRTY0</payload></encrypted>",
    "OMEMO (XEP-0384, 0.8)": "<encrypted xmlns='urn:xmpp:omemo:2'><header sid='27183'><keys jid='juliet@capulet.lit'>"
                             "<key rid='31415'>b64</key></keys><keys jid='romeo@montague.lit'><key rid='1337' kex='true'>"
                             "b64</key></keys></header><payload>\n  base64\n</payload></encrypted>",
    "encryption named (XEP-0380)": "<encryption xmlns='urn:xmpp:eme:0' namespace='urn:xmpp:omemo:2' name='OMEMO'/>",
    "retraction (XEP-0424)": "<retract id='wrong-recipient-1' xmlns='urn:xmpp:message-retract:1'/>",
    "reply (XEP-0461)": "<reply to='anna@example.com/tablet' id='message-id1' xmlns='urn:xmpp:reply:0'/>",
    "fallback (XEP-0428)": "<fallback xmlns='urn:xmpp:fallback:0' for='urn:xmpp:reply:0'><body start='0' end='33'/></fallback>",
    "link (XEP-0066)": "<x xmlns='jabber:x:oob'><url>https://a.example/?a=1&amp;b=%20</url></x>",
    "of nobody": "<n:thing xmlns:n='urn:example:nobody' at='2'> a <b xmlns='urn:example:other'>&lt;&amp;\u00e9"
                 "\U0001f332</b> z </n:thing>",
}


def canonical(element):
    """Equal for what is the same XML: prefixes are no part of it."""
    return ET.canonicalize(ET.tostring(element, encoding="unicode"), rewrite_prefixes=True)


class Listener:
    """All messages that a client gets, by id; those within carbons, too."""

    def __init__(self, client):
        self.client = client
        self.by_id = {}
        client.register_handler(Callback("every message", MatchXPath("{jabber:client}message"), self.take))
        client.add_event_handler("carbon_sent", lambda m: self.take(m["carbon_sent"]))
        client.add_event_handler("carbon_received", lambda m: self.take(m["carbon_received"]))

    def take(self, message):
        if message["id"]:
            self.by_id[message["id"]] = message.xml
        self.client.changed.set()

    async def has(self, identity, name, payload):
        await self.client.until(lambda: identity in self.by_id, f"{name} as {identity}")
        same(self.by_id[identity], name, payload, self.client.boundjid)


def same(message, name, payload, where):
    sent = ET.fromstring(payload)
    got = message.find(sent.tag)
    assert got is not None, f"{where}: {name} is not in {ET.tostring(message)}"
    assert canonical(got) == canonical(sent), f"{where}: {name}: {canonical(got)} instead of {canonical(sent)}"


def send(client, to, kind, identity, payload):
    message = client.make_message(to, mbody=f"body of {identity}", mtype=kind)
    message["id"] = identity
    message.append(ET.fromstring(payload))
    message.send()


async def archived(client, archive=None):
    """All messages in an archive, by id."""
    found, after = {}, None
    while True:
        page = await client["xep_0313"].retrieve(archive, rsm={"max": "50", "after": after} if after else {"max": "50"})
        for result in page["mam"]["results"]:
            message = result["mam_result"]["forwarded"]["message"]
            found[message["id"]] = message.xml
        after = page["mam_fin"]["rsm"]["last"]
        if page.xml.find("{urn:xmpp:mam:2}fin").get("complete") == "true":
            return found


async def what_people_say_passes_untouched(server):
    server.start()

    async def here(user, resource):
        client = Client(server, user, resource, plugins=("xep_0280", "xep_0297", "xep_0313"))
        heard = Listener(client)
        await client.enter()
        await client["xep_0280"].enable()
        return client, heard

    (alice, _), (_, alice_too) = await here("alice", "a"), await here("alice", "a2")
    (bob, bob_here), (_, bob_too) = await here("bob", "b"), await here("bob", "b2")
    for number, (name, payload) in enumerate(PAYLOADS.items()):
        send(alice, "bob@localhost/b", "chat", f"message-number-{number:04}", payload)
        send(alice, "carol@localhost", "chat", f"message-that-waits-{number:04}", payload)
    for number, (name, payload) in enumerate(PAYLOADS.items()):
        for listener in (bob_here, bob_too, alice_too):
            await listener.has(f"message-number-{number:04}", name, payload)
    carol = Client(server, "carol", "c", plugins=("xep_0313",))
    carol_here = Listener(carol)
    await carol.enter()
    for number, (name, payload) in enumerate(PAYLOADS.items()):
        await carol_here.has(f"message-that-waits-{number:04}", name, payload)
    for client in (alice, bob):
        kept = await archived(client)
        for number, (name, payload) in enumerate(PAYLOADS.items()):
            same(kept[f"message-number-{number:04}"], name, payload, f"archive of {client.boundjid}")

    # Without a text: who is there gets it.
    typing = alice.make_message("bob@localhost/b", mtype="chat")
    typing["id"] = "typing"
    typing.append(ET.fromstring("<composing xmlns='http://jabber.org/protocol/chatstates'/>"))
    typing.send()
    await bob_here.has("typing", "typing", "<composing xmlns='http://jabber.org/protocol/chatstates'/>")


async def what_rooms_hear_passes_untouched(server):
    server.start()
    alice, bob = await come(server, "alice", "a"), await come(server, "bob", "b")
    room = "through@conference.localhost"
    await join(alice, "alice", room)
    await configure(alice, room, persistentroom="1")
    await join(bob, "bob", room)
    heard = Listener(bob)
    for number, (name, payload) in enumerate(PAYLOADS.items()):
        send(alice, room, "groupchat", f"said-in-the-room-{number:04}", payload)
    for number, (name, payload) in enumerate(PAYLOADS.items()):
        await heard.has(f"said-in-the-room-{number:04}", name, payload)
    await alice.acknowledged()
    kept = await archived(bob, room)
    for number, (name, payload) in enumerate(PAYLOADS.items()):
        same(kept[f"said-in-the-room-{number:04}"], name, payload, "archive of the room")


async def keys_of_omemo_pass_untouched(server):
    """A bundle as XEP-0384 0.3 has it, published open to all, fetched by somebody else."""
    bundle = ("<bundle xmlns='eu.siacs.conversations.axolotl'><signedPreKeyPublic signedPreKeyId='1'>QkFTRTY0</signedPreKeyPublic>"
              "<signedPreKeySignature>QkFTRTY0</signedPreKeySignature><identityKey>QkFTRTY0</identityKey><prekeys>"
              + "".join(f"<preKeyPublic preKeyId='{n}'>{'QkFTRTY0' * 6}</preKeyPublic>" for n in range(100))
              + "</prekeys></bundle>")
    node = "eu.siacs.conversations.axolotl.bundles:31415"
    server.start()
    alice = await Client(server, "alice", "a").enter()
    bob = await Client(server, "bob", "b").enter()
    publish = alice.make_iq_set()
    publish.append(ET.fromstring(
        f"<pubsub xmlns='http://jabber.org/protocol/pubsub'><publish node='{node}'><item id='current'>{bundle}</item>"
        "</publish><publish-options><x xmlns='jabber:x:data' type='submit'><field var='FORM_TYPE' type='hidden'><value>"
        "http://jabber.org/protocol/pubsub#publish-options</value></field><field var='pubsub#access_model'>"
        "<value>open</value></field></x></publish-options></pubsub>"))
    await publish.send(timeout=PATIENCE)
    fetch = bob.make_iq_get(ito="alice@localhost")
    fetch.append(ET.fromstring(f"<pubsub xmlns='http://jabber.org/protocol/pubsub'><items node='{node}'/></pubsub>"))
    answer = await fetch.send(timeout=PATIENCE)
    item = answer.xml.find(".//{http://jabber.org/protocol/pubsub}item")
    same(item, "the bundle", bundle, "bob")
