"""The manifest inside a text: for the whole of it and nothing else, and never where a machine reads."""

from importlib.util import find_spec

import pytest
from answers import answers
from certificates import chain as make_chain
from system_parts import need_package

import disclose
from disclose import registry
from disclose.errors import IdentityError, MarkingError
from disclose.layers.c2pa_text import C2paTextLayer
from disclose.signing import Signer, TrustList
from disclose.testing import LayerContract


@pytest.fixture(scope="module", autouse=True)
def installed():
    need_package(find_spec("c2patxt") is not None, "pip install 'disclose-ai[text]'")


@pytest.fixture(scope="module")
def chain():
    return make_chain("ed25519")


@pytest.fixture
def layer(chain):
    signer = Signer(certificates=chain.certificates, private_key=chain.leaf.key_pem(), algorithm="ed25519")
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
        chain = make_chain("ed25519")
        signer = Signer(certificates=chain.certificates, private_key=chain.leaf.key_pem(), algorithm="ed25519")
        return C2paTextLayer(signer=lambda: signer, trust=TrustList)

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


def test_a_key_of_another_kind_is_refused_with_advice(profile):
    layer = registry.create("c2pa_text", profile.resources())
    with pytest.raises(IdentityError, match="Ed25519"):
        signed(layer, answers()[0])
