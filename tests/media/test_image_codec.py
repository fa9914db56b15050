import contextlib
import io
import struct
import subprocess
import zlib

import numpy
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pictures import FORMATS, encoded, in_every_format, photograph
from PIL import Image, PngImagePlugin

from disclose.asset import Asset
from disclose.errors import InputError, TooLargeError, UnreadableError, UnsupportedError
from disclose.media import containers, image, sniff

LOSSLESS = ("image/png", "image/tiff")


def reencoded(data):
    """Return *data* as it leaves after its pixels were replaced by the same pixels."""
    return image.encode(unchanged(Asset.open(data).content))


def unchanged(picture):
    return picture.with_residual(Image.new("L", picture.size, 128))


@pytest.mark.parametrize("media_type", FORMATS)
def test_every_format_is_told_by_its_bytes_decoded_and_encoded_again(media_type):
    data = in_every_format()[media_type]
    assert sniff.media_type(data) == media_type
    again = reencoded(data)
    assert sniff.media_type(again) == media_type
    before, after = (Asset.open(one).content.rgb.astype(int) for one in (data, again))
    assert abs(before - after).mean() < (0.01 if media_type in LOSSLESS else 6)


@pytest.mark.parametrize("mode", ["RGBA", "LA"])
def test_alpha_is_kept_exactly(mode):
    alpha = photograph("coffee").convert("L")
    picture = photograph().convert(mode)
    picture.putalpha(alpha)
    result = Image.open(io.BytesIO(reencoded(encoded(picture))))
    assert result.mode == mode
    assert numpy.array_equal(numpy.asarray(result.getchannel("A")), numpy.asarray(alpha))


def test_a_grey_picture_stays_grey():
    assert Image.open(io.BytesIO(reencoded(encoded(photograph().convert("L"))))).mode == "L"


def test_a_palette_is_spelt_out_in_png_and_kept_in_gif():
    palette = photograph().quantize(64)
    assert Image.open(io.BytesIO(reencoded(encoded(palette, "PNG")))).mode == "RGB"
    assert Image.open(io.BytesIO(reencoded(encoded(palette, "GIF")))).mode == "P"


def test_a_transparent_palette_entry_becomes_alpha():
    palette = photograph().quantize(64)
    result = Image.open(io.BytesIO(reencoded(encoded(palette, "PNG", transparency=3))))
    assert result.mode == "RGBA"
    assert numpy.array_equal(numpy.asarray(result.getchannel("A")) == 0, numpy.asarray(palette) == 3)


def test_jpeg_keeps_its_tables_sampling_and_scan():
    data = encoded(photograph(), "JPEG", quality=83, subsampling=0, progressive=True)
    before, after = Image.open(io.BytesIO(data)), Image.open(io.BytesIO(reencoded(data)))
    assert after.quantization == before.quantization
    assert after.layer == before.layer
    assert after.info["progressive"]


def with_metadata(media_type):
    exif = Image.Exif()
    exif[0x010E] = "a description"
    exif.get_ifd(0x8769)[0x9286] = b"ASCII\0\0\0a comment"
    icc = Image.new("RGB", (1, 1)).info.get("icc_profile") or _icc()
    name, options = FORMATS[media_type]
    return encoded(photograph(), name, exif=exif.tobytes(), icc_profile=icc, **options), icc


def _icc():
    from PIL import ImageCms

    return ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


@pytest.mark.parametrize("media_type", ["image/png", "image/jpeg", "image/webp", "image/avif", "image/tiff"])
def test_exif_and_colour_profile_survive(media_type):
    data, icc = with_metadata(media_type)
    before, after = Image.open(io.BytesIO(data)), Image.open(io.BytesIO(reencoded(data)))
    assert after.info["icc_profile"] == icc
    assert after.getexif()[0x010E] == "a description"
    assert dict(after.getexif().get_ifd(0x8769)) == dict(before.getexif().get_ifd(0x8769)) != {}


def test_a_colour_profile_stands_in_a_png_once():
    data, _ = with_metadata("image/png")
    assert data.count(b"iCCP") == reencoded(data).count(b"iCCP") == 1


def test_png_text_resolution_and_unknown_safe_chunks_survive_byte_for_byte():
    info = PngImagePlugin.PngInfo()
    info.add_text("parameters", "steps: 20", zip=True)
    info.add_itxt("Comment", "grüße", lang="de")
    info.add(b"vpAg", b"\0" * 9)
    data = encoded(photograph(), pnginfo=info, dpi=(300, 300))
    for block in containers.foreign_blocks(data, "image/png"):
        assert block.raw in reencoded(data)
    assert Image.open(io.BytesIO(reencoded(data))).text == {"parameters": "steps: 20", "Comment": "grüße"}


def test_jpeg_iptc_and_comment_segments_survive_byte_for_byte():
    iptc = b"\xff\xed" + struct.pack(">H", 30) + b"Photoshop 3.0\0" + b"8BIM\x04\x04" + b"\0" * 8
    data = encoded(photograph(), "JPEG", comment=b"hello")
    data = data[:2] + iptc + data[2:]
    again = reencoded(data)
    assert iptc in again
    assert again.count(b"\xff\xfe\x00\x07hello") == 1


def test_tiff_tags_survive():
    data = encoded(photograph(), "TIFF", tiffinfo={270: "described", 315: "an artist"}, compression="tiff_lzw")
    after = Image.open(io.BytesIO(reencoded(data)))
    assert (after.tag_v2[270], after.tag_v2[315], after.info["compression"]) == ("described", "an artist", "tiff_lzw")


