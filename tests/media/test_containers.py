"""Metadata in files: put in and read back, everything else as it was, and no file too hostile to be refused."""

import contextlib
import io
import struct
import subprocess
import time
from shutil import which

import pypdf
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from media_files import small_file
from PIL import Image, ImageChops
from system_parts import need

from disclose.errors import InputError, UnreadableError, UnsupportedError
from disclose.media import containers, sniff
from disclose.media.containers import box, flac, id3, iso, pdf, riff, svg

FIRST, SECOND = (
    b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><r:RDF xmlns:r="rdf">%s</r:RDF></x:xmpmeta>' % text for text in (b"1", b"two")
)
LABEL = b'{"AIGC":{"Label":"1"}}'
OWN_PLACE = [kind for kind in containers.MEDIA_TYPES if kind not in ("image/heic", "image/svg+xml")]
STREAMS = [kind for kind in containers.MEDIA_TYPES if kind.startswith(("audio/", "video/"))]


def streams(data):
    """Return the checksum of what a player would show and play."""
    need(which("ffmpeg") is not None, "apt install ffmpeg")
    command = ["ffmpeg", "-v", "error", "-i", "-", "-f", "md5", "-"]
    done = subprocess.run(command, input=data, capture_output=True, check=True)
    assert done.stderr == b""
    return done.stdout


def remuxed(data, ending, *arguments, tmp_path):
    need(which("ffmpeg") is not None, "apt install ffmpeg")
    source, target = tmp_path / "source", tmp_path / f"target.{ending}"
    source.write_bytes(data)
    subprocess.run(["ffmpeg", "-v", "error", "-i", source, "-c", "copy", *arguments, target], check=True)
    return target.read_bytes()


@pytest.mark.parametrize("media_type", containers.MEDIA_TYPES)
def test_a_packet_is_read_back_and_the_next_one_takes_its_place(media_type):
    data = small_file(media_type)
    assert containers.read_xmp(data, media_type) is None
    once = containers.with_xmp(data, media_type, FIRST)
    assert containers.read_xmp(once, media_type) == FIRST
    twice = containers.with_xmp(once, media_type, SECOND)
    assert containers.read_xmp(twice, media_type) == SECOND
    assert sniff.media_type(twice) == media_type
    if media_type != "application/pdf":
        assert FIRST not in twice
        assert containers.with_xmp(twice, media_type, FIRST) == once


@pytest.mark.parametrize("media_type", OWN_PLACE)
def test_a_label_is_read_back_and_the_next_one_takes_its_place(media_type):
    data = small_file(media_type)
    assert list(containers.read_aigc(data, media_type)) == []
    once = containers.with_aigc(data, media_type, LABEL)
    twice = containers.with_aigc(once, media_type, LABEL + b" ")
    assert list(containers.read_aigc(twice, media_type)) == [LABEL + b" "]
    if media_type != "application/pdf":
        assert containers.with_aigc(twice, media_type, LABEL) == once


@pytest.mark.parametrize("media_type", STREAMS)
def test_players_find_the_same_frames_and_samples(media_type):
    data = small_file(media_type)
    marked = containers.with_aigc(containers.with_xmp(data, media_type, FIRST), media_type, LABEL)
    assert streams(marked) == streams(data)


@pytest.mark.parametrize("flags", ["+faststart", "+frag_keyframe+empty_moov", "+frag_keyframe+separate_moof"])
def test_films_whose_index_stands_in_front_still_play(flags, tmp_path):
    data = remuxed(small_file("video/mp4"), "mp4", "-movflags", flags, tmp_path=tmp_path)
    order = [part.kind for part in box.boxes(data)]
    assert order.index(b"moov") < order.index(b"mdat")
    marked = iso.with_xmp(iso.with_aigc(data, LABEL), FIRST)
    assert streams(marked) == streams(data)
    assert iso.with_aigc(iso.with_xmp(marked, FIRST), LABEL) == marked
    if b"mfra" in order:
        assert [part.kind for part in box.boxes(marked)][-1] == b"mfra"


