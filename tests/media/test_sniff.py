import io
import struct
import subprocess
import time
import zipfile
from shutil import which

import c2pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from media_files import media_types, small_file
from system_parts import need

from disclose.media import sniff

SVG = b'<svg xmlns="http://www.w3.org/2000/svg"/>'
TEXTS = {
    "image/svg+xml": [
        SVG,
        b"\xef\xbb\xbf \n" + SVG,
        b'<?xml version="1.0"?>\n<!-- a > b --><!DOCTYPE svg PUBLIC "-//W3C//DTD SVG 1.1//EN" "x">\n' + SVG,
        b'<!DOCTYPE svg [ <!ENTITY a "b"> ]>' + SVG,
        b'<svg:svg xmlns:svg="http://www.w3.org/2000/svg"/>',
    ],
    "text/html": [b"<!doctype html><p>hi", b"\n<!-- x --><HTML lang=en>", b"<body>\n"],
    "application/json": [b'{"a": [1, 2]}', b" []\n"],
    "text/plain": [
        b"svg",
        b"The <svg> element",
        b"{not json}",
        b'{"a": 1} and more',
        b"[",
        b"<xml/>",
        "Grüße".encode(),
        "Thanks 🙂".encode(),
        ("x" * 4094 + "🙂 and more").encode(),
        b"ten moov boxes",
    ],
}


@pytest.mark.parametrize("media_type", media_types())
def test_every_kind_of_file_is_told_by_its_bytes(media_type):
    assert sniff.media_type(small_file(media_type)) == media_type


@pytest.mark.parametrize("media_type", media_types())
def test_the_first_4096_bytes_are_enough(media_type):
    assert sniff.media_type(small_file(media_type)[:4096]) == media_type


@pytest.mark.parametrize(("media_type", "data"), [(kind, data) for kind, found in TEXTS.items() for data in found])
def test_kinds_of_text_are_told_apart(media_type, data):
    assert sniff.media_type(data) == media_type


@pytest.mark.parametrize(
    ("media_type", "ending", "codec"), [("audio/ogg", "ogg", "flac"), ("video/webm", "webm", "vp8")]
)
def test_files_that_hold_no_manifest_are_told_as_well(media_type, ending, codec, tmp_path):
    need(which("ffmpeg") is not None, "apt install ffmpeg")
    source = "testsrc=size=32x32:duration=0.2" if codec == "vp8" else "sine=duration=0.1"
    path = tmp_path / f"file.{ending}"
    subprocess.run(["ffmpeg", "-v", "error", "-f", "lavfi", "-i", source, "-c", codec.replace("vp8", "libvpx"), path])
    assert sniff.media_type(path.read_bytes()) == media_type


def archive(*names, first=None):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as zipped:
        if first is not None:
            zipped.writestr("mimetype", first, zipfile.ZIP_STORED)
        for name in names:
            zipped.writestr(name, "content " * 2000)
    return buffer.getvalue()


def test_office_files_are_told_from_plain_archives():
    office = "application/vnd.openxmlformats-officedocument."
    assert sniff.media_type(archive("[Content_Types].xml", "word/document.xml")).startswith(office + "word")
    assert sniff.media_type(archive("[Content_Types].xml", "xl/workbook.xml")).startswith(office + "spread")
    assert sniff.media_type(archive("ppt/presentation.xml")).startswith(office + "pres")
    for name in ("application/vnd.oasis.opendocument.text", "application/epub+zip"):
        assert sniff.media_type(archive("content.xml", first=name)) == name
    assert sniff.media_type(archive("notes.txt")) == "application/zip"


def test_mp3_is_told_with_and_without_a_tag_and_flac_behind_one():
    tagged = small_file("audio/mpeg")
    length = int.from_bytes(tagged[8:10], "big") + (tagged[7] << 14)
    bare = tagged[10 + (tagged[8] << 7 | tagged[9]) :] if length < 1 << 14 else tagged
    assert bare[:1] == b"\xff"
    assert sniff.media_type(bare) == "audio/mpeg"
    assert sniff.media_type(b"ID3\x04\x00\x00\x00\x00\x00\x05" + bytes(5) + small_file("audio/flac")) == "audio/flac"


def test_brands_decide_among_iso_files_and_the_major_one_comes_first():
    def file(major, *compatible):
        return struct.pack(">I", 16 + 4 * len(compatible)) + b"ftyp" + major + bytes(4) + b"".join(compatible)

    assert sniff.media_type(file(b"mif1", b"mif1", b"heic")) == "image/heic"
    assert sniff.media_type(file(b"mif1", b"avif")) == "image/avif"
    assert sniff.media_type(file(b"M4A ", b"isom")) == "audio/mp4"
    assert sniff.media_type(file(b"qt  ")) == "video/quicktime"
    assert sniff.media_type(struct.pack(">I", 8) + b"wide" + bytes(8)) == "video/quicktime"
    assert sniff.media_type(file(b"zzzz")) == sniff.UNKNOWN


def test_the_names_are_those_that_the_signing_engine_takes():
    engine = set(c2pa.Builder.get_supported_mime_types())
    foreign = {"audio/ogg", "video/webm", "video/x-matroska", "application/zip", "application/json"}
    foreign |= {"text/html", "text/plain", sniff.UNKNOWN}
    assert set(sniff.EXTENSIONS) - foreign <= engine


@given(st.binary(max_size=200) | st.sampled_from([b"RIFF", b"PK\x03\x04", b"ID3", b"\x1aE\xdf\xa3", b"\xff\xfb"]))
def test_any_bytes_have_a_type_and_every_type_an_ending(data):
    assert sniff.EXTENSIONS[sniff.media_type(data)].startswith(".")


def test_no_prolog_takes_long_to_look_through():
    start = time.process_time()
    for hostile in (b"<!--a-->" * 500, b"<!DOCTYPE a [" * 300, b"<?a?>" * 800 + b"<", b"[" * 100_000 + b"]"):
        assert sniff.media_type(hostile) == "text/plain"
    assert time.process_time() - start < 1
