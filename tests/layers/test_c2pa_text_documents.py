"""The manifest inside HTML and Markdown: for the whole document, and nothing but its frame stands outside the hash."""

import time
from base64 import b64encode
from importlib.util import find_spec

import pytest
from answers import answers
from certificates import chain as make_chain
from hypothesis import example, given, settings
from hypothesis import strategies as st
from system_parts import need_package

import disclose
from disclose.errors import MarkingError
from disclose.layers.c2pa_text import C2paTextLayer
from disclose.layers.text_fingerprint import TextFingerprintLayer
from disclose.media import text_frames
from disclose.signing import Signer, TrustList
from disclose.signing.signatures import signing
from disclose.signing.signer import load_private_key
from disclose.testing import LayerContract

try:
    import encypher_c2pa
except ImportError:
    encypher_c2pa = None

PAGE = "<!DOCTYPE html>\n<html><head><title>Tídes</title>\n</head><body><p>{}</p></body></html>\n"
DOCUMENTS = {"text/html": PAGE.format(answers()[0]), "text/markdown": f"# Tídes\n\n{answers()[0]}\n"}


@pytest.fixture(scope="module", autouse=True)
def installed():
    need_package(find_spec("c2pa_text") and find_spec("c2patxt"), "pip install 'disclose-ai[text]'")


@pytest.fixture(scope="module")
def chain():
    return make_chain("es256")


@pytest.fixture(scope="module")
def layer(chain):
    signer = Signer(certificates=chain.certificates, private_key=chain.leaf.key_pem(), algorithm="es256")
    return C2paTextLayer(signer=lambda: signer, trust=lambda: TrustList(anchors=chain.anchors))


@pytest.fixture(params=DOCUMENTS)
def media_type(request):
    return request.param


def asset(media_type, data):
    return disclose.Asset(media_type=media_type, data=data, upstream=data)


def signed(layer, media_type, text=None, **statement):
    said = disclose.Disclosure.new(**{"system": "Writer", "provider": "Acme GmbH", **statement})
    return layer.mark(asset(media_type, (text or DOCUMENTS[media_type]).encode()), said).data


def found(layer, media_type, data):
    return list(layer.detect(asset(media_type, data)))


class TestC2paInDocuments(LayerContract):
    def layer(self, profile):
        chain = make_chain("es256")
        signer = Signer(certificates=chain.certificates, private_key=chain.leaf.key_pem(), algorithm="es256")
        return C2paTextLayer(signer=lambda: signer, trust=TrustList)

    def assets(self):
        return [asset(kind, text.encode()) for kind, text in DOCUMENTS.items()]


def test_a_document_signed_in_itself_says_who_is_behind_it(layer, media_type):
    (evidence,) = found(layer, media_type, signed(layer, media_type))
    assert evidence.is_bound
    assert evidence.trust == "trusted"
    assert evidence.generated
    assert evidence.disclosure.provider == "Acme GmbH"


def test_every_character_of_the_document_is_still_there(layer, media_type):
    text = signed(layer, media_type).decode()
    assert text_frames.without(text, lambda manifest: True) == DOCUMENTS[media_type]
    assert text_frames.without(text, lambda manifest: False) == text


def test_a_byte_changed_anywhere_is_noticed(layer, media_type):
    data = signed(layer, media_type)
    for place in [*range(0, len(data), 97), len(data) - 1]:
        changed = bytearray(data)
        changed[place] ^= 1
        try:
            findings = found(layer, media_type, bytes(changed))
        except disclose.errors.UnreadableError:
            continue
        assert not [one for one in findings if one.is_bound and one.integrity == "intact"] or _is_in_the_manifest(
            data, place
        ), place


def _is_in_the_manifest(data, place):
    """Whether *place* is in Base64: what it stands for has unsigned padding, as in every file (C2PA 2.4, 10.4)."""
    (frame,) = text_frames.visible_frames(data.decode())
    begins = data.decode()[: frame.start]
    return len(begins.encode()) < place < len(begins.encode()) + frame.end - frame.start


