import logging
from dataclasses import replace

import pytest
from pictures import encoded, photograph, resaved
from PIL import Image

import disclose
from disclose.asset import Asset, Mark
from disclose.disclosure import Disclosure
from disclose.errors import IdentityError, LedgerError, MarkingError, ProfileError, UnsupportedError
from disclose.evidence import Outcome
from disclose.layer import Plane
from disclose.marker import Marker
from disclose.profile import Profile


class Layer:
    """A small layer that writes its name, or fails."""

    media = ("image/*",)

    def __init__(self, name, plane, error=None):
        self.name, self.plane, self.error = name, plane, error

    def mark(self, asset, disclosure):
        if self.error is not None:
            raise self.error
        return asset.with_mark(Mark(layer=self.name))

    def detect(self, asset):
        return []


def names(asset):
    return [mark.layer for mark in asset.marks]


@pytest.fixture
def asset():
    return Asset.open(encoded(photograph()))


@pytest.fixture
def statement():
    return Disclosure.new(system="Studio")


def test_layers_work_in_the_order_of_their_planes(asset, statement):
    layers = [Layer("record", Plane.RECORD), Layer("file", Plane.CONTAINER), Layer("pixels", Plane.CONTENT)]
    assert names(Marker(layers).mark(asset, statement)) == ["pixels", "file", "record"]


def test_a_layer_that_fails_lets_nothing_leave(asset, statement):
    with pytest.raises(MarkingError, match="no room"):
        Marker([Layer("pixels", Plane.CONTENT, MarkingError("no room"))]).mark(asset, statement)


def test_a_foreign_exception_becomes_a_marking_error_that_names_the_layer(asset, statement):
    with pytest.raises(MarkingError, match="layer pixels failed") as caught:
        Marker([Layer("pixels", Plane.CONTENT, ZeroDivisionError("oops"))]).mark(asset, statement)
    assert isinstance(caught.value.__cause__, ZeroDivisionError)


def test_an_optional_layer_may_fail_and_the_skip_is_logged(asset, statement, caplog):
    layers = [Layer("pixels", Plane.CONTENT, MarkingError("no room")), Layer("file", Plane.CONTAINER)]
    with caplog.at_level(logging.WARNING):
        assert names(Marker(layers, optional=frozenset({"pixels"})).mark(asset, statement)) == ["file"]
    assert "skipped the optional layer pixels: no room" in caplog.text


def test_a_media_type_that_no_layer_marks_is_refused(statement):
    with pytest.raises(UnsupportedError, match="text/plain"):
        Marker([Layer("pixels", Plane.CONTENT)]).mark(Asset.open(b"some text"), statement)


def test_a_required_layer_that_does_not_know_this_kind_of_picture_refuses_it(asset, statement):
    narrow = Layer("pixels", Plane.CONTENT)
    narrow.media = ("image/jpeg",)
    with pytest.raises(UnsupportedError, match="pixels does not mark image/png"):
        Marker([narrow, Layer("file", Plane.CONTAINER)]).mark(asset, statement)


def test_a_record_alone_is_no_marking(asset, statement):
    with pytest.raises(UnsupportedError, match="no layer"):
        Marker([Layer("record", Plane.RECORD)]).mark(asset, statement)


def test_marking_twice_gives_back_the_same_bytes(profile):
    once = disclose.mark(encoded(photograph()), profile, system="Studio")
    twice = disclose.mark(once.data, profile, system="Another")
    assert twice.data == once.data
    assert twice.disclosure == once.disclosure
    assert len(profile.ledger()) == 1


def test_a_file_of_ours_is_recognised_by_its_signature_when_the_ledger_is_gone(profile):
    once = disclose.mark(encoded(photograph()), profile, system="Studio")
    profile.ledger().path.unlink()
    again = Profile(folder=profile.folder)
    assert disclose.mark(once.data, again, system="Another").data == once.data


