"""A manifest that a file has lost is found again by the watermark, and is said to be recovered, never intact."""

import base64
import io

import pytest
from pictures import encoded, photograph, resaved
from starlette.testclient import TestClient

import disclose
from disclose.detector import Settings, app
from disclose.detector.manifests import ManifestStore
from disclose.detector.resolution import WATERMARK
from disclose.layers.image_watermark import ALGORITHM


@pytest.fixture(scope="module")
def issued(deployment):
    picture = encoded(photograph("china", width=512, height=384), "JPEG", quality=92)
    return disclose.mark(picture, deployment, system="Acme Studio")


@pytest.fixture(scope="module")
def store(issued):
    import c2pa

    with c2pa.Reader("image/jpeg", io.BytesIO(issued.data)) as reader:
        assert reader.json()
    start = issued.data.index(b"jumb") - 4
    length = int.from_bytes(issued.data[start : start + 4], "big")
    return issued.data[start : start + length]


@pytest.fixture(scope="module")
def value(issued):
    return issued.mark_of("image_watermark").details["value"]


@pytest.fixture(scope="module")
def resolver(deployment, detector, store, value):
    application = app(deployment, Settings(processes=1, manifests=True, requests_per_minute=10_000))
    application.state.service.pool = detector.app.state.service.pool
    ManifestStore(deployment.ledger()).keep(store, alg=ALGORITHM, value=value)
    return TestClient(application)


def query(value, alg=ALGORITHM, **more):
    return {"alg": alg, "value": base64.b64encode(value.encode()).decode(), **more}


def test_the_algorithm_is_the_one_that_manifests_name():
    assert WATERMARK == ALGORITHM


def test_a_binding_leads_to_the_manifest(resolver, store, value):
    for answer in (
        resolver.get("/matches/byBinding", params=query(value)),
        resolver.post("/matches/byBinding", json=query(value)),
    ):
        (match,) = answer.json()["matches"]
        assert match["recovered"] is True
        found = resolver.get(f"/manifests/{match['manifestId']}")
        assert found.content == store
        assert found.headers["content-type"] == "application/c2pa"
        assert found.headers["disclose-binding"] == "recovered"


def test_a_picture_that_lost_its_manifest_leads_to_it(resolver, issued):
    stripped = resaved(issued.data, quality=85)
    raw = {"Content-Type": "image/jpeg"}
    answer = resolver.post("/matches/byContent", content=stripped, headers=raw)
    assert len(answer.json()["matches"]) == 1
    verdict = resolver.post("/v1/verify", content=stripped, headers=raw).json()
    assert not [one for one in verdict["evidence"] if one["layer"] == "c2pa"]


def test_a_picture_without_a_mark_matches_nothing(resolver):
    plain = encoded(photograph("coffee", width=32, height=32))
    assert resolver.post("/matches/byContent", content=plain).json() == {"matches": []}


def test_what_is_not_kept_is_not_found(resolver):
    assert resolver.get("/manifests/urn:sha256:00").status_code == 404
    assert resolver.get("/matches/byBinding", params=query("ffff")).json() == {"matches": []}


@pytest.mark.parametrize(
    "asked",
    [
        {},
        {"alg": "a"},
        {"alg": "a", "value": "***"},
        query("ff", maxResults="0"),
        query("ff", maxResults="x"),
        query(""),
    ],
)
def test_malformed_queries_are_refused(resolver, asked):
    assert resolver.get("/matches/byBinding", params=asked).status_code == 400


def test_the_algorithms_are_named(resolver, detector):
    address = "/services/supportedAlgorithms"
    assert resolver.get(address).json() == {"watermarks": [{"alg": ALGORITHM}], "fingerprints": []}
    assert detector.get(address).json() == {"watermarks": [], "fingerprints": []}


def test_a_detector_that_keeps_no_manifests_says_so(detector, value):
    answer = detector.get("/matches/byBinding", params=query(value))
    assert answer.status_code == 404
    assert "keeps no manifests" in answer.json()["detail"]


def test_a_store_is_kept_once(deployment, store, value, tmp_path):
    from disclose.profile import Profile

    kept = ManifestStore(Profile(folder=tmp_path).ledger())
    assert kept.bound(alg="a", value="b", limit=5) == []
    first, second = (kept.keep(store, alg="a", value="b") for _ in range(2))
    assert first == second
    assert kept.bound(alg="a", value="b", limit=5) == [first]
    assert kept.find(first).store == store
