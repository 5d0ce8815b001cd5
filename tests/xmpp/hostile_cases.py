"""Peers that mean no good, at each entrance: cases of slixmpp_test.py. Two honest clients exchange messages all the while."""

import asyncio
import base64
import contextlib
import random
import re
import resource
import select
import socket
import ssl

from harness import PATIENCE, Client

MIB = 1 << 20
STANZA = 64 << 10  # bytes of a stanza, as configured below
SETTINGS = "messaging:\n  limits:\n    negotiation: 3s\n    stanza: 64KiB\n    bytes_per_second: 0\n    address_bytes_per_second: 0\n"
CLIENT_TLS = ssl.create_default_context()
CLIENT_TLS.check_hostname = False
CLIENT_TLS.verify_mode = ssl.CERT_NONE
OPEN = "<open xmlns='urn:ietf:params:xml:ns:xmpp-framing' to='{}' version='1.0'/>"
HEAD = ("<stream:stream to='{}' version='1.0' xmlns='jabber:client' "
        "xmlns:stream='http://etherx.jabber.org/streams'>")
SASL = "urn:ietf:params:xml:ns:xmpp-sasl"
BOMB = ("<!DOCTYPE lolz [<!ENTITY a 'lol'>" +
        "".join(f"<!ENTITY {chr(n + 1)} '{f'&{chr(n)};' * 10}'>" for n in range(ord("a"), ord("j"))) + "]>")


class Peer:
    """A connection whose bytes are ours, for one thread. What the server said last is read even if it takes no more."""

    def __init__(self, server, entrance):
        self.entrance = entrance
        self.tls = None
        self.got = b""
        self.over = False
        port = server.http if entrance == "websocket" else server.ports["tls" if entrance == "tls" else "starttls"]
        self.socket = socket.create_connection(("127.0.0.1", port), PATIENCE)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if entrance == "tls":
            self.shake_hands()
        elif entrance == "starttls":
            self.send(HEAD.format("localhost")).until("</stream:features>")
            self.send("<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>").until("<proceed[^>]*>")
            self.shake_hands()
        elif entrance == "websocket":
            self.write(f"GET /xmpp-websocket HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nConnection: Upgrade\r\n"
                       "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: xmpp\r\n"
                       "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n".encode())
            self.until("\r\n\r\n")

    def shake_hands(self):
        self.got = b""
        self.incoming, self.outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        tls = CLIENT_TLS.wrap_bio(self.incoming, self.outgoing, server_hostname="localhost")
        while True:
            try:
                tls.do_handshake()
                break
            except ssl.SSLWantReadError:
                self.socket.sendall(self.outgoing.read())
                self.incoming.write(self.socket.recv(65536))
        self.tls = tls
        self.write(b"")

    def write(self, data):
        """False when the server takes no more."""
        if self.tls:
            if data:
                self.tls.write(data)
            data = self.outgoing.read()
        try:
            self.socket.sendall(data)
        except ConnectionError:
            return False
        return True

    def send(self, text):
        data = text if isinstance(text, bytes) else text.encode()
        if self.entrance == "websocket":  # a text frame with a mask of zeros
            size = len(data)
            length = (bytes([0x80 | size]) if size < 126 else b"\xfe" + size.to_bytes(2, "big") if size < 65536
                      else b"\xff" + size.to_bytes(8, "big"))
            data = b"\x81" + length + b"\0\0\0\0" + data
        self.write(data)
        return self

    def open(self, domain="localhost"):
        return self.send((OPEN if self.entrance == "websocket" else HEAD).format(domain))

    def sign_in(self, user, resource="x"):
        secret = base64.b64encode(f"\0{user}\0pw-{user}".encode()).decode()
        self.open().until("features>").send(f"<auth xmlns='{SASL}' mechanism='PLAIN'>{secret}</auth>").until("<success")
        self.open().until("features>")
        return self.send("<iq xmlns='jabber:client' type='set' id='b'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'>"
                         f"<resource>{resource}</resource></bind></iq>").until("</iq>")

    def read(self):
        """Some of what came, if the connection is not over."""
        try:
            data = self.socket.recv(65536)
        except ConnectionError:
            data = b""
        self.over = not data
        if self.tls and data:
            self.incoming.write(data)
            with contextlib.suppress(ssl.SSLWantReadError, ssl.SSLZeroReturnError):
                while more := self.tls.read(65536):
                    self.got += more
        else:
            self.got += data

    def until(self, pattern):
        while not re.search(pattern, self.got.decode(errors="replace")):
            assert not self.over, f"the connection is over, without {pattern!r}: {self.got[-500:]}"
            self.read()
        self.got = b""
        return self

    def last_words(self):
        """All that comes until the server closes the connection."""
        answered = self.entrance != "websocket"
        while not self.over:
            if not answered and b"\x88" in self.got:  # the server waits a while for the answer to its close frame
                self.write(b"\x88\x80\0\0\0\0")
                answered = True
            self.read()
        self.socket.close()
        return self.got.decode(errors="replace")

    def flood(self, piece, most):
        """Sends that many bytes, or until the server says something; how many went."""
        sent = 0
        while sent < most and not select.select([self.socket], [], [], 0)[0] and self.write(piece):
            sent += len(piece)
        return sent


