import numpy
import pytest
from pictures import encoded, photograph
from PIL import Image

from disclose.asset import Asset, Mark
from disclose.errors import DiscloseError, UnreadableError, UnsupportedError
from disclose.media import files


def test_the_media_type_comes_from_the_bytes_and_not_from_the_name(tmp_path):
    path = tmp_path / "picture.png"
    path.write_bytes(encoded(photograph(), "JPEG"))
    assert Asset.open(path).media_type == "image/jpeg"


@pytest.mark.parametrize("kind", [bytes, bytearray, memoryview])
def test_bytes_of_every_kind_open(kind):
    assert Asset.open(kind(encoded(photograph()))).media_type == "image/png"


@pytest.mark.parametrize("shape", [(40, 50), (40, 50, 1), (40, 50, 3), (40, 50, 4)])
def test_arrays_of_grey_colour_and_alpha_open(shape):
    assert Asset.open(numpy.zeros(shape, numpy.uint8)).content.size == (50, 40)


@pytest.mark.parametrize(
    "array", [numpy.zeros((4, 4, 3)), numpy.zeros((4, 4, 2), numpy.uint8), numpy.zeros(4, numpy.uint8)]
)
def test_arrays_of_other_kinds_are_refused_with_what_to_pass(array):
    with pytest.raises(UnsupportedError, match="pass uint8"):
        Asset.open(array)


def test_a_file_that_is_not_there_is_unreadable(tmp_path):
    with pytest.raises(UnreadableError, match="No such file"):
        Asset.open(tmp_path / "missing.png")


def test_a_folder_is_unreadable(tmp_path):
    with pytest.raises(UnreadableError, match="folder"):
        Asset.open(tmp_path)


def test_no_bytes_at_all_are_unreadable():
    with pytest.raises(UnreadableError, match="empty"):
        Asset.open(b"")


def test_an_object_of_another_type_is_refused_by_name():
    with pytest.raises(UnsupportedError, match="dict"):
        Asset.open({})


def test_an_asset_never_changes():
    asset = Asset.open(encoded(photograph()))
    other = asset.with_mark(Mark(layer="a")).with_mark(Mark(layer="b")).with_mark(Mark(layer="a", details={"again": 1}))
    assert asset.marks == ()
    assert [mark.layer for mark in other.marks] == ["b", "a"]


def test_a_saved_asset_appears_whole(tmp_path):
    asset = Asset.open(encoded(photograph()))
    asset.save(tmp_path / "out.png")
    assert (tmp_path / "out.png").read_bytes() == asset.data
    assert [path.name for path in tmp_path.iterdir()] == ["out.png"]


def test_a_disk_that_fills_up_leaves_the_old_file_and_no_rubbish(tmp_path, monkeypatch):
    path = tmp_path / "out.png"
    path.write_bytes(b"what was there")

    def full(_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(files.os, "fsync", full)
    with pytest.raises(DiscloseError, match="No space left on device; nothing was written"):
        Asset.open(encoded(photograph())).save(path)
    assert path.read_bytes() == b"what was there"
    assert [entry.name for entry in tmp_path.iterdir()] == ["out.png"]


def test_a_folder_that_is_not_there_is_named(tmp_path):
    with pytest.raises(DiscloseError, match=r"nowhere.*nothing was written"):
        Asset.open(encoded(photograph())).save(tmp_path / "nowhere" / "out.png")


def test_a_picture_is_encoded_once(monkeypatch):
    calls = []
    saved = Image.Image.save
    monkeypatch.setattr(Image.Image, "save", lambda *args, **kwargs: calls.append(1) or saved(*args, **kwargs))
    asset = Asset.open(numpy.asarray(photograph()))
    assert asset.data is asset.data
    assert len(calls) == 1
