"""China's label: one object in the place its format has for it, strict to read, and never two of them."""

import io
import json
import shutil
import struct
import subprocess

import pytest
from hypothesis import given
from hypothesis import strategies as st
from media_files import media_types, small_file
from pictures import FORMATS, encoded, photograph
from PIL import Image, PngImagePlugin
from system_parts import need

from disclose.asset import Asset
from disclose.disclosure import Disclosure
from disclose.errors import MarkingError, ProfileError
from disclose.evidence import Integrity, Outcome, Verdict
from disclose.layers.aigc import AigcLayer, Label
from disclose.media import containers, image, sniff, xmp
from disclose.testing import LayerContract

CODE = "001191110108MA01KP2T5U00000"
OURS = AigcLayer(producer=CODE)
# The shape that Doubao's files have: the bare value of the key, which XMP or the chunk is named after.
DOUBAO = {
    "Label": "1",
    "ContentProducer": "001191110102MACQD9K64010000",
    "ProduceID": "7d2f3a0c51d84f1d9ff2ad2c40c4a0b3",
    "ReservedCode1": "s1gn4ture=",
    "ContentPropagator": "001191110102MACQD9K64028705",
    "PropagateID": "59413840131",
    "ReservedCode2": "0ther=",
}


class TestAigc(LayerContract):
    def layer(self, profile):
        return OURS

    def assets(self):
        return [Asset.open(small_file(media_type)) for media_type in media_types()]


def statement(**more):
    return Disclosure.new(system="Studio", provider="Acme", **more)


def marked(data, layer=OURS, **more):
    return layer.mark(Asset.open(data), statement(**more))


def labels(data):
    """Return the fields of all labels in *data*, by the layer."""
    return [item.details for item in OURS.detect(Asset.open(data))]


def png(**texts):
    information = PngImagePlugin.PngInfo()
    for keyword, text in texts.items():
        information.add_text(keyword, text)
    return encoded(photograph(width=64, height=64), pnginfo=information)


def with_packet(data, text):
    packet = xmp.with_properties(None, {"AIGC": text}, prefix="TC260", namespace=containers.AIGC_NAMESPACE)
    return image.encode(Asset.open(data).content.with_xmp(packet))


def foreign_pngs():
    text = json.dumps(DOUBAO)
    yield "a text chunk", png(AIGC=text)
    yield "the object in a text chunk", png(AIGC=json.dumps({"AIGC": DOUBAO}))
    compressed = PngImagePlugin.PngInfo()
    compressed.add_text("AIGC", text, zip=True)
    yield "a compressed chunk", encoded(photograph(width=64, height=64), pnginfo=compressed)
    international = PngImagePlugin.PngInfo()
    international.add_itxt("AIGC", text, zip=True)
    yield "international text", encoded(photograph(width=64, height=64), pnginfo=international)
    yield "XMP", with_packet(png(), text)


@pytest.mark.parametrize("data", [pytest.param(data, id=name) for name, data in foreign_pngs()])
def test_labels_of_others_are_read_wherever_they_stand_and_kept_as_the_producer(data):
    assert labels(data) == [DOUBAO]
    result = marked(data)
    identifier = str(result.disclosure.id) if result.disclosure else labels(result.data)[0]["PropagateID"]
    expected = {"ContentPropagator": CODE, "PropagateID": identifier, "ReservedCode2": ""}
    assert labels(result.data) == [{**DOUBAO, **expected}]
    assert (result.data.count(b"ProduceID"), result.data.count(b"AIGC\x00")) == (1, 0)


@pytest.mark.parametrize("media_type", ["image/jpeg", "image/webp", "image/png"])
def test_a_label_in_exif_is_read_and_moves_to_xmp_while_other_tags_stay(media_type):
    exif = Image.Exif()
    exif[0x010E] = "a description"
    exif.get_ifd(0x8769)[0x9286] = b"ASCII\0\0\0" + json.dumps({"AIGC": DOUBAO}).encode()
    data = encoded(photograph(width=64, height=64), media_type.split("/")[1].upper(), exif=exif.tobytes())
    assert labels(data) == [DOUBAO]
    result = marked(data).data
    assert [found["ContentPropagator"] for found in labels(result)] == [CODE]
    assert Image.open(io.BytesIO(result)).getexif()[0x010E] == "a description"