def test_nothing_is_left_out_of_the_hash_but_the_frame(layer, media_type):
    data = signed(layer, media_type)
    for addition in (b" ", b"\n", b"<b>x</b>"):
        for place in (0, len(data), data.index(b"application/c2pa")):
            changed = data[:place] + addition + data[place:]
            assert not [one for one in found(layer, media_type, changed) if one.is_bound], (addition, place)


def test_a_manifest_that_leaves_more_than_its_frame_out_is_broken(layer, media_type, monkeypatch):
    # Whoever signs could leave anything out, and the engine takes what the manifest says.
    from disclose.layers import c2pa_document

    def greedy(place):
        return true_binding(place._replace(start=place.start - 5, length=place.length + 5))

    true_binding = c2pa_document._binding
    monkeypatch.setattr(c2pa_document, "_binding", greedy)
    with pytest.raises(MarkingError, match="does not fit"):
        signed(layer, media_type)
    monkeypatch.setattr(c2pa_document, "is_only_a_frame", lambda excluded: True)
    data = signed(layer, media_type)
    monkeypatch.undo()
    assert [one.integrity for one in found(layer, media_type, data)] == ["broken"]


def test_a_manifest_of_another_document_is_broken(layer, media_type):
    other = DOCUMENTS[media_type].replace(answers()[0], answers()[1])
    (frame,) = text_frames.visible_frames(signed(layer, media_type).decode())
    moved = text_frames.framed(other, media_type, frame.manifest).data
    assert [one.integrity for one in found(layer, media_type, moved)] == ["broken"]


def test_two_manifests_are_one_too_many(layer, media_type):
    data = signed(layer, media_type)
    (frame,) = text_frames.visible_frames(data.decode())
    twice = data + b"\n" + data.decode()[frame.start : frame.end].encode()
    assert [one.integrity for one in found(layer, media_type, twice)] == ["broken"]
    with pytest.raises(MarkingError, match="already"):
        signed(layer, media_type, data.decode())


def test_what_is_no_manifest_is_broken_and_no_error(layer, media_type):
    data = text_frames.framed(DOCUMENTS[media_type], media_type, b"no manifest").data
    assert [one.integrity for one in found(layer, media_type, data)] == ["broken"]


@pytest.mark.parametrize(
    "page", ["<html><body>no head</body></html>", "<html><!-- </head> --><head></head></html>", "<HTML><HEAD></HEAD>"]
)
def test_a_page_without_a_plain_end_of_its_head_is_refused(layer, page):
    with pytest.raises(MarkingError, match="beside"):
        signed(layer, "text/html", page)


def test_line_breaks_and_byte_order_marks_stay(layer, media_type):
    text = "\ufeff" + DOCUMENTS[media_type].replace("\n", "\r\n")
    data = signed(layer, media_type, text)
    assert text_frames.without(data.decode(), lambda manifest: True) == text
    assert [one.integrity for one in found(layer, media_type, data)] == ["intact"]


def test_an_altered_document_names_what_it_was_made_from(layer, media_type):
    data = signed(layer, media_type, action="altered")
    (frame,) = text_frames.visible_frames(data.decode())
    store = layer._engine.read_inside(media_type, data, frame.manifest)
    manifest = store["manifests"][store["active_manifest"]]
    assert [one["relationship"] for one in manifest["ingredients"]] == ["parentOf"]
    assert [one.integrity for one in found(layer, media_type, data)] == ["intact"]


def test_a_key_service_is_asked_once_for_each_document_after_the_first(chain, media_type):
    asked = []
    key = signing(load_private_key(chain.leaf.key_pem()), "es256")
    signer = Signer.from_callback(chain.certificates, lambda data: asked.append(data) or key(data))
    layer = C2paTextLayer(signer=lambda: signer, trust=lambda: TrustList(anchors=chain.anchors))
    counts = []
    for number, text in enumerate((answers()[0], "Ä few words. " * 900, *answers()[1:4])):
        said = {"model": "m" * 10 * number, "provider": "Äcme GmbH"} if number % 2 else {}
        data = signed(layer, media_type, DOCUMENTS[media_type].replace(answers()[0], text), **said)
        assert [one.integrity for one in found(layer, media_type, data)] == ["intact"]
        counts.append(len(asked) - sum(counts))
    assert counts == [2, 1, 1, 1, 1]


