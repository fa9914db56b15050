import io
import json
import multiprocessing
import sys
from concurrent.futures import ThreadPoolExecutor

import c2pa
import pytest
from pictures import FORMATS, encoded, in_every_format, photograph

from disclose.asset import Asset, Mark
from disclose.disclosure import DigitalSourceType, Disclosure
from disclose.evidence import Integrity, Outcome, Trust, Verdict
from disclose.layers import c2pa as c2pa_layer
from disclose.layers.c2pa import C2paLayer
from disclose.profile import Profile
from disclose.signing import Signer, TrustList
from disclose.signing.trust import EXTENDED_KEY_USAGES

STATEMENT = {"system": "Studio", "version": "2.1", "provider": "Acme GmbH"}


@pytest.fixture
def layer(profile):
    return C2paLayer.from_resources(profile.resources())


@pytest.fixture
def statement():
    return Disclosure.new(**STATEMENT)


def store_of(data, media_type="image/png"):
    return json.loads(c2pa.Reader(media_type, io.BytesIO(data)).json())


def active(data, media_type="image/png"):
    store = store_of(data, media_type)
    return store["manifests"][store["active_manifest"]]


def assertion(manifest, label):
    return next(item["data"] for item in manifest["assertions"] if item["label"].startswith(label))


@pytest.mark.parametrize("media_type", FORMATS)
def test_every_format_is_signed_and_read_with_its_statement(media_type, layer, statement):
    signed = layer.mark(Asset.open(in_every_format()[media_type]), statement)
    (found,) = layer.detect(Asset.open(signed.data))
    assert (found.binding, found.integrity, found.trust, found.time) == ("hard", "intact", "untrusted", "stated")
    assert found.disclosure == statement
    assert "signer not on a trust list" in found.summary


@pytest.mark.parametrize("media_type", FORMATS)
def test_signing_adds_a_few_kilobytes_and_no_thumbnail(media_type, layer, statement):
    plain = in_every_format()[media_type]
    assert len(layer.mark(Asset.open(plain), statement).data) - len(plain) < 6_500


def test_the_manifest_says_what_the_2_4_rubric_asks_for(layer, statement):
    mark = Mark(layer="image_watermark", details={"alg": "ours", "value": "0123456789abcdef"})
    manifest = active(layer.mark(Asset.open(encoded(photograph())).with_mark(mark), statement).data)
    actions = assertion(manifest, "c2pa.actions")
    assert manifest["claim_generator_info"][0]["specVersion"] == "2.4.0"
    assert actions["allActionsIncluded"] is True
    assert [action["action"] for action in actions["actions"]] == ["c2pa.created", "c2pa.watermarked.unbound"]
    assert actions["actions"][0]["digitalSourceType"] == DigitalSourceType.TRAINED_ALGORITHMIC_MEDIA.uri
    assert assertion(manifest, "c2pa.ai-disclosure") == {"modelType": "c2pa.types.model", "modelName": "Studio"}
    assert assertion(manifest, c2pa_layer.WATERMARK)["blocks"] == [{"scope": {}, "value": "0123456789abcdef"}]


def test_no_watermark_is_claimed_that_was_not_embedded(layer, statement):
    manifest = active(layer.mark(Asset.open(encoded(photograph())), statement).data)
    assert "watermark" not in json.dumps(manifest)


def test_altered_content_names_what_it_was_made_from(layer):
    altered = Disclosure.new(**STATEMENT, action="altered")
    manifest = active(layer.mark(Asset.open(encoded(photograph())), altered).data)
    actions = assertion(manifest, "c2pa.actions")["actions"]
    assert [action["action"] for action in actions] == ["c2pa.opened", "c2pa.edited"]
    assert actions[1]["digitalSourceType"].endswith("/compositeWithTrainedAlgorithmicMedia")
    assert "digitalSourceType" not in actions[0]
    assert [item["relationship"] for item in manifest["ingredients"]] == ["parentOf"]


def test_what_somebody_else_signed_stays_as_the_parent(layer, statement, tmp_path):
    other = C2paLayer(signer=lambda: Signer.development(tmp_path / "other"), trust=TrustList)
    theirs = other.mark(Asset.open(encoded(photograph())), Disclosure.new(system="Elsewhere"))
    both = layer.mark(Asset.open(theirs.data), statement)
    store = store_of(both.data)
    (ingredient,) = store["manifests"][store["active_manifest"]]["ingredients"]
    assert ingredient["relationship"] == "parentOf"
    assert assertion(store["manifests"][ingredient["active_manifest"]], c2pa_layer.STATEMENT)["system"] == "Elsewhere"
    assert next(iter(layer.detect(Asset.open(both.data)))).disclosure == statement


def test_a_tampered_parent_is_shown_although_the_file_itself_is_intact(layer, statement, tmp_path):
    other = C2paLayer(signer=lambda: Signer.development(tmp_path / "other"), trust=TrustList)
    theirs = bytearray(other.mark(Asset.open(encoded(photograph(), "JPEG")), Disclosure.new(system="Elsewhere")).data)
    theirs[-2000] ^= 0x10
    both = layer.mark(Asset.open(bytes(theirs)), statement)
    first, *others = layer.detect(Asset.open(both.data))
    assert first.integrity is Integrity.INTACT
    assert any("earlier version" in item.summary and "does not match" in item.summary for item in others)


