"""Runs the last step of the tutorial and talks to it: messages over HTTP, news over WebSocket, the console's page."""

import base64
import os
import re
import signal
import socket
import subprocess
import sys
import urllib.request

SECONDS = 30  # until a step that hangs is a failure


def request(port, path, body=None):
    with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", data=body, timeout=SECONDS) as answer:
        return answer.status, answer.read().decode()


def read_exactly(stream, count):
    data = stream.read(count)
    assert len(data) == count, "the WebSocket ended early"
    return data


def listen(port, user):
    """A WebSocket as a stream; the listener is known to the chat when this returns."""
    connection = socket.create_connection(("127.0.0.1", port), timeout=SECONDS)
    key = base64.b64encode(os.urandom(16)).decode()
    connection.sendall(f"GET /listen/{user} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nUpgrade: websocket\r\n"
                       f"Connection: Upgrade\r\nSec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n\r\n".encode())
    stream = connection.makefile("rb")
    assert b" 101 " in stream.readline()
    while stream.readline() != b"\r\n":
        pass
    return stream


def next_text(stream):
    first, length = read_exactly(stream, 2)
    assert first == 0x81 and length < 126, f"not a short text frame: {first:x} {length}"
    return read_exactly(stream, length).decode()


def main(program):
    with subprocess.Popen([program, "0"], stdout=subprocess.PIPE, text=True) as running:
        try:
            port = int(re.fullmatch(r"http://127\.0\.0\.1:(\d+)/console/\n", running.stdout.readline())[1])
            news = listen(port, "bob")
            assert next_text(news) == "welcome, bob"
            assert request(port, "/messages/bob", b"hello, bob")[0] == 202
            assert next_text(news) == "hello, bob"
            assert request(port, "/messages/bob") == (200, "hello, bob\n")
            assert "<html" in request(port, "/console/")[1]
            news.close()
            running.send_signal(signal.SIGTERM)
            assert running.wait(SECONDS) == 0
        finally:
            running.kill()


if __name__ == "__main__":
    main(sys.argv[1])
