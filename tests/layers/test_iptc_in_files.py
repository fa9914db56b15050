"""The statement in the XMP of sound, film, documents and drawings: read by exiftool, and signed over afterwards."""

import io
import json
import shutil
import subprocess

import pypdf
import pytest
from media_files import media_types, small_file
from system_parts import need

from disclose.asset import Asset
from disclose.disclosure import Disclosure
from disclose.evidence import Integrity, Outcome, Time, Verdict
from disclose.layers.aigc import AigcLayer
from disclose.layers.c2pa import C2paLayer
from disclose.layers.iptc import IptcLayer
from disclose.media import containers, image, sniff, xmp
from disclose.testing import LayerContract

FILES = [media_type for media_type in media_types() if media_type not in image.MEDIA_TYPES]
OLD = (
    b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
    b'<rdf:Description rdf:about="" xmlns:e="http://iptc.org/std/Iptc4xmpExt/2008-02-29/"'
    b' e:DigitalSourceType="http://cv.iptc.org/newscodes/digitalsourcetype/digitalCapture"'
    b' xmlns:dc="http://purl.org/dc/elements/1.1/" dc:source="a  camera"'
    b' xmlns:p="https://photographers.example/" p:Provider="Ada" p:Created="1843"/></rdf:RDF></x:xmpmeta>'
)


class TestIptcInFiles(LayerContract):
    def layer(self, profile):
        return IptcLayer()

    def assets(self):
        return [Asset.open(small_file(media_type)) for media_type in FILES]


def statement(**more):
    return Disclosure.new(**{"system": "Studio & Söhne", "version": "2.1", "provider": "Acme GmbH", **more})


def found_in(data):
    (found,) = IptcLayer().detect(Asset.open(data))
    return found


@pytest.mark.parametrize("action", ["created", "altered"])
@pytest.mark.parametrize("media_type", media_types())
def test_california_s_five_items_are_read_back(media_type, action):
    disclosure = statement(action=action)
    found = found_in(IptcLayer().mark(Asset.open(small_file(media_type)), disclosure).data)
    assert found.details == {
        "system": "Studio & Söhne",
        "version": "2.1",
        "provider": "Acme GmbH",
        "created": disclosure.to_dict()["created"],
        "action": action,
    }
    assert (found.id, found.time) == (disclosure.id, Time.STATED)
    assert Verdict.weigh([found]).outcome is Outcome.INDICATED
    assert found.disclosure is None


@pytest.mark.parametrize("media_type", media_types())
def test_exiftool_reads_the_five_items_and_finds_the_file_sound(media_type, tmp_path):
    need(shutil.which("exiftool") is not None, "apt-get install libimage-exiftool-perl")
    path = tmp_path / f"marked{sniff.EXTENSIONS[media_type]}"
    disclosure = statement()
    path.write_bytes(IptcLayer().mark(Asset.open(small_file(media_type)), disclosure).data)
    command = ["exiftool", "-json", "-XMP-iptcExt:all", "-XMP-disclose:all", "-Error", "-Warning", path]
    (found,) = json.loads(subprocess.run(command, capture_output=True, check=True).stdout)
    found.pop("SourceFile")
    if media_type == "image/svg+xml":
        # In drawings exiftool shows properties under their own names, with the path in front where it knows none.
        own_names = {"DigImageGUID": "DigitalImageGUID"}
        plain = {name.removeprefix("SvgMetadata"): value for name, value in found.items()}
        found = {own_names.get(name, name): value for name, value in plain.items()}
    assert found.pop("DigitalSourceType").endswith(("/trainedAlgorithmicMedia", "Trained Algorithmic Media"))
    assert found == {
        "AISystemUsed": "Studio & Söhne",
        "AISystemVersionUsed": 2.1,
        "DigitalImageGUID": str(disclosure.id),
        "Provider": "Acme GmbH",
        "Created": f"{disclosure.created:%Y:%m:%d %H:%M:%SZ}",
        "Action": "created",
    }


@pytest.mark.parametrize("media_type", FILES)
def test_an_old_source_type_is_replaced_and_foreign_properties_stay(media_type):
    data = containers.with_xmp(small_file(media_type), media_type, OLD)
    assert not found_in(data).generated
    marked = IptcLayer().mark(Asset.open(data), statement()).data
    packet = containers.read_xmp(marked, media_type)
    assert list(xmp.values(packet, "DigitalSourceType")) == [statement().source_type.uri]
    assert b'dc:source="a  camera"' in packet
    assert b'p:Provider="Ada" p:Created="1843"' in packet
    assert found_in(marked).details["provider"] == "Acme GmbH"


@pytest.mark.parametrize("media_type", FILES)
def test_a_file_signed_after_its_metadata_was_written_is_intact_and_keeps_its_parent(media_type, profile):
    signing, layers = C2paLayer.from_resources(profile.resources()), (IptcLayer(), AigcLayer(producer="ACME"))

    def issued(asset, disclosure):
        for layer in (*layers, signing):
            asset = layer.mark(asset, disclosure)
        return asset.data

    first, second = statement(), statement(action="altered", system="Second")
    once = issued(Asset.open(small_file(media_type)), first)
    twice = issued(Asset.open(once), second)
    for data, disclosure in ((once, first), (twice, second)):
        found = [item for layer in (*layers, signing) for item in layer.detect(Asset.open(data))]
        signed = next(item for item in found if item.layer == "c2pa")
        assert signed.integrity is Integrity.INTACT
        assert {item.id for item in found if item.id is not None} == {disclosure.id}
    assert signed.details["ingredients"] == ["parent"]


@pytest.mark.parametrize("media_type", FILES)
def test_a_later_edit_of_the_metadata_breaks_the_signature(media_type, profile):
    signing = C2paLayer.from_resources(profile.resources())
    asset = IptcLayer().mark(Asset.open(small_file(media_type)), statement())
    signed = signing.mark(asset, statement()).data
    edited = IptcLayer().mark(Asset.open(signed), statement(system="Somebody else")).data
    assert any(item.integrity is Integrity.BROKEN for item in signing.detect(Asset.open(edited)))


def test_a_source_type_under_another_namespace_is_replaced_as_well():
    older = OLD.replace(b"http://iptc.org/std", b"https://iptc.org/std")
    data = containers.with_xmp(small_file("audio/wav"), "audio/wav", older)
    packet = containers.read_xmp(IptcLayer().mark(Asset.open(data), statement()).data, "audio/wav")
    assert list(xmp.values(packet, "DigitalSourceType")) == [statement().source_type.uri]


def test_nothing_of_a_document_changes_but_what_is_added():
    data = small_file("application/pdf")
    marked = IptcLayer().mark(Asset.open(data), statement()).data
    assert marked.startswith(data)
    assert pypdf.PdfReader(io.BytesIO(marked)).xmp_metadata is not None


def test_a_marked_file_says_nothing_of_prompts():
    for media_type in FILES:
        marked = IptcLayer().mark(Asset.open(small_file(media_type)), statement()).data
        assert b"AIPrompt" not in containers.read_xmp(marked, media_type)
