"""Users of other servers move in, and a server is copied and made again from the copy: cases of slixmpp_test.py."""

import asyncio
import os
import ssl
import subprocess

from harness import PATIENCE, Client, Server

USERS = """<?xml version='1.0' encoding='UTF-8'?>
<server-data xmlns='urn:xmpp:pie:0'><host jid='localhost'>
  <user name='alice' password='pw-alice'>
    <query xmlns='jabber:iq:roster'>
      <item jid='bob@localhost' name='Bobby' subscription='both'><group>Friends</group></item>
    </query>
    <query xmlns='jabber:iq:private'><exodus xmlns='exodus:prefs'><defaultnick>Al</defaultnick></exodus></query>
    <vCard xmlns='vcard-temp'><FN>Alice of old</FN></vCard>
  </user>
  <user name='bob' password='pw-bob'>
    <query xmlns='jabber:iq:roster'><item jid='alice@localhost' subscription='both'/></query>
    <offline-messages>
      <message xmlns='jabber:client' from='alice@localhost/x' to='bob@localhost' type='chat'><body>from the old days</body>
        <delay xmlns='urn:xmpp:delay' from='localhost' stamp='2020-01-02T03:04:05Z'/></message>
    </offline-messages>
  </user>
</host></server-data>
"""
EJABBERD = """hosts: [localhost]
loglevel: error
certfiles: []
auth_method: internal
auth_password_format: scram
modules: {mod_roster: {}, mod_private: {}, mod_vcard: {search: false}, mod_offline: {}, mod_privacy: {}}
"""
PROSODY = """run_as_root = true
daemonize = false
data_path = "{folder}/prosody"
pidfile = "{folder}/prosody.pid"
log = {{ error = "{folder}/prosody.log" }}
authentication = "internal_hashed"
storage = "xep0227"
modules_disabled = {{ "s2s" }}
VirtualHost "localhost"
"""


def command(server, *words, well=True):
    done = subprocess.run([server.program, "messaging", *words, "--data", server.folder + "/data"], capture_output=True,
                          text=True, timeout=PATIENCE)
    assert (done.returncode == 0) == well, done
    return done.stdout + done.stderr


def bound_client(server, user, resource, mechanism):
    """slixmpp knows the binding of TLS 1.2 only, and gives up where it is offered another."""
    client = Client(server, user, resource, mechanism=mechanism + "-PLUS")
    client.ssl_context.maximum_version = ssl.TLSVersion.TLSv1_2
    return client


def export_of_ejabberd(folder):
    with open(folder + "/users.xml", "w") as file:
        file.write(USERS)
    with open(folder + "/ejabberd.yml", "w") as file:
        file.write(EJABBERD)
    os.mkdir(folder + "/export")
    environment = {**os.environ, "EJABBERD_CONFIG_PATH": folder + "/ejabberd.yml", "ERL_LIBS": "/usr/lib/x86_64-linux-gnu",
                   "EJABBERD_LOG_PATH": folder + "/ejabberd.log"}
    told = subprocess.run(
        ["erl", "-noinput", "-mnesia", "dir", f'"{folder}/mnesia"', "-s", "ejabberd", "-eval",
         f'ejabberd_piefxis:import_file(<<"{folder}/users.xml">>), ejabberd_piefxis:export_server(<<"{folder}/export">>), '
         'io:format("exported~n"), halt().'], env=environment, capture_output=True, text=True, timeout=120)
    assert "exported" in told.stdout, told
    return [folder + "/export/" + name for name in os.listdir(folder + "/export")]


async def users_move_in_from_ejabberd(server):
    files = await asyncio.to_thread(export_of_ejabberd, server.folder)
    main = next(name for name in files if "<server-data" in open(name).read())
    assert "SCRAM-SHA-1" in "".join(open(name).read() for name in files), "ejabberd keeps no plain passwords"
    moved = Server(server.program, users=())
    try:
        said = command(moved, "import", main)
        assert "2 users are here now" in said and "SCRAM-SHA-1" in said, said
        assert "left out: alice@localhost: there is such an account already" in command(moved, "import", main)
        with open(moved.folder + "/coppice.yaml", "w") as file:
            file.write("messaging: {sign_in: {scram_sha_256: no}}\n")
        moved.start(more=("--config", moved.folder + "/coppice.yaml"))
        assert "end it first" in command(moved, "import", main, well=False)
        alice = await Client(moved, "alice", "a", plugins=("xep_0054", "xep_0049")).enter()
        assert alice.client_roster["bob@localhost"]["name"] == "Bobby"
        assert alice.client_roster["bob@localhost"]["groups"] == ["Friends"]
        assert alice.client_roster["bob@localhost"]["subscription"] == "both"
        card = await alice["xep_0054"].get_vcard("alice@localhost", cached=False, local=False)
        assert card["vcard_temp"]["FN"] == "Alice of old", card
        bob = await Client(moved, "bob", "b", mechanism="PLAIN").enter()
        await bob.got("from the old days")
        await alice.sees("bob@localhost/b", "available")
        moved.stop()
        moved.start()  # with every mechanism: whoever came by PLAIN gets in by each
        again = await bound_client(moved, "bob", "c", "SCRAM-SHA-256").enter()
        await again.disconnect()
    finally:
        moved.remove()


