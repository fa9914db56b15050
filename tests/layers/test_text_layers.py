"""Texts through the public door: found again whole, edited and quoted; a copied pointer convinces nobody."""

import pytest
from answers import answers, edited

import disclose
from disclose.errors import DiscloseError
from disclose.integrations.prompts import unmarked
from disclose.layers.record import LedgerLayer
from disclose.layers.text_fingerprint import TextFingerprintLayer
from disclose.layers.text_pointer import TextPointerLayer
from disclose.media.text_tag import LENGTH, tags
from disclose.testing import LayerContract

LAYERS = ("c2pa", "text_pointer", "text_fingerprint", "ledger")


@pytest.fixture
def profile(tmp_path):
    return disclose.Profile(folder=tmp_path / "disclose", layers=LAYERS)


def marked(profile, text):
    return disclose.mark(text.encode(), profile, sidecar=True, system="Writer")


def outcome(profile, text):
    return disclose.verify(text, profile).outcome


def finding(profile, text, layer):
    found = disclose.verify(text, profile).evidence
    return next((one for one in found if one.layer == layer), None)


class TestTextFingerprint(LayerContract):
    def layer(self, profile):
        return TextFingerprintLayer.from_resources(profile.resources())

    def assets(self):
        return [disclose.Asset.open(text.encode()) for text in answers()[:2]]


class TestTextPointer(LayerContract):
    def layer(self, profile):
        return TextPointerLayer.from_resources(profile.resources())

    def assets(self):
        return [disclose.Asset.open(text.encode()) for text in answers()[:2]]

    def issued(self, layer, asset, statement, profile):
        return LedgerLayer(profile.ledger).mark(layer.mark(asset, statement), statement)


def test_an_answer_is_disclosed_without_its_manifest_and_its_pointer_too(profile):
    asset = marked(profile, answers()[0])
    assert len(asset.data.decode()) == len(answers()[0]) + LENGTH
    assert outcome(profile, asset.data.decode()) == "disclosed"
    assert outcome(profile, answers()[0].upper().replace("\n\n", "\n")) == "disclosed"


def test_an_edited_answer_is_indicated_with_its_share_and_chance(profile):
    identifier = marked(profile, answers()[0]).disclosure.id
    found = finding(profile, edited(answers()[0]), "text_fingerprint")
    assert found.id == identifier
    assert found.p_value < 1e-4
    assert 0.3 < found.details["share"] <= 1
    assert outcome(profile, edited(answers()[0])) == "indicated"


def test_a_quotation_names_the_characters_that_it_stands_in(profile):
    marked(profile, answers()[0])
    quotation = " ".join(answers()[0].split(" ")[:45])
    text = answers()[5] + " " + quotation + " " + answers()[6]
    (span,) = finding(profile, text, "text_fingerprint").details["spans"]
    assert text.index(quotation) <= span[0] < span[1] <= text.index(quotation) + len(quotation)


def test_spans_in_a_page_are_those_of_its_source(profile):
    marked(profile, answers()[0])
    page = f"<!DOCTYPE html><html><body><p>Others &amp; we say:</p><p>{answers()[0]}</p></body></html>"
    (span,) = finding(profile, page, "text_fingerprint").details["spans"][:1]
    start = page.index(answers()[0][:20])
    assert start <= span[0] < start + 60


def test_an_edited_answer_that_kept_its_pointer_is_disclosed(profile):
    tagged = marked(profile, answers()[0]).data.decode()
    changed = edited(tagged, 0.1)
    assert changed != tagged
    assert outcome(profile, changed) == "disclosed"


def test_a_pointer_copied_to_another_text_is_contested_and_never_verifies(profile):
    tagged = marked(profile, answers()[0]).data.decode()
    (tag,) = tags(tagged)
    assert outcome(profile, answers()[1] + tagged[tag.start : tag.end]) == "contested"


def test_a_pointer_alone_is_no_more_than_a_hint(profile):
    tagged = marked(profile, answers()[0]).data.decode()
    (tag,) = tags(tagged)
    assert outcome(profile, "So it is." + tagged[tag.start : tag.end]) == "indicated"


def test_a_pointer_beside_a_small_part_of_its_answer_does_not_vouch_for_the_rest(profile):
    tagged = marked(profile, answers()[0]).data.decode()
    (tag,) = tags(tagged)
    quotation = " ".join(answers()[0].split(" ")[:45])
    mixed = "\n\n".join([*answers()[5:9], quotation + tagged[tag.start : tag.end]])
    assert outcome(profile, mixed) == "indicated"


def test_marking_again_keeps_the_pointer(profile):
    once = marked(profile, answers()[0])
    again = marked(profile, once.data.decode() + " And more.")
    assert len(list(tags(again.data.decode()))) == 1


def test_code_gets_no_pointer_and_says_why(profile):
    with pytest.raises(DiscloseError, match="plain prose"):
        marked(profile, "```python\nprint('a sentence in code')\n```\n")


def test_a_short_text_is_undetermined_and_the_reason_is_its_length(profile):
    marked(profile, answers()[0])
    found = finding(profile, "Short, and nothing else.", "text_fingerprint")
    assert found.details["reason"] == "too short"
    assert outcome(profile, "Short, and nothing else.") == "undetermined"


def test_other_texts_are_undetermined(profile):
    marked(profile, answers()[0])
    assert {outcome(profile, text) for text in answers()[1:30]} == {"undetermined"}


def test_what_others_hid_is_named_and_says_nothing(profile):
    text = answers()[1] + "\u200b\u200c" * 20
    found = finding(profile, text, "text_pointer")
    assert "zero-width" in found.summary
    assert not found.generated


def test_a_text_full_of_what_others_hid_makes_one_finding_of_each_kind(profile):
    text = "So it is.\ufe01\ufe02\ufe03\ufe04" * 5_000 + "\u200b\u200c" * 20
    found = [one for one in disclose.verify(text, profile).evidence if one.layer == "text_pointer"]
    assert [one.details["places"] for one in found] == [5_000, 1]
    assert all(len(one.details["spans"]) <= 20 for one in found)


def test_own_pointers_are_taken_out_of_prompts_and_those_of_others_are_not(profile, tmp_path):
    other = disclose.Profile(folder=tmp_path / "other", layers=LAYERS)
    own, foreign = marked(profile, answers()[0]).data.decode(), marked(other, answers()[1]).data.decode()
    assert unmarked(own + "\n\n" + foreign, profile) == answers()[0] + "\n\n" + foreign
    assert unmarked("no pointer 👍🏽", profile) == "no pointer 👍🏽"
