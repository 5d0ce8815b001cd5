"""What the server counts, as Prometheus reads it: a case of slixmpp_test.py."""

import asyncio
import re
import urllib.request

from harness import PATIENCE, Client

LINE = re.compile(r'([a-z_]+)(\{[a-z]+="[a-z]+"\})? ([0-9.e+-]+)')


def metrics(server):
    """By their names with labels. Each line must be one of the text format, behind the help and type of its family."""
    answer = urllib.request.urlopen(f"http://127.0.0.1:{server.http}/metrics")
    assert answer.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8", answer.headers
    found, described = {}, {}
    for line in answer.read().decode().splitlines():
        if line.startswith("# TYPE "):
            described[line.split()[2]] = line.split()[3]
        elif not line.startswith("# HELP "):
            name, labels, value = LINE.fullmatch(line).groups()
            assert described[name] == ("counter" if name.endswith("_total") else "gauge"), line
            found[name + (labels or "")] = float(value)
    return found


async def metrics_say_what_happens(server):
    server.start()
    before = metrics(server)
    assert before["coppice_processes"] > 5 and before["process_resident_memory_bytes"] > 1e6, before
    assert before['coppice_messaging_streams{transport="tcp"}'] == 0, before
    alice = await Client(server, "alice", "a", mechanism="PLAIN").enter()
    bob = await Client(server, "bob", "b", mechanism="PLAIN").enter()
    stranger = Client(server, "carol", "c", password="wrong", mechanism="PLAIN")
    stranger.reach()
    await stranger.seen("failed_all_auth")
    await stranger.disconnect()
    for n in range(5):
        alice.send_message("bob@localhost", str(n), mtype="chat")
    await bob.got("4")
    await alice.acknowledged()
    now = metrics(server)
    for name, value in (('coppice_messaging_sign_ins_total{result="ok"}', 2),
                        ('coppice_messaging_sign_ins_total{result="failed"}', 1),
                        ('coppice_messaging_sign_ins_total{result="throttled"}', 0),
                        ('coppice_messaging_streams_opened_total{transport="tcp"}', 3),
                        ('coppice_messaging_streams_opened_total{transport="websocket"}', 0),
                        ('coppice_messaging_stanzas_received_total{kind="message"}', 5),
                        ('coppice_messaging_stanzas_received_total{kind="presence"}', 2),
                        ("coppice_messaging_users", 2), ("coppice_messaging_rooms", 0)):
        assert now[name] == value, (name, now[name])
    assert now["coppice_messaging_stanzas_sent_total"] > 5, now
    await alice.disconnect()

    async def one_is_left():
        while metrics(server)['coppice_messaging_streams{transport="tcp"}'] != 1:
            await bob["xep_0199"].ping("localhost")
    await asyncio.wait_for(one_is_left(), PATIENCE)
