"""Every kind of file that can hold a manifest is signed, read and watched through the public doors."""

import pytest
from media_files import media_types, small_file

import disclose
from disclose.asset import Asset
from disclose.layers.c2pa import C2paLayer

ON_PIXELS = frozenset({"image_watermark", "fingerprint"})
"""Left out where they cannot work: the pictures here are too small for them, and Pillow reads no HEIC."""


@pytest.fixture(params=media_types())
def media_type(request):
    return request.param


@pytest.fixture
def marking(tmp_path):
    return disclose.Profile(folder=tmp_path / "home", optional=ON_PIXELS)


def test_there_is_a_small_file_of_every_kind():
    assert set(C2paLayer.media) == set(media_types())


def test_it_is_disclosed_by_an_intact_manifest(media_type, marking):
    marked = disclose.mark(small_file(media_type), marking, system="Studio", version="2", provider="Acme")
    assert marked.media_type == media_type
    verdict = disclose.verify(marked.data, marking)
    assert verdict.outcome == "disclosed"
    (found,) = (item for item in verdict.evidence if item.layer == "c2pa")
    assert (found.binding, found.integrity, found.trust) == ("hard", "intact", "untrusted")
    assert found.disclosure == marked.disclosure


def test_the_five_items_of_california_are_read_back_from_the_manifest(media_type, marking):
    marked = disclose.mark(small_file(media_type), marking, system="Studio", version="2", provider="Acme")
    (found,) = (item for item in disclose.verify(marked.data, marking).evidence if item.layer == "c2pa")
    said = found.disclosure
    assert (said.provider, said.system, said.version, said.action) == ("Acme", "Studio", "2", "created")
    assert said.id.length == 128
    assert said.created.tzinfo is not None


def test_what_was_signed_elsewhere_stays_as_its_parent(media_type, marking, tmp_path):
    elsewhere = disclose.Profile(folder=tmp_path / "other", optional=marking.optional)
    theirs = C2paLayer.from_resources(elsewhere.resources()).mark(
        Asset.open(small_file(media_type)), elsewhere.disclosure(system="Elsewhere")
    )
    ours = disclose.mark(theirs.data, marking, system="Studio")
    (first, *_) = (item for item in disclose.verify(ours.data, marking).evidence if item.layer == "c2pa")
    assert (first.integrity, first.disclosure.system) == ("intact", "Studio")
    assert first.details["ingredients"] == ["parent"]


def test_marking_twice_changes_nothing(media_type, marking):
    once = disclose.mark(small_file(media_type), marking, system="Studio")
    assert disclose.mark(once.data, marking, system="Studio").data == once.data