def test_every_offset_moves_with_what_it_points_to(tmp_path):
    data = remuxed(small_file("video/mp4"), "mp4", "-movflags", "+faststart", tmp_path=tmp_path)
    marked = iso.with_aigc(data, LABEL)
    for version in (data, marked):
        table = version.index(b"stco") + 12
        (first,) = struct.unpack_from(">I", version, table)
        assert version[first : first + 16] == data[data.index(b"mdat") + 4 :][:16]


def test_ffmpeg_s_own_label_is_read_and_brought_up_to_date(tmp_path):
    options = ("-movflags", "use_metadata_tags", "-metadata", "AIGC=" + LABEL.decode(), "-metadata", "title=kept")
    data = remuxed(small_file("video/mp4"), "mp4", *options, tmp_path=tmp_path)
    assert list(iso.read_aigc(data)) == [LABEL]
    marked = iso.with_aigc(data, b"{}")
    assert list(iso.read_aigc(marked)) == [b"{}"]
    assert b"kept" in marked
    assert streams(marked) == streams(data)


def test_ffprobe_reads_our_label_beside_the_tags_of_itunes(tmp_path):
    data = remuxed(small_file("video/mp4"), "mp4", "-metadata", "title=kept", tmp_path=tmp_path)
    path = tmp_path / "marked.mp4"
    path.write_bytes(iso.with_aigc(data, LABEL))
    command = ["ffprobe", "-v", "error", "-show_entries", "format_tags", "-of", "default=nw=1", path]
    tags = subprocess.run(command, capture_output=True, check=True, text=True).stdout
    assert "TAG:title=kept" in tags
    assert "TAG:AIGC=" + LABEL.decode() in tags


def test_a_packet_in_the_middle_of_a_film_becomes_free_space_and_nothing_moves():
    data = small_file("video/mp4")
    file_type = next(box.boxes(data)).end
    early = iso.with_xmp(data, FIRST)[len(data) :]
    # Offsets in this file count past the packet, as they would had the film been made with it.
    shifted = iso.shifted(data[:file_type] + early + data[file_type:], beyond=file_type, by=len(early))
    marked = iso.with_xmp(shifted, SECOND)
    assert iso.read_xmp(marked) == SECOND
    assert FIRST not in marked
    assert streams(marked) == streams(data)


def test_a_last_box_that_runs_to_the_end_gets_a_size():
    data = small_file("video/mp4")
    *_, last = box.boxes(data)
    endless = data[: last.start] + bytes(4) + data[last.start + 4 :]
    assert iso.with_xmp(endless, FIRST) == iso.with_xmp(data, FIRST)


def test_quicktime_s_own_packet_is_replaced_where_it_stands():
    data = small_file("video/quicktime")
    movie = box.child(data, b"moov")
    user_data = box.with_child(iso._user_data(movie.payload(data)), b"XMP_", FIRST)
    there = iso._with_user_data(data, movie, user_data)
    assert iso.read_xmp(there) == FIRST
    marked = iso.with_xmp(there, SECOND)
    assert (iso.read_xmp(marked), FIRST in marked) == (SECOND, False)
    assert streams(marked) == streams(data)


def test_the_xmp_item_of_a_heif_picture_is_replaced_and_the_picture_stays():
    buffer = io.BytesIO()
    picture = Image.radial_gradient("L").resize((48, 48)).convert("RGB")
    picture.save(buffer, "AVIF", speed=9, xmp=FIRST)
    data = buffer.getvalue()
    assert iso.read_xmp(data) == FIRST
    marked = iso.with_xmp(data, SECOND)
    assert iso.read_xmp(marked) == SECOND
    assert len(iso.with_xmp(marked, SECOND)) == len(marked)
    before, after = (Image.open(io.BytesIO(one)) for one in (data, marked))
    assert after.info["xmp"] == SECOND
    assert ImageChops.difference(before.convert("RGB"), after.convert("RGB")).getbbox() is None


