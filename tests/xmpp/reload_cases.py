"""What a server that runs takes up by SIGHUP, and who has to wait before signing in. Cases of slixmpp_test.py."""

import asyncio
import json
import signal
import ssl
import subprocess

from slixmpp.exceptions import IqError

from harness import PATIENCE, Client


def new_certificate(folder, number):
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
                    "-subj", "/CN=localhost", "-set_serial", str(number), "-keyout", folder + "/key.pem",
                    "-out", folder + "/certificate.pem"], check=True, capture_output=True)
    return open(folder + "/certificate.pem").read().strip()


async def shown_certificate(server):
    return (await asyncio.to_thread(ssl.get_server_certificate, ("127.0.0.1", server.ports["tls"]))).strip()


async def reload(server, *expected):
    """Until the log has said all that since."""
    begin = len(open(server.folder + "/log").read())
    server.process.send_signal(signal.SIGHUP)

    async def wait():
        while True:
            since = open(server.folder + "/log").read()[begin:]
            if all(text in since for text in expected):
                return since
            assert server.process.poll() is None, since
            await shown_certificate(server)  # takes a moment
    try:
        return await asyncio.wait_for(wait(), PATIENCE)
    except asyncio.TimeoutError:
        raise AssertionError(f"{expected} not in {open(server.folder + '/log').read()[begin:]}") from None


async def certificate_and_settings_reload(server):
    config = server.folder + "/coppice.yaml"

    def write(text):
        with open(config, "w") as file:
            file.write(text)

    first = new_certificate(server.folder, 1)
    base = (f"node: {{log_format: json}}\nmessaging:\n  certificate: {server.folder}/certificate.pem\n"
            f"  key: {server.folder}/key.pem\n")
    write(base + "  limits: {contacts: 1}\n")
    server.start(more=("--config", config))
    assert await shown_certificate(server) == first
    alice = await Client(server, "alice", "a").enter()
    bob = await Client(server, "bob", "b").enter()
    await alice.update_roster("bob@localhost", name="Bob")
    try:
        await alice.update_roster("carol@localhost", name="Carol")
        raise AssertionError("one contact was allowed, and two were taken")
    except IqError:
        pass

    second = new_certificate(server.folder, 2)
    assert second != first
    write(base + "  domain: other.example\n  limits: {contacts: 2}\n")
    since = await reload(server, "read again")
    said = json.loads(since.splitlines()[-1])["fields"]
    assert said["messaging.limits.contacts"] == '<<"1 -> 2">>', since
    assert "at the next start" in said["messaging.domain"] and "read again" in said["certificate"], since
    assert await shown_certificate(server) == second
    await alice.update_roster("carol@localhost", name="Carol")

    write(base + "  limits: {contcts: 9}\n")
    await reload(server, "not reloaded", "did you mean 'contacts'?", "coppice.yaml:5:")
    write(base + "  limits: {contacts: 3}\n")
    with open(server.folder + "/certificate.pem", "w") as file:
        file.write("nothing")
    await reload(server, "not read, the old one is kept", "certificate.pem")
    assert await shown_certificate(server) == second

    # Those who were there before all of it are still there.
    alice.send_message("bob@localhost", "still here")
    await bob.got("still here")
    assert "disconnected" not in alice.events + bob.events


async def whoever_fails_too_often_waits(server):
    config = server.folder + "/coppice.yaml"

    def allow(failures):
        with open(config, "w") as file:
            file.write(f"messaging: {{sign_in: {{failures_by_address: {failures}, period: 1d}}}}\n")

    async def refusals(password):
        alice = Client(server, "alice", "a", password=password, mechanism="PLAIN")
        said = []
        alice.add_event_handler("failed_auth", lambda failure: said.append(failure["condition"]))
        alice.reach()
        await alice.until(lambda: "failed_all_auth" in alice.events or "disconnected" in alice.events, "a refusal")
        await alice.disconnect()
        assert "session_start" not in alice.events, alice.events
        return said

    allow(6)
    server.start(more=("--config", config))
    for n in range(3):  # this client tries mechanisms that it cannot do first; that is forgiven
        bob = await Client(server, "bob", str(n)).enter()
    for _ in range(6):
        said = await refusals("wrong")
        assert said == ["not-authorized"], said
    said = await refusals("pw-alice")
    assert said == ["temporary-auth-failure"], said
    log = open(server.folder + "/log").read()
    assert "sign_in_failure" in log and "alice" in log and "wrong" not in log and "pw-alice" not in log, log

    allow(0)
    await reload(server, "messaging.sign_in.failures_by_address")
    alice = await Client(server, "alice", "a").enter()
    alice.send_message("bob@localhost", "in again")
    await bob.got("in again")
