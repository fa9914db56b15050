"""A manifest beside its file: what holds none is marked all the same, and nothing is promised that is not delivered."""

import pytest
from pictures import encoded, photograph

import disclose
from disclose.asset import SIDECAR, Asset
from disclose.errors import DiscloseError, MarkingError, UnsupportedError
from disclose.layers.c2pa import C2paLayer

NOTES = (
    b"An answer that a machine wrote, long enough that nobody else is likely to have written the very same one.\n" * 2
)


def marked(profile, folder, **statement):
    asset = disclose.mark(NOTES, profile, sidecar=True, system="Writer", **statement)
    asset.save(folder / "notes.txt")
    return folder / "notes.txt"


def test_a_text_is_disclosed_by_the_manifest_beside_it(profile, tmp_path):
    path = marked(profile, tmp_path)
    assert path.read_bytes() == NOTES
    verdict = disclose.verify(path, profile)
    assert verdict.outcome == "disclosed"
    (found,) = (item for item in verdict.evidence if item.layer == "c2pa")
    assert (found.binding, found.integrity) == ("hard", "intact")


@pytest.mark.parametrize(
    "data", [b"\x1a\x45\xdf\xa3 matroska, or nearly so", b"OggS and what follows", b"\x00\x01\x02"]
)
def test_what_holds_no_manifest_is_spared_other_metadata_too(data, profile):
    asset = disclose.mark(data, profile, sidecar=True, system="Writer")
    assert [mark.layer for mark in asset.marks] == ["c2pa", "ledger"]


def test_a_changed_text_contradicts_the_manifest_beside_it(profile, tmp_path):
    path = marked(profile, tmp_path)
    path.write_bytes(NOTES.replace(b"machine", b"person"))
    assert disclose.verify(path, profile).outcome == "contested"


def test_a_sidecar_named_as_others_name_theirs_is_found(profile, tmp_path):
    path = marked(profile, tmp_path)
    (tmp_path / f"notes.txt{SIDECAR}").rename(tmp_path / f"notes{SIDECAR}")
    assert Asset.open(path).sidecar is not None


def test_who_does_not_promise_to_deliver_a_sidecar_gets_no_half_marked_file(profile):
    with pytest.raises(UnsupportedError, match="sidecar=True"):
        disclose.mark(NOTES, profile, system="Writer")


def test_a_manifest_lost_on_the_way_is_made_anew_under_the_same_identifier(profile, tmp_path):
    first = disclose.mark(NOTES, profile, sidecar=True, system="Writer")
    again = disclose.mark(NOTES, profile, sidecar=True, system="Writer")
    assert again.sidecar is not None
    assert again.disclosure.id == first.disclosure.id


def test_marking_twice_changes_nothing(profile, tmp_path):
    path = marked(profile, tmp_path)
    before = path.with_name(path.name + SIDECAR).read_bytes()
    assert disclose.mark(path, profile, sidecar=True, system="Writer").sidecar == before


def test_a_picture_is_never_marked_beside_its_file(profile, tmp_path):
    asset = disclose.mark(encoded(photograph()), profile, sidecar=True, system="Painter")
    assert asset.sidecar is None
    asset.save(tmp_path / "picture.png")
    assert [path.name for path in tmp_path.glob("picture*")] == ["picture.png"]


def test_history_that_stands_in_a_sidecar_is_not_dropped_silently(profile, tmp_path):
    path = marked(profile, tmp_path)
    other = disclose.Profile(folder=tmp_path / "other", layers=profile.layers)
    layer = C2paLayer.from_resources(other.resources())
    with pytest.raises(MarkingError, match="sidecar"):
        layer.mark(Asset.open(path), other.disclosure(system="Elsewhere"))


def test_where_the_document_cannot_be_written_its_manifest_stays_what_it_was(profile, tmp_path):
    asset = disclose.mark(NOTES, profile, sidecar=True, system="Writer")
    (tmp_path / "notes.txt").mkdir()
    with pytest.raises(DiscloseError, match="nothing was written"):
        asset.save(tmp_path / "notes.txt")
    assert [one.name for one in tmp_path.rglob("notes*")] == ["notes.txt"]
    (tmp_path / "notes.txt.c2pa").write_bytes(b"of another")
    with pytest.raises(DiscloseError, match="nothing was written"):
        asset.save(tmp_path / "notes.txt")
    assert (tmp_path / "notes.txt.c2pa").read_bytes() == b"of another"