def test_chunks_of_other_programs_survive_byte_for_byte():
    foreign = b"bext" + struct.pack("<I", 5) + b"hello\x00" + b"cue " + struct.pack("<I", 4) + bytes(4)
    data = small_file("audio/wav") + foreign
    data = data[:4] + struct.pack("<I", len(data) - 8) + data[8:]
    marked = riff.with_aigc(riff.with_xmp(data, FIRST), LABEL)
    assert marked[12:].startswith(data[12:])
    assert streams(marked) == streams(data)


def test_a_streamed_wav_file_gets_the_lengths_it_could_not_know():
    data = small_file("audio/wav")
    unknown = b"\xff\xff\xff\xff"
    streamed = data[:4] + unknown + data[8:40] + unknown + data[44:]
    assert riff.with_xmp(streamed, FIRST) == riff.with_xmp(data, FIRST)


def test_films_of_several_riff_parts_are_refused():
    data = small_file("video/x-msvideo")
    with pytest.raises(UnsupportedError, match="OpenDML"):
        riff.with_xmp(data + b"RIFF" + struct.pack("<I", 4) + b"AVIX", FIRST)


def test_a_label_in_the_information_of_a_wav_file_moves_to_its_own_chunk():
    data = riff._with_chunk(small_file("audio/wav"), riff._framed(b"LIST", b"INFO" + riff._framed(b"AIGC", LABEL)),
                            lambda _: False)  # fmt: skip
    assert list(riff.read_aigc(data)) == [LABEL]
    assert list(riff.read_aigc(riff.with_aigc(data, b"{}"))) == [b"{}"]


def tag(version, frames, *, flags=0, extended=b""):
    body = extended + frames
    return b"ID3" + bytes([version, 0, flags]) + id3._as_syncsafe(len(body)) + body


def frame(kind, body, *, safe):
    size = id3._as_syncsafe(len(body)) if safe else struct.pack(">I", len(body))
    return kind + size + b"\x00\x00" + body


FRAMES = [(b"TIT2", b"\x00" + b"A title " * 40), (b"PRIV", b"theirs\x00\x01\x02"), (b"TXXX", b"\x03mine\x00x")]


@pytest.mark.parametrize(
    ("version", "safe", "flags", "extended", "padding"),
    [
        (3, False, 0, b"", 0),
        (3, False, 0, b"", 500),
        (3, False, 0x40, struct.pack(">IHI", 6, 0, 0), 0),
        (4, True, 0, b"", 20),
        (4, True, 0x40, id3._as_syncsafe(6) + b"\x01\x00", 0),
        (4, True, 0x80, b"", 0),
        (4, False, 0, b"", 0),
    ],
)
def test_frames_of_other_programs_survive_byte_for_byte(version, safe, flags, extended, padding):
    frames = b"".join(frame(kind, body, safe=safe) for kind, body in FRAMES)
    audio = small_file("audio/mpeg")[id3.end(small_file("audio/mpeg")) :]
    marked = id3.with_aigc(id3.with_xmp(tag(version, frames + bytes(padding), flags=flags, extended=extended) + audio,
                                        FIRST), LABEL)  # fmt: skip
    assert frames in marked
    assert marked.endswith(audio)
    assert (id3.read_xmp(marked), list(id3.read_aigc(marked))) == (FIRST, [LABEL])


def test_an_unsynchronised_tag_keeps_what_its_frames_say():
    frames = frame(b"PRIV", b"o\x00\xff\xe0\xff\x00", safe=False)
    hidden = frames.replace(b"\xff\xe0", b"\xff\x00\xe0").replace(b"\xff\x00", b"\xff\x00\x00", 1)
    hidden = frames[:10] + b"o\x00\xff\x00\xe0\xff\x00\x00"
    marked = id3.with_xmp(tag(3, hidden, flags=0x80), FIRST)
    assert frames in marked
    assert marked[5] == 0


def test_labels_in_every_text_encoding_are_read():
    for code, encoding in ((0, "latin-1"), (1, "utf-16"), (2, "utf-16-be"), (3, "utf-8")):
        body = bytes([code]) + "AIGC\0".encode(encoding) + LABEL.decode().encode(encoding)
        data = tag(4, frame(b"TXXX", body, safe=True))
        assert list(id3.read_aigc(data)) == [LABEL]
        assert list(id3.read_aigc(id3.with_aigc(data, b"{}"))) == [b"{}"]


