import json
import sys
from pathlib import Path

import pytest
from pictures import encoded, in_every_format, photograph, resaved
from PIL import Image

import disclose
from disclose.asset import Asset
from disclose.disclosure import Disclosure
from disclose.errors import ExtraMissingError, ProfileError
from disclose.evidence import Binding, Integrity, Outcome, Verdict
from disclose.layers.legacy_watermark import LegacyWatermarkLayer
from disclose.profile import Profile

FOLDER = Path(__file__).parent.parent / "fixtures" / "legacy"
STATEMENT = Disclosure.new(system="Studio")


@pytest.fixture
def bare(tmp_path):
    """A profile that marks with nothing but what it has to, and reads as by default."""
    return Profile(folder=tmp_path / "bare")


def findings(name):
    return list(LegacyWatermarkLayer().detect(Asset.open(FOLDER / f"{name}.png")))


@pytest.mark.parametrize(
    ("name", "family"),
    [
        ("stable-diffusion-xl", "Stable Diffusion XL"),
        ("stable-diffusion-xl-swapped", "Stable Diffusion XL"),
        ("flux", "FLUX"),
        ("stable-diffusion-1", "Stable Diffusion 1"),
    ],
)
def test_a_picture_from_a_pipeline_is_indicated_out_of_the_box_and_the_pipeline_named(name, family, bare):
    verdict = disclose.verify(FOLDER / f"{name}.png", bare)
    assert verdict.outcome is Outcome.INDICATED
    (found,) = (item for item in verdict.evidence if item.layer == "legacy_watermark")
    assert found.summary.startswith(f"{family}'s public message")
    assert found.p_value < 1e-12


def test_a_message_that_anyone_can_embed_binds_nothing_and_carries_no_identifier():
    (found,) = findings("flux")
    assert (found.binding, found.integrity, found.id) == (Binding.NONE, Integrity.UNKNOWN, None)
    assert found.generated
    assert not found.is_bound
    assert Verdict.weigh([found, found]).outcome is Outcome.INDICATED


def test_a_finding_can_be_written_as_json():
    (found,) = findings("stable-diffusion-1")
    details = json.loads(json.dumps(found.to_dict()))["details"]
    assert (details["message"], details["bits"], details["method"]) == ("stable-diffusion-1", 136, "dwtDct")


@pytest.mark.parametrize("media_type", ["image/png", "image/jpeg", "image/gif"])
def test_an_unmarked_picture_yields_nothing(media_type):
    assert list(LegacyWatermarkLayer().detect(Asset.open(in_every_format()[media_type]))) == []
    assert findings("unmarked") == []


def test_a_small_picture_yields_nothing():
    assert list(LegacyWatermarkLayer().detect(Asset.open(encoded(photograph(width=90, height=90))))) == []


def test_a_mark_of_theirs_does_not_outweigh_one_of_ours(bare):
    data = disclose.mark(FOLDER / "stable-diffusion-1.png", bare, system="Studio").data
    assert disclose.verify(data, bare).outcome is Outcome.DISCLOSED
    assert disclose.verify(resaved(data, "PNG"), bare).outcome is Outcome.DISCLOSED


def test_transparency_does_not_hide_it():
    picture = Image.open(FOLDER / "flux.png")
    picture.putalpha(Image.linear_gradient("L").resize(picture.size))
    assert list(LegacyWatermarkLayer().detect(Asset.open(encoded(picture))))


def test_marking_does_not_write_it_unless_a_profile_names_it(bare):
    assert "legacy_watermark" not in [layer.name for layer in bare.marker().layers]
    assert "legacy_watermark" in [layer.name for layer in bare.verifier().layers]
    assert disclose.mark(encoded(photograph()), bare, system="Studio").mark_of("legacy_watermark") is None


def test_a_profile_can_do_without_it(tmp_path):
    profile = Profile(folder=tmp_path, also_read=())
    assert disclose.verify(FOLDER / "flux.png", profile).outcome is Outcome.UNDETERMINED


def test_a_layer_that_marks_and_reads_is_asked_once(tmp_path):
    profile = Profile(folder=tmp_path, layers=("iptc", "legacy_watermark"), legacy_message="flux")
    names = sorted(layer.name for layer in profile.verifier().layers)
    assert names == ["aigc", "c2pa_text", "iptc", "legacy_watermark"]


def test_marking_asks_whose_message_it_is_to_write():
    asset = Asset.open(FOLDER / "unmarked.png")
    with pytest.raises(ProfileError, match=r"no message is named.*stable-diffusion-xl, flux"):
        LegacyWatermarkLayer().mark(asset, STATEMENT)
    with pytest.raises(ProfileError, match="'midjourney' is unknown"):
        LegacyWatermarkLayer(message="midjourney").mark(asset, STATEMENT)


def test_marking_without_the_package_names_the_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "imwatermark", None)
    with pytest.raises(ExtraMissingError, match=r"pip install 'disclose-ai\[invisible-watermark\]'"):
        LegacyWatermarkLayer(message="flux").mark(Asset.open(FOLDER / "unmarked.png"), STATEMENT)
