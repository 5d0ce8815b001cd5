#!/usr/bin/env python3
"""Runs the cases of the Autobahn test suite, from a checkout of it, against Coppice's WebSockets.

    run_autobahn.py --suite CHECKOUT --peer PROGRAM [--side server|client] [--cases 1.*,6.4.1] [--jobs N]

PROGRAM is conformance_peer. The cases' definitions come from the checkout, the WebSocket that speaks to ours from
autobahn for Python. Ends with an error if a case is neither OK nor NON-STRICT nor INFORMATIONAL, or closed badly.
"""

import argparse
import fnmatch
import subprocess
import sys
from collections import Counter

from autobahn.twisted.websocket import (
    WebSocketClientFactory,
    WebSocketClientProtocol,
    WebSocketServerFactory,
    WebSocketServerProtocol,
)
from twisted.internet import reactor

from autobahn_cases import case_id, load, octets, text

GOOD = {"OK", "NON-STRICT", "INFORMATIONAL"}
GOOD_CLOSE = {"OK", "INFORMATIONAL"}
HEAVY = {9, 12, 13}
# Generous with the clock, as autobahn itself may be the busy side.
MANNERS = {"failByDrop": False, "openHandshakeTimeout": 30, "closeHandshakeTimeout": 30}


class Fuzzer:
    """What a case expects of its connection, on top of either side's protocol of autobahn."""

    def begin(self, case_class):
        self.case_class = case_class
        self.createWirelog = True
        self.connectionWasOpen = False
        self.txFrameStats = Counter()
        self.runCase = case_class(self)

    def enableWirelog(self, enable):
        self.createWirelog = enable

    def logRxOctets(self, data): ...
    def logTxOctets(self, data, sync): ...
    def logRxFrame(self, header, payload): ...

    def logTxFrame(self, header, payload, repeat, chopsize, sync):
        self.txFrameStats[header.opcode] += 1

    def continueLater(self, delay, function, tag=None):
        reactor.callLater(delay, lambda: self.state != self.STATE_CLOSED and function())

    def killAfter(self, delay):
        reactor.callLater(delay, lambda: self.state != self.STATE_CLOSED and self._fail_connection())

    def closeAfter(self, delay):
        reactor.callLater(delay, lambda: self.state != self.STATE_CLOSED and self.sendClose())

    def sendFrame(self, opcode, payload="", **more):
        super().sendFrame(opcode=opcode, payload=octets(payload), **more)

    def sendMessage(self, payload, isBinary=False, **more):
        super().sendMessage(octets(payload), isBinary, **more)

    def sendMessageFrameData(self, payload, sync=False):
        return super().sendMessageFrameData(octets(payload), sync)

    def sendCloseFrame(self, code=None, reasonUtf8=None, isReply=False):
        super().sendCloseFrame(code, octets(reasonUtf8), isReply)

    def onOpen(self):
        self.connectionWasOpen = True
        self.runCase.onOpen()

    def onMessage(self, payload, isBinary):
        self.runCase.onMessage(text(payload), isBinary)

    def onPing(self, payload):
        self.runCase.onPing(text(payload))
        super().onPing(payload)

    def onPong(self, payload):
        self.runCase.onPong(text(payload))

    def onClose(self, wasClean, code, reason):
        self.runCase.onClose(wasClean, code, reason)

    def connectionLost(self, reason):
        super().connectionLost(reason)
        self.localCloseReason = text(self.localCloseReason)
        self.runCase.onConnectionLost(self.failedByMe)
        self.factory.run.ended(self)


class FuzzingClient(Fuzzer, WebSocketClientProtocol): ...


class FuzzingServer(Fuzzer, WebSocketServerProtocol): ...


