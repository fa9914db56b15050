"""An address that a stranger gives leads to the public network or nowhere, and never for long."""

import hashlib
import ipaddress
import socket
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager

import pytest
from hypothesis import given
from hypothesis import strategies as st
from web_pages import pages

from disclose.detector import Settings, app
from disclose.detector.addresses import is_public
from disclose.detector.fetching import Fetcher, RefusedAddressError
from disclose.errors import InputError, TooLargeError, UnreadableError
from disclose.profile import Profile

INSIDE = [
    "127.0.0.1",
    "127.8.8.8",
    "0.0.0.0",  # noqa: S104 - an address that is to be refused
    "10.0.0.1",
    "172.16.0.1",
    "192.168.1.1",
    "169.254.169.254",
    "100.100.100.200",
    "192.0.0.192",
    "198.18.0.1",
    "224.0.0.1",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::ffff:127.0.0.1",
    "::ffff:169.254.169.254",
    "::7f00:1",
    "fe80::1",
    "fe80::1%eth0",
    "fd00:ec2::254",
    "fc00::1",
    "ff02::1",
    "64:ff9b::7f00:1",
    "64:ff9b::a9fe:a9fe",
    "2002:7f00:1::",
    "2002:a9fe:a9fe::1",
    "2001:db8::1",
    "3fff::1",
    "5f00::1",
    "fec0::1",
    "nonsense",
]


@pytest.fixture
def server():
    with pages() as running:
        yield running


def fetcher(server, **changes):
    """Return a fetcher for which *server* is the public network, and nothing else is."""
    port = server.server_address[1]
    usual = {
        "largest": 4096,
        "seconds": 1.0,
        "ports": frozenset({port, 80}),
        "permits": lambda one: one == "127.0.0.1",
        "resolves": lambda host, _: {"public.example": ["127.0.0.1"], "inside.example": ["127.0.0.2"]}.get(
            host, [host]
        ),
    }
    return Fetcher(**{**usual, **changes})


def at(server, path, host="public.example"):
    return f"http://{host}:{server.server_address[1]}{path}"


@pytest.mark.parametrize("address", INSIDE)
def test_no_address_inside_is_public(address):
    assert not is_public(address)


@pytest.mark.parametrize("address", ["93.184.216.34", "1.1.1.1", "2606:4700:4700::1111", "::ffff:8.8.8.8"])
def test_addresses_outside_are_public(address):
    assert is_public(address)


@given(st.ip_addresses(v=4).filter(lambda one: not one.is_global))
def test_no_private_address_gets_through_in_the_clothes_of_another(address):
    number = int(address)
    for dressed in (number | 0xFFFF << 32, number, 0x64FF9B << 96 | number, 0x2002 << 112 | number << 80):
        assert not is_public(str(ipaddress.IPv6Address(dressed)))


@pytest.mark.parametrize(
    "url",
    [
        "http://localhost/",
        "http://127.0.0.1/",
        "http://[::1]/",
        "http://2130706433/",
        "http://0x7f.1/",
        "http://0177.0.0.1/",
        "http://169.254.169.254/latest/meta-data/",
        "http://user:secret@example.org/",
        "http://example.org:22/",
        "http://example.org:99999/",
        "ftp://example.org/",
        "file:///etc/passwd",
        "gopher://127.0.0.1/",
        "data:text/plain,x",
        "http:///",
        "//example.org/",
        "",
        "http://example.org/\r\nX: y",
        "http://exa\u200bmple.org/",
        "http://" + "a" * 3000 + ".example/",
    ],
)
def test_what_is_not_a_plain_public_address_is_refused_before_anything_is_asked(url):
    with pytest.raises(RefusedAddressError):
        Fetcher(largest=100, seconds=2).fetch(url)


def test_a_file_is_fetched_under_its_name(server):
    assert fetcher(server).fetch(at(server, "/file?a=b")) == b"a file"
    assert server.asked == [("/file?a=b", f"public.example:{server.server_address[1]}")]


def test_a_redirect_inside_is_refused(server):
    for target in ("http://169.254.169.254/", at(server, "/file", "inside.example"), "file:///etc/passwd"):
        with pytest.raises(RefusedAddressError):
            fetcher(server).fetch(at(server, f"/to?{target}"))
    assert [path for path, _ in server.asked if path == "/file"] == []


@pytest.mark.parametrize("target", ["http://[", "//[::1", "http://a:b/", "http://user@public.example/"])
def test_a_redirect_to_what_is_no_address_is_refused(server, target):
    with pytest.raises(RefusedAddressError):
        fetcher(server).fetch(at(server, f"/to?{target}"))


