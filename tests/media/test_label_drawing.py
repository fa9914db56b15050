import numpy
import pytest
from pictures import encoded, in_every_format, photograph
from PIL import Image

from disclose.asset import Asset
from disclose.errors import UnsupportedError
from disclose.media.image import Picture
from disclose.media.label_drawing import CROPS, SMALLEST_SIDE, drawn, found, label
from disclose.media.label_outlines import texts
from disclose.notice.catalogue import catalogues
from disclose.notice.label import second_line

CORNERS = ("top right", "top left", "bottom right", "bottom left")
WORDS = sorted({second_line(kind, language)[0] for language in catalogues() for kind in ("generated", "modified")})


def noise(width, height):
    pixels = numpy.random.default_rng(5).integers(0, 256, (height, width, 3), dtype=numpy.uint8)
    return Image.fromarray(pixels)


BACKGROUNDS = {
    "a photograph": photograph("china", 600, 400),
    "white": Image.new("RGB", (600, 400), "white"),
    "black": Image.new("RGB", (600, 400)),
    "noise": noise(600, 400),
    "red": Image.new("RGB", (600, 400), "red"),
}


def labelled(image, text="generated", corner="top right"):
    picture = Picture.from_object(image)
    made = label(text, picture.size, corner)
    return drawn(picture, made), made


def luminance(grey):
    """Return the relative luminance of a grey of sRGB (WCAG 2.1)."""
    value = grey / 255
    return value / 12.92 if value <= 0.03928 else ((value + 0.055) / 1.055) ** 2.4


def contrast(picture, made):
    """Return the contrast between the letters "AI" and the plate around them, as they are in *picture*."""
    area = numpy.asarray(picture.luma)[made.main[1] : made.main[3], made.main[0] : made.main[2]]
    plate = numpy.asarray(made.plate)
    x, y = made.main[0] - made.box[0], made.main[1] - made.box[1]
    as_drawn = plate[y : y + area.shape[0], x : x + area.shape[1]]
    light, dark = numpy.median(area[as_drawn == 255]), numpy.median(area[as_drawn == 0])
    return (luminance(light) + 0.05) / (luminance(dark) + 0.05)


@pytest.mark.parametrize("background", BACKGROUNDS)
@pytest.mark.parametrize("corner", CORNERS)
def test_it_reads_on_any_background_in_any_corner(background, corner):
    picture, made = labelled(BACKGROUNDS[background], corner=corner)
    assert contrast(picture, made) >= 4.5
    assert found(picture, corner) > 0.9
    assert found(Picture.from_object(BACKGROUNDS[background]), corner) < 0.5


def test_nothing_but_the_plate_changes():
    before = numpy.asarray(photograph("china", 600, 400))
    picture, made = labelled(photograph("china", 600, 400))
    after = picture.rgb.copy()
    left, top, right, bottom = made.box
    after[top:bottom, left:right] = before[top:bottom, left:right]
    assert numpy.array_equal(after, before)


@pytest.mark.parametrize("width", [128, 200, 640, 1500])
@pytest.mark.parametrize("text", ["生成", "generated"])
def test_both_lines_are_five_per_cent_of_the_short_side_high(text, width):
    height = width * 3 // 4
    made = label(text, (width, height))
    plate = numpy.asarray(made.plate)
    below_ai = slice(made.main[0] - made.box[0], made.main[2] - made.box[0])
    inked = (plate[10:-10, below_ai] > 128).any(axis=1)
    starts = numpy.flatnonzero(numpy.diff(inked.astype(int), prepend=0) == 1)
    ends = numpy.flatnonzero(numpy.diff(inked.astype(int), append=0) == -1)
    # A letter below a line counts to it.
    lines = [end - start + 1 for start, end in zip(starts, ends, strict=True)]
    assert len(lines) == 2
    assert min(lines) >= 0.05 * height