def is_refused(peer, condition, what):
    said = peer.last_words()
    found = re.search(r"<(?:stream:)?error[^>]*><([a-z-]+)", said)
    assert found and found[1] == condition, f"{peer.entrance}, {what}: {condition} expected, not {said[-400:]!r}"


class Honest:
    """Alice and Bob, who talk while others attack; and the server's memory at its highest."""

    def __init__(self, server):
        self.server = server
        self.exchanged = 0

    async def __aenter__(self):
        settings = self.server.folder + "/settings.yaml"
        with open(settings, "w") as file:
            file.write(SETTINGS)
        self.server.start(more=("--config", settings))
        self.alice = await Client(self.server, "alice", "honest").enter("tls")
        self.bob = await Client(self.server, "bob", "honest").enter()
        self.talk = asyncio.ensure_future(self.talking())
        await self.beside(lambda: None)
        self.before = self.highest()
        return self

    async def talking(self):
        while True:
            body = f"message {self.exchanged}"
            self.alice.send_message("bob@localhost", body, mtype="chat")
            await self.bob.got(body)
            self.bob.messages.clear()
            self.exchanged += 1

    async def beside(self, attack):
        """Runs that in a thread; nobody may be hindered by it, then or later."""
        running = asyncio.get_running_loop().run_in_executor(None, attack)
        await asyncio.wait({running, self.talk}, return_when=asyncio.FIRST_COMPLETED)
        if self.talk.done():
            self.talk.result()
        result = await running
        wanted = self.exchanged + 10
        while self.exchanged < wanted:
            done, _ = await asyncio.wait({self.talk, asyncio.ensure_future(self.bob.changed.wait())},
                                         return_when=asyncio.FIRST_COMPLETED)
            if self.talk in done:
                self.talk.result()
        return result

    def highest(self):
        with open(f"/proc/{self.server.process.pid}/status") as status:
            return next(int(line.split()[1]) * 1024 for line in status if line.startswith("VmHWM"))

    async def __aexit__(self, kind, *_):
        self.talk.cancel()
        if kind is None:
            more = self.highest() - self.before
            events = self.alice.events + self.bob.events
            print(f"{self.exchanged} messages exchanged meanwhile; memory at most {more / MIB:.0f} MiB more")
            assert "disconnected" not in events, events
            assert self.server.process.poll() is None
            assert more < self.bound * (16 if self.server.is_sanitized() else 1), f"{more} bytes of memory more"

    bound = 128 * MIB


def stanza(inner):
    return f"<message xmlns='jabber:client' to='bob@localhost' type='chat'>{inner}</message>"


def refused_by_every_parser():
    """What is sent in an open stream, and how that ends."""
    attributes = " ".join(f"a{n}=''" for n in range(1000))
    return [
        ("an entity that nobody declared", "<x>&j;</x>", "restricted-xml"),
        ("comment", "<x><!-- no --></x>", "restricted-xml"),
        ("processing instruction", "<x><?no no?></x>", "restricted-xml"),
        ("deep nesting", "<x>" * 5000, "policy-violation"),
        ("attributes", f"<x {attributes}/>", "policy-violation"),
        ("parts", "<x>" + "<y/>" * 15000 + "</x>", "policy-violation"),
        ("a tag that ends another", "<x></y>", "not-well-formed"),
        ("an attribute twice", "<x a='' a=''/>", "not-well-formed"),
        ("a prefix of nobody", "<x:y/>", "bad-namespace-prefix"),
    ]


