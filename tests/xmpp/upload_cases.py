"""What users of slixmpp see of files that are sent by way of the server (XEP-0363): cases of slixmpp_test.py."""

import io
import os
import signal
import urllib.error
import urllib.request

from harness import Client
from slixmpp.exceptions import IqError

UPLOAD = "urn:xmpp:http:upload:0"
PICTURE = b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 2000


def fetch(url, method="GET", data=None, **headers):
    """Status, headers and body."""
    asked = urllib.request.Request(url, method=method, data=data,
                                   headers={k.replace("_", "-"): v for k, v in headers.items()})
    try:
        with urllib.request.urlopen(asked) as answer:
            return answer.status, answer.headers, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.headers, error.read()


async def slot(client, name, size, kind=None):
    answer = await client["xep_0363"].request_slot("upload.localhost", name, size, kind)
    return answer["http_upload_slot"]["put"]["url"], answer["http_upload_slot"]["get"]["url"]


async def uploads_are_found_and_fetched(server):
    server.start()
    alice = await Client(server, "alice", "a", plugins=("xep_0363",)).enter()
    bob = await Client(server, "bob", "b").enter()
    # What slixmpp 1.8 does to find the service fails with Python 3.11: one step after the other.
    items = (await alice["xep_0030"].get_items("localhost"))["disco_items"]["items"]
    assert ("upload.localhost", None, "HTTP File Upload") in {tuple(i) for i in items}, items
    info = await alice["xep_0030"].get_info("upload.localhost")
    assert UPLOAD in info["disco_info"]["features"], info
    fields = {f.get("var"): f[0].text for f in info.xml.iter("{jabber:x:data}field")}
    assert fields == {"FORM_TYPE": UPLOAD, "max-file-size": str(20 << 20)}, fields
    alice["xep_0363"].upload_service = info["from"]
    url = await alice["xep_0363"].upload_file("très cool.png", input_file=io.BytesIO(PICTURE), size=len(PICTURE),
                                              content_type="image/png", domain="localhost")
    assert url.startswith(f"http://127.0.0.1:{server.http}/upload/") and url.endswith("/tr%C3%A8s%20cool.png"), url
    alice.send_message("bob@localhost", url, mtype="chat")
    await bob.got(url)
    server.stop(signal.SIGKILL)  # what was answered with 201 stays
    server.start(again=True)
    url = url.replace(url.split("/")[2], f"127.0.0.1:{server.http}")
    status, headers, body = fetch(url)
    assert (status, headers["Content-Type"]) == (200, "image/png") and body == PICTURE
    assert fetch(url, Range="bytes=1-3")[::2] == (206, b"PNG")
    names = os.listdir(server.folder + "/data/uploads")
    assert names == [url.split("/")[-2]], names


async def uploads_are_bounded(server):
    server.start()
    alice = await Client(server, "alice", "a", plugins=("xep_0363",)).enter()
    bob = await Client(server, "bob", "b", plugins=("xep_0363",)).enter()

    async def refused(asked, condition, more):
        try:
            await asked
            raise AssertionError("a slot was given")
        except IqError as error:
            assert error.condition == condition, error
            return error.iq.xml.find(f".//{{{UPLOAD}}}{more}")
    most = 20 << 20
    said = await refused(slot(alice, "a.bin", most + 1), "not-acceptable", "file-too-large")
    assert said[0].text == str(most)
    for _ in range(10):
        await slot(alice, "a.bin", most)
    said = await refused(slot(alice, "a.bin", 1), "resource-constraint", "retry")
    assert said.get("stamp").endswith("Z"), said.get("stamp")
    put, get = await slot(bob, "../../etc/passwd", 5, "text/html")  # bob has a quota of his own
    assert get.endswith("/passwd"), get
    # As raw HTTP: what was promised, once.
    page = {"Content_Type": "text/html"}
    assert fetch(put, "PUT", b"123456", **page)[0] == 413
    assert fetch(put, "PUT", b"1234", **page)[0] == 400
    assert fetch(put, "PUT", b"12345", Content_Type="image/png")[0] == 415
    assert fetch(get)[0] == 404
    assert fetch(put, "PUT", b"12345", Origin="https://elsewhere.example", **page)[0] == 201
    assert fetch(put, "PUT", b"12345", **page)[0] == 409
    status, headers, body = fetch(get, Origin="https://elsewhere.example")
    assert (status, body) == (200, b"12345") and headers["Access-Control-Allow-Origin"] == "*", headers
    assert headers["Content-Type"] == "application/octet-stream", "nothing that would run in a browser"
    assert headers["Content-Disposition"].startswith("attachment"), headers
    assert "sandbox" in headers["Content-Security-Policy"] and headers["X-Content-Type-Options"] == "nosniff"
    assert fetch(put, "OPTIONS")[1]["Access-Control-Allow-Methods"] == "OPTIONS, HEAD, GET, PUT"
    base = get.rsplit("/", 2)[0]
    for wrong in ("/" + "x" * 20 + "/passwd", "/%2e%2e/messaging.db", "/..%2Fmessaging.db/passwd"):
        assert fetch(base + wrong)[0] in (400, 404), wrong
    code, said = server.account("remove", "bob")
    assert code == 0, said
    assert fetch(get)[0] == 404, "what was his has gone"
    await alice.leave()
    await bob.leave()
