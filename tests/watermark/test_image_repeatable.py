"""The same picture gives the same result, whoever else is at work."""

import hashlib
import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from photographs import PAYLOAD, photograph
from PIL import Image

from disclose.watermark import image

ROOT = Path(__file__).parents[2]
PHOTOGRAPHS = ("astronaut", "coffee", "chelsea", "china")


def digest(pixels):
    return hashlib.sha256(np.ascontiguousarray(pixels)).hexdigest()


def cut_and_squeezed(pixels):
    """Return *pixels* handled so that only the whole search reads them."""
    picture = Image.fromarray(pixels)
    return np.asarray(picture.crop((20, 10, 300, 190)).resize((250, 170), Image.Resampling.BICUBIC))


def test_a_picture_is_detected_twice_alike(small):
    pixels = cut_and_squeezed(np.asarray(small))
    assert image.detect(pixels) == image.detect(pixels)


def test_what_was_done_before_does_not_matter():
    pixels = photograph("chelsea", 400)
    marked = image.embed(pixels, PAYLOAD)
    image.detect(cut_and_squeezed(photograph("coffee", 400)), key=b"another")
    image.embed(photograph("astronaut", 400), 3, key=b"another")
    assert np.array_equal(image.embed(pixels, PAYLOAD), marked)


def test_pictures_are_marked_and_read_from_two_threads_as_from_one():
    pictures = [photograph(name, 320) for name in PHOTOGRAPHS]

    def marked(pixels):
        return digest(image.embed(pixels, PAYLOAD))

    handled = [cut_and_squeezed(image.embed(pixels, PAYLOAD)) for pixels in pictures]
    with ThreadPoolExecutor(2) as pool:
        assert list(pool.map(marked, pictures)) == [marked(pixels) for pixels in pictures]
        found = list(pool.map(image.detect, handled))
    assert found == [image.detect(pixels) for pixels in handled]
    assert [detection.payload for detection in found] == [PAYLOAD] * len(found)


def test_threads_that_meet_a_new_key_together_read_alike():
    key = os.urandom(16)
    pixels = photograph("chelsea", 400)
    with ThreadPoolExecutor(4) as pool:
        marked = list(pool.map(lambda _: digest(image.embed(pixels, PAYLOAD, key=key)), range(4)))
    assert marked == [digest(image.embed(pixels, PAYLOAD, key=key))] * 4


ELSEWHERE = """
import hashlib, json, numpy
from disclose.watermark import image

marked = image.embed(numpy.load("plain.npy"), 5)
found = image.detect(numpy.load("handled.npy"))
print(json.dumps([hashlib.sha256(marked).hexdigest(), found.payload, found.p_value, found.geometry.matrix]))
"""


def elsewhere(folder, threads):
    variables = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
    environment = os.environ | dict.fromkeys(variables, threads) | {"PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", ELSEWHERE]
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=environment, cwd=folder)
    return json.loads(done.stdout)


def test_the_number_of_threads_of_the_libraries_does_not_matter(tmp_path):
    pixels = photograph("chelsea", 320)
    marked = image.embed(pixels, 5)
    handled = cut_and_squeezed(marked)
    np.save(tmp_path / "plain.npy", pixels)
    np.save(tmp_path / "handled.npy", handled)
    found = image.detect(handled)
    for threads in ("1", "2"):
        same, payload, p_value, matrix = elsewhere(tmp_path, threads)
        assert same == digest(marked)
        assert payload == found.payload == 5
        # Sums of products may be added up in another order, and the last digits tell.
        assert np.isclose(np.log10(p_value), np.log10(found.p_value), atol=0.5)
        assert np.allclose(matrix, found.geometry.matrix, atol=0.01)