async def hostile_xml_is_refused(server):
    """Each with the stream error that the RFC has for it (RFC 6120, 4.9.3), of strangers and of those signed in."""
    async with Honest(server) as honest:
        for entrance in ("clear", "starttls", "tls", "websocket"):
            def attack(entrance=entrance):
                for what, text, condition in refused_by_every_parser():
                    is_refused(Peer(server, entrance).open().send(text), condition, what)
                    if entrance != "clear":
                        peer = Peer(server, entrance).sign_in("carol")
                        is_refused(peer.send(text), condition, what + ", signed in")
                is_refused(Peer(server, entrance).open("nobody.example"), "host-unknown", "unknown domain")
                early = "policy-violation" if entrance == "clear" else "not-authorized"
                is_refused(Peer(server, entrance).open().send(stanza("<body>hello</body>")), early, "early stanza")
                external = "<!DOCTYPE x [<!ENTITY e SYSTEM 'file:///etc/passwd'>]>"
                for what, text in (("entity bomb", BOMB + "<x>&j;</x>"), ("external entity", external + "<x>&e;</x>")):
                    is_refused(Peer(server, entrance).send(text), "restricted-xml", what)
                    # Within a stream, which is one document over TCP, it has no place at all.
                    within = "restricted-xml" if entrance == "websocket" else "not-well-formed"
                    is_refused(Peer(server, entrance).open().send(text), within, what + " in a stream")
                if entrance != "websocket":
                    is_refused(Peer(server, entrance).send("GET / HTTP/1.1\r\n\r\n"), "not-well-formed", "HTTP")
                unopened = "invalid-xml" if entrance == "websocket" else "invalid-namespace"
                is_refused(Peer(server, entrance).send("<x xmlns='jabber:client'/>"), unopened, "no stream")
                noise = random.Random(1)
                for _ in range(100):
                    Peer(server, entrance).send(noise.randbytes(2048)).last_words()
            await honest.beside(attack)


async def hostile_stanzas_have_no_end(server):
    """100 MB, at once and byte by byte: what is taken of them is bounded, in bytes or in time."""
    async with Honest(server) as honest:
        for entrance in ("clear", "starttls", "tls"):
            def attack(entrance=entrance):
                for known in (False, True) if entrance != "clear" else (False,):
                    for what, begin in (("text", stanza("<body>")[:-10]), ("attribute", "<message to='"),
                                        ("name", "<message")):
                        peer = Peer(server, entrance)
                        peer = peer.sign_in("carol") if known else peer.open().until("features>")
                        peer.send(begin)
                        sent = peer.flood(b"x" * 65536, 100_000_000)
                        is_refused(peer, "policy-violation", f"100 MB of {what}")
                        assert sent < 50_000_000, sent
                if entrance != "clear":
                    peer = Peer(server, entrance).sign_in("carol").send(stanza("<body>")[:-10])
                    peer.flood(b"x", 4 * STANZA)
                    is_refused(peer, "policy-violation", "byte by byte")
            await honest.beside(attack)

        def over_websocket():
            for known in (False, True):
                # One frame of 100 MB is too big (1009), frames of one message without an end are too many (1008).
                for frame, code in ((b"\x81\xff" + (100_000_000).to_bytes(8, "big") + b"\0\0\0\0<x>", b"\x03\xf1"),
                                    (b"\x01\x83\0\0\0\0<x>", b"\x03\xf0")):
                    peer = Peer(server, "websocket")
                    peer = peer.sign_in("carol") if known else peer.open().until("features>")
                    peer.write(frame)
                    peer.flood(b"x" * 65536 if frame[0] == 0x81 else b"\0\x83\0\0\0\0<y>", 100_000_000)
                    peer.last_words()
                    assert code in peer.got, f"close code {code} expected, not {peer.got[-200:]!r}"
        await honest.beside(over_websocket)

        def slow_strangers():
            """A byte each in turn, until their time is over."""
            peers = [Peer(server, "clear").open().until("features>").send("<x>") for _ in range(200)]
            left = list(peers)
            while left:
                ready = set(select.select([p.socket for p in left], [], [], 0)[0])
                left = [p for p in left if p.socket not in ready and p.write(b"x")]
            for peer in peers:
                is_refused(peer, "connection-timeout", "a slow stranger")
        await honest.beside(slow_strangers)


