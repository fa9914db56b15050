import pytest
from hypothesis import given
from hypothesis import strategies as st
from pictures import encoded, photograph

from disclose.asset import Asset
from disclose.disclosure import DigitalSourceType, Disclosure
from disclose.evidence import Outcome, Verdict
from disclose.layers.iptc import IptcLayer
from disclose.media import containers, image

TRAINED = DigitalSourceType.TRAINED_ALGORITHMIC_MEDIA.uri
FORMS = {
    "attribute": f'<rdf:Description Iptc4xmpExt:DigitalSourceType="{TRAINED}"/>',
    "single quotes": f"<rdf:Description Iptc4xmpExt:DigitalSourceType = '{TRAINED}'/>",
    "element": f"<Iptc4xmpExt:DigitalSourceType>{TRAINED}</Iptc4xmpExt:DigitalSourceType>",
    "element with attributes": f'<e:DigitalSourceType xml:lang="en">\n {TRAINED}\n</e:DigitalSourceType>',
    "resource": f'<Iptc4xmpExt:DigitalSourceType rdf:resource="{TRAINED}"/>',
    "https": f'<a e:DigitalSourceType="{TRAINED.replace("http:", "https:")}"/>',
    "other case": f'<a e:DigitalSourceType="{TRAINED.replace("trained", "Trained")}"/>',
}


def detected(data):
    return list(IptcLayer().detect(Asset.open(data)))


@pytest.mark.parametrize("form", FORMS)
def test_a_source_type_is_read_in_every_form_that_writers_use(form):
    packet = f"<x:xmpmeta>{FORMS[form]}</x:xmpmeta>".encode()
    found = detected(containers.splice(encoded(photograph(), "JPEG"), "image/jpeg", xmp=packet))
    assert [item.source_type for item in found] == [DigitalSourceType.TRAINED_ALGORITHMIC_MEDIA]


def test_an_unsigned_source_type_is_indicated_and_never_more():
    data = encoded(photograph()) + f'<x:xmpmeta><a e:DigitalSourceType="{TRAINED}"/></x:xmpmeta>'.encode()
    assert Verdict.weigh(detected(data)).outcome is Outcome.INDICATED


def test_a_camera_s_source_type_indicates_nothing():
    packet = f'<x:xmpmeta><a e:DigitalSourceType="{DigitalSourceType.DIGITAL_CAPTURE.uri}"/></x:xmpmeta>'.encode()
    found = detected(containers.splice(encoded(photograph(), "JPEG"), "image/jpeg", xmp=packet))
    assert [item.generated for item in found] == [False]


def test_an_unknown_term_is_no_finding():
    packet = b'<x:xmpmeta><a e:DigitalSourceType="http://example.com/nonsense"/></x:xmpmeta>'
    assert detected(containers.splice(encoded(photograph()), "image/png", xmp=packet)) == []


def test_foreign_properties_survive_byte_for_byte_and_the_old_source_type_goes():
    foreign = (
        '<rdf:Description dc:creator="Ada" xmlns:dc="dc"><dc:title>Ünïcode &amp; more</dc:title></rdf:Description>'
    )
    old = '<rdf:Description e:DigitalSourceType="http://cv.iptc.org/newscodes/digitalsourcetype/digitalCapture"/>'
    packet = f"<x:xmpmeta><rdf:RDF>{foreign}{old}</rdf:RDF></x:xmpmeta>".encode()
    picture = Asset.open(encoded(photograph())).content.with_xmp(packet)
    marked = IptcLayer().mark(Asset.open(image.encode(picture)), Disclosure.new(system="Studio"))
    assert foreign.encode() in marked.data
    assert b"digitalCapture" not in marked.data
    assert [item.source_type for item in detected(marked.data)] == [DigitalSourceType.TRAINED_ALGORITHMIC_MEDIA]


def test_marking_twice_writes_each_property_once():
    once = IptcLayer().mark(Asset.open(encoded(photograph())), Disclosure.new(system="First"))
    twice = IptcLayer().mark(Asset.open(once.data), Disclosure.new(system="Second"))
    assert twice.data.count(b"</Iptc4xmpExt:AISystemUsed>") == 1
    assert detected(twice.data)[0].details["system"] == "Second"


@given(st.text(min_size=1, max_size=60))
def test_any_system_name_makes_a_packet_that_is_well_formed(name):
    from xml.etree import ElementTree

    marked = IptcLayer().mark(Asset.open(encoded(photograph(width=16, height=16))), Disclosure.new(system=name))
    packet = marked.content.xmp
    ElementTree.fromstring(packet[packet.index(b"<x:xmpmeta") : packet.index(b"</x:xmpmeta>") + 12])  # noqa: S314


@given(st.binary(max_size=200))
def test_rubbish_in_place_of_xmp_is_no_finding_and_no_crash(rubbish):
    picture = Asset.open(encoded(photograph(width=16, height=16))).content
    data = image.encode(picture.with_xmp(b"<x:xmpmeta>DigitalSourceType" + rubbish))
    assert all(item.layer == "iptc" for item in detected(data))


def test_a_system_s_name_reads_back_as_it_was_given():
    marked = IptcLayer().mark(Asset.open(encoded(photograph())), Disclosure.new(system="A & <B>"))
    assert detected(marked.data)[0].details["system"] == "A & <B>"


def test_the_prompt_fields_stay_empty():
    marked = IptcLayer().mark(Asset.open(encoded(photograph())), Disclosure.new(system="Studio"))
    assert b"AIPromptInformation" not in marked.data
    assert b"AIPromptWriterName" not in marked.data
