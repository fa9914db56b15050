"""Our decoders against invisible-watermark itself, on pictures that it marked and on pictures that nobody did."""

import statistics
import time
from functools import cache

import numpy
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pictures import encoded, photograph
from PIL import Image
from system_parts import need_package

import disclose
from disclose.asset import Asset
from disclose.disclosure import Disclosure
from disclose.errors import MarkingError
from disclose.layers.legacy_watermark import LegacyWatermarkLayer
from disclose.profile import Profile
from disclose.testing import LayerContract
from disclose.watermark import legacy
from disclose.watermark.legacy import package
from disclose.watermark.legacy.chroma import chroma

try:
    import cv2
    from imwatermark import WatermarkDecoder
except ImportError:
    cv2 = None

try:
    import onnxruntime
except ImportError:
    onnxruntime = None

pytestmark = pytest.mark.filterwarnings("ignore")
FASTER = 5
PAYLOAD = [int(bit) for bit in f"{0xC0FFEE12:032b}"]


@pytest.fixture(autouse=True)
def installed():
    need_package(cv2 is not None, "pip install torch==2.13.0 && pip install -e '.[interop]'")


def theirs(pixels, length, method):
    return numpy.array(WatermarkDecoder("bits", length).decode(numpy.ascontiguousarray(pixels[..., ::-1]), method))


@cache
def kinds():
    generator = numpy.random.default_rng(1)
    noise = Image.fromarray(generator.integers(0, 256, (480, 480, 3), dtype=numpy.uint8))
    return {"noise": noise} | {name: photograph(name, 480, 480) for name in ("astronaut", "chelsea", "coffee", "china")}


def flat(colour, size):
    return Image.new("RGB", size, colour)


pictures = st.one_of(
    st.tuples(st.sampled_from(["noise", "astronaut", "chelsea", "coffee", "china"]), st.integers(0, 40)),
    st.tuples(st.tuples(*[st.integers(0, 255)] * 3), st.just(0)),
)
sizes = st.tuples(st.integers(256, 400), st.integers(256, 400))
lengths = st.sampled_from([1, 8, 32, 46, 48, 64, 136, 1009])
by_chance = settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def picture(kind, size):
    name, offset = kind
    made = (
        kinds()[name].crop((offset, offset, offset + size[0], offset + size[1]))
        if name in kinds()
        else flat(name, size)
    )
    return numpy.asarray(made)


@pytest.mark.parametrize("method", legacy.METHODS)
@by_chance
@given(kind=pictures, size=sizes, length=lengths)
def test_an_unmarked_picture_reads_as_the_same_bits(method, kind, size, length):
    pixels = picture(kind, size)
    assert (legacy.decode(pixels, length, method=method) == theirs(pixels, length, method)).all()


@pytest.mark.parametrize("method", legacy.METHODS)
@by_chance
@given(kind=pictures, size=sizes, length=lengths, seed=st.integers(0, 2**32 - 1))
def test_what_the_package_wrote_reads_as_the_same_bits(method, kind, size, length, seed):
    bits = numpy.random.default_rng(seed).integers(0, 2, length).tolist()
    pixels = package.embed(picture(kind, size), bits, method=method)
    assert (legacy.decode(pixels, length, method=method) == theirs(pixels, length, method)).all()


@by_chance
@given(kind=pictures, size=sizes, length=lengths, seed=st.integers(0, 2**32 - 1))
def test_pictures_of_floats_read_as_the_same_bits(kind, size, length, seed):
    pixels = picture(kind, size).astype(numpy.float32)
    pixels += numpy.random.default_rng(seed).random(pixels.shape, dtype=numpy.float32)
    assert (legacy.decode(pixels, length) == theirs(pixels, length, "dwtDct")).all()


@pytest.mark.parametrize("grey", range(0, 256, 9))
def test_flat_pictures_that_lie_on_the_border_read_as_the_same_bits(grey):
    for colour in ((grey, grey, grey), (grey, 128, 255 - grey), (0, grey, 255)):
        pixels = numpy.asarray(flat(colour, (256, 257)))
        for method in legacy.METHODS:
            assert (legacy.decode(pixels, 48, method=method) == theirs(pixels, 48, method)).all()


