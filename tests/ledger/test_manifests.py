"""The manifest that an output was signed with is kept with its record, is found by its watermark, and goes with it."""

import io
import json
import secrets
from datetime import UTC, datetime, timedelta

import pytest
from ledgers import a_store, append, box, described
from pictures import encoded, photograph

import disclose
from disclose.asset import Mark
from disclose.disclosure import Disclosure
from disclose.errors import ProfileError, UnreadableError
from disclose.ledger import Ledger
from disclose.ledger.manifests import Manifests, active_label, is_single, only_active
from disclose.ledger.tables import MANIFESTS
from disclose.profile import Profile

SIGNED = ("c2pa", "ledger")


@pytest.fixture(scope="module")
def signed(tmp_path_factory):
    """The same picture, signed once, and signed again as it was altered."""
    profile = Profile(folder=tmp_path_factory.mktemp("signing"), layers=("c2pa",), also_read=())
    once = disclose.mark(encoded(photograph("coffee", width=64, height=64)), profile, system="Studio")
    other = Profile(folder=tmp_path_factory.mktemp("signing"), layers=("c2pa",), also_read=())
    return once, disclose.mark(once.data, other, system="Retouch", action="altered")


@pytest.fixture(scope="module")
def store(signed):
    return signed[0].manifest


def kept(ledger, *, value=None, store=None):
    disclosure = Disclosure.new(system="Studio")
    value = value or str(disclosure.id.leading(64))
    return ledger.append(
        disclosure=disclosure,
        sha256=secrets.token_hex(32),
        media_type="image/png",
        marks=(Mark(layer="image_watermark", details={"alg": "a", "value": value}),),
        manifest=store or a_store(f"urn:c2pa:{secrets.token_hex(16)}"),
    )


def count(ledger):
    with ledger.connection() as connection:
        return len(connection.execute(MANIFESTS.select()).all())


def value_of(record):
    return record.marks[0].details["value"]


def test_a_manifest_is_found_by_the_watermark_of_its_record(ledger):
    record = kept(ledger, store=a_store("urn:c2pa:older", "urn:c2pa:active"))
    kept(ledger)
    append(ledger)
    found = Manifests(ledger)
    assert found.bound(alg="a", value=value_of(record), limit=5) == ["urn:c2pa:active"]
    assert found.find("urn:c2pa:active").store == a_store("urn:c2pa:older", "urn:c2pa:active")
    assert found.find("urn:c2pa:active").disclosure == record.disclosure
    assert found.find("urn:c2pa:older") is None


def test_only_the_very_watermark_leads_to_it(ledger):
    record = kept(ledger)
    value = value_of(record)
    found = Manifests(ledger)
    for alg, asked in (("b", value), ("a", value[:8]), ("a", value.upper() + "/64"), ("a", "nothing of ours")):
        assert found.bound(alg=alg, value=asked, limit=5) == []
    assert found.bound(alg="a", value=value, limit=0) == []


def test_an_erasure_takes_the_manifest_with_the_record(ledger):
    doomed, other = kept(ledger), kept(ledger)
    ledger.forget(doomed.disclosure.id, reason="asked")
    assert count(ledger) == 1
    assert Manifests(ledger).bound(alg="a", value=value_of(doomed), limit=5) == []
    assert len(Manifests(ledger).bound(alg="a", value=value_of(other), limit=5)) == 1
    assert ledger.verify().is_intact


def test_the_end_of_a_retention_period_takes_the_manifests_too(ledger):
    for _ in range(3):
        kept(ledger)
    ledger.forget_before(datetime.now(UTC) - timedelta(days=1), reason="too old")
    assert count(ledger) == 3
    ledger.forget_before(datetime.now(UTC) + timedelta(days=1), reason="too old")
    assert count(ledger) == 0


