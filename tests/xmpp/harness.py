"""Starts the program with the messaging server, and clients by slixmpp that wait for what they are told to expect."""

import asyncio
import json
import re
import shutil
import signal
import ssl
import subprocess
import tempfile
import urllib.parse
import urllib.request

from slixmpp import ClientXMPP

PATIENCE = 30  # seconds until something that must come counts as missing


class Server:
    """`coppice run` with a folder of its own; its users' passwords are `pw-NAME`."""

    def __init__(self, program, users=("alice", "bob", "carol")):
        self.program = program
        self.folder = tempfile.mkdtemp(prefix="coppice_xmpp_")
        self.process = None
        for user in users:
            self.account("add", user, f"pw-{user}\n")

    def account(self, task, user, text=""):
        done = subprocess.run([self.program, "messaging", "user", task, user, "--data", self.folder + "/data"],
                              input=text, text=True, capture_output=True, timeout=PATIENCE)
        return done.returncode, done.stderr

    def start(self, again=False, more=()):
        """`again`: at the same ports; `more`: further arguments."""
        starttls, tls = (self.ports["starttls"], self.ports["tls"]) if again else (0, 0)
        self.log = open(self.folder + "/log", "a")
        self.process = subprocess.Popen(
            [self.program, "run", "--port", "0", "--data", self.folder + "/data",
             "--xmpp", f"127.0.0.1:{starttls}", "--xmpp-tls", f"127.0.0.1:{tls}", *more],
            stdout=subprocess.PIPE, stderr=self.log, text=True)
        self.ports = {}
        while True:
            line = self.process.stdout.readline()
            if not line:
                raise AssertionError("the program ended: " + open(self.folder + "/log").read()[-2000:])
            words = line.split()
            if words[1] == "xmpp":
                self.ports[words[2]] = int(words[3].rsplit(":", 1)[1])
            if words[1].startswith("http://"):
                self.http = int(words[1].rsplit(":", 1)[1].rstrip("/"))
                return self

    def is_sanitized(self):
        """AddressSanitizer keeps what was freed, and notes about what is there."""
        with open(self.program, "rb") as file:
            return b"__asan_init" in file.read()

    def pids(self, name):
        """Of the processes that the console shows by that name."""
        page = f"http://127.0.0.1:{self.http}/console/"
        token = re.search(r'coppice-token" content="([^"]+)"', urllib.request.urlopen(page).read().decode())[1]
        self.asking = {"X-Coppice-Token": token, "Content-Type": "application/json",
                       "Origin": f"http://127.0.0.1:{self.http}"}
        where = page + "api/tree?limit=1000&filter=" + urllib.parse.quote(name)
        found = json.load(urllib.request.urlopen(urllib.request.Request(where, headers=self.asking)))
        return {p["pid"] for p in found["processes"] if p["name"] == name}

    async def kill(self, name):
        """By the console's button."""
        found = self.pids(name)
        assert len(found) == 1, f"{len(found)} processes are called {name}"
        pid = found.pop()
        urllib.request.urlopen(urllib.request.Request(
            f"http://127.0.0.1:{self.http}/console/api/kill", headers=self.asking,
            data=json.dumps({"pid": pid}).encode()))

    def stop(self, how=signal.SIGTERM):
        if self.process is not None:
            self.process.send_signal(how)
            self.process.wait(PATIENCE)
            self.process.stdout.close()
            self.process = None
            self.log.close()

    def remove(self):
        self.stop(signal.SIGKILL)
        shutil.rmtree(self.folder, ignore_errors=True)


class Client(ClientXMPP):
    """One client, with what it has got."""

    def __init__(self, server, user, resource="", password=None, plugins=(), mechanism=None):
        address = f"{user}@localhost" + (f"/{resource}" if resource else "")
        super().__init__(address, password or f"pw-{user}", sasl_mech=mechanism)
        self.entrances = server
        self.ssl_context.check_hostname = False
        self.ssl_context.verify_mode = ssl.CERT_NONE
        for plugin in ("xep_0030", "xep_0198", "xep_0199", *plugins):
            self.register_plugin(plugin)
        self["xep_0198"].end_session_on_disconnect = False
        self.messages = []
        self.presences = []
        self.events = []
        self.changed = asyncio.Event()
        self.add_event_handler("session_start", lambda _: self.note("session_start"))
        self.add_event_handler("session_resumed", lambda _: self.note("session_resumed"))
        self.add_event_handler("session_bind", lambda _: self.note("session_bind"))
        self.add_event_handler("failed_all_auth", lambda _: self.note("failed_all_auth"))
        self.add_event_handler("stream_error", lambda e: self.note("stream_error:" + e["condition"]))
        self.add_event_handler("disconnected", lambda _: self.note("disconnected"))
        self.add_event_handler("message", self.take_message)
        self.add_event_handler("message_error", lambda m: self.note("error:" + m["error"]["condition"]))
        self.add_event_handler("presence", self.take_presence)

    def note(self, event):
        self.events.append(event)
        self.changed.set()

    def take_message(self, message):
        self.messages.append(message)
        self.changed.set()

    def take_presence(self, presence):
        self.presences.append((presence["from"].full, presence["type"]))
        self.changed.set()

    def reach(self, entrance="starttls"):
        self.connect(("127.0.0.1", self.entrances.ports[entrance]), use_ssl=entrance == "tls")

    async def until(self, holds, what):
        async def wait():
            while not holds():
                self.changed.clear()
                await self.changed.wait()
        try:
            await asyncio.wait_for(wait(), PATIENCE)
        except asyncio.TimeoutError:
            bodies = [m["body"] for m in self.messages]
            raise AssertionError(f"{self.boundjid}: waited in vain for {what}; events {self.events}, "
                                 f"messages {bodies}, presences {self.presences}") from None

    async def seen(self, event):
        await self.until(lambda: event in self.events, event)

    async def got(self, body):
        await self.until(lambda: any(m["body"] == body for m in self.messages), f"the message {body!r}")

    async def sees(self, who, kind):
        await self.until(lambda: (who, kind) in self.presences, f"the presence {kind} of {who}")

    async def enter(self, entrance="starttls", presence=True):
        """Signs in, asks for the roster, and is available."""
        self.reach(entrance)
        await self.seen("session_start")
        await self.get_roster()
        if presence:
            self.send_presence()
            await self.sees(self.boundjid.full, "available")
        return self

    async def acknowledged(self):
        """Until the server has said that it has all that was sent."""
        await self["xep_0199"].ping("localhost")  # slixmpp sends from a queue: now all of that has gone
        management = self["xep_0198"]
        self.add_event_handler("stanza_acked", lambda _: self.changed.set())
        management.request_ack()
        await self.until(lambda: not management.unacked_queue, "acknowledgements")

    async def leave(self):
        await self.disconnect()

    def bodies(self):
        return [m["body"] for m in self.messages]