@pytest.mark.parametrize("columns", [(132, 111, 108, 96), (126, 123, 102, 96), (126, 123, 96, 102)])
def test_stripes_that_lie_on_the_border_but_for_rounding_read_as_the_same_bits(columns):
    # Blues of all depths, so that there is one of every U.
    grey, blue = numpy.divmod(numpy.arange(1 << 16), 256)
    colours = numpy.stack([grey, grey, blue], axis=1).astype(numpy.uint8)
    of_chroma = dict(zip(chroma(colours[None])[0].astype(int).tolist(), colours, strict=True))
    tile = numpy.stack([of_chroma[column] for column in columns]).repeat(2, axis=0)
    pixels = numpy.tile(tile, (256, 32, 1))
    assert (legacy.decode(pixels, 48, method="dwtDctSvd") == theirs(pixels, 48, "dwtDctSvd")).all()


@pytest.mark.parametrize("method", legacy.METHODS)
def test_decoding_is_at_least_five_times_as_fast(method):
    pixels = numpy.asarray(photograph("astronaut", 1024, 1024))
    threads = cv2.getNumThreads()
    cv2.setNumThreads(1)
    try:
        ratios = []
        for _ in range(5):
            started = time.process_time()
            legacy.decode(pixels, 48, method=method)
            between = time.process_time()
            theirs(pixels, 48, method)
            ratios.append((time.process_time() - between) / (between - started))
    finally:
        cv2.setNumThreads(threads)
    assert statistics.median(ratios) >= FASTER


@pytest.mark.parametrize("method", legacy.METHODS)
@pytest.mark.parametrize("name", ["astronaut", "china"])
def test_what_the_package_wrote_is_read_right(method, name):
    pixels = package.embed(numpy.asarray(photograph(name, 768, 768)), PAYLOAD, method=method)
    assert legacy.decode(pixels, 32, method=method).astype(int).tolist() == PAYLOAD


def test_writing_leaves_the_given_pixels_as_they_were():
    pixels = numpy.asarray(photograph()).copy()
    before = pixels.copy()
    package.embed(pixels, PAYLOAD)
    assert (pixels == before).all()


def test_rivagan_reads_what_it_wrote():
    need_package(onnxruntime is not None, "pip install 'disclose-ai[invisible-watermark]'")
    pixels = numpy.asarray(photograph("astronaut", 512, 512))
    marked = package.embed(pixels, PAYLOAD, method="rivaGan")
    assert package.decode_rivagan(marked).astype(int).tolist() == PAYLOAD
    assert package.decode_rivagan(pixels).astype(int).tolist() != PAYLOAD


class TestLegacyWatermark(LayerContract):
    def layer(self, profile):
        return LegacyWatermarkLayer(message="stable-diffusion-xl")

    def assets(self):
        transparent = photograph("china").copy()
        transparent.putalpha(Image.linear_gradient("L").resize(transparent.size))
        return [Asset.open(encoded(photograph())), Asset.open(encoded(transparent))]

    def test_what_it_marks_it_detects_in_the_bytes_alone(self, profile):
        # A public message carries no identifier, which is what the contract asks of other layers.
        for asset in self.assets():
            (found,) = self.layer(profile).detect(Asset.open(self.layer(profile).mark(asset, self.statement()).data))
            assert found.details["message"] == "stable-diffusion-xl"
            assert found.id is None


@pytest.mark.parametrize("message", ["stable-diffusion-xl", "flux", "flux-48", "stable-diffusion-1"])
def test_a_profile_that_names_a_message_writes_it_beside_our_own_marks(message, tmp_path):
    default = Profile(folder=tmp_path)
    profile = Profile(folder=tmp_path, layers=("legacy_watermark", *default.layers), legacy_message=message)
    asset = disclose.mark(encoded(photograph("china", 768, 768)), profile, system="Studio")
    assert asset.mark_of("legacy_watermark").details["message"] == message
    verdict = disclose.verify(asset.data, default)
    assert verdict.outcome is disclose.Outcome.DISCLOSED
    (found,) = (item for item in verdict.evidence if item.layer == "legacy_watermark")
    families = {published.name: published.family for published in legacy.PUBLISHED}
    assert found.details["family"] == families[message]


@pytest.mark.parametrize(
    ("image", "name", "options"),
    [(photograph().convert("L"), "PNG", {}), (photograph(), "JPEG", {"quality": 40})],
    ids=["grey", "jpeg"],
)
def test_what_cannot_carry_the_message_is_refused_and_never_leaves_unmarked(image, name, options):
    asset = Asset.open(encoded(image, name, **options))
    with pytest.raises(MarkingError, match="cannot mark"):
        LegacyWatermarkLayer(message="flux").mark(asset, Disclosure.new(system="Studio"))