def test_a_stripped_file_of_ours_gets_its_credentials_back_under_the_same_identifier(profile):
    once = disclose.mark(encoded(photograph()), profile, system="Studio")
    again = disclose.mark(resaved(once.data, quality=92), profile, system="Studio")
    assert again.disclosure.id == once.disclosure.id
    verdict = disclose.verify(again.data, profile)
    assert verdict.outcome is Outcome.DISCLOSED
    assert {item.layer for item in verdict.evidence} >= {"image_watermark", "c2pa", "ledger"}


def test_a_watermark_issued_elsewhere_is_kept_and_its_identifier_taken_up(profile, tmp_path):
    elsewhere = Profile(folder=tmp_path / "elsewhere")
    theirs = disclose.mark(encoded(photograph()), elsewhere, system="Elsewhere")
    ours = disclose.mark(resaved(theirs.data, quality=92), profile, system="Studio")
    assert ours.disclosure.id.leading(64) == theirs.disclosure.id.leading(64)
    assert disclose.verify(ours.data, profile).outcome is Outcome.DISCLOSED
    assert disclose.verify(ours.data, elsewhere).outcome is not Outcome.CONTESTED


def test_somebody_else_s_signature_becomes_the_parent(profile, tmp_path):
    theirs = disclose.mark(encoded(photograph()), Profile(folder=tmp_path / "other"), system="Elsewhere")
    ours = disclose.mark(theirs.data, profile, system="Studio", action="altered")
    (c2pa,) = [
        item for item in disclose.verify(ours.data, profile).evidence if item.binding == "hard" and item.layer == "c2pa"
    ]
    assert c2pa.details["ingredients"] == ["parent"]


@pytest.mark.parametrize("picture", [Image.new("RGB", (300, 300), "white"), photograph(width=100, height=100)])
def test_a_picture_that_cannot_be_marked_leaves_no_record(picture, profile):
    with pytest.raises(disclose.DiscloseError):
        disclose.mark(picture, profile, system="Studio")
    assert len(profile.ledger()) == 0


def test_production_refuses_the_development_identity_with_the_next_step(profile):
    with pytest.raises(IdentityError, match="DISCLOSE_CERTIFICATES"):
        disclose.mark(photograph(), profile, system="Studio", production=True)
    with pytest.raises(IdentityError, match="certificates"):
        replace(profile, production=True).marker()


def test_production_signs_with_a_chain_of_its_own(profile):
    profile.signer()
    identity = profile.folder / "identity"
    given = {"certificates": identity / "certificates.pem", "private_key": identity / "private_key.pem"}
    mine = Profile(folder=profile.folder / "mine", production=True, **given)
    assert disclose.mark(photograph(), mine, system="Studio").mark_of("c2pa") is not None


def test_a_misspelt_environment_variable_is_refused_by_name(monkeypatch):
    monkeypatch.setenv("DISCLOSE_PRODUCTOIN", "1")
    with pytest.raises(ProfileError, match="DISCLOSE_PRODUCTOIN"):
        disclose.mark(photograph(), system="Studio")


def test_production_from_the_environment_is_heeded(monkeypatch):
    monkeypatch.setenv("DISCLOSE_PRODUCTION", "yes")
    with pytest.raises(IdentityError):
        disclose.mark(photograph(), system="Studio")
    monkeypatch.setenv("DISCLOSE_PRODUCTION", "perhaps")
    with pytest.raises(ProfileError, match="neither yes nor no"):
        disclose.mark(photograph(), system="Studio")


def test_a_ledger_that_cannot_be_written_stops_the_output(tmp_path):
    (tmp_path / "ledger.sqlite").mkdir()
    with pytest.raises(LedgerError, match=r"ledger\.sqlite"):
        disclose.mark(photograph(), Profile(folder=tmp_path), system="Studio")


def test_two_profiles_with_different_keys_do_not_read_each_other(tmp_path):
    (tmp_path / "key").write_bytes(b"a key of our own")
    private = Profile(folder=tmp_path / "private", watermark_key_file=tmp_path / "key")
    data = resaved(disclose.mark(photograph(), private, system="Studio").data, quality=90)
    assert disclose.verify(data, private).outcome is Outcome.DISCLOSED
    assert disclose.verify(data, Profile(folder=tmp_path / "public")).outcome is Outcome.UNDETERMINED