def test_a_ledger_with_a_retention_deletes_manifests_on_its_own(place):
    with Ledger(**place) as ledger:
        kept(ledger)
    with Ledger(**place, retention=timedelta(microseconds=1)) as ledger:
        kept(ledger)
        ledger.checkpoint()
    with Ledger(**place) as ledger:
        assert count(ledger) <= 1
        assert len(ledger.records()) == count(ledger)


def test_no_byte_of_an_erased_manifest_is_left_in_the_file(tmp_path):
    secret = secrets.token_hex(500)
    with Ledger(tmp_path / "ledger.sqlite") as ledger:
        record = kept(ledger, store=a_store(secret))
        kept(ledger)
        ledger.forget(record.disclosure.id, reason="asked")
        left = b"".join(one.read_bytes() for one in tmp_path.glob("ledger.sqlite*"))
    assert secret[200:400].encode() not in left


def test_what_is_no_manifest_store_is_refused_and_nothing_of_it_recorded(ledger):
    with pytest.raises(UnreadableError, match="manifest store"):
        kept(ledger, store=b"no store")
    assert (len(ledger), count(ledger)) == (0, 0)


@pytest.mark.parametrize(
    "broken",
    [
        b"",
        a_store(),
        a_store("a")[:-1],
        a_store("a") + b"x",
        box(b"free"),
        box(b"jumb"),
        box(b"jumb", described(b"else", b"c2pa")),
        a_store(""),
        box(b"jumb", described(b"c2pa", b"c2pa"), box(b"jumb", described(b"c2ma", b"\xff"))),
    ],
)
def test_a_broken_store_is_told_from_a_whole_one(broken):
    with pytest.raises(UnreadableError):
        active_label(broken)


def read(store):
    import c2pa

    reader = c2pa.Reader("application/c2pa", io.BytesIO(store))
    return json.loads(reader.json())


def test_the_active_manifest_is_the_one_that_the_engine_says(signed):
    for asset in signed:
        said = read(asset.manifest)
        assert active_label(asset.manifest) == said["active_manifest"]
        assert is_single(asset.manifest) == (len(said["manifests"]) == 1)
    assert not is_single(signed[1].manifest)


def test_the_active_manifest_alone_is_a_store_that_the_engine_reads(signed):
    alone = only_active(signed[1].manifest)
    assert list(read(alone)["manifests"]) == [active_label(signed[1].manifest)]
    assert only_active(signed[0].manifest) == signed[0].manifest


def test_what_a_profile_signs_is_kept_with_its_record_if_it_says_so(tmp_path):
    picture = encoded(photograph("coffee", width=64, height=64))
    for wanted in (True, False):
        profile = Profile(folder=tmp_path / str(wanted), layers=SIGNED, also_read=(), keep_manifests=wanted)
        marked = disclose.mark(picture, profile, system="Studio")
        found = Manifests(profile.ledger()).find(active_label(marked.manifest))
        assert (found is not None) == wanted
        assert found is None or (found.store == marked.manifest and found.disclosure == marked.disclosure)
        assert marked.manifest in marked.data or marked.media_type == "image/png"


def test_a_sidecar_is_kept_as_well(tmp_path):
    profile = Profile(folder=tmp_path, layers=SIGNED, also_read=(), keep_manifests=True)
    marked = disclose.mark(b"%!PS a kind that holds no manifest", profile, sidecar=True, system="Studio")
    assert Manifests(profile.ledger()).find(active_label(marked.sidecar)).store == marked.sidecar


def test_to_keep_what_is_never_made_is_refused(tmp_path):
    with pytest.raises(ProfileError, match="lacks ledger"):
        Profile(folder=tmp_path, layers=("c2pa",), keep_manifests=True).marker()


def test_what_is_published_keeps_its_manifests_and_what_is_tried_out_does_not():
    wanted = {name: Profile.load(preset=name).keep_manifests for name in ("development", "eu", "california", "global")}
    assert wanted == {"development": False, "eu": True, "california": True, "global": True}
    assert Profile().keep_manifests is False
