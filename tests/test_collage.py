"""What a picture declares to be made from may show its own marks, if somebody known declares it."""

import io

import pytest
from certificates import chain
from pictures import encoded, photograph
from PIL import Image
from signed_files import signed

import disclose
from disclose.disclosure import Disclosure
from disclose.evidence import Integrity, Outcome
from disclose.layers.c2pa import C2paLayer
from disclose.profile import Profile
from disclose.signing import TrustList

ONLY_SIGNED = ("c2pa", "ledger")


@pytest.fixture(scope="module")
def known():
    """A signer on the trust list of the home below."""
    return chain()


@pytest.fixture(scope="module")
def home(known, tmp_path_factory):
    folder = tmp_path_factory.mktemp("home")
    (folder / "anchors.pem").write_text(known.anchors)
    return Profile(folder=folder, trust_anchors=folder / "anchors.pem")


@pytest.fixture(scope="module")
def issued(home):
    return disclose.mark(encoded(photograph("coffee", 600, 400)), home, system="Studio")


@pytest.fixture(scope="module")
def collage(issued):
    picture = photograph("astronaut", 900, 600).convert("RGB")
    picture.paste(Image.open(io.BytesIO(issued.data)).convert("RGB"), (60, 80))
    return encoded(picture)


@pytest.fixture
def elsewhere(known, tmp_path):
    certificates, private_key = known.write(tmp_path)
    return Profile(folder=tmp_path, layers=ONLY_SIGNED, certificates=certificates, private_key=private_key)


def marked_in_content(verdict, issued):
    found = [one for one in verdict.evidence if one.layer == "image_watermark"]
    return [one.id for one in found] == [issued.disclosure.id.leading(64)]


def test_a_collage_is_what_a_known_signer_says_and_shows_the_mark_of_its_ingredient(home, elsewhere, issued, collage):
    made = disclose.mark(collage, elsewhere, inputs=[issued.data], system="Collage")
    verdict = disclose.verify(made.data, home)
    assert marked_in_content(verdict, issued)
    assert verdict.outcome is Outcome.DISCLOSED
    assert verdict.disclosure == made.disclosure


def test_a_collage_that_was_issued_here_shows_the_mark_of_its_ingredient(home, issued, collage):
    here = Profile(folder=home.folder, layers=ONLY_SIGNED)
    made = disclose.mark(collage, here, inputs=[issued.data], system="Collage")
    verdict = disclose.verify(made.data, home)
    assert marked_in_content(verdict, issued)
    assert verdict.outcome is Outcome.DISCLOSED
    assert verdict.disclosure == made.disclosure


def test_a_stolen_mark_is_contested_though_a_signer_unknown_here_declares_it(home, issued, collage, tmp_path):
    forger = Profile(folder=tmp_path, layers=ONLY_SIGNED)
    for content in (collage, issued.data):
        forged = disclose.mark(content, forger, inputs=[issued.data], system="Forger")
        verdict = disclose.verify(forged.data, home)
        assert marked_in_content(verdict, issued)
        assert verdict.outcome is Outcome.CONTESTED


def test_a_mark_that_no_ingredient_declares_is_contested(home, elsewhere, issued, collage):
    other = disclose.mark(encoded(photograph("flower")), home, system="Studio")
    for inputs in ([], [other.data]):
        made = disclose.mark(collage, elsewhere, inputs=inputs, system="Collage")
        verdict = disclose.verify(made.data, home)
        assert marked_in_content(verdict, issued)
        assert verdict.outcome is Outcome.CONTESTED


def test_an_earlier_version_is_no_ingredient_that_shows(home, elsewhere, issued):
    again = disclose.mark(issued.data, elsewhere, system="Elsewhere")
    assert disclose.verify(again.data, home).outcome is Outcome.CONTESTED


def test_an_ingredient_that_was_changed_after_signing_speaks_for_no_mark(home, elsewhere, issued, collage):
    damaged = bytearray(issued.data)
    damaged[-2000] ^= 0x10
    made = disclose.mark(collage, elsewhere, inputs=[bytes(damaged)], system="Collage")
    assert disclose.verify(made.data, home).outcome is Outcome.CONTESTED


NO_IDENTIFIERS = [None, 7, "", "no digits", "c2", "0" * 40, "f/-1", "f/999", "-", ["0123456789abcdef"], {}]


@pytest.mark.parametrize(
    "blocks", [None, 7, "text", {"value": "0" * 16}, [7], [{"value": one} for one in NO_IDENTIFIERS]]
)
def test_what_is_no_identifier_of_a_watermark_is_passed_over(blocks, known, home, collage):
    binding = {"label": "io.github.disclose-ai.watermark", "data": {"alg": "any", "blocks": blocks}}
    part = signed(known.leaf, chain=known.intermediate.pem, assertions=[binding])
    layer = C2paLayer(signer=home.signer, trust=TrustList)
    asset = disclose.Asset.open(collage).with_inputs([disclose.Asset.open(part)])
    (found, *_) = layer.detect(layer.mark(asset, Disclosure.new(system="Collage")))
    assert found.integrity is Integrity.INTACT
    assert found.ingredients == ()


def test_the_identifier_of_an_ingredient_is_read_beside_what_is_none(known, home, collage):
    blocks = [{"value": one} for one in (None, "0123456789abcdef", "c2")]
    binding = {"label": "io.github.disclose-ai.watermark", "data": {"alg": "any", "blocks": blocks}}
    part = signed(known.leaf, chain=known.intermediate.pem, assertions=[binding])
    asset = disclose.Asset.open(collage).with_inputs([disclose.Asset.open(part)])
    layer = C2paLayer(signer=home.signer, trust=TrustList)
    (found, *_) = layer.detect(layer.mark(asset, Disclosure.new(system="Collage")))
    assert list(map(str, found.ingredients)) == ["0123456789abcdef"]
