import numpy
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pictures import encoded, photograph
from PIL import Image

import disclose
from disclose.evidence import Integrity, Outcome
from disclose.layers.fingerprint import limit


def compared(verdict):
    return next(item for item in verdict.evidence if item.layer == "fingerprint" and "agreement" in item.details)


@pytest.fixture
def issued(profile):
    original = photograph("coffee", 900, 600)
    marked = disclose.mark(original, profile, system="Studio").content.image
    return original, marked


@pytest.mark.parametrize(
    "handled",
    [
        lambda picture: picture.crop((210, 130, 690, 470)),
        lambda picture: picture.rotate(7, Image.Resampling.BICUBIC),
        lambda picture: picture.transpose(Image.Transpose.FLIP_LEFT_RIGHT).crop((100, 100, 700, 560)),
        lambda picture: picture.resize((720, 480)).crop((60, 40, 690, 460)),
        lambda picture: Image.eval(picture, lambda value: 255 - value),
    ],
    ids=["a third of the area", "rotated", "mirrored and cropped", "scaled and cropped", "negative"],
)
def test_a_part_of_the_picture_is_told_from_a_copied_mark(handled, issued, profile):
    verdict = disclose.verify(handled(issued[1]), profile)
    assert verdict.outcome is Outcome.DISCLOSED
    assert compared(verdict).details["agreement"] > 0.9


@pytest.mark.parametrize("victim", ["astronaut", "china", "flower"])
def test_a_mark_copied_to_another_photograph_is_contested(victim, issued, profile):
    residual = numpy.asarray(issued[1], int) - numpy.asarray(issued[0], int)
    target = numpy.asarray(photograph(victim, 900, 600), int)
    forged = numpy.clip(target + residual, 0, 255).astype(numpy.uint8)
    verdict = disclose.verify(forged, profile)
    assert verdict.outcome is Outcome.CONTESTED
    assert compared(verdict).integrity is Integrity.BROKEN
    assert compared(verdict).details["agreement"] < 0.7


def test_a_likeness_alone_is_indicated_and_never_proof(issued, profile):
    verdict = disclose.verify(encoded(issued[0], "JPEG", quality=60), profile)
    assert verdict.outcome is Outcome.INDICATED
    assert [item.layer for item in verdict.evidence] == ["fingerprint"]


def test_a_mirrored_likeness_is_found_too(issued, profile):
    mirrored = issued[0].transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    assert disclose.verify(mirrored, profile).outcome is Outcome.INDICATED


def test_another_photograph_is_not_a_likeness(issued, profile):
    assert disclose.verify(photograph("china", 900, 600), profile).outcome is Outcome.UNDETERMINED


@given(st.integers(1, 10**9), st.integers(1, 10**9))
def test_the_limit_tightens_as_the_ledger_grows(fewer, more):
    if fewer <= more:
        assert 31 <= limit(more) <= limit(fewer) <= 89