class Run:
    """Plays cases; `then` is called after the last one."""

    def __init__(self, cases, results, then):
        self.waiting = list(cases)
        self.left = len(self.waiting)
        self.results = results
        self.then = then

    def ended(self, fuzzer):
        case = fuzzer.runCase
        good = case.behavior in GOOD and (case.behaviorClose in GOOD_CLOSE or case.behavior == "INFORMATIONAL")
        name = case_id(fuzzer.case_class)
        self.results[name] = case.behavior if good else "FAILED"
        if good:
            print(f"{name}: {case.behavior}", flush=True)  # the last ones take minutes each
        else:
            said = f"{case.behavior} ({case.result}); close: {case.behaviorClose} ({case.resultClose})"
            print(f"{name}: {said}; close code {fuzzer.remoteCloseCode}; {fuzzer.wasNotCleanReason or ''}", flush=True)
        self.left -= 1
        if self.left == 0:
            self.then()
        else:
            self.go_on()

    def go_on(self): ...

    def set_up(self, factory, fuzzer_class, next_case):
        """Makes each connection of the factory play the case that `next_case()` gives."""

        def build(_):
            fuzzer = fuzzer_class()
            fuzzer.factory = factory
            fuzzer.begin(next_case())
            return fuzzer

        factory.setProtocolOptions(**MANNERS)
        factory.logFrames = True
        factory.run = self
        factory.buildProtocol = build


class OursIsServer(Run):
    def __init__(self, cases, results, then, peer, jobs):
        super().__init__(cases, results, then)
        self.url = f"ws://{peer.serve()}/ws"
        for _ in range(jobs):
            self.go_on()

    def go_on(self):
        if not self.waiting:
            return
        case_class = self.waiting.pop(0)
        factory = WebSocketClientFactory(self.url)
        self.set_up(factory, FuzzingClient, lambda: case_class)
        reactor.connectTCP("127.0.0.1", factory.port, factory)


class OursIsClient(Run):
    def __init__(self, cases, results, then, peer, jobs):
        super().__init__(cases, results, then)
        factory = WebSocketServerFactory()
        self.set_up(factory, FuzzingServer, lambda: self.waiting.pop(0))
        port = reactor.listenTCP(0, factory, interface="127.0.0.1").getHost().port
        peer.start("connect", f"ws://127.0.0.1:{port}/", str(len(self.waiting)), str(jobs))


class Peer:
    """The program on our side, once or several times."""

    def __init__(self, program):
        self.program = program
        self.running = []

    def start(self, *arguments):
        self.running.append(
            subprocess.Popen([self.program, *arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True))
        return self.running[-1]

    def serve(self):
        return self.start("serve").stdout.readline().strip()

    def stop(self):
        """Whether all ended well."""
        for process in self.running:
            process.stdin.close()  # which tells it to end
        return all(process.wait(timeout=30) == 0 for process in self.running)


def group_of(name):
    return int(name.split(".")[0])


def report(results, total):
    """How many of each group, and whether all are well."""
    groups = {}
    for name, result in results.items():
        groups.setdefault(group_of(name), Counter())[result] += 1
    for group in sorted(groups):
        print(f"group {group:2}: " + ", ".join(f"{n} {result}" for result, n in sorted(groups[group].items())))
    failed = sum(counts["FAILED"] for counts in groups.values())
    print(f"{len(results) - failed} of {total} cases pass")
    return failed == 0 and len(results) == total


def main():
    options = argparse.ArgumentParser(description="Autobahn's cases against Coppice's WebSockets")
    options.add_argument("--suite", required=True)
    options.add_argument("--peer", required=True)
    options.add_argument("--side", choices=["server", "client"], default="server")
    options.add_argument("--cases", default="*", help="patterns, with commas between")
    options.add_argument("--jobs", type=int, default=8)
    chosen = options.parse_args()
    patterns = chosen.cases.split(",")
    cases = [c for c in load(chosen.suite) if any(fnmatch.fnmatchcase(case_id(c), p) for p in patterns)]
    if not cases:
        raise SystemExit(f"autobahn: no case is named {chosen.cases}")

    # Those have deadlines for much data, so each has the machine to itself.
    heavy = [c for c in cases if group_of(case_id(c)) in HEAVY]
    light = [c for c in cases if c not in heavy]
    phases = [(some, jobs) for some, jobs in ((light, chosen.jobs), (heavy, 1)) if some]
    side = OursIsServer if chosen.side == "server" else OursIsClient
    results = {}
    peer = Peer(chosen.peer)

    def next_phase():
        if phases:
            some, jobs = phases.pop(0)
            side(some, results, next_phase, peer, jobs)
        else:
            reactor.stop()

    try:
        reactor.callWhenRunning(next_phase)
        reactor.run()
    finally:
        ended = peer.stop()
    well = report(results, len(cases))
    if not ended:
        print("autobahn: our side did not end well")
    sys.exit(0 if well and ended else 1)


if __name__ == "__main__":
    main()
