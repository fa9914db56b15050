"""A manifest that a file has lost is found again by the watermark, and is said to be recovered, never intact."""

import base64
import io
import json

import numpy
import pytest
from pictures import encoded, photograph, resaved
from PIL import Image
from starlette.testclient import TestClient

import disclose
from disclose.detector import Settings, app
from disclose.detector.resolution import WATERMARK
from disclose.layers.image_watermark import ALGORITHM
from disclose.profile import Profile
from disclose.watermark import image


@pytest.fixture(scope="module")
def deployment(tmp_path_factory):
    return Profile(folder=tmp_path_factory.mktemp("deployment") / "disclose", keep_manifests=True)


@pytest.fixture(scope="module")
def value(issued):
    return issued.mark_of("image_watermark").details["value"]


@pytest.fixture(scope="module")
def resolver(deployment, detector):
    application = app(deployment, Settings(processes=1, manifests=True, requests_per_minute=10_000))
    application.state.service.pool = detector.app.state.service.pool
    return TestClient(application)


def query(value, alg=ALGORITHM, **more):
    return {"alg": alg, "value": base64.b64encode(value.encode()).decode(), **more}


def test_the_algorithm_is_the_one_that_manifests_name():
    assert WATERMARK == ALGORITHM


def test_a_binding_leads_to_the_manifest(resolver, issued, value):
    for answer in (
        resolver.get("/matches/byBinding", params=query(value)),
        resolver.post("/matches/byBinding", json=query(value)),
    ):
        (match,) = answer.json()["matches"]
        assert match["recovered"] is True
        found = resolver.get(f"/manifests/{match['manifestId']}")
        assert found.content == issued.manifest
        assert found.headers["content-type"] == "application/c2pa"
        assert found.headers["disclose-binding"] == "recovered"


def recovered(verdict):
    return [one for one in verdict["evidence"] if one["layer"] == "c2pa"]


def test_a_marked_png_that_lost_its_metadata_recovers_its_manifest(resolver, deployment):
    import c2pa

    picture = encoded(photograph("coffee", width=512, height=384), "PNG")
    issued = disclose.mark(picture, deployment, system="Acme Studio")
    stripped = io.BytesIO()
    Image.open(io.BytesIO(issued.data)).save(stripped, "PNG")
    assert b"c2pa" not in stripped.getvalue()
    raw = {"Content-Type": "image/png"}
    (match,) = resolver.post("/matches/byContent", content=stripped.getvalue(), headers=raw).json()["matches"]
    found = resolver.get(f"/manifests/{match['manifestId']}")
    with c2pa.Reader("application/c2pa", io.BytesIO(found.content)) as reader:
        store = json.loads(reader.json())
    assert store["active_manifest"] == match["manifestId"]
    assert str(issued.disclosure.id) in json.dumps(store)
    verdict = resolver.post("/v1/verify", content=stripped.getvalue(), headers=raw).json()
    assert verdict["outcome"] == "disclosed"
    (finding,) = recovered(verdict)
    assert "recovered" in finding["summary"]
    assert (finding["integrity"], finding["binding"], finding["generated"]) == ("unknown", "soft", False)
    assert finding["details"]["recovered"] == match["manifestId"]


def test_a_picture_that_kept_its_manifest_recovers_none(resolver, issued):
    (finding,) = recovered(resolver.post("/v1/verify", content=issued.data).json())
    assert finding["integrity"] == "intact"
    assert "recovered" not in finding["summary"]


def test_a_copied_watermark_recovers_nothing(resolver, deployment):
    picture = encoded(photograph("flower", width=512, height=512), "PNG")
    marked = disclose.mark(picture, deployment, system="Acme Studio")
    payload = marked.disclosure.id.leading(64).value
    other = numpy.asarray(photograph("coffee", width=512, height=512))
    forged = encoded(Image.fromarray(image.embed(other, payload)))
    verdict = resolver.post("/v1/verify", content=forged, headers={"Content-Type": "image/png"}).json()
    assert verdict["outcome"] == "contested"
    assert recovered(verdict) == []
    assert resolver.post("/matches/byContent", content=forged).json() == {"matches": []}


def test_a_manifest_that_is_kept_and_damaged_is_not_called_recovered(deployment, issued):
    from disclose.recovery import with_recovered

    damaged = bytearray(issued.manifest)
    damaged[damaged.index(b"Acme Studio")] ^= 1
    stripped = resaved(issued.data, quality=85)
    verdict = disclose.verify(stripped, deployment)
    assert len(with_recovered(deployment, verdict).evidence) == len(verdict.evidence) + 1
    with deployment.ledger().connection(writing=True) as connection:
        connection.exec_driver_sql(
            "UPDATE manifest_stores SET store = ? WHERE store = ?", (bytes(damaged), issued.manifest)
        )
    try:
        assert with_recovered(deployment, verdict) == verdict
    finally:
        with deployment.ledger().connection(writing=True) as connection:
            connection.exec_driver_sql(
                "UPDATE manifest_stores SET store = ? WHERE store = ?", (issued.manifest, bytes(damaged))
            )


