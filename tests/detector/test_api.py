"""The API answers as the command line does, refuses what it must, and describes itself truthfully."""

import gzip
import hashlib
import json

import pytest
from click.testing import CliRunner
from openapi_spec_validator import validate
from starlette.testclient import TestClient

from disclose.cli.verify import verify
from disclose.detector import Settings, app


def test_a_marked_picture_is_disclosed(detector, marked):
    answer = detector.post("/v1/verify", files={"file": ("a.jpg", marked)})
    assert answer.status_code == 200
    assert answer.json()["outcome"] == "disclosed"
    assert answer.json()["disclosure"]["system"] == "Acme Studio"


def test_the_answer_is_what_the_command_line_prints(detector, deployment, marked, tmp_path, monkeypatch):
    monkeypatch.setenv("DISCLOSE_HOME", str(deployment.folder))
    path = tmp_path / "a.jpg"
    path.write_bytes(marked)
    printed = json.loads(CliRunner().invoke(verify, ["--json", str(path)]).stdout)
    answered = detector.post("/v1/verify", files={"file": (str(path), marked)}).json()
    assert list(answered) == list(printed)
    assert answered == printed


def test_a_raw_body_is_a_file(detector, plain):
    answer = detector.post("/v1/verify", content=plain, headers={"Content-Type": "image/png"})
    assert (answer.status_code, answer.json()["outcome"]) == (200, "undetermined")


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (b"", "image/png"),
        (b"{}", "application/json"),
        (b"[" * 50_000, "application/json"),
        (b'{"url": 3}', "application/json"),
        (b"no form", "multipart/form-data; boundary=b"),
        (b"no form", "multipart/form-data"),
    ],
)
def test_malformed_requests_are_refused(detector, content, kind):
    answer = detector.post("/v1/verify", content=content, headers={"Content-Type": kind})
    assert answer.status_code == 400
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["detail"]


def test_what_comes_compressed_is_refused_and_not_judged_as_it_comes(detector, marked):
    packed = gzip.compress(marked)
    for address in ("/v1/verify", "/matches/byContent", "/"):
        answer = detector.post(address, content=packed, headers={"Content-Encoding": "gzip"})
        assert answer.status_code == 415
        assert "gzip" in answer.json()["detail"]
    plainly = detector.post("/v1/verify", content=marked, headers={"Content-Encoding": "identity"})
    assert plainly.json()["outcome"] == "disclosed"


def test_ten_thousand_small_files_are_refused_at_once(detector):
    many = [("file", (f"{number}.png", b"x")) for number in range(10_000)]
    assert detector.post("/v1/verify", files=many).status_code == 400


def test_a_damaged_picture_could_not_be_read(detector, plain):
    answer = detector.post("/v1/verify", files={"file": ("broken.png", plain[:200])})
    assert answer.status_code == 422
    assert answer.json()["error"]


def test_what_is_larger_than_allowed_is_refused(deployment):
    small = Settings(processes=1, largest=1000)
    client, raw = TestClient(app(deployment, small)), {"Content-Type": "image/png"}
    assert client.post("/v1/verify", content=bytes(1001), headers=raw).status_code == 413
    assert client.post("/v1/verify", content=iter([bytes(70_000)] * 3), headers=raw).status_code == 413
    assert client.post("/v1/verify", files={"file": ("a", bytes(70_000))}).status_code == 413


def test_a_client_is_limited_and_an_exempt_one_is_not(deployment, plain):
    token = hashlib.sha256(b"of a newsroom").hexdigest()
    slow = Settings(processes=1, requests_per_minute=2, exempt=(token,))
    client = TestClient(app(deployment, slow))
    statuses = [client.post("/v1/verify", content=b"").status_code for _ in range(3)]
    refused = client.post("/v1/verify", content=b"")
    assert statuses == [400, 400, 429]
    assert int(refused.headers["retry-after"]) > 0
    given = {"Authorization": "Bearer of a newsroom"}
    assert client.post("/v1/verify", content=b"", headers=given).status_code == 400
    assert client.post("/v1/verify", content=b"", headers={"Authorization": "Bearer other"}).status_code == 429


def test_a_reader_who_asks_too_much_is_shown_the_page(deployment):
    client = TestClient(app(deployment, Settings(processes=1, requests_per_minute=1)))
    reader = {"Accept": "text/html", "Accept-Language": "de"}
    client.post("/", headers=reader)
    refused = client.post("/", headers=reader)
    assert (refused.status_code, refused.headers["content-type"]) == (429, "text/html; charset=utf-8")
    assert "too many requests" in refused.text
    assert int(refused.headers["retry-after"]) > 0
    assert client.post("/v1/verify").headers["content-type"] == "application/problem+json"


def test_pages_elsewhere_may_bring_a_token_and_read_what_a_refusal_says(detector):
    asked = {
        "Origin": "https://news.example",
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "authorization, content-type",
    }
    allowed = detector.options("/v1/verify", headers=asked)
    assert allowed.status_code == 200
    assert "authorization" in allowed.headers["access-control-allow-headers"].lower()
    answer = detector.get("/health", headers={"Origin": "https://news.example"})
    assert answer.headers["access-control-expose-headers"] == "Retry-After, Disclose-Binding"


def test_pages_elsewhere_may_call_the_api(detector):
    answer = detector.get("/health", headers={"Origin": "https://news.example"})
    assert answer.headers["access-control-allow-origin"] == "*"
    assert answer.json()["status"] == "ok"


def test_only_named_origins_may_where_some_are_named(deployment):
    client = TestClient(app(deployment, Settings(processes=1, origins=("https://news.example",))))
    there = client.get("/health", headers={"Origin": "https://news.example"})
    elsewhere = client.get("/health", headers={"Origin": "https://evil.example"})
    assert there.headers["access-control-allow-origin"] == "https://news.example"
    assert "access-control-allow-origin" not in elsewhere.headers


def test_figures_count_outcomes_and_hold_no_names(detector, marked):
    detector.post("/v1/verify", files={"file": ("name-of-a-file.jpg", marked)})
    text = detector.get("/metrics").text
    assert 'disclose_detector_examinations_total{outcome="disclosed"}' in text
    assert "name-of-a-file" not in text


def test_every_answer_forbids_what_is_foreign(detector):
    for address in ("/health", "/openapi.json", "/nowhere"):
        headers = detector.get(address).headers
        assert headers["content-security-policy"].startswith("default-src 'none'")
        assert headers["cache-control"] == "no-store"
        assert headers["referrer-policy"] == "no-referrer"


def test_the_description_is_valid_openapi(detector):
    document = detector.get("/openapi.json").json()
    validate(document)
    assert document["servers"] == [{"url": "https://detector.example"}]
    assert "/v1/verify" in document["paths"]


def test_personal_data_in_a_statement_is_not_repeated(deployment, detector, canvas):
    import disclose

    said = {"on_behalf_of": "Erika Mustermann", "system": "Studio of erika@example.org"}
    picture = disclose.mark(canvas, deployment, **said).data
    answer = detector.post("/v1/verify", content=picture, headers={"Content-Type": "image/png"})
    assert answer.json()["outcome"] == "disclosed"
    assert "Mustermann" not in answer.text
    assert "erika@" not in answer.text
