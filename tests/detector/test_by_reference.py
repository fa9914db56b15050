"""A file at an address leads to its manifest, over a real server and real TLS, and to nothing inside a network."""

import ssl
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID
from loopback import served
from pictures import resaved
from web_pages import pages

from disclose.detector import Settings, app
from disclose.detector.fetching import Fetcher
from disclose.ledger.manifests import active_label
from disclose.profile import Profile

HOST = "public.example"


@pytest.fixture(scope="module")
def deployment(tmp_path_factory):
    return Profile(folder=tmp_path_factory.mktemp("deployment") / "disclose", keep_manifests=True)


@pytest.fixture(scope="module")
def stripped(issued):
    data = resaved(issued.data, quality=85)
    assert b"c2pa" not in data
    return data


@pytest.fixture(scope="module")
def certified(tmp_path_factory):
    """The files of a certificate for the public host, which vouches for itself, and of its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name, now = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, HOST)]), datetime.now(UTC)
    made = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
    made = made.not_valid_before(now - timedelta(days=1)).not_valid_after(now + timedelta(days=1))
    names = x509.SubjectAlternativeName([x509.DNSName(HOST)])
    certificate = made.add_extension(names, critical=False).sign(key, hashes.SHA256())
    folder = tmp_path_factory.mktemp("tls")
    (folder / "host.pem").write_bytes(certificate.public_bytes(Encoding.PEM))
    (folder / "key.pem").write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return folder / "host.pem", folder / "key.pem"


@pytest.fixture(scope="module")
def website(certified, issued, stripped):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certified)
    files = {"/stripped.jpg": stripped, "/marked.jpg": issued.data, "/empty": b"", "/note": b"It says nothing.\n"}
    with pages(tls=context, files=files) as server:
        yield server


@pytest.fixture(scope="module")
def plain_website(stripped):
    with pages(files={"/stripped.jpg": stripped}) as server:
        yield server


def fetcher(*servers):
    """Return a fetcher for which this machine is the public network; "inside.example" is not on it."""
    ports = frozenset(one.server_address[1] for one in servers)
    names = {HOST: ["127.0.0.1"], "inside.example": ["127.0.0.2"]}
    return Fetcher(
        largest=1 << 20,
        seconds=2.0,
        ports=ports,
        permits=lambda address: address == "127.0.0.1",
        resolves=lambda host, _: names.get(host, [host]),
    )


@pytest.fixture(scope="module")
def resolver(deployment, detector, website, plain_website):
    """A client of a real server."""
    settings = Settings(processes=1, manifests=True, requests_per_minute=10_000, largest=1 << 20)
    application = app(deployment, settings, fetcher=fetcher(website, plain_website))
    application.state.service.pool = detector.app.state.service.pool
    with served(application) as address, httpx.Client(base_url=f"http://{address}", timeout=30) as client:
        yield client


@pytest.fixture(autouse=True)
def _vouched_for(certified, monkeypatch):
    monkeypatch.setenv("SSL_CERT_FILE", str(certified[0]))


def at(server, path, *, scheme="https", host=HOST):
    return f"{scheme}://{host}:{server.server_address[1]}{path}"


def asked(resolver, url, *, length=1 << 20, params=None, **more):
    body = {"referenceUrl": url, "assetLength": length, **more}
    return resolver.post("/matches/byReference", json=body, params=params)


def test_a_file_at_an_address_leads_to_the_manifest_that_it_lost(resolver, website, issued):
    for path in ("/stripped.jpg", "/stripped.jpg?Expires=1712345678&Signature=abc#part", "/to?/stripped.jpg"):
        answer = asked(resolver, at(website, path))
        assert answer.status_code == 200, answer.text
        (match,) = answer.json()["matches"]
        assert match == {"manifestId": active_label(issued.manifest), "similarityScore": 100, "recovered": True}
    assert resolver.get(f"/manifests/{match['manifestId']}").content == issued.manifest


def test_a_file_without_a_mark_leads_to_nothing(resolver, website):
    assert asked(resolver, at(website, "/note"), assetType="text/markdown").json() == {"matches": []}


@pytest.mark.parametrize("stated", ["image/jpeg", "image/jpg", "IMAGE/JPEG; q=1"])
def test_the_type_that_is_stated_is_the_one_found(resolver, website, stated):
    assert asked(resolver, at(website, "/stripped.jpg"), assetType=stated).json()["matches"]


@pytest.mark.parametrize("stated", ["video/mp4", "image/png", "text/plain"])
def test_a_file_of_another_type_than_stated_is_refused(resolver, website, stated):
    answer = asked(resolver, at(website, "/stripped.jpg"), assetType=stated)
    assert answer.status_code == 415
    assert "image/jpeg" in answer.json()["detail"]


def test_a_file_longer_than_stated_is_refused(resolver, website, stripped):
    assert asked(resolver, at(website, "/stripped.jpg"), length=len(stripped)).status_code == 200
    assert asked(resolver, at(website, "/stripped.jpg"), length=len(stripped) - 1).status_code == 413
    assert asked(resolver, at(website, "/announced")).status_code == 413


def test_a_file_that_is_said_to_be_too_large_is_not_asked_for(resolver, website):
    before = len(website.asked)
    assert asked(resolver, at(website, "/stripped.jpg"), length=(1 << 20) + 1).status_code == 413
    assert len(website.asked) == before


def test_an_empty_file_is_no_asset(resolver, website):
    assert asked(resolver, at(website, "/empty")).status_code == 415


def test_what_does_not_come_in_time_or_not_as_a_file_is_refused(resolver, website):
    for path in ("/drip", "/short", "/missing", "/circle"):
        assert asked(resolver, at(website, path)).status_code == 422, path


def test_nothing_inside_a_network_is_asked(resolver, website, plain_website):
    for url in (
        at(website, "/stripped.jpg", host="inside.example"),
        at(website, "/stripped.jpg", host="[::ffff:127.0.0.1]"),
        at(website, "/to?" + at(website, "/stripped.jpg", host="inside.example")),
        f"https://someone@{HOST}:{website.server_address[1]}/stripped.jpg",
        "https://169.254.169.254/latest/meta-data/",
        f"https://{HOST}:22/",
    ):
        before = [path for path, _ in website.asked].count("/stripped.jpg")
        answer = asked(resolver, url)
        assert answer.status_code == 422, url
        assert [path for path, _ in website.asked].count("/stripped.jpg") == before


def test_only_https_is_followed_from_the_first_address_to_the_last(resolver, website, plain_website):
    plain = at(plain_website, "/stripped.jpg", scheme="http")
    assert asked(resolver, plain).status_code == 400
    assert asked(resolver, at(website, f"/to?{plain}")).status_code == 422
    assert plain_website.asked == []


def test_a_server_that_nobody_vouches_for_is_not_believed(resolver, website, monkeypatch):
    monkeypatch.setenv("SSL_CERT_FILE", "/dev/null")
    assert asked(resolver, at(website, "/stripped.jpg")).status_code == 422


@pytest.mark.parametrize(
    "body",
    [
        {},
        [],
        "https://public.example/",
        {"referenceUrl": "https://public.example/"},
        {"referenceUrl": 3, "assetLength": 10},
        {"referenceUrl": "HTTP://public.example/", "assetLength": 10},
        {"referenceUrl": "https://public.example/", "assetLength": "10"},
        {"referenceUrl": "https://public.example/", "assetLength": 0},
        {"referenceUrl": "https://public.example/", "assetLength": True},
        {"referenceUrl": "https://public.example/", "assetLength": 10, "assetType": "picture"},
        {"referenceUrl": "https://public.example/", "assetLength": 10, "assetType": 3},
        {"referenceUrl": "https://public.example/", "assetLength": 10, "region": [{"region": []}]},
    ],
)
def test_a_malformed_reference_is_refused(resolver, body):
    answer = resolver.post("/matches/byReference", json=body)
    assert answer.status_code == 400
    assert answer.headers["content-type"] == "application/problem+json"


def test_a_region_of_nothing_is_the_whole_file(resolver, website):
    assert asked(resolver, at(website, "/stripped.jpg"), region=[]).json()["matches"]


def test_a_reference_of_kilobytes_is_refused(resolver):
    assert asked(resolver, "https://public.example/" + "a" * 10_000).status_code == 413


def test_a_detector_that_fetches_nothing_or_keeps_no_manifests_says_so(deployment, detector, website):
    from starlette.testclient import TestClient

    service = detector.app.state.service
    for settings, status in (
        (Settings(processes=1, manifests=True, fetches=False), 422),
        (replace(service.settings, manifests=False), 404),
    ):
        client = TestClient(app(deployment, settings, fetcher=fetcher(website)))
        assert asked(client, at(website, "/stripped.jpg")).status_code == status