async def hostile_readers_never_read(server):
    """Others send them more than a server should keep; and they ask for more than they take."""
    async with Honest(server) as honest:
        def attack():
            deaf = [Peer(server, e).sign_in("carol", e).send("<presence xmlns='jabber:client'/>")
                    for e in ("starttls", "tls", "websocket")]
            flooding = Peer(server, "tls").sign_in("alice", "flood")
            for n in range(600):
                flooding.send(f"<message xmlns='jabber:client' to='carol@localhost' type='headline'><body>{'x' * 50000}</body>"
                              "</message>")
            flooding.send("<iq xmlns='jabber:client' type='get' id='end'><ping xmlns='urn:xmpp:ping'/></iq>")
            flooding.until("id=.end.")
            for peer in deaf:
                peer.socket.close()
            asking = Peer(server, "tls").sign_in("carol", "asking")
            question = ("<iq xmlns='jabber:client' type='get' id='q' to='localhost'>"
                        "<query xmlns='http://jabber.org/protocol/disco#info'/></iq>") * 100
            asking.socket.settimeout(2)  # until nothing goes in any more: the server has stopped to read
            with contextlib.suppress(TimeoutError):
                for _ in range(10_000):
                    if not asking.write(question.encode()):
                        break
                else:
                    raise AssertionError("the server takes all that is asked and not read")
            asking.socket.close()
        await honest.beside(attack)


def half_a_client_hello():
    outgoing = ssl.MemoryBIO()
    tls = CLIENT_TLS.wrap_bio(ssl.MemoryBIO(), outgoing)
    with contextlib.suppress(ssl.SSLWantReadError):
        tls.do_handshake()
    hello = outgoing.read()
    return hello[:len(hello) // 2]


def stand_around(port, number, first):
    """That many connections that say `first` and no more, from several addresses, until the server has ended each."""
    poll = select.epoll()
    waiting = {}
    for n in range(number):
        s = socket.socket()
        s.bind((f"127.0.0.{2 + n % 8}", 0))
        s.settimeout(PATIENCE)
        s.connect(("127.0.0.1", port))
        with contextlib.suppress(ConnectionError):
            s.sendall(first)
        poll.register(s, select.EPOLLIN | select.EPOLLRDHUP)
        waiting[s.fileno()] = s
    while waiting:
        ready = poll.poll(PATIENCE)
        assert ready, f"{len(waiting)} of {number} connections are still there"
        for fd, _ in ready:
            try:
                over = not waiting[fd].recv(65536)
            except ConnectionError:
                over = True
            if over:
                poll.unregister(fd)
                waiting.pop(fd).close()
    poll.close()


async def hostile_handshakes_stay_half_open(server):
    """Ten thousand at once (fewer of a program with sanitizers), of each kind: they are thrown out in time, and others come in meanwhile."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))  # the server has the same by inheritance
    number = min(1_000 if server.is_sanitized() else 10_000, hard - 1000)
    async with Honest(server) as honest:
        honest.bound = 1024 * MIB
        ask = HEAD.format("localhost") + "<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>"
        kinds = (("silent, TCP", "starttls", b""), ("silent, TLS", "tls", b""),
                 ("half a ClientHello", "tls", half_a_client_hello()), ("STARTTLS, then nothing", "starttls", ask.encode()))
        for what, entrance, first in kinds:
            before = honest.exchanged
            await honest.beside(lambda: stand_around(server.ports[entrance], number, first))
            print(f"{what}: {number} connections, all ended; {honest.exchanged - before} messages exchanged, "
                  f"{(honest.highest() - honest.before) / MIB:.0f} MiB more at most")
            newcomer = await Client(server, "carol", "new").enter(entrance)
            await newcomer.leave()