def test_the_active_manifest_alone_is_given_on_request(resolver, deployment):
    from disclose.ledger.manifests import active_label, only_active

    picture = disclose.mark(
        encoded(photograph("china", width=256, height=192), "PNG"),
        Profile(folder=deployment.folder / "elsewhere", layers=("c2pa",)),
        system="Other",
    )
    altered = disclose.mark(picture.data, deployment, system="Acme Studio", action="altered")
    address = f"/manifests/{active_label(altered.manifest)}"
    # What others signed of the picture it was made from may name them.
    whole = resolver.get(address)
    assert whole.status_code == 403
    assert "returnActiveManifest=true" in whole.json()["detail"]
    alone = resolver.get(address, params={"returnActiveManifest": "true"})
    assert alone.content == only_active(altered.manifest) != altered.manifest
    assert resolver.get(address, params={"returnActiveManifest": "1"}).status_code == 400


@pytest.mark.parametrize("public", [True, False])
def test_a_manifest_that_names_somebody_is_given_only_if_the_record_says_that_it_is_public(
    resolver, deployment, public
):
    from disclose.ledger.manifests import active_label

    picture = encoded(photograph("china", width=256, height=192), "PNG")
    marked = disclose.mark(picture, deployment, system="Studio", on_behalf_of="Erika Mustermann", public=public)
    answer = resolver.get(f"/manifests/{active_label(marked.manifest)}")
    assert answer.status_code == (200 if public else 403)
    assert (b"Mustermann" in answer.content) == public


def test_what_is_erased_is_recovered_no_more(resolver, deployment):
    picture = encoded(photograph("rocket", width=512, height=384), "PNG")
    marked = disclose.mark(picture, deployment, system="Acme Studio")
    asked = query(marked.mark_of("image_watermark").details["value"])
    (match,) = resolver.get("/matches/byBinding", params=asked).json()["matches"]
    deployment.ledger().forget(marked.disclosure.id, reason="asked")
    assert resolver.get("/matches/byBinding", params=asked).json() == {"matches": []}
    assert resolver.get(f"/manifests/{match['manifestId']}").status_code == 404


def test_more_results_may_be_asked_for_than_are_given(resolver, value):
    for number in ("1", "100", "101", "9" * 30):
        answer = resolver.get("/matches/byBinding", params=query(value, maxResults=number))
        assert len(answer.json()["matches"]) == 1, number


def test_a_hint_is_looked_up_beside_the_content_and_named_once(resolver, issued, value):
    hint = query(value)
    plain = encoded(photograph("coffee", width=32, height=32))
    for data in (plain, issued.data):
        hinted = {"hintAlg": hint["alg"], "hintValue": hint["value"]}
        answer = resolver.post("/matches/byContent", params=hinted, content=data)
        assert len(answer.json()["matches"]) == 1
    only_half = resolver.post("/matches/byContent", params={"hintAlg": hint["alg"]}, content=plain)
    assert only_half.json() == {"matches": []}


def test_what_is_no_file_that_can_be_read_is_no_asset(resolver):
    assert resolver.post("/matches/byContent", content=b"GIF89a and nothing after it").status_code == 415


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


def test_the_beginning_of_an_identifier_leads_to_nothing(resolver, value):
    assert resolver.get("/matches/byBinding", params=query(value)).json()["matches"]
    for part in (value[:1], value[:7], f"{value[:9]}/31"):
        assert resolver.get("/matches/byBinding", params=query(part)).json() == {"matches": []}


def test_a_ledger_that_cannot_be_used_is_no_failure_of_the_server_and_is_not_told_of(tmp_path):
    (tmp_path / "ledger.sqlite").write_bytes(b"no database" * 100)
    client = TestClient(app(Profile(folder=tmp_path), Settings(processes=1, manifests=True)))
    for answer in (
        client.get("/matches/byBinding", params=query("f" * 16)),
        client.post("/matches/byBinding", json=query("f" * 16)),
        client.get("/manifests/urn:c2pa:canary"),
    ):
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
        assert str(tmp_path) not in answer.text
        assert "canary" not in answer.text
    # What is no label is not asked for.
    assert client.get("/manifests/%00").status_code == 404