@pytest.mark.parametrize("media_type", media_types())
def test_a_second_marking_updates_and_never_doubles(media_type):
    first, second = statement(), statement()
    once = OURS.mark(Asset.open(small_file(media_type)), first).data
    other = AigcLayer(producer="OTHER")
    twice = other.mark(Asset.open(OURS.mark(Asset.open(once), first).data), second).data
    expected = Label(content_producer=CODE, produce_id=str(first.id), content_propagator="OTHER",
                     propagate_id=str(second.id))  # fmt: skip
    assert labels(twice) == [json.loads(expected.to_json())]


def test_the_first_writer_is_producer_and_propagator():
    disclosure = statement()
    result = OURS.mark(Asset.open(small_file("audio/wav")), disclosure)
    written = b"".join(containers.read_aigc(result.data, "audio/wav")).decode()
    assert json.loads(written) == {
        "Label": "1",
        "ContentProducer": CODE,
        "ProduceID": str(disclosure.id),
        "ReservedCode1": "",
        "ContentPropagator": CODE,
        "PropagateID": str(disclosure.id),
        "ReservedCode2": "",
    }
    assert result.mark_of("aigc").details["value"] == written


def test_a_provider_with_a_plain_name_needs_no_code():
    assert labels(marked(png(), AigcLayer()).data)[0]["ContentProducer"] == "Acme"


@pytest.mark.parametrize("provider", [None, "Acme GmbH", "豆包", "tab\t"])
def test_a_provider_without_a_plain_name_is_told_to_set_the_code(provider):
    disclosure = Disclosure.new(system="Studio", provider=provider)
    with pytest.raises(ProfileError, match="set aigc_producer"):
        AigcLayer().mark(Asset.open(png()), disclosure)


@pytest.mark.parametrize("code", ["", "two words", "名"])
def test_a_code_that_the_standard_does_not_allow_is_refused_at_once(code):
    with pytest.raises(ProfileError, match="printable ASCII"):
        AigcLayer(producer=code)


def test_what_no_machine_generated_gets_no_label():
    with pytest.raises(MarkingError, match="leave the layer aigc out"):
        marked(png(), source_type="algorithmicallyEnhanced")


@pytest.mark.parametrize(("value", "words", "generated"), [("1", "is generated", True), ("2", "may be", False),
                                                          ("3", "is suspected", False)])  # fmt: skip
def test_each_value_of_the_label_says_what_it_says(value, words, generated):
    (found,) = OURS.detect(Asset.open(png(AIGC=json.dumps({**DOUBAO, "Label": value}))))
    assert words in found.summary
    assert found.generated is generated
    assert found.integrity is Integrity.UNKNOWN


def test_an_unsigned_label_is_indicated_and_never_more():
    assert Verdict.weigh(OURS.detect(Asset.open(png(AIGC=json.dumps(DOUBAO))))).outcome is Outcome.INDICATED


BROKEN = {
    "no JSON": "{'Label': '1'}",
    "a key twice": '{"Label":"1","Label":"2","ContentProducer":"a","ProduceID":"b"}',
    "a key twice around it": '{"AIGC":{},"AIGC":{"Label":"1","ContentProducer":"a","ProduceID":"b"}}',
    "a space": json.dumps({**DOUBAO, "ContentProducer": "Minimax Agent AI"}),
    "Chinese": json.dumps({**DOUBAO, "ContentProducer": "豆包"}),
    "no producer": json.dumps({**DOUBAO, "ContentProducer": ""}),
    "a number": json.dumps({**DOUBAO, "Label": 1}),
    "another value": json.dumps({**DOUBAO, "Label": "AIGC"}),
    "a list": "[1]",
    "nesting": "[" * 10_000,
    "length": json.dumps({**DOUBAO, "ReservedCode1": "x" * 20_000}),
    "a bare word": "NaN",
}