def test_a_redirect_outside_is_followed_and_a_circle_is_not(server):
    assert fetcher(server).fetch(at(server, "/to?/file")) == b"a file"
    with pytest.raises(RefusedAddressError, match="too often"):
        fetcher(server).fetch(at(server, "/circle"))


def test_a_name_that_changes_its_mind_is_asked_once(server):
    asked = []

    def rebinding(host, port):
        asked.append(host)
        return ["127.0.0.1"] if len(asked) == 1 else ["127.0.0.2"]

    assert fetcher(server, resolves=rebinding).fetch(at(server, "/file")) == b"a file"
    assert asked == ["public.example"]


def test_a_name_is_asked_at_the_next_of_its_addresses_where_one_does_not_answer(server):
    asked = fetcher(server, resolves=lambda *_: ["127.0.0.9", "127.0.0.1"], permits=lambda _: True)
    assert asked.fetch(at(server, "/file")) == b"a file"


def test_an_address_that_never_answers_leaves_time_for_the_next(server):
    port = server.server_address[1]
    with full(port) as silent:
        asked = fetcher(server, resolves=lambda *_: [silent, "127.0.0.1"], permits=lambda _: True, seconds=4.0)
        assert asked.fetch(at(server, "/file")) == b"a file"


@contextmanager
def full(port):
    """Give an address at whose *port* connections are neither taken nor refused: its queue is full."""
    with socket.create_server(("127.0.0.7", port), backlog=0), ExitStack() as waiting:
        for _ in range(3):
            one = waiting.enter_context(socket.socket())
            one.setblocking(False)
            one.connect_ex(("127.0.0.7", port))
        yield "127.0.0.7"


def test_a_name_with_one_address_inside_is_refused(server):
    with pytest.raises(RefusedAddressError):
        fetcher(server, resolves=lambda *_: ["127.0.0.1", "10.0.0.1"]).fetch(at(server, "/file"))


@pytest.mark.parametrize("path", ["/large", "/announced"])
def test_what_is_too_large_is_not_read_to_its_end(server, path):
    with pytest.raises(TooLargeError):
        fetcher(server).fetch(at(server, path))


@pytest.mark.parametrize("path", ["/drip", "/dripping-headers"])
def test_what_comes_too_slowly_is_cut_off(server, path):
    started = time.monotonic()
    with pytest.raises(UnreadableError, match="too long"):
        fetcher(server).fetch(at(server, path))
    assert time.monotonic() - started < 4


def test_a_server_that_never_answers_a_handshake_is_cut_off():
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        one = Fetcher(largest=10, seconds=0.5, ports=frozenset({port}), permits=lambda _: True)
        with pytest.raises(UnreadableError):
            one.fetch(f"https://127.0.0.1:{port}/")


def test_what_comes_compressed_against_the_request_is_no_file(server):
    with pytest.raises(UnreadableError, match="compressed"):
        fetcher(server).fetch(at(server, "/compressed"))


@pytest.mark.parametrize("path", ["/short", "/missing"])
def test_what_is_no_file_is_an_error(server, path):
    with pytest.raises(UnreadableError):
        fetcher(server).fetch(at(server, path))


def test_a_refusal_says_nothing_of_what_is_inside(server):
    messages = set()
    # A name that nobody has, and one that is none, are told from none of those inside.
    for host in ("10.0.0.1", "127.0.0.1", "inside.example", "nobody.invalid", "a" * 70 + ".example"):
        with pytest.raises(InputError) as caught:
            fetcher(server, permits=lambda _: False).fetch(f"http://{host}/")
        messages.add(str(caught.value))
    assert len(messages) == 1


def test_a_client_cannot_have_all_the_fetching(server, tmp_path):
    """Eight addresses are fetched at once, and a client whose addresses answer slowly has a quarter of them."""
    from starlette.testclient import TestClient

    token = hashlib.sha256(b"a newsroom").hexdigest()
    settings = Settings(processes=1, exempt=(token,))
    application = app(Profile(folder=tmp_path), settings, fetcher=fetcher(server, seconds=3.0))
    slow, other = (TestClient(application, client=(f"192.0.2.{number}", 1)) for number in (1, 2))

    def ask(client, path, **headers):
        return client.post("/v1/verify", json={"url": at(server, path)}, headers=headers)

    with slow, ThreadPoolExecutor(2) as waiting:
        held = [waiting.submit(ask, slow, "/drip") for _ in range(2)]
        while len(server.asked) < 2:
            time.sleep(0.01)
        refused = ask(slow, "/file")
        assert (refused.status_code, refused.headers["retry-after"]) == (429, "5")
        assert ask(other, "/file").status_code == 200
        assert ask(slow, "/file", Authorization="Bearer a newsroom").status_code == 200
        assert [one.result().status_code for one in held] == [422, 422]
        assert ask(slow, "/file").status_code == 200
