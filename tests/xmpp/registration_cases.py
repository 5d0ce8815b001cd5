"""Accounts that users make, change and remove themselves (XEP-0077): cases of slixmpp_test.py."""

import asyncio
import re

from harness import Client
from hostile_cases import Peer
from metrics_cases import metrics
from operation_cases import configured

QUERY = "<query xmlns='jabber:iq:register'>{}</query>"


def asks(peer, type, inside):
    """The answer. What came after it is left for who reads next."""
    peer.send(f"<iq xmlns='jabber:client' type='{type}' id='r'>{QUERY.format(inside)}</iq>")
    while not (answer := re.search(rb"<iq [^>]*/>|<iq .*?</iq>|</stream:stream>", peer.got, re.S)):
        assert not peer.over, peer.got
        peer.read()
    peer.got = peer.got[answer.end():]
    return answer[0].decode()


def fields(user, password):
    return f"<username>{user}</username><password>{password}</password>"


async def strangers_make_accounts_if_they_may(server):
    def closed():
        server.start()
        peer = Peer(server, "tls").open()
        while b"features>" not in peer.got:
            peer.read()
        assert b"iq-register" not in peer.got, peer.got
        peer.got = b""
        said = peer.send(f"<iq xmlns='jabber:client' type='set' id='r'>{QUERY.format(fields('dora', 'pw-dora'))}</iq>")
        assert "error" in said.last_words()
        server.stop()
    await asyncio.to_thread(closed)

    configured(server, "  registration: {open: yes, per_day: 4}\n")

    def opened(entrance):
        peer = Peer(server, entrance).open()
        while b"features>" not in peer.got:
            peer.read()
        assert b'<register xmlns="http://jabber.org/features/iq-register"/>' in peer.got, peer.got
        peer.got = b""
        return peer

    def register():
        peer = opened("tls")
        assert "<username/><password/>" in asks(peer, "get", "")
        assert 'type="result"' in asks(peer, "set", fields("dora", "pw-dora"))
        assert "<conflict " in asks(peer, "set", fields("alice", "stolen"))
        assert "<not-acceptable " in asks(peer, "set", "<username>x</username>")
        assert "<not-acceptable " in asks(peer, "set", fields("@", "x"))
        assert 'type="result"' in asks(opened("starttls"), "set", fields("emil", "pw-emil"))
        assert "<resource-constraint " in asks(opened("tls"), "set", fields("fritz", "pw-fritz"))
        assert "<registration-required " in asks(peer, "set", "<remove/>")
        by_web = opened("websocket")  # a proxy may stand for many
        assert 'type="result"' in asks(by_web, "set", fields("gerda", "pw-gerda"))
    await asyncio.to_thread(register)
    assert metrics(server)["coppice_messaging_registrations_total"] == 3
    dora = await Client(server, "dora", "d", mechanism="PLAIN").enter()
    alice = await Client(server, "alice", "a", mechanism="PLAIN").enter()
    dora.send_message("alice@localhost", "I am new here", mtype="chat")
    await alice.got("I am new here")
    info = await dora["xep_0030"].get_info("localhost")
    assert "jabber:iq:register" in info["disco_info"]["features"], info


async def users_change_and_remove_their_accounts(server):
    configured(server, "  registration: {own_account: yes}\n")
    alice = await Client(server, "alice", "a", mechanism="PLAIN").enter()

    def change():
        peer = Peer(server, "tls").sign_in("alice", "b")
        said = asks(peer, "get", "")
        assert "<registered/><username>alice</username>" in said, said
        assert "<not-allowed " in asks(peer, "set", fields("bob", "stolen"))
        assert 'type="result"' in asks(peer, "set", fields("alice", "pw-new"))
        return peer
    peer = await asyncio.to_thread(change)
    await alice.seen("stream_error:not-authorized")
    wrong = Client(server, "alice", "w", mechanism="PLAIN")
    wrong.reach()
    await wrong.seen("failed_all_auth")
    await wrong.disconnect()
    again = await Client(server, "alice", "c", password="pw-new", mechanism="PLAIN").enter()

    def remove():
        assert 'type="result"' in asks(peer, "set", "<remove/>")
        return peer.last_words()
    assert "<not-authorized " in await asyncio.to_thread(remove)
    await again.seen("stream_error:not-authorized")
    gone = Client(server, "alice", "g", password="pw-new", mechanism="PLAIN")
    gone.reach()
    await gone.seen("failed_all_auth")
    await gone.disconnect()

    bob = await Client(server, "bob", "b", mechanism="PLAIN").enter()  # an administrator does it for him
    await asyncio.to_thread(server.account, "passwd", "bob", "pw-other\n")
    await bob.seen("stream_error:not-authorized")
