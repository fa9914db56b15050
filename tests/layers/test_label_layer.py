import logging

import numpy
import pytest
from pictures import encoded, in_every_format, photograph, resaved

import disclose
from disclose.asset import Asset, Mark
from disclose.disclosure import Disclosure
from disclose.errors import MarkingError, UnsupportedError
from disclose.evidence import Outcome, Verdict
from disclose.layers.label import LabelLayer
from disclose.media.label_drawing import label
from disclose.profile import DEFAULT_LAYERS, Profile
from disclose.testing import LayerContract


@pytest.fixture
def labelling(tmp_path):
    return Profile(folder=tmp_path / "disclose", layers=("label", *DEFAULT_LAYERS))


class TestLabel(LayerContract):
    def layer(self, profile):
        return LabelLayer.from_resources(profile.resources())

    def assets(self):
        return [Asset.open(data) for data in in_every_format().values()]

    def test_what_it_marks_it_detects_in_the_bytes_alone(self, profile):
        # A label is for people: it carries no identifier.
        for asset in self.assets():
            marked = self.layer(profile).mark(asset, self.statement())
            (found,) = self.layer(profile).detect(Asset.from_data(marked.data))
            assert found.generated
            assert found.id is None


def test_what_is_signed_is_what_is_seen(labelling):
    picture = photograph("china", 640, 480)
    marked = disclose.mark(encoded(picture), labelling, system="Studio")
    # The label's pixels, in the file that was signed.
    made = label("generated", (640, 480))
    left, top, right, bottom = made.main
    seen = numpy.asarray(Asset.from_data(marked.data).content.luma)[top:bottom, left:right]
    drawn = numpy.asarray(made.plate)[
        top - made.box[1] : bottom - made.box[1], left - made.box[0] : right - made.box[0]
    ]
    assert numpy.corrcoef(seen.ravel(), drawn.ravel())[0, 1] > 0.98
    # The watermark, in the same pixels, after all metadata is gone; and the signature over both.
    verdict = disclose.verify(marked.data, labelling)
    assert verdict.outcome is Outcome.DISCLOSED
    assert {item.layer for item in verdict.evidence} >= {"label", "image_watermark", "c2pa", "ledger"}
    stripped = disclose.verify(resaved(marked.data, quality=85), labelling)
    assert stripped.outcome is Outcome.DISCLOSED
    assert {item.layer for item in stripped.evidence} >= {"label", "image_watermark"}


def test_it_is_off_unless_a_profile_lists_it(profile):
    marked = disclose.mark(encoded(photograph()), profile, system="Studio")
    assert marked.mark_of("label") is None
    assert list(LabelLayer().detect(marked)) == []


def test_it_says_modified_of_what_was_altered():
    asset = Asset.open(encoded(photograph()))
    layer = LabelLayer(language="de", corner="bottom left")
    details = layer.mark(asset, Disclosure.new(system="Studio", action="altered")).mark_of("label").details
    assert (details["kind"], details["language"], details["corner"]) == ("modified", "de", "bottom left")
    assert details["box"][0] < 50


def test_a_picture_that_has_its_label_is_not_labelled_again():
    layer, statement = LabelLayer(), Disclosure.new(system="Studio")
    once = layer.mark(Asset.open(encoded(photograph())), statement)
    twice = layer.mark(Asset.from_data(once.data), statement)
    assert twice.data == once.data
    assert twice.mark_of("label").details == {"kept": True}


def test_a_label_alone_is_an_indication():
    marked = LabelLayer().mark(Asset.open(encoded(photograph())), Disclosure.new(system="Studio"))
    assert Verdict.weigh(LabelLayer().detect(marked)).outcome is Outcome.INDICATED


def test_it_refuses_to_cover_a_mark_that_is_there_already():
    asset = Asset.open(encoded(photograph())).with_mark(Mark(layer="image_watermark"))
    with pytest.raises(MarkingError, match="label the picture as it was before"):
        LabelLayer().mark(asset, Disclosure.new(system="Studio"))


def test_a_picture_too_small_for_it_does_not_leave_without(labelling):
    with pytest.raises(UnsupportedError, match="short side"):
        disclose.mark(encoded(photograph(width=60, height=200)), labelling, system="Studio")
    assert len(labelling.ledger()) == 0


def test_it_warns_of_the_cuts_that_lose_it(caplog):
    with caplog.at_level(logging.INFO):
        LabelLayer().mark(Asset.open(encoded(photograph())), Disclosure.new(system="Studio"))
    assert "9:16" in caplog.text


def test_no_photograph_of_ours_seems_to_be_labelled():
    for name in ("astronaut", "coffee", "chelsea", "rocket", "china", "flower"):
        for corner in ("top right", "top left", "bottom right", "bottom left"):
            asset = Asset.open(encoded(photograph(name)))
            assert list(LabelLayer(corner=corner).detect(asset)) == []