@pytest.mark.parametrize("media_type", FORMATS)
def test_xmp_is_written_and_read_back_in_every_format(media_type):
    packet = b'<x:xmpmeta xmlns:x="adobe:ns:meta/">something</x:xmpmeta>'
    picture = Asset.open(in_every_format()[media_type]).content
    for changed in (unchanged(picture), picture):
        data = image.encode(changed.with_xmp(packet))
        found = Asset.open(data).content
        assert found.xmp == packet
        assert found.size == picture.size


@pytest.mark.parametrize("media_type", ["image/png", "image/jpeg", "image/gif"])
def test_new_xmp_takes_the_place_of_the_old_and_leaves_the_pixels_alone(media_type):
    first = image.encode(Asset.open(in_every_format()[media_type]).content.with_xmp(b"<x:xmpmeta>1</x:xmpmeta>"))
    second = image.encode(Asset.open(first).content.with_xmp(b"<x:xmpmeta>2</x:xmpmeta>"))
    assert b"<x:xmpmeta>1" not in second
    assert len(second) == len(first)
    assert numpy.array_equal(Asset.open(first).content.rgb, Asset.open(second).content.rgb)


def sixteen_bits():
    header = struct.pack(">IIBBBBB", 200, 200, 16, 2, 0, 0, 0)
    rows = (b"\0" + bytes(1200)) * 200
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(rows)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(containers.png_chunk(kind, body) for kind, body in chunks)


def refused():
    photo = photograph()
    yield "16 bits per channel", sixteen_bits()
    yield "CMYK", encoded(photo.convert("CMYK"), "JPEG")
    yield "one bit per pixel", encoded(photo.convert("1"))
    yield "16 bits per channel", encoded(Image.fromarray(numpy.zeros((200, 200), numpy.uint16)), "TIFF")
    yield "16 bits per channel", encoded(Image.fromarray(numpy.zeros((200, 200), numpy.uint16)))
    for name in ("GIF", "WEBP", "PNG", "TIFF"):
        others = [photograph("coffee")]
        yield "several pictures", encoded(photo, name, save_all=True, append_images=others)
    yield "multi-picture JPEG", encoded(photo, "MPO", save_all=True, append_images=others)


@pytest.mark.parametrize(("reason", "data"), list(refused()))
def test_what_cannot_be_marked_without_loss_is_refused_by_name(reason, data):
    picture = Asset.open(data).content
    assert picture.rgb.dtype == numpy.uint8
    with pytest.raises(UnsupportedError, match=reason):
        unchanged(picture)


def test_declared_billions_of_pixels_are_refused_before_decoding():
    header = containers.png_chunk(b"IHDR", struct.pack(">IIBBBBB", 30000, 30000, 8, 2, 0, 0, 0))
    bomb = b"\x89PNG\r\n\x1a\n" + header + containers.png_chunk(b"IDAT", zlib.compress(b"\0" * 1000))
    with pytest.raises(TooLargeError, match="limit of 50 megapixels"):
        _ = Asset.open(bomb).content


@pytest.mark.parametrize("media_type", FORMATS)
def test_half_a_file_is_unreadable(media_type):
    data = in_every_format()[media_type]
    with pytest.raises(UnreadableError, match="cannot decode"):
        _ = Asset.open(data[: len(data) // 2]).content


@settings(max_examples=150, deadline=None)
@given(
    media_type=st.sampled_from(list(FORMATS)),
    changes=st.lists(st.tuples(st.floats(0, 0.999), st.integers(0, 255)), min_size=1, max_size=8),
)
def test_damaged_files_decode_or_raise_an_input_error(media_type, changes):
    data = bytearray(in_every_format(64, 64)[media_type])
    for where, value in changes:
        data[int(where * len(data))] = value
    with contextlib.suppress(InputError):
        _ = Asset.open(bytes(data)).content.rgb


def test_text_renamed_to_png_is_text(tmp_path):
    path = tmp_path / "essay.png"
    path.write_text("Dear reader, " * 50)
    with pytest.raises(UnsupportedError, match="text/plain"):
        _ = Asset.open(path).content


def test_spliced_files_are_whole_for_other_programs(tmp_path):
    picture = Asset.open(encoded(photograph())).content
    path = tmp_path / "spliced.png"
    path.write_bytes(image.encode(picture.with_xmp(b"<x:xmpmeta/>")))
    shown = subprocess.run(["file", "--brief", str(path)], capture_output=True, text=True, check=False)
    assert shown.returncode != 0 or "400 x 400" in shown.stdout


def test_new_xmp_takes_the_place_of_the_old_in_a_tiff_whose_other_tags_stay():
    tags = {270: "described", 33723: b"\x1c\x02\x05\x00\x01x\x00\x00", 34377: b"8BIM\x04\x04\x00\x00\x00\x00\x00\x00"}
    first = image.encode(Asset.open(encoded(photograph(), "TIFF", tiffinfo=tags)).content.with_xmp(b"<x:xmpmeta>1"))
    second = image.encode(Asset.open(first).content.with_xmp(b"<x:xmpmeta>2"))
    found = Image.open(io.BytesIO(second))
    assert found.tag_v2[700] == b"<x:xmpmeta>2"
    assert {tag: found.tag_v2[tag] for tag in tags} == tags
    assert b"<x:xmpmeta>1" not in second
