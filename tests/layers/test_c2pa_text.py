"""The manifest inside a text: for the whole of it and nothing else, and never where a machine reads."""

from importlib.util import find_spec

import pytest
from answers import answers
from certificates import chain as make_chain
from hypothesis import given, settings
from hypothesis import strategies as st
from system_parts import need_package

import disclose
from disclose import registry
from disclose.errors import MarkingError
from disclose.layers.c2pa_document import padded
from disclose.layers.c2pa_manifest import definition
from disclose.layers.c2pa_text import C2paTextLayer
from disclose.media import text_frames
from disclose.signing import Signer, TrustList
from disclose.signing.signatures import signing
from disclose.signing.signer import load_private_key
from disclose.testing import LayerContract


@pytest.fixture(scope="module", autouse=True)
def installed():
    need_package(find_spec("c2patxt") is not None, "pip install 'disclose-ai[text]'")


@pytest.fixture(scope="module", params=["es256", "ed25519"])
def chain(request):
    return make_chain(request.param)


@pytest.fixture
def layer(chain):
    return layer_of(Signer.from_pem(chain.certificates, chain.leaf.key_pem()), chain)


def layer_of(signer, chain):
    return C2paTextLayer(signer=lambda: signer, trust=lambda: TrustList(anchors=chain.anchors))


def statement():
    return disclose.Disclosure.new(system="Writer", provider="Acme GmbH")


def signed(layer, text):
    return layer.mark(disclose.Asset.open(text.encode()), statement()).data.decode()


def found(layer, text):
    asset = disclose.Asset(media_type="text/plain", data=text.encode(), upstream=text.encode())
    return list(layer.detect(asset))


class TestC2paText(LayerContract):
    def layer(self, profile):
        return registry.create("c2pa_text", profile.resources())

    def assets(self):
        return [disclose.Asset.open(answers()[0].encode())]


def test_a_signed_text_says_who_is_behind_it_and_reads_the_same(layer):
    text = signed(layer, answers()[0])
    assert text.startswith(answers()[0])
    assert not text.removeprefix(answers()[0]).strip("\ufeff").isascii()
    (evidence,) = found(layer, text)
    assert evidence.is_bound
    assert evidence.trust == "trusted"
    assert evidence.generated
    assert evidence.disclosure.provider == "Acme GmbH"
    assert evidence.id == evidence.disclosure.id


def test_it_is_for_the_whole_text_and_for_no_other(layer):
    text = signed(layer, answers()[0])
    manifest = text.removeprefix(answers()[0])
    for other in (answers()[1] + manifest, "Before. " + text, text + " After.", text.replace("the", "no", 1)):
        assert [evidence.integrity for evidence in found(layer, other)] == ["broken"]


def test_a_signer_on_no_trust_list_is_intact_and_not_trusted(layer, chain):
    text = signed(layer, answers()[0])
    stranger = C2paTextLayer(signer=lambda: None, trust=lambda: TrustList(anchors=make_chain("ed25519").anchors))
    (evidence,) = found(stranger, text)
    assert (evidence.integrity, evidence.trust) == ("intact", "untrusted")


@pytest.mark.parametrize("text", ["```sh\nls\n```", '{"a": "b"}', "See https://example.org/page", "The answer is 42"])
def test_what_a_machine_reads_at_the_end_gets_none(text, layer):
    with pytest.raises(MarkingError, match="sidecar"):
        signed(layer, text)


def test_a_text_that_carries_one_is_not_signed_over(layer):
    with pytest.raises(MarkingError):
        signed(layer, signed(layer, answers()[0]))


def test_a_key_service_and_a_key_of_rsa_sign_it_too(profile):
    chain = make_chain("ps256")
    key = signing(load_private_key(chain.leaf.key_pem()), "ps256")
    layer = layer_of(Signer.from_callback(chain.certificates, key), chain)
    (evidence,) = found(layer, signed(layer, answers()[0]))
    assert (evidence.integrity, evidence.trust) == ("intact", "trusted")


def test_a_verifier_that_shares_no_code_with_ours_agrees(layer):
    need_package(find_spec("encypher_c2pa") is not None, "pip install -e '.[interop]'")
    import encypher_c2pa

    text = signed(layer, answers()[0])
    said = [
        encypher_c2pa.verify(one.encode(), "text/plain", telemetry=False)
        for one in (text, text.replace("the", "no", 1))
    ]
    assert [one["integrity"] for one in said] == ["valid", "invalid"]
    assert [one["hard_binding"] for one in said] == ["match", "mismatch"]


def test_an_identifier_in_a_manifest_that_does_not_match_is_none(layer):
    (evidence,) = found(layer, signed(layer, answers()[0]).replace("the", "no", 1))
    assert (evidence.id, evidence.disclosure, evidence.generated) == (None, None, False)


@given(st.integers(0, 700))
@settings(max_examples=25)
def test_a_signature_can_be_filled_up_with_any_number_of_zeros(sample, size):
    layer, store = sample
    filled = padded(store, size)
    assert padded(filled, 996) == padded(store, 996)
    assert text_frames.invisible_size(filled) == len(text_frames.invisible(filled).encode())
    said = layer._engine.read("text/plain", answers()[0].encode(), store=filled)
    assert said["validation_results"]["activeManifest"]["failure"] == []


@pytest.fixture(scope="module")
def sample():
    chain = make_chain("es256")
    layer = layer_of(Signer.from_pem(chain.certificates, chain.leaf.key_pem()), chain)
    asset = disclose.Asset.open(answers()[0].encode())
    said = definition(asset, statement(), has_parent=False, inputs=(), training_mining=False)
    return layer, layer._engine.sign(said, "text/plain", asset.data, embed=False).store


def test_what_is_no_filled_up_signature_is_refused(sample):
    _, store = sample
    for other in (b"", b"cpad\x43abc", store.replace(b"cpad", b"cpat")):
        with pytest.raises(MarkingError, match="sidecar"):
            padded(other, 12)
