"""profanity, a client for terminals, in a terminal of its own. A case of slixmpp_test.py."""

import asyncio
import contextlib
import fcntl
import os
import pty
import signal
import struct
import termios

from slixmpp.exceptions import IqError

from harness import PATIENCE, Client

ACCOUNT = """[alice]
enabled=true
jid=alice@localhost
server=127.0.0.1
port={port}
password=pw-alice
resource=terminal
muc.service=conference.localhost
muc.nick=alice
tls.policy=trust
"""
PREFERENCES = "[ui]\nsplash=false\n"


class Terminal:
    """A program in a terminal, and all that it has written there."""

    def __init__(self, home, changed, *command):
        self.screen = bytearray()
        self.changed = changed
        self.process, self.terminal = pty.fork()
        if self.process == 0:
            os.environ.update(HOME=home, XDG_CONFIG_HOME=home + "/config", XDG_DATA_HOME=home + "/data", TERM="xterm",
                              LANG="C.UTF-8")
            try:
                os.execvp(command[0], command)
            finally:
                os._exit(127)
        fcntl.ioctl(self.terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 120, 0, 0))
        asyncio.get_running_loop().add_reader(self.terminal, self.take)

    def take(self):
        try:
            self.screen += os.read(self.terminal, 65536)
        except OSError:  # the program has ended
            asyncio.get_running_loop().remove_reader(self.terminal)
        self.changed.set()

    def type(self, line):
        os.write(self.terminal, line.encode() + b"\r")

    def shows(self, text):
        return text.encode() in self.screen

    async def end(self):
        """How it ended."""
        return await asyncio.wait_for(asyncio.to_thread(os.waitpid, self.process, 0), PATIENCE)

    def close(self):
        asyncio.get_running_loop().remove_reader(self.terminal)
        with contextlib.suppress(ProcessLookupError, ChildProcessError):
            os.kill(self.process, signal.SIGKILL)
            os.waitpid(self.process, 0)
        os.close(self.terminal)


async def is_there(client, room):
    """Until others find the room: it is hidden while it waits for its settings."""
    while True:
        with contextlib.suppress(IqError):
            await client["xep_0030"].get_info(room)
            return


async def profanity_talks(server):
    server.start()
    home = server.folder + "/home"
    for folder in ("/config/profanity", "/data/profanity"):
        os.makedirs(home + folder)
    with open(home + "/data/profanity/accounts", "w") as file:
        file.write(ACCOUNT.format(port=server.ports["starttls"]))
    with open(home + "/config/profanity/profrc", "w") as file:
        file.write(PREFERENCES)
    bob = await Client(server, "bob", "b", plugins=("xep_0045",)).enter()
    terminal = Terminal(home, bob.changed, "profanity", "--account", "alice")

    async def shown(text):
        try:
            await bob.until(lambda: terminal.shows(text), f"{text!r} in the terminal")
        except AssertionError as missing:
            raise AssertionError(f"{missing}: {bytes(terminal.screen[-2000:])}") from None

    try:
        await shown("logged in successfully")
        terminal.type("/msg bob@localhost Hello from the terminal")
        await bob.got("Hello from the terminal")
        assert bob.messages[-1]["from"].full == "alice@localhost/terminal", bob.messages
        bob.send_message("alice@localhost", "Hello to the terminal", mtype="chat")
        await shown("Hello to the terminal")

        room = "terminals@conference.localhost"
        terminal.type(f"/join {room}")
        await shown("/room accept")
        terminal.type("/room accept")
        await asyncio.wait_for(is_there(bob, room), PATIENCE)
        await bob["xep_0045"].join_muc_wait(room, "bob", timeout=PATIENCE)
        terminal.type("Said in the room")
        await bob.got("Said in the room")
        bob.send_message(room, "Heard in the room", mtype="groupchat")
        await shown("Heard in the room")

        terminal.type("/quit")
        assert (await terminal.end())[1] == 0
    finally:
        terminal.close()