@pytest.mark.parametrize("size", [(128, 128), (300, 600), (640, 360), (2000, 250), (4000, 3000)])
def test_words_of_every_language_fit_into_pictures_of_every_size(size):
    for text in WORDS if max(size) < 1000 else WORDS[::9]:
        made = label(text, size)
        left, top, right, bottom = made.box
        assert 0 <= left < right <= size[0]
        assert 0 <= top < bottom <= size[1]
        # Nothing is cut off at the plate's edge: between the rim and the words all is black.
        rim, corner = 1 + max(1, round(0.004 * min(size))), round(0.3 * (made.main[3] - made.main[1]))
        assert not numpy.asarray(made.plate)[corner:-corner, [rim, -rim - 1]].any()


def test_there_are_outlines_of_exactly_the_words_of_the_catalogues():
    # When this fails, run tests/fixtures/label/make.py and look at what it made.
    assert set(texts()) == {"AI", *WORDS}


def test_words_without_outlines_are_refused_with_what_to_do():
    with pytest.raises(UnsupportedError, match=r"make\.py"):
        label("assisted", (400, 300))


def test_a_picture_too_small_for_words_is_refused():
    with pytest.raises(UnsupportedError, match=str(SMALLEST_SIDE)):
        label("generated", (300, SMALLEST_SIDE - 1))


def test_the_same_label_is_drawn_the_same_every_time_and_everywhere():
    one, two = label("generated", (777, 555)), label("generated", (777, 555))
    assert one.plate.tobytes() == two.plate.tobytes()
    # What it was when it was written down; polygons may be filled a little otherwise by another Pillow.
    assert one.box == (536, 14, 763, 165)
    assert sum(one.plate.histogram()[200:]) == pytest.approx(4491, rel=0.02)


def test_what_is_transparent_becomes_opaque_under_the_label_alone():
    image = Image.new("RGBA", (400, 300), (200, 30, 30, 0))
    picture, made = labelled(image)
    alpha = numpy.asarray(picture.native.getchannel("A"))
    middle = ((made.box[0] + made.box[2]) // 2, (made.box[1] + made.box[3]) // 2)
    assert alpha[middle[1], middle[0]] == 255
    assert alpha[-1].max() == 0


@pytest.mark.parametrize("mode", ["L", "LA", "P"])
def test_grey_and_palettes_take_a_label(mode):
    picture, made = labelled(photograph("china", 400, 300).convert(mode))
    assert contrast(picture, made) >= 4.5


@pytest.mark.parametrize("media_type", in_every_format())
def test_every_format_carries_it_through_its_encoder(media_type):
    asset = Asset.open(in_every_format()[media_type])
    made = label("generated", asset.content.size)
    data = asset.with_content(drawn(asset.content, made)).data
    again = Asset.open(data).content
    assert contrast(again, made) >= 4.5
    assert found(again) > 0.8


def test_a_picture_of_a_kind_that_is_refused_is_refused():
    with pytest.raises(UnsupportedError, match="CMYK"):
        labelled(photograph().convert("CMYK"))


@pytest.mark.parametrize("scale", [0.5, 0.8, 1.5, 2.0])
def test_it_is_found_in_copies_of_another_size(scale):
    picture, _ = labelled(photograph("china", 800, 600))
    copy = picture.image.resize((round(800 * scale), round(600 * scale)), Image.Resampling.BICUBIC)
    assert found(Picture.from_object(copy)) > 0.75


def test_it_survives_a_heavy_jpeg():
    picture, made = labelled(photograph("china", 600, 400))
    again = Asset.open(encoded(picture.image, "JPEG", quality=30)).content
    assert contrast(again, made) >= 4.5
    assert found(again) > 0.75


def test_it_says_which_shapes_would_cut_it_off():
    assert label("generated", (400, 400)).lost_in == ("4:5", "9:16", "16:9")
    assert "16:9" not in label("generated", (1600, 900)).lost_in
    for size in ((1600, 900), (900, 1600), (500, 500)):
        made = label("generated", size)
        picture = drawn(Picture.from_object(photograph("china", *size)), made)
        for name, shape in CROPS.items():
            wide, high = min(size[0], size[1] * shape), min(size[1], size[0] / shape)
            left, top = (size[0] - wide) / 2, (size[1] - high) / 2
            is_cut = left + wide < made.box[2] or left > made.box[0] or top > made.box[1] or top + high < made.box[3]
            assert (name in made.lost_in) == is_cut
        assert found(picture) > 0.9