def test_a_tag_that_is_too_old_for_xmp_is_refused():
    with pytest.raises(UnsupportedError, match=r"ID3v2\.2"):
        id3.with_xmp(tag(2, b""), FIRST)


def test_flac_blocks_of_other_programs_survive_byte_for_byte():
    foreign = b"\x02\x00\x00\x08" + b"abcd" + b"1234"
    data = small_file("audio/flac")
    data = data[:42] + foreign + data[42:]
    tagged = tag(4, frame(b"TIT2", b"\x00title", safe=True)) + data
    marked = flac.with_aigc(flac.with_xmp(tagged, FIRST), LABEL)
    assert foreign in marked
    assert marked.startswith(tagged[: id3.end(tagged) + 4])
    assert (flac.read_xmp(marked), list(flac.read_aigc(marked))) == (FIRST, [LABEL])
    assert streams(marked) == streams(data)


def test_a_pdf_file_is_added_to_and_not_rewritten():
    data = small_file("application/pdf")
    marked = pdf.with_aigc(pdf.with_xmp(data, FIRST), LABEL)
    assert marked.startswith(data)
    assert pypdf.PdfReader(io.BytesIO(marked)).get_num_pages() == 1


def test_an_encrypted_pdf_file_is_refused():
    writer, buffer = pypdf.PdfWriter(io.BytesIO(small_file("application/pdf"))), io.BytesIO()
    writer.append(io.BytesIO(small_file("application/pdf")))
    writer.encrypt("secret", algorithm="RC4-128")
    writer.write(buffer)
    with pytest.raises(UnsupportedError, match="encrypted"):
        pdf.with_xmp(buffer.getvalue(), FIRST)


XMLNS = b'xmlns="http://www.w3.org/2000/svg"'


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (b"<svg %s><g/></svg>" % XMLNS, b"<svg %s><metadata>%s</metadata><g/></svg>"),
        (b"<svg a='>' %s/>" % XMLNS, b"<svg a='>' %s><metadata>%s</metadata></svg>"),
        (b"<svg %s><metadata id='m'>x</metadata></svg>" % XMLNS, b"<svg %s><metadata id='m'>%sx</metadata></svg>"),
        (b"<svg %s><metadata/></svg>" % XMLNS, b"<svg %s><metadata>%s</metadata></svg>"),
    ],
)
def test_a_packet_stands_in_the_metadata_of_a_drawing_and_no_other_byte_changes(before, after):
    assert svg.with_xmp(before, FIRST) == after % (XMLNS, FIRST)


def test_drawings_with_a_prefix_or_entities_are_written_to():
    prefixed = b'<?xml version="1.0"?><s:svg xmlns:s="http://www.w3.org/2000/svg"></s:svg>'
    assert b"<s:metadata>" + FIRST + b"</s:metadata></s:svg>" in svg.with_xmp(prefixed, FIRST)
    entities = b'<!DOCTYPE svg [<!ENTITY n "http://www.w3.org/2000/svg">]><svg xmlns="&n;"><g/></svg>'
    assert svg.read_xmp(svg.with_xmp(entities, FIRST)) == FIRST


def test_a_packet_that_would_break_a_drawing_is_refused():
    with pytest.raises(UnreadableError, match="unbound prefix"):
        svg.with_xmp(b"<svg %s/>" % XMLNS, b"<x:xmpmeta/>")


def test_drawings_that_are_none_are_refused():
    bomb = "".join(f'<!ENTITY a{n + 1} "{f"&a{n};" * 10}">' for n in range(9))
    for data in (
        b"<svg",
        b"<html/>",
        b"<svg><g></svg>",
        f'<!DOCTYPE svg [<!ENTITY a0 "aaaaaaaaaa">{bomb}]><svg {XMLNS.decode()}>&a9;</svg>'.encode(),
        "<svg/>".encode("utf-16"),
    ):
        with pytest.raises(InputError):
            svg.with_xmp(data, FIRST)
        assert svg.read_xmp(data) is None