@pytest.mark.parametrize("media_type", FORMATS)
def test_a_changed_byte_of_the_picture_breaks_the_manifest(media_type, layer, statement):
    data = bytearray(layer.mark(Asset.open(in_every_format()[media_type]), statement).data)
    # GIF, TIFF and AVIF keep the manifest elsewhere in the file; what is left of the middle is picture in all six.
    where = {"image/tiff": 5_000, "image/avif": len(data) - 500}.get(media_type, len(data) * 3 // 4)
    data[where] ^= 1
    assert Verdict.weigh(layer.detect(Asset.open(bytes(data)))).outcome is Outcome.CONTESTED


def test_bytes_added_behind_the_end_break_the_manifest(layer, statement):
    data = layer.mark(Asset.open(encoded(photograph())), statement).data + b"more"
    (found,) = layer.detect(Asset.open(data))
    assert found.integrity is Integrity.BROKEN


def test_a_file_without_a_manifest_yields_nothing(layer):
    for data in in_every_format().values():
        assert list(layer.detect(Asset.open(data))) == []


def test_a_truncated_manifest_is_damage_and_a_truncated_picture_is_not(layer, statement):
    plain = encoded(photograph())
    signed = layer.mark(Asset.open(plain), statement).data
    assert list(layer.detect(Asset.open(plain[: len(plain) // 2]))) == []
    assert Verdict.weigh(layer.detect(Asset.open(signed[:1500]))).outcome is Outcome.CONTESTED


def test_a_signer_on_the_trust_list_is_trusted(profile, statement):
    signed = C2paLayer.from_resources(profile.resources()).mark(Asset.open(encoded(photograph())), statement)
    anchors = TrustList.from_path(profile.folder / "identity" / "root.pem")
    (found,) = C2paLayer(signer=profile.signer, trust=lambda: anchors).detect(Asset.open(signed.data))
    assert (found.integrity, found.trust) == (Integrity.INTACT, Trust.TRUSTED)


def test_anybody_s_rubbish_under_our_label_is_no_statement_of_ours(profile, layer):
    definition = {
        "claim_generator_info": [{"name": "x", "version": "1"}],
        "format": "image/png",
        "assertions": [{"label": c2pa_layer.STATEMENT, "data": {"id": "not hexadecimal", "system": 3}}],
    }
    signer = profile.signer()
    info = c2pa.C2paSignerInfo(b"es256", signer.certificates, signer.private_key, None)
    context = c2pa.Context(settings=c2pa.Settings.from_dict({"trust": {"trust_config": EXTENDED_KEY_USAGES}}))
    builder = c2pa.Builder(json.dumps(definition), context=context)
    builder.set_intent(c2pa.C2paBuilderIntent.CREATE, c2pa.C2paDigitalSourceType.DIGITAL_CAPTURE)
    signed = io.BytesIO()
    builder.sign(c2pa.Signer.from_info(info), "image/png", io.BytesIO(encoded(photograph())), signed)
    (found,) = layer.detect(Asset.open(signed.getvalue()))
    assert found.disclosure is None
    assert not found.generated
    assert Verdict.weigh([found]).outcome is Outcome.UNDETERMINED


def test_our_own_file_is_recognised_and_a_stranger_s_is_not(layer, statement, tmp_path):
    ours = layer.mark(Asset.open(encoded(photograph())), statement)
    stranger = C2paLayer(signer=lambda: Signer.development(tmp_path / "other"), trust=TrustList)
    assert layer.carried(Asset.open(ours.data)).disclosure == statement
    assert stranger.carried(Asset.open(ours.data)) is None


def test_eight_threads_sign_and_read_at_once(layer, statement):
    plain = encoded(photograph(width=64, height=64), "JPEG")

    def one(_):
        return next(iter(layer.detect(Asset.open(layer.mark(Asset.open(plain), statement).data)))).integrity

    with ThreadPoolExecutor(8) as executor:
        assert set(executor.map(one, range(64))) == {Integrity.INTACT}


def _in_a_child(profile, queue):
    layer = C2paLayer.from_resources(profile.resources())
    signed = layer.mark(Asset.open(encoded(photograph(width=64, height=64))), Disclosure.new(system="child"))
    queue.put(next(iter(layer.detect(Asset.open(signed.data)))).integrity.value)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no fork")
def test_a_worker_that_forks_after_signing_signs_correctly(profile, statement):
    _in_a_child(profile, _Last())
    context = multiprocessing.get_context("fork")
    queue = context.Queue()
    child = context.Process(target=_in_a_child, args=(profile, queue))
    child.start()
    child.join(60)
    assert child.exitcode == 0
    assert queue.get(timeout=5) == "intact"


class _Last:
    def put(self, value):
        self.value = value


def test_a_profile_s_key_never_shows_in_its_signer(profile):
    assert isinstance(profile, Profile)
    assert "PRIVATE" not in repr(profile.signer())
