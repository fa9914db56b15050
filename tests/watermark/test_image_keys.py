import numpy as np
import pytest
from photographs import PAYLOAD, photograph

from disclose.watermark import image

PRIVATE = (b"one", b"another", b"", bytes(64))


@pytest.fixture(scope="module")
def private():
    return image.embed(photograph("astronaut", 400), PAYLOAD, key=b"one")


def test_a_private_mark_is_read_under_its_key(private):
    assert image.detect(private, key=b"one").payload == PAYLOAD


@pytest.mark.parametrize("key", [None, b"another", b"one "])
def test_a_private_mark_is_not_seen_under_another_key(private, key):
    assert image.detect(private, key=key) is None


def test_every_key_has_a_mark_of_its_own():
    pixels = photograph("chelsea", 400)
    marked = [image.embed(pixels, PAYLOAD, key=key) for key in (None, *PRIVATE)]
    for index, one in enumerate(marked):
        assert not any(np.array_equal(one, other) for other in marked[:index])


def test_a_picture_carries_a_public_and_a_private_mark_side_by_side(private):
    both = image.embed(private, 7)
    assert image.detect(both).payload == 7
    assert image.detect(both, key=b"one").payload == PAYLOAD


def test_the_default_key_is_the_public_one():
    marked = image.embed(photograph("chelsea", 400), PAYLOAD)
    assert np.array_equal(marked, image.embed(photograph("chelsea", 400), PAYLOAD, key=image.DEFAULT_KEY))


@pytest.mark.parametrize("payload", [-1, 2**64, 2**80])
def test_a_payload_out_of_range_is_refused_under_any_key(payload):
    with pytest.raises(ValueError, match="64 bits"):
        image.embed(photograph("chelsea", 400), payload, key=b"one")