def overwritten(data, position, value):
    return data[:position] + value + data[position + len(value) :]


LIES = {
    "a film that is cut off": ("video/mp4", lambda data: data[:-1]),
    "a box of four gigabytes": ("video/mp4", lambda data: data + struct.pack(">I4s", 0xFFFFFFF0, b"free")),
    "a box of exabytes": ("video/mp4", lambda data: data + struct.pack(">I4sQ", 1, b"free", 1 << 63)),
    "boxes in boxes": (
        "video/mp4",
        lambda _: b"".join(struct.pack(">I4s", n * 8, b"moov") for n in range(20_000, 0, -1)),
    ),
    "offsets in excess": ("video/mp4", lambda data: overwritten(data, data.index(b"stco") + 8, b"\xff" * 4)),
    "sound without end": ("audio/wav", lambda data: overwritten(data, 40, b"\xf0\xff\xff\xff")),
    "sound that is cut off": ("audio/wav", lambda data: data[:-200]),
    "a tag of 256 megabytes": ("audio/mpeg", lambda _: b"ID3\x04\x00\x00\x7f\x7f\x7f\x7f" + bytes(20)),
    "a frame of 256 megabytes": ("audio/mpeg", lambda _: tag(4, b"TXXX" + b"\x7f\x7f\x7f\x7f" + bytes(30))),
    "a block longer than the file": ("audio/flac", lambda _: b"fLaC\x80\xff\xff\xff" + bytes(50)),
    "four billion comments": ("audio/flac", lambda _: flac_with_comments(b"\x00" * 4 + b"\xff" * 4)),
    "a comment of four gigabytes": ("audio/flac", lambda _: flac_with_comments(b"\xff" * 8)),
    "a document that is cut off": ("application/pdf", lambda data: data[:300]),
    "a document of nothing": ("application/pdf", lambda _: b"%PDF-1.7\nstartxref\n9\n%%EOF"),
}


def flac_with_comments(raw):
    return b"fLaC\x00\x00\x00\x22" + bytes(34) + b"\x84" + len(raw).to_bytes(3, "big") + raw


@pytest.mark.parametrize("lie", LIES)
def test_lengths_that_lie_are_refused_and_cost_nothing(lie):
    media_type, damaged = LIES[lie]
    data = damaged(small_file(media_type))
    start = time.process_time()
    with pytest.raises(InputError):
        containers.with_aigc(data, media_type, LABEL)
    containers.read_xmp(data, media_type)
    list(containers.read_aigc(data, media_type))
    assert time.process_time() - start < 2


@settings(max_examples=300, deadline=None)
@given(
    media_type=st.sampled_from(containers.MEDIA_TYPES),
    changes=st.lists(st.tuples(st.floats(0, 0.9999), st.integers(0, 255)), max_size=6),
    kept=st.floats(0.01, 1),
)
def test_damaged_files_are_read_or_refused_and_never_crash(media_type, changes, kept):
    whole = _marked(media_type)
    data = bytearray(whole)
    for where, value in changes:
        # Structure stands at both ends of most files, so damage is dealt out mostly there.
        data[int(where**3 * len(data)) if value % 2 else -1 - int(where**3 * len(data))] = value
    data = bytes(data[: max(1, int(kept * len(data)))]) if kept < 0.5 else bytes(data)
    containers.read_xmp(data, media_type)
    list(containers.read_aigc(data, media_type))
    with contextlib.suppress(InputError):
        containers.with_aigc(containers.with_xmp(data, media_type, FIRST), media_type, LABEL)


def _marked(media_type):
    return containers.with_aigc(containers.with_xmp(small_file(media_type), media_type, SECOND), media_type, LABEL)


def test_what_has_no_place_for_metadata_is_refused_by_name():
    with pytest.raises(UnsupportedError, match="text/plain"):
        containers.with_xmp(b"text", "text/plain", FIRST)
    with pytest.raises(UnreadableError, match="no movie box"):
        iso.with_aigc(box.framed(b"ftyp", b"isom"), LABEL)
