"""Each forgery of the table is made with the real engines, and gets the outcome that the table says."""

import io

import numpy
import pytest
from pictures import encoded, photograph
from PIL import Image

import disclose
from disclose.detector import forgeries
from disclose.detector.forgeries import FORGERIES, table
from disclose.profile import Profile
from disclose.watermark import image


@pytest.fixture(scope="module")
def issued(deployment):
    picture = encoded(photograph("china", width=512, height=512), "JPEG", quality=92)
    return disclose.mark(picture, deployment, system="Acme Studio")


def other():
    return photograph("coffee", width=512, height=512)


def carrying(picture, identifier):
    return encoded(Image.fromarray(image.embed(numpy.asarray(picture), identifier)))


def copied_watermark(issued, folder):
    return carrying(other(), issued.disclosure.id.leading(64).value)


def replayed_manifest(issued, folder):
    target = encoded(other(), "JPEG", quality=92)
    return target[:2] + b"".join(segments(issued.data)) + target[2:]


def segments(data):
    """Return the segments of a JPEG that hold its manifest store (APP11)."""
    place, found = 2, []
    while data[place + 1] not in (0xDA, 0xD9):
        length = 2 + int.from_bytes(data[place + 2 : place + 4], "big")
        if data[place + 1] == 0xEB:
            found.append(data[place : place + length])
        place += length
    return found


def invented_identifier(issued, folder):
    return carrying(other(), 0x0123456789ABCDEF)


def two_marks_that_disagree(issued, folder):
    elsewhere = Profile(folder=folder, layers=("c2pa", "ledger"))
    return disclose.mark(issued.data, elsewhere, system="Elsewhere").data


def stolen_ingredient(issued, folder):
    stage = photograph("astronaut", width=800, height=640)
    stage.paste(Image.open(io.BytesIO(issued.data)), (60, 80))
    elsewhere = Profile(folder=folder, layers=("c2pa", "ledger"))
    return disclose.mark(encoded(stage), elsewhere, inputs=[issued.data], system="Elsewhere").data


def unsigned_claim(issued, folder):
    alone = Profile(folder=folder, layers=("iptc",))
    return disclose.mark(encoded(other()), alone, system="Nobody").data


MADE = {
    "copied watermark": copied_watermark,
    "replayed manifest": replayed_manifest,
    "invented identifier": invented_identifier,
    "two marks that disagree": two_marks_that_disagree,
    "stolen ingredient": stolen_ingredient,
    "unsigned claim": unsigned_claim,
}


@pytest.mark.parametrize("row", FORGERIES, ids=lambda one: one.name)
def test_a_forgery_gets_the_outcome_of_its_row(detector, issued, tmp_path, row):
    data = MADE[row.name](issued, tmp_path)
    found = detector.post("/v1/verify", content=data, headers={"Content-Type": "image/png"}).json()
    assert found["outcome"] == row.outcome.value, found["evidence"]


def test_a_copied_watermark_is_told_with_both_distances(detector, issued, tmp_path):
    def compared(data):
        answer = detector.post("/v1/verify", content=data, headers={"Content-Type": "image/png"}).json()
        return next(one["details"] for one in answer["evidence"] if "distance" in one["details"])

    genuine, copied = compared(issued.data), compared(copied_watermark(issued, tmp_path))
    assert genuine["distance"] < 10
    assert copied["distance"] > 60
    assert copied["agreement"] < 0.72 < genuine["agreement"]


def test_every_row_of_the_table_is_tested():
    assert [one.name for one in FORGERIES] == list(MADE)
    assert table().count("\n") == len(FORGERIES) + 1
    assert table() in forgeries.__doc__
