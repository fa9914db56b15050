import time
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from disclose.errors import TooLargeError, UnsupportedError
from disclose.media import xmp

SPACE = "https://example.com/ns/"
RDF = 'xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"'


def packet(inner):
    return f'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF {RDF}>{inner}</rdf:RDF></x:xmpmeta>'.encode()


def written(base, **properties):
    return xmp.with_properties(base, properties, prefix="own", namespace=SPACE)


@given(st.dictionaries(st.sampled_from(["A", "B", "C"]), st.text(min_size=1, max_size=50)))
def test_what_is_written_is_read_back_in_a_packet_that_is_well_formed(properties):
    result = written(None, **properties)
    ElementTree.fromstring(result[result.index(b"<x:xmpmeta") : result.index(b"</x:xmpmeta>") + 12])  # noqa: S314
    for name, value in properties.items():
        printable = "".join(character for character in value if character.isprintable()).strip()
        assert (xmp.value(result, name, namespace=SPACE) or "") == printable


def test_writing_the_same_twice_changes_nothing():
    once = written(packet('<rdf:Description dc:title="t"/>'), A="1", B="<2>")
    assert written(once, A="1", B="<2>") == once


def test_the_same_name_in_another_namespace_is_somebody_else_s():
    foreign = '<rdf:Description xmlns:a="https://other.example/" a:Provider="theirs"><a:Created>then</a:Created>'
    base = packet(foreign + "</rdf:Description>")
    result = written(base, Provider="ours", Created="now")
    assert foreign.encode() in result
    assert xmp.value(result, "Provider", namespace=SPACE) == "ours"
    assert b"ours" not in written(result, Provider="new")


def test_an_exclusive_name_goes_under_every_prefix():
    base = packet('<rdf:Description xmlns:a="https://other.example/" a:Kind="theirs" a:Rest="stays"/>')
    result = xmp.with_properties(base, {"Kind": "ours"}, prefix="own", namespace=SPACE, exclusive=True)
    assert list(xmp.values(result, "Kind")) == ["ours"]
    assert b'a:Rest="stays"' in result


def test_text_that_looks_like_an_attribute_stays():
    base = packet("<rdf:Description><dc:description>say own:A='1'</dc:description></rdf:Description>")
    assert b"say own:A='1'</dc:description>" in written(base, A="2")


def test_json_is_read_from_attributes_in_either_quotes():
    for text in ("""a:AIGC='{"Label":"1"}'""", 'a:AIGC="{&quot;Label&quot;:&#34;1&#x22;}"'):
        assert xmp.value(packet(f"<rdf:Description {text}/>"), "AIGC") == '{"Label":"1"}'


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32"])
def test_a_packet_in_another_encoding_keeps_what_is_in_it(encoding):
    base = packet('<rdf:Description dc:title="Größe"/>').decode().encode(encoding)
    result = written(base, A="1")
    assert 'dc:title="Größe"'.encode() in result
    assert xmp.value(result, "A") == "1"


@pytest.mark.parametrize("frame", [b"", b"<x:xmpmeta xmlns:x='adobe:ns:meta/'></x:xmpmeta>", b"<rdf:RDF/>"])
def test_an_empty_frame_is_filled(frame):
    assert xmp.value(written(frame, A="1"), "A") == "1"


def test_what_is_not_rdf_is_refused_and_not_thrown_away():
    with pytest.raises(UnsupportedError, match="not RDF"):
        written(b"<x:xmpmeta><dc:title>mine</dc:title></x:xmpmeta>", A="1")
    with pytest.raises(TooLargeError):
        written(packet(" " * xmp.LARGEST_PACKET), A="1")


@given(st.binary(max_size=300))
def test_rubbish_is_read_as_nothing_and_never_crashes(rubbish):
    list(xmp.values(b"<a:Kind" + rubbish, "Kind", namespace=SPACE))
    xmp.without_properties(b"<a:Kind" + rubbish, ("Kind",), namespace=SPACE)


def test_hostile_packets_take_no_longer_than_their_size():
    start = time.process_time()
    for hostile in (b"<a:Kind " * 50_000, b"<a:Kind>" * 50_000, b" a:Kind='" * 50_000, b"<a:Kind>x</b:Kind>" * 20_000):
        list(xmp.values(hostile, "Kind", namespace=SPACE))
        xmp.without_properties(hostile, ("Kind",), namespace=SPACE)
    assert time.process_time() - start < 5