async def users_move_in_from_prosody(server):
    config = server.folder + "/prosody.cfg.lua"
    os.mkdir(server.folder + "/prosody")
    with open(config, "w") as file:
        file.write(PROSODY.format(folder=server.folder))
    for user in ("alice", "bob"):
        done = await asyncio.to_thread(
            subprocess.run, ["prosodyctl", "--config", config, "register", user, "localhost", f"pw-{user}"],
            capture_output=True, text=True, timeout=PATIENCE)
        assert done.returncode == 0, done
    moved = Server(server.program, users=())
    try:
        for user in ("alice", "bob"):
            said = command(moved, "import", f"{server.folder}/prosody/{user}@localhost.xml")
            assert "1 users are here now" in said and "SCRAM-SHA-1" in said, said
        moved.start()
        alice = await bound_client(moved, "alice", "a", "SCRAM-SHA-1").enter()
        wrong = Client(moved, "bob", "w", password="pw-alice", mechanism="PLAIN")
        wrong.reach()
        await wrong.seen("failed_all_auth")
        bob = await Client(moved, "bob", "b", mechanism="PLAIN").enter()
        alice.send_message("bob@localhost", "moved in", mtype="chat")
        await bob.got("moved in")
    finally:
        moved.remove()


async def a_server_is_made_again_from_a_copy(server):
    server.start()
    alice = await Client(server, "alice", "a", plugins=("xep_0054",)).enter()
    card = alice["xep_0054"].make_vcard()
    card["FN"] = "Alice"
    await alice["xep_0054"].publish_vcard(card)
    alice.send_message("bob@localhost", "before the copy", mtype="chat")
    await alice.acknowledged()
    os.makedirs(server.folder + "/data/uploads", exist_ok=True)
    with open(server.folder + "/data/uploads/a-file", "w") as file:
        file.write("its bytes")
    copy = server.folder + "/copy"
    command(server, "backup", copy)
    assert "is there already" in command(server, "backup", copy, well=False)
    assert os.stat(copy).st_mode & 0o777 == 0o700, "others may read it"
    alice.send_message("bob@localhost", "after the copy", mtype="chat")
    await alice.acknowledged()
    await alice.disconnect()
    server.stop()
    command(server, "backup", server.folder + "/later")

    assert "holds the data of a server" in command(server, "restore", copy, well=False)
    restored = Server(server.program, users=())
    try:
        assert "is no copy" in command(restored, "restore", server.folder, well=False)
        command(restored, "restore", copy)
        with open(restored.folder + "/data/uploads/a-file") as file:
            assert file.read() == "its bytes"
        for name in ("certificate.pem", "secret"):
            with open(f"{restored.folder}/data/{name}", "rb") as new, open(f"{server.folder}/data/{name}", "rb") as old:
                assert new.read() == old.read(), name
        restored.start()
        bob = await Client(restored, "bob", "b").enter()
        await bob.got("before the copy")
        alice = await Client(restored, "alice", "a", plugins=("xep_0054",)).enter()
        assert (await alice["xep_0054"].get_vcard("alice@localhost", cached=False, local=False))["vcard_temp"]["FN"] == "Alice"
        alice.send_message("bob@localhost", "and on", mtype="chat")
        await bob.got("and on")
        assert "after the copy" not in bob.bodies(), bob.bodies()
    finally:
        restored.remove()

    damaged = Server(server.program, users=())
    try:
        with open(server.folder + "/later/messaging.db", "r+b") as file:
            file.seek(4096)
            file.write(b"\xff" * 65536)
        assert "coppice messaging: " in command(damaged, "restore", server.folder + "/later", well=False)
    finally:
        damaged.remove()
