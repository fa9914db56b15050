import io

import numpy
import pytest
from pictures import encoded, photograph, resaved
from PIL import Image, ImageDraw

import disclose
from disclose.asset import Asset
from disclose.disclosure import Disclosure
from disclose.errors import MarkingError, UnsupportedError
from disclose.evidence import Binding, Outcome, Verdict
from disclose.layers.image_watermark import ImageWatermarkLayer
from disclose.watermark import image


def marked(layer, data, statement=None):
    return layer.mark(Asset.open(data), statement or Disclosure.new(system="Studio"))


def test_a_public_watermark_that_no_record_explains_is_indicated_with_its_p_value():
    layer = ImageWatermarkLayer()
    data = resaved(marked(layer, encoded(photograph())).data, quality=80)
    (found,) = layer.detect(Asset.open(data))
    assert Verdict.weigh([found]).outcome is Outcome.INDICATED
    assert found.binding is Binding.NONE
    assert 0 < found.p_value < 1e-6


def test_a_verdict_says_of_such_a_watermark_that_it_was_issued_elsewhere(profile):
    data = marked(ImageWatermarkLayer(), encoded(photograph())).data
    verdict = disclose.verify(data, profile)
    assert verdict.outcome is Outcome.INDICATED
    assert "issued elsewhere" in verdict.evidence[0].summary


def test_of_a_watermark_whose_record_was_erased_it_says_that_and_not_issued_elsewhere(profile):
    marked_here = disclose.mark(encoded(photograph("coffee", 600, 400)), profile, system="Studio")
    profile.ledger().forget(marked_here.disclosure.id, reason="its subject asked for it")
    verdict = disclose.verify(resaved(marked_here.data, quality=85), profile)
    assert verdict.outcome is Outcome.INDICATED
    said = " ".join(item.summary for item in verdict.evidence)
    assert "erased on" in said
    assert "its subject asked for it" in said
    assert "elsewhere" not in said


def test_a_watermark_too_faint_to_read_is_still_seen_to_be_there():
    pixels = image.embed(numpy.asarray(photograph("chelsea", 512, 340)), 0xFADED)
    noise = numpy.random.default_rng(8).normal(0, 1, pixels.shape[:2])[:, :, None]

    def examined(level):
        noisy = numpy.clip(pixels + level * noise, 0, 255).astype(numpy.uint8)
        return list(ImageWatermarkLayer().detect(Asset.open(encoded(Image.fromarray(noisy)))))

    (read,), (faint,) = examined(20), examined(45)
    assert read.id.value == 0xFADED
    assert faint.id is None
    assert faint.p_value <= 1e-6
    assert "too faint" in faint.summary
    assert Verdict.weigh([faint]).outcome is Outcome.INDICATED
    assert examined(90) == []


def test_a_private_key_binds():
    layer = ImageWatermarkLayer(key=b"ours")
    assert Verdict.weigh(layer.detect(marked(layer, encoded(photograph())))).outcome is Outcome.DISCLOSED


def test_a_private_watermark_is_invisible_to_the_public_key_and_the_other_way_round():
    public, private = ImageWatermarkLayer(), ImageWatermarkLayer(key=b"ours")
    assert list(public.detect(marked(private, encoded(photograph())))) == []
    assert list(private.detect(marked(public, encoded(photograph())))) == []


@pytest.mark.parametrize(("name", "options"), [("JPEG", {"quality": 40}), ("GIF", {}), ("WEBP", {"quality": 40})])
def test_what_leaves_a_harsh_encoder_still_carries_the_mark(name, options):
    statement = Disclosure.new(system="Studio")
    layer = ImageWatermarkLayer()
    data = marked(layer, encoded(photograph("coffee", 750, 500), name, **options), statement).data
    (found,) = layer.detect(Asset.open(data))
    assert found.id.agrees_with(statement.id)


def test_a_blank_page_is_refused_and_never_leaves_unmarked():
    with pytest.raises(MarkingError):
        marked(ImageWatermarkLayer(), encoded(Image.new("RGB", (400, 400), "white")))


def test_a_picture_too_small_for_a_mark_is_refused_with_the_limit():
    with pytest.raises(UnsupportedError, match="128"):
        marked(ImageWatermarkLayer(), encoded(photograph(width=60, height=60)))


def test_grey_and_alpha_pictures_carry_the_mark():
    layer = ImageWatermarkLayer()
    transparent = photograph().copy()
    transparent.putalpha(Image.linear_gradient("L").resize((400, 400)))
    for picture in (photograph().convert("L"), transparent):
        data = marked(layer, encoded(picture)).data
        assert len(list(layer.detect(Asset.open(data)))) == 1


def test_the_input_array_is_not_changed():
    pixels = numpy.asarray(photograph()).copy()
    before = pixels.copy()
    ImageWatermarkLayer().mark(Asset.open(pixels), Disclosure.new(system="Studio"))
    assert numpy.array_equal(pixels, before)


def test_a_thumbnail_that_its_encoder_would_strip_of_the_mark_is_refused_with_what_to_do():
    with pytest.raises(MarkingError, match="a larger picture, a higher quality or PNG"):
        marked(ImageWatermarkLayer(), encoded(photograph(width=160, height=160), "JPEG", quality=60))


@pytest.mark.parametrize("quality", [60, 75, 90])
def test_what_leaves_as_a_jpeg_can_be_read_from_that_jpeg(quality):
    statement = Disclosure.new(system="Studio")
    layer = ImageWatermarkLayer()
    data = marked(layer, encoded(photograph("coffee", 400, 300), "JPEG", quality=quality), statement).data
    (found,) = layer.detect(Asset.open(data))
    assert found.id.agrees_with(statement.id)


@pytest.mark.parametrize(("name", "options"), [("WEBP", {"quality": 80}), ("JPEG", {"quality": 75}), ("AVIF", {})])
def test_a_small_icon_of_two_colours_leaves_a_lossy_encoder_with_its_mark(name, options):
    statement = Disclosure.new(system="Studio")
    layer = ImageWatermarkLayer()
    for ground, ink in (("white", "black"), ("black", "orange"), ("navy", "gold")):
        icon = Image.new("RGB", (256, 256), ground)
        ImageDraw.Draw(icon).rounded_rectangle((40, 40, 150, 200), 20, fill=ink)
        data = marked(layer, encoded(icon, name, **options), statement).data
        (found,) = layer.detect(Asset.open(data))
        assert found.id.agrees_with(statement.id)


@pytest.mark.parametrize("name", ["PNG", "JPEG"])
def test_an_icon_of_pure_colours_can_still_be_read_behind_a_grey_jpeg_of_quality_60(name):
    statement = Disclosure.new(system="Studio")
    layer = ImageWatermarkLayer()
    icon = Image.new("RGB", (700, 700), "lime")
    ImageDraw.Draw(icon).rounded_rectangle((100, 100, 400, 600), 50, fill="cyan")
    data = marked(layer, encoded(icon, name, **({} if name == "PNG" else {"quality": 85})), statement).data
    grey = Image.open(io.BytesIO(data)).convert("L")
    (found,) = layer.detect(Asset.open(encoded(grey, "JPEG", quality=60)))
    assert found.id.agrees_with(statement.id)
