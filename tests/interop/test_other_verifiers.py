"""What we sign is read alike by a verifier that shares no code with ours, and so is what was changed since."""

from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy
import pytest
from manifest_places import Place, places
from media_files import media_types, small_file
from system_parts import need_package

from disclose.asset import Asset
from disclose.disclosure import Disclosure
from disclose.evidence import Integrity
from disclose.layers.c2pa import C2paLayer
from disclose.signing import Signer, TrustList

try:
    import encypher_c2pa
except ImportError:
    encypher_c2pa = None

FLIPS = 200


@pytest.fixture(autouse=True)
def installed():
    need_package(encypher_c2pa is not None, "pip install -e '.[interop]'")


@cache
def layer():
    with TemporaryDirectory() as folder:
        signer = Signer.development(Path(folder, "identity"))
    return C2paLayer(signer=lambda: signer, trust=TrustList)


@cache
def signed(media_type, **statement):
    return layer().mark(Asset.open(small_file(media_type)), Disclosure.new(system="Studio", **statement)).data


def they_vouch_for(data, media_type):
    try:
        return encypher_c2pa.verify(data, media_type, telemetry=False)["integrity"] == "valid"
    except ValueError:
        # So it says of a file whose structure it cannot follow any more.
        return False


def we_vouch_for(data):
    found = list(layer().detect(Asset.open(data)))
    return bool(found) and all(item.integrity is Integrity.INTACT for item in found)


def test_there_is_a_small_file_of_every_kind_that_is_signed():
    assert set(media_types()) == set(layer().media)


@pytest.mark.parametrize("media_type", media_types())
def test_every_format_we_sign_is_intact_to_both(media_type):
    data = signed(media_type)
    assert they_vouch_for(data, media_type)
    assert we_vouch_for(data)


@pytest.mark.parametrize("media_type", media_types())
def test_an_altered_file_with_its_parent_is_intact_to_the_other_too(media_type):
    assert they_vouch_for(signed(media_type, action="altered"), media_type)


@pytest.mark.parametrize("media_type", media_types())
def test_of_two_hundred_changed_bytes_none_that_is_signed_is_intact_to_either(media_type):
    data, chance = signed(media_type), numpy.random.default_rng(list(media_type.encode()))
    where = places(data, media_type)
    for position, bit in zip(chance.integers(len(data), size=FLIPS), chance.integers(8, size=FLIPS), strict=True):
        changed = bytearray(data)
        changed[position] ^= 1 << bit
        ours, theirs = we_vouch_for(bytes(changed)), they_vouch_for(bytes(changed), media_type)
        place = where[position]
        # Where nothing is signed they may differ, and the place says why; elsewhere they agree that it was changed.
        assert not ours or not place.is_signed, f"byte {position} ({place}) was changed, and we say intact"
        assert not theirs or not place.is_signed, f"byte {position} ({place}) was changed, and they say intact"


@pytest.mark.parametrize("media_type", media_types())
def test_every_byte_has_its_place(media_type):
    data = signed(media_type)
    where = places(data, media_type)
    assert where.count(Place.CONTENT) >= len(small_file(media_type)) - 64
    assert 900 < where.count(Place.PADDING) < 1500
    assert where.count(Place.JUMBF) < 900
    assert where.count(Place.FRAME) < 64


def test_a_place_is_told_by_what_stands_there():
    data = signed("image/jpeg")
    where = places(data, "image/jpeg")
    assert where[0] is Place.CONTENT
    assert where[-1] is Place.CONTENT
    assert where[data.index(b"\xff\xeb")] is Place.FRAME
    assert where[data.index(b"c2pa.assertions\x00")] is Place.JUMBF
    assert where[data.index(b"trainedAlgorithmicMedia")] is Place.STATEMENTS
    assert where[data.index(b"\xa1cpadY") + 20] is Place.PADDING
    film = signed("video/mp4")
    assert places(film, "video/mp4")[8] is Place.FILE_TYPE
    assert places(film, "video/mp4")[film.rindex(b"mdat") + 40] is Place.CONTENT
