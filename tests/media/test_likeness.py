import math

import numpy
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pictures import photograph
from PIL import Image

from disclose.media.likeness import CELL, Structure

TILE = 128
CANONICAL = (627, 418)
# Of the picture below, by version 0.1.0, which did not smooth it.
EARLIER = (
    "78x52:H8ADwAAA6/j3fGIAPgAAAAeMyPPgA+AB8AAMB4fLgD8Af/wAwfgfaAP+D//8Bw/DlAAf8H///Aw+JzAA/wPg//gAxO3AD/geA//wDxjfAH"
    "/A8A//4DgDHAf8A4H//9zwADB/7B4f///z4gDD/2hw//v/jweHH/hBx8Bz/nAfvP+ChxAAJ/DB4/f9EBwAAA/DBhu/wYBwA8AfTGAf9gwBwD/AeO"
    "eA/iDwBwP/wOGd59IPgA4f/4OG5/7QfMA4//4cDx/Bh+AAc//4cB7/AD+AAfwAI4B/9gH+AAPwAf4A/14f8CAH/D/gAeHd+MAMB///AAcDr+8AfA"
    "f/8AQYH158A/gH/wowFOTw9B/yAAB7wOIFL9D/ZAADL4fwif9juMAAMD4PwA59hgCBjwD4PAQj5hgDwA+T4fESA4gAD4AaD4WA3748AHwAGB+TQv"
    "P48IPwAOB/3hfe84YPgAfh/mAf98YMPAweJ/mMOBccsPAAex/j/mL8P8ORwfj/J3fc8P4GfwfB/HG8I+HwA7wcL+PNhx+D8AAQMD8MSDCfB+AAAB"
    "H4fBHGfB/wAAAPwX7Be/g/4AAAfg3kcWvgP4AAD/Ank/AfwHwAAf+AW5zOP4B4PH/4Au3nef8Af///gJfHqV/+AD//8AD+HgD//AAH+AAn+PAH//"
    "gAAAABv/PM"
)


@pytest.fixture(scope="module")
def luma():
    return photograph("coffee", 627, 418).convert("L")


def place(left=0.0, top=0.0, scale=1.0, degrees=0.0):
    """Return the matrix from a part's coordinates to the picture's, for a part cut at (left, top)."""
    cosine, sine = math.cos(math.radians(degrees)) / scale, math.sin(math.radians(degrees)) / scale
    return numpy.array([[cosine, -sine, left], [sine, cosine, top]])


@given(st.integers(1, 90), st.integers(1, 90))
def test_a_structure_reads_back_what_it_writes(rows, columns):
    bits = numpy.random.default_rng(rows).random((rows, columns)) < 0.5
    assert numpy.array_equal(Structure.from_text(Structure(brighter=bits).to_text()).brighter, bits)


def test_a_structure_takes_half_a_kilobyte(luma):
    assert len(Structure.of(luma, CANONICAL).to_text()) < 720


def test_a_structure_is_smooth_and_takes_less_for_it(luma):
    smooth, rough = Structure.of(luma, CANONICAL).brighter, Structure.from_text(EARLIER).brighter
    assert smooth.shape == rough.shape
    assert (smooth != rough).mean() < 0.15
    assert edges(smooth) < 0.75 * edges(rough)


def edges(cells):
    return (cells[1:] != cells[:-1]).sum() + (cells[:, 1:] != cells[:, :-1]).sum()


def test_what_an_earlier_version_kept_agrees_with_the_same_picture_and_not_with_another(luma):
    earlier = Structure.from_text(EARLIER)
    part = luma.crop((100, 50, 440, 290))
    assert earlier.agreement(part, place(100, 50), tile=TILE, inverted=False) > 0.95
    other = photograph("china", 627, 418).convert("L").crop((100, 50, 440, 290))
    assert earlier.agreement(other, place(100, 50), tile=TILE, inverted=False) < 0.72


@settings(max_examples=30, deadline=None)
@given(
    left=st.integers(0, 250),
    top=st.integers(0, 150),
    scale=st.floats(0.4, 2.5),
    tiles=st.tuples(st.integers(-3, 3), st.integers(-3, 3)),
)
def test_a_part_agrees_wherever_it_was_cut_up_to_whole_tiles(left, top, scale, tiles, luma):
    part = luma.crop((left, top, left + 340, top + 240))
    part = part.resize((round(340 * scale), round(240 * scale)), Image.Resampling.BICUBIC)
    matrix = place(left, top, scale) + numpy.array([[0, 0, tiles[0]], [0, 0, tiles[1]]]) * TILE
    assert Structure.of(luma, CANONICAL).agreement(part, matrix, tile=TILE, inverted=False) > 0.9


@pytest.mark.parametrize("name", ["astronaut", "china", "flower", "chelsea"])
def test_another_photograph_does_not_agree(name, luma):
    other = photograph(name, 627, 418).convert("L")
    agreement = Structure.of(luma, CANONICAL).agreement(other, place(), tile=TILE, inverted=False)
    assert 0.4 < agreement < 0.7


def on_a_page(luma, left=300, top=210):
    page = Image.new("L", (luma.width + 700, luma.height + 500), 245)
    page.paste(Image.linear_gradient("L").resize((page.width, 120)))
    page.paste(luma, (left, top))
    return page, place(-left, -top)


def test_a_page_that_shows_the_whole_picture_agrees(luma):
    page, matrix = on_a_page(luma)
    assert Structure.of(luma, CANONICAL).agreement(page, matrix, tile=TILE, inverted=False) > 0.85


@pytest.mark.parametrize("name", ["astronaut", "china", "flower", "chelsea"])
def test_a_page_that_shows_another_picture_does_not_agree(name, luma):
    page, matrix = on_a_page(photograph(name, 627, 418).convert("L"))
    assert Structure.of(luma, CANONICAL).agreement(page, matrix, tile=TILE, inverted=False) < 0.72


def test_a_negative_agrees_only_as_a_negative(luma):
    structure, negative = Structure.of(luma, CANONICAL), Image.eval(luma, lambda value: 255 - value)
    assert structure.agreement(negative, place(), tile=TILE, inverted=True) > 0.95
    assert structure.agreement(negative, place(), tile=TILE, inverted=False) < 0.7


def test_a_picture_without_structure_cannot_be_told(luma):
    grey = Image.new("L", luma.size, 128)
    assert Structure.of(luma, CANONICAL).agreement(grey, place(), tile=TILE, inverted=False) is None


@pytest.mark.parametrize("size", [(128, 128), (1024, 128), (131, 977)])
def test_pictures_of_every_shape_have_a_structure(size):
    from disclose.watermark.image import canonical_size

    luma = photograph("china", *size).convert("L")
    structure = Structure.of(luma, canonical_size(*size))
    rows, columns = structure.brighter.shape
    assert rows * columns * CELL**2 <= 512 * 512 * 1.01
    matrix = place(scale=size[0] / canonical_size(*size)[0])
    assert structure.agreement(luma, matrix, tile=TILE, inverted=False) > 0.9