@pytest.mark.parametrize("case", BROKEN)
def test_a_label_that_breaks_the_standard_says_so_and_indicates_nothing(case):
    data = png(AIGC=BROKEN[case])
    (found,) = OURS.detect(Asset.open(data))
    assert "breaks GB 45438" in found.summary
    assert not found.generated
    result = marked(data)
    assert len(labels(result.data)) == 1
    assert result.mark_of("aigc").details["replaced"] == [BROKEN[case][:16_384]]


def test_two_labels_are_both_read_and_counted():
    data = with_packet(png(AIGC=json.dumps(DOUBAO)), json.dumps({**DOUBAO, "ProduceID": "2"}))
    found = list(OURS.detect(Asset.open(data)))
    assert [item.details.get("ProduceID") for item in found] == [DOUBAO["ProduceID"], "2", None]
    assert "2 AIGC labels" in found[-1].summary
    assert len(labels(marked(data).data)) == 1


def test_a_label_in_the_xmp_of_a_film_gives_way_to_the_place_of_films():
    data = small_file("video/mp4")
    packet = xmp.with_properties(None, {"AIGC": json.dumps(DOUBAO), "Other": "stays"}, prefix="TC260",
                                 namespace=containers.AIGC_NAMESPACE)  # fmt: skip
    result = marked(containers.with_xmp(data, "video/mp4", packet)).data
    assert [found["ContentProducer"] for found in labels(result)] == [DOUBAO["ContentProducer"]]
    assert b"<TC260:Other>stays<" in result
    assert b"TC260:AIGC" not in result


@given(st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), min_size=1, max_size=40))
def test_any_plain_code_is_written_and_read_back(code):
    data = small_file("image/svg+xml")
    assert labels(marked(data, AigcLayer(producer=code)).data)[0]["ContentProducer"] == code
    data = small_file("application/pdf")
    assert labels(marked(data, AigcLayer(producer=code)).data)[0]["ContentProducer"] == code


@given(st.text(max_size=100) | st.recursive(st.none() | st.text(), st.lists).map(json.dumps))
def test_any_text_is_a_label_or_breaks_the_standard(text):
    try:
        assert Label.parse(Label.parse(text).to_json()) == Label.parse(text)
    except ValueError as error:
        assert str(error)  # noqa: PT017


# Where exiftool shows the label; it has no name for a chunk AIGC in RIFF files.
SHOWN_AS = {
    "audio/mpeg": "ID3:UserDefinedText",
    "audio/flac": "Vorbis:Aigc",
    "audio/mp4": "QuickTime:AIGC",
    "video/mp4": "QuickTime:AIGC",
    "video/quicktime": "QuickTime:AIGC",
    "application/pdf": "PDF:AIGC",
    **dict.fromkeys((*FORMATS, "image/heic"), "XMP:Aigc"),
    "image/svg+xml": "XMP:SvgMetadataAigc",
}


@pytest.mark.parametrize("media_type", media_types())
def test_exiftool_finds_the_label_where_it_belongs(media_type, tmp_path):
    need(shutil.which("exiftool") is not None, "apt-get install libimage-exiftool-perl")
    path = tmp_path / f"marked{sniff.EXTENSIONS[media_type]}"
    result = marked(small_file(media_type))
    path.write_bytes(result.data)
    text = result.mark_of("aigc").details["value"]
    if media_type in SHOWN_AS:
        command = ["exiftool", "-json", "-G", "-AIGC", "-XMP-TC260:all", "-UserDefinedText", "-Warning", "-Error", path]
        (found,) = json.loads(subprocess.run(command, capture_output=True, check=True).stdout)
        assert found.pop("SourceFile")
        assert [value.removeprefix("(AIGC) ") for value in found.values() if "ProduceID" in value] == [text]
        assert text in found[SHOWN_AS[media_type]]
        assert not found.keys() & {"ExifTool:Warning", "ExifTool:Error"}
    else:
        framed = b"AIGC" + struct.pack("<I", len(text)) + text.encode()
        assert framed in result.data
        assert (b"INFO" + framed in result.data) is (media_type == "video/x-msvideo")
