"""One bad file costs one refusal: examiners die, dawdle and swell, and the next file is served."""

import hashlib
import json
import logging
import os
import signal
import socket
import struct
import threading
import time
import zlib
from contextlib import contextmanager
from pathlib import Path

import anyio
import httpx
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


def test_a_soft_binding_that_comes_too_slowly_is_refused(deployment):
    settings = Settings(processes=1, upload_seconds=0.5, manifests=True)
    with served(app(deployment, settings)) as address, connected(address) as slow:
        head = "POST /matches/byBinding HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\n"
        slow.sendall(head.encode() + b"x")
        assert slow.recv(100).startswith(b"HTTP/1.1 408")


@pytest.mark.parametrize("kind", ["application/json", "application/x-www-form-urlencoded"])
def test_an_address_does_not_come_in_megabytes(detector, kind):
    answer = detector.post("/v1/verify", content=b"[" + b"[]," * 30_000 + b"[]]", headers={"Content-Type": kind})
    assert answer.status_code == 413
    assert "64 KB" in answer.json()["detail"]


def test_a_client_cannot_have_all_the_places(deployment):
    exempt = (hashlib.sha256(b"a researcher").hexdigest(),)
    settings = Settings(processes=1, waiting=8, exempt=exempt, requests_per_minute=100_000)
    head = b"POST /v1/verify HTTP/1.1\r\nHost: a\r\nContent-Type: image/png\r\nContent-Length: 100\r\n\r\nx"
    with served(app(deployment, settings)) as address, connected(address) as first, connected(address) as second:
        first.sendall(head)
        second.sendall(head)
        with httpx.Client(base_url=f"http://{address}") as client:
            refused = asked_until(client, 429)
            assert refused.headers["retry-after"] == "1"
            assert client.get("/health").status_code == 200
            exempt = client.post("/v1/verify", content=b"", headers={"Authorization": "Bearer a researcher"})
            assert exempt.status_code == 400
            first.close()
            second.close()
            asked_until(client, 400)


def asked_until(client, status):
    """Return the first answer with *status* to a request that brings nothing."""
    deadline = time.monotonic() + 20
    while (answer := client.post("/v1/verify", content=b"")).status_code != status:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    return answer


@contextmanager
def connected(address):
    host, _, port = address.partition(":")
    with socket.create_connection((host, int(port)), timeout=10) as one:
        yield one


@pytest.fixture
def impatient(deployment, monkeypatch):
    """Serve with half a second of patience; give the address."""
    for name in ("_HEADER_SECONDS", "_REST_SECONDS", "_READING_SECONDS"):
        monkeypatch.setattr("disclose.detector.serving." + name, 0.5)
    with as_served(deployment) as address:
        yield address


@contextmanager
def as_served(deployment):
    """Serve as ``disclose serve`` does; give the address."""
    import uvicorn

    config = uvicorn.Config(app(deployment, Settings(processes=1)), **options("127.0.0.1", 0), lifespan="off")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        while not server.started:
            time.sleep(0.01)
        yield "{}:{}".format(*server.servers[0].sockets[0].getsockname())
    finally:
        server.should_exit = True
        thread.join()


def test_a_client_that_never_ends_its_headers_is_cut_off(impatient):
    with connected(impatient) as slow:
        slow.sendall(b"GET /health HTTP/1.1\r\nX: ")
        assert slow.recv(100) == b""


def test_a_client_that_goes_on_sending_after_its_answer_is_cut_off(impatient):
    for request in ("GET /health", "POST /nowhere", "POST /v1/verify?report=none"):
        with connected(impatient) as one:
            one.sendall(f"{request} HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\n".encode())
            assert one.recv(10_000).startswith(b"HTTP/1.1 ")
            assert dripped_until_closed(one) < 5


def test_a_client_that_sends_the_rest_after_its_answer_is_served_on(deployment):
    with as_served(deployment) as address, connected(address) as one:
        one.sendall(b"POST /nowhere HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n")
        assert one.recv(10_000).startswith(b"HTTP/1.1 404")
        one.sendall(b"0123456789GET /health HTTP/1.1\r\nHost: a\r\n\r\n")
        answer = one.recv(10_000)
        while b"HTTP/1.1 200" not in answer:
            piece = one.recv(10_000)
            assert piece
            answer += piece


def test_a_client_that_reads_nothing_is_cut_off(impatient):
    with connected(impatient) as one:
        one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        with pytest.raises((BrokenPipeError, ConnectionResetError)):
            ask_without_reading(one)


def ask_without_reading(one):
    for _ in range(100):
        one.sendall(b"GET /openapi.json HTTP/1.1\r\nHost: a\r\n\r\n" * 100)
        time.sleep(0.05)


def test_a_form_that_is_none_is_not_quoted_in_the_log(tmp_path, monkeypatch, caplog):
    from disclose.detector import serving

    monkeypatch.setenv("DISCLOSE_HOME", str(tmp_path))
    monkeypatch.setenv(serving._VARIABLE, json.dumps(Settings(processes=1).to_dict()))
    logger = logging.getLogger("python_multipart")
    before = logger.level
    try:
        client = TestClient(serving.from_environment())
        kind = {"Content-Type": "multipart/form-data; boundary=b"}
        assert client.post("/v1/verify", content=b"canary", headers=kind).status_code == 400
    finally:
        logger.setLevel(before)
    assert [one.getMessage() for one in caplog.records if one.name.startswith("python_multipart")] == []


def dripped_until_closed(one):
    """Return the seconds until the other side closes *one*, which sends a byte now and then."""
    started = time.monotonic()
    one.settimeout(0.1)
    while time.monotonic() - started < 10:
        try:
            one.sendall(b"x")
            if not one.recv(10_000):
                break
        except TimeoutError:
            continue
        except OSError:
            break
    return time.monotonic() - started


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
