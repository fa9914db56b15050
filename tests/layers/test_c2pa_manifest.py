"""What our manifests say: the rules of C2PA 2.4 that no validator checks for us, and the inputs that went in."""

import io
import json

import c2pa
import pytest
from pictures import encoded, photograph

import disclose
from disclose.asset import Asset, Mark
from disclose.disclosure import Action, DigitalSourceType, Disclosure
from disclose.layers.c2pa import C2paLayer
from disclose.lineage import Contribution, Part
from disclose.signing import Signer, TrustList

WATERMARK = Mark(layer="image_watermark", details={"alg": "ours", "value": "0123456789abcdef"})
WITHOUT_SOURCE_TYPE = {"c2pa.opened", "c2pa.watermarked.unbound", "c2pa.placed", "c2pa.converted"}


@pytest.fixture
def layer(profile):
    return C2paLayer.from_resources(profile.resources())


@pytest.fixture
def others(tmp_path):
    return C2paLayer(signer=lambda: Signer.development(tmp_path / "other"), trust=TrustList)


def active(asset):
    store = json.loads(c2pa.Reader(asset.media_type, io.BytesIO(asset.data)).json())
    return store["manifests"][store["active_manifest"]]


def assertion(manifest, label):
    return next(item for item in manifest["assertions"] if item["label"].startswith(label))


def picture(name="astronaut"):
    return Asset.open(encoded(photograph(name, width=64, height=64)))


@pytest.mark.parametrize("case", ["created", "altered", "re-signed", "with inputs", "reserved"])
def test_every_manifest_keeps_the_rules_of_2_4_for_actions(case, profile, layer, others):
    plain = Disclosure.new(system="Studio", version="2")
    asset = {
        "created": lambda: layer.mark(picture().with_mark(WATERMARK), plain),
        "altered": lambda: layer.mark(picture(), Disclosure.new(system="Studio", action=Action.ALTERED)),
        "re-signed": lambda: layer.mark(Asset.open(others.mark(picture(), plain).data), plain),
        "with inputs": lambda: layer.mark(
            picture().with_inputs([picture("china"), others.mark(picture("flower"), plain)]), plain
        ),
        "reserved": lambda: C2paLayer(signer=profile.signer, trust=TrustList, training_mining=True).mark(
            picture(), plain
        ),
    }[case]()
    manifest = active(asset)
    actions = assertion(manifest, "c2pa.actions")["data"]
    assert manifest["claim_generator_info"][0]["specVersion"] == "2.4.0"
    assert actions["actions"][0]["action"] in ("c2pa.created", "c2pa.opened")
    assert isinstance(actions["allActionsIncluded"], bool)
    for action in actions["actions"]:
        if action["action"] in WITHOUT_SOURCE_TYPE:
            assert "digitalSourceType" not in action
        else:
            assert action["digitalSourceType"] in {term.uri for term in DigitalSourceType}
    # An assertion that we made is in the claim as created, and not as gathered from elsewhere.
    assert all(item.get("created") for item in manifest["assertions"])
    assert {item["relationship"] for item in manifest.get("ingredients", [])} <= {"parentOf", "inputTo"}


def test_the_ai_disclosure_holds_what_18_28_defines_and_nothing_guessed(layer):
    marked = layer.mark(picture(), Disclosure.new(system="Studio", model="org/model"))
    data = assertion(active(marked), "c2pa.ai-disclosure")["data"]
    assert data["modelType"] == "c2pa.types.model"
    assert data["modelName"] == "org/model"
    assert set(data) <= {"modelType", "modelName", "modelIdentifier", "contentProfile"}
    assert "humanOversightLevel" not in json.dumps(data)


def test_who_shared_fine_tuned_and_deployed_the_model_each_appear_once(layer):
    lineage = (
        Contribution(role=Part.SHARED, name="base", identifier="acme/base", url="https://huggingface.co/acme/base"),
        Contribution(role=Part.FINE_TUNED, name="tuned", identifier="studio/tuned", version="0A1B"),
        Contribution(role=Part.DEPLOYED, name="Studio GmbH"),
    )
    marked = layer.mark(picture(), Disclosure.new(system="Studio", lineage=lineage))
    manifest = active(marked)
    models = manifest["ingredients"]
    assert [model["title"] for model in models] == ["base", "tuned"]
    assert {model["data_types"][0]["type"] for model in models} == {"c2pa.types.model"}
    assert models[0]["informational_URI"] == "https://huggingface.co/acme/base"
    data = assertion(manifest, "c2pa.ai-disclosure")["data"]
    assert (data["modelName"], data["modelIdentifier"]) == ("tuned", "pkg:huggingface/studio/tuned@0a1b")
    (found,) = layer.detect(Asset.open(marked.data))
    assert found.disclosure.lineage == lineage


def test_what_image_to_image_started_from_stays_with_its_own_credentials(profile, tmp_path):
    elsewhere = disclose.Profile(folder=tmp_path / "other")
    theirs = disclose.mark(encoded(photograph("china")), elsewhere, system="Elsewhere")
    ours = disclose.mark(encoded(photograph()), profile, inputs=[theirs.data], system="Studio")
    store = json.loads(c2pa.Reader("image/png", io.BytesIO(ours.data)).json())
    manifest = store["manifests"][store["active_manifest"]]
    (ingredient,) = manifest["ingredients"]
    assert ingredient["relationship"] == "inputTo"
    assert ingredient["active_manifest"] in store["manifests"]
    created = assertion(manifest, "c2pa.actions")["data"]["actions"][0]
    assert created["action"] == "c2pa.created"
    assert created["parameters"]["ingredients"][0]["url"].endswith(ingredient["label"])


def test_a_tampered_input_is_shown_although_the_file_itself_is_intact(layer, others):
    damaged = bytearray(others.mark(Asset.open(encoded(photograph(), "JPEG")), Disclosure.new(system="X")).data)
    damaged[-2000] ^= 0x10
    both = layer.mark(picture().with_inputs([Asset.open(bytes(damaged))]), Disclosure.new(system="Studio"))
    first, second = layer.detect(Asset.open(both.data))
    assert first.integrity == "intact"
    assert "an input" in second.summary
    assert "does not match" in second.summary


def test_training_is_reserved_where_the_profile_says_so_and_not_otherwise(profile):
    statement = Disclosure.new(system="Studio")
    reserved = C2paLayer(signer=profile.signer, trust=TrustList, training_mining=True).mark(picture(), statement)
    entries = assertion(active(reserved), "cawg.training-mining")["data"]["entries"]
    assert {entry["use"] for entry in entries.values()} == {"notAllowed"}
    silent = C2paLayer(signer=profile.signer, trust=TrustList).mark(picture(), statement)
    assert "training-mining" not in json.dumps(active(silent))


def test_nothing_of_a_prompt_has_a_place_in_the_manifest(profile):
    with pytest.raises(disclose.DiscloseError, match="prompt"):
        disclose.mark(encoded(photograph()), profile, system="Studio", prompt="a secret wish")


def test_a_signed_file_is_never_changed_without_being_signed_anew(profile, tmp_path):
    theirs = disclose.mark(encoded(photograph()), disclose.Profile(folder=tmp_path / "other"), system="Elsewhere")
    careless = disclose.Profile(folder=tmp_path / "careless", layers=("iptc",))
    with pytest.raises(disclose.DiscloseError, match="Content Credentials"):
        disclose.mark(theirs.data, careless, system="Studio")
