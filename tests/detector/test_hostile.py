"""One bad file costs one refusal: examiners die, dawdle and swell, and the next file is served."""

import os
import signal
import socket
import struct
import threading
import time
import zlib
from pathlib import Path

import anyio
import pytest
from loopback import served
from starlette.testclient import TestClient

from disclose.detector import Settings, app
from disclose.detector.pool import ExaminationFailedError, Pool
from disclose.detector.serving import options

QUICK = b"\x00 a file of no kind that a layer knows"


def post(client, data):
    return client.post("/v1/verify", content=data, headers={"Content-Type": "image/png"})


def bomb():
    """Return a PNG of some kilobytes that declares 40,000 by 40,000 pixels."""

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", 40_000, 40_000, 8, 2, 0, 0, 0)
    body = chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(bytes(1_000_000))) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + body


def greedy(data):
    """Return *data*, a signed JPEG, whose manifest store says that it is four gigabytes long."""
    place = data.index(b"jumb") - 4
    return data[:place] + b"\xff\xff\xff\xf0" + data[place + 4 :]


@pytest.mark.parametrize(
    "make",
    [
        lambda marked, plain: plain[: len(plain) // 2],
        lambda marked, plain: marked[: len(marked) // 2],
        lambda marked, plain: b"\x89PNG\r\n\x1a\n" * 1000,
        lambda marked, plain: bomb(),
        lambda marked, plain: greedy(marked),
        lambda marked, plain: b"%PDF-1.7\n" + b"[" * 100_000,
        lambda marked, plain: b"II*\x00" + b"\xff" * 5000,
        lambda marked, plain: b"\x00\x00\x00\x1cftypavif" + os.urandom(3000),
        lambda marked, plain: b"<svg>" + b"<g>" * 50_000,
        lambda marked, plain: b"PK\x03\x04" + bytes(100) + plain,
        lambda marked, plain: b"\x00",
    ],
)
def test_hostile_files_are_answered_and_cost_no_more(detector, marked, plain, make):
    assert post(detector, make(marked, plain)).status_code in (200, 422)
    assert post(detector, QUICK).status_code == 200


def test_a_file_that_is_a_picture_and_something_else_is_judged_as_the_picture(detector, marked):
    polyglot = marked + b"PK\x05\x06" + bytes(18) + b"<script>alert(1)</script>"
    assert post(detector, polyglot).json()["outcome"] == "contested"


@pytest.fixture(scope="module")
def pool(deployment):
    with Pool(deployment, processes=1, seconds=20) as made:
        made.warm()
        yield made


def examiner(pool):
    (found,) = pool._all
    return found._process.pid


def test_an_examiner_has_limits_and_leaves_no_core_file(pool):
    lines = Path(f"/proc/{examiner(pool)}/limits").read_text().splitlines()[1:]
    limits = {line[:25].strip(): line[25:].split()[0] for line in lines}
    assert int(limits["Max address space"]) < 16 << 30
    assert limits["Max core file size"] == "0"


def test_an_examiner_that_is_killed_is_replaced(pool):
    first, before = examiner(pool), pool.replaced
    os.kill(first, signal.SIGKILL)
    with pytest.raises(ExaminationFailedError):
        pool.examine(QUICK, name="")
    assert pool.examine(QUICK, name="")["outcome"] == "undetermined"
    assert examiner(pool) != first
    assert pool.replaced == before + 1


def test_an_examiner_that_hangs_is_ended_and_replaced(pool, monkeypatch):
    os.kill(examiner(pool), signal.SIGSTOP)
    with monkeypatch.context() as patch:
        patch.setattr(pool, "_seconds", 0.5)
        with pytest.raises(ExaminationFailedError):
            pool.examine(QUICK, name="")
    assert pool.examine(QUICK, name="")["outcome"] == "undetermined"


def test_a_killed_examiner_costs_one_refusal(pool, deployment):
    application = app(deployment, Settings(processes=1))
    application.state.service.pool = pool
    client = TestClient(application)
    os.kill(examiner(pool), signal.SIGKILL)
    assert post(client, QUICK).status_code == 422
    assert post(client, QUICK).status_code == 200


def test_a_slow_upload_is_refused(deployment):
    with served(app(deployment, Settings(processes=1, upload_seconds=0.5))) as address:
        host, _, port = address.partition(":")
        with socket.create_connection((host, int(port)), timeout=10) as slow:
            head = (
                f"POST /v1/verify HTTP/1.1\r\nHost: {address}\r\nContent-Type: image/png\r\nContent-Length: 100\r\n\r\n"
            )
            slow.sendall(head.encode() + b"x")
            assert slow.recv(100).startswith(b"HTTP/1.1 408")


def test_a_client_that_never_ends_its_headers_is_cut_off(deployment, monkeypatch):
    import uvicorn

    from disclose.detector import serving

    monkeypatch.setattr(serving, "_HEADER_SECONDS", 0.5)
    config = uvicorn.Config(app(deployment, Settings(processes=1)), **options("127.0.0.1", 0), lifespan="off")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        while not server.started:
            time.sleep(0.01)
        address = server.servers[0].sockets[0].getsockname()
        with socket.create_connection(address, timeout=10) as quick:
            quick.sendall(b"GET /health HTTP/1.1\r\nHost: a\r\n\r\n")
            assert quick.recv(1000).startswith(b"HTTP/1.1 200")
        with socket.create_connection(address, timeout=10) as slow:
            slow.sendall(b"GET /health HTTP/1.1\r\nX: ")
            assert slow.recv(100) == b""
    finally:
        server.should_exit = True
        thread.join()


def test_more_than_can_be_held_is_sent_away(deployment):
    service = app(deployment, Settings(processes=1, memory=1000)).state.service

    async def upload():
        from starlette.exceptions import HTTPException
        from starlette.requests import Request

        async def receive():
            return {"type": "http.request", "body": bytes(2000), "more_body": False}

        request = Request({"type": "http", "method": "POST", "headers": [], "query_string": b""}, receive)
        with pytest.raises(HTTPException) as caught:
            async with service.uploads.received(request):
                pass
        return caught.value.status_code

    assert anyio.run(upload) == 503
    assert service.uploads.held == 0