def test_a_document_with_a_history_after_one_without_is_signed_all_the_same(layer, media_type):
    for action in ("created", "altered", "created"):
        data = signed(layer, media_type, action=action)
        assert [one.integrity for one in found(layer, media_type, data)] == ["intact"]


@pytest.fixture
def issued(layer, tmp_path):
    """Return what verifies texts after a Markdown document, signed in itself, and a plain answer were issued."""
    log = TextFingerprintLayer.from_resources(disclose.Profile(folder=tmp_path).resources())
    data = signed(layer, "text/markdown")
    for one in (data, answers()[1].encode()):
        log.mark(asset("text/markdown", one), disclose.Disclosure.new(system="Writer"))
    return data.decode(), lambda text: [one.details for one in found(log, "text/plain", text.encode())]


def test_a_manifest_counts_for_no_words_of_the_text_it_stands_in(issued):
    document, known = issued
    changed = document.replace("Tídes", "Waves")
    shares = [(one["exact"], one["share"]) for text in (document, DOCUMENTS["text/markdown"]) for one in known(text)]
    assert shares == [(True, 1), (True, 1)]
    assert [one["share"] > 0.9 for one in known(changed)] == [True]


def test_places_after_a_manifest_are_those_of_the_text_as_it_is_written(issued):
    document, known = issued
    text = f"{document}\n\n{answers()[1]}"
    end = max(end for one in known(text) for _, end in one["spans"])
    assert text[end - 40 : end] in answers()[1]


def test_a_verifier_that_shares_no_code_with_ours_agrees(layer, media_type):
    need_package(encypher_c2pa is not None, "pip install -e '.[interop]'")
    data = signed(layer, media_type)
    changed = data.replace("Tídes".encode(), "Tídez".encode())
    assert _theirs(data, media_type) == ("valid", "match")
    assert _theirs(changed, media_type) == ("invalid", "mismatch")


def _theirs(data, media_type):
    said = encypher_c2pa.verify(data, media_type, telemetry=False)
    return said["integrity"], said["hard_binding"]


@given(st.text(st.characters(codec="utf-8")), st.binary(min_size=1), st.sampled_from(sorted(DOCUMENTS)))
@example("-----BEGIN C2PA MANIFEST----- ", b"\0", "text/markdown")
@settings(max_examples=50)
def test_what_is_put_into_a_document_comes_out_of_it(text, manifest, media_type):
    document = text if media_type == "text/markdown" else PAGE.format(text.replace("<", ""))
    if text_frames.is_associated(document, media_type):
        return
    place = text_frames.framed(document, media_type, manifest)
    written = place.data.decode()
    assert [one.manifest for one in text_frames.visible_frames(written)] == [manifest]
    assert text_frames.is_only_a_frame(place.data[place.start : place.start + place.length])
    assert text_frames.without(written, lambda one: one == manifest) == document


@given(st.text(st.characters(codec="utf-8"), min_size=1, max_size=40))
@example(":")
@example("\n\n\n")
def test_what_is_left_out_is_a_frame_and_nothing_around_it(around):
    block = f"<!-- -----BEGIN C2PA MANIFEST----- data:application/c2pa;base64,{b64encode(b'm').decode()} -----END"
    block = f"{block} C2PA MANIFEST----- -->"
    assert text_frames.is_only_a_frame(f"\n{block}".encode())
    if around.strip("\r\n") or len(around) > 2:
        assert not text_frames.is_only_a_frame((block + around).encode())
        assert not text_frames.is_only_a_frame((around + block).encode())


@pytest.mark.parametrize(
    "unit",
    [
        '<script type="application/c2pa">',
        '<script type="application/c2pa">' + "A" * 500,
        "# -----BEGIN C2PA MANIFEST----- data:application/c2pa;base64,AAAA    ",
        "<!-- ",
        "\U000e0133\ufe02",
    ],
)
def test_hostile_documents_take_time_in_proportion_to_their_size(unit):
    text = "application/c2pa" + unit * (1_000_000 // len(unit))
    begin = time.process_time()
    assert not text_frames.is_signed(text)
    assert text_frames.without(text, lambda manifest: True) == text
    assert time.process_time() - begin < 3
