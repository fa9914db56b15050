import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from disclose.disclosure import Disclosure, Identifier
from disclose.evidence import Basis, Binding, Evidence, Integrity, Outcome, Time, Trust, Verdict

findings = st.builds(
    Evidence,
    layer=st.just("any"),
    basis=st.sampled_from(Basis),
    summary=st.just("found"),
    binding=st.sampled_from(Binding),
    integrity=st.sampled_from(Integrity),
    trust=st.sampled_from(Trust),
    time=st.sampled_from(Time),
    id=st.none() | st.builds(Identifier, value=st.integers(0, 3), length=st.just(64)),
    generated=st.booleans(),
    ingredients=st.lists(st.builds(Identifier, value=st.integers(0, 3), length=st.just(64)), max_size=2).map(tuple),
)


def bound(**values):
    defaults = {"layer": "c2pa", "basis": Basis.METADATA, "summary": "", "generated": True}
    return Evidence(**{**defaults, "binding": Binding.HARD, "integrity": Integrity.INTACT, **values})


def test_nothing_found_is_undetermined_and_says_so_without_naming_an_origin():
    verdict = Verdict.weigh([])
    assert verdict.outcome is Outcome.UNDETERMINED
    assert "says nothing about where" in verdict.explain()


def test_an_intact_bound_mark_is_disclosed():
    assert Verdict.weigh([bound()]).outcome is Outcome.DISCLOSED


def test_a_mark_bound_to_nothing_is_indicated():
    assert Verdict.weigh([bound(binding=Binding.NONE)]).outcome is Outcome.INDICATED


def test_two_bound_marks_with_different_identifiers_are_contested():
    one, other = Identifier(value=1, length=64), Identifier(value=2, length=128)
    assert Verdict.weigh([bound(id=one), bound(id=other)]).outcome is Outcome.CONTESTED


def test_a_short_and_a_long_finding_of_one_identifier_agree():
    whole = Identifier.new()
    assert Verdict.weigh([bound(id=whole), bound(id=whole.leading(61))]).outcome is Outcome.DISCLOSED


@pytest.mark.parametrize("basis", [Basis.METADATA, Basis.RECORD])
def test_the_mark_of_an_ingredient_that_somebody_known_declares_is_not_contested(basis):
    own, came_in = Identifier.new(), Identifier.new()
    trust = Trust.TRUSTED if basis is Basis.METADATA else Trust.UNKNOWN
    declares = bound(id=own, trust=Trust.UNTRUSTED, ingredients=(came_in,))
    known, shown = bound(id=own, basis=basis, trust=trust, ingredients=(came_in,)), came_in.leading(64)
    watermark = bound(layer="image_watermark", basis=Basis.WATERMARK, binding=Binding.SOFT, id=shown)
    assert Verdict.weigh([declares, watermark]).outcome is Outcome.CONTESTED
    assert Verdict.weigh([declares, known, watermark]).outcome is Outcome.DISCLOSED
    assert Verdict.weigh([declares, known, bound(id=shown)]).outcome is Outcome.CONTESTED
    other = Identifier.new().leading(64)
    assert Verdict.weigh([declares, known, replace(watermark, id=other)]).outcome is Outcome.CONTESTED


@given(st.lists(findings, max_size=5))
def test_what_a_stranger_declares_as_ingredients_changes_nothing(found):
    strangers = [one for one in found if one.trust is not Trust.TRUSTED and one.basis is not Basis.RECORD]
    silent = [replace(one, ingredients=()) for one in strangers]
    assert Verdict.weigh(strangers).outcome is Verdict.weigh(silent).outcome


@given(st.lists(findings, max_size=5))
def test_a_declared_ingredient_takes_back_nothing_but_a_disagreement(found):
    silent = Verdict.weigh([replace(one, ingredients=()) for one in found]).outcome
    assert Verdict.weigh(found).outcome in {silent, Outcome.DISCLOSED if silent is Outcome.CONTESTED else silent}


def test_an_intact_mark_of_a_camera_is_not_disclosed():
    assert Verdict.weigh([bound(generated=False)]).outcome is Outcome.UNDETERMINED


@given(st.lists(findings, max_size=5))
def test_damage_anywhere_is_contested(found):
    if any(item.integrity is Integrity.BROKEN for item in found):
        assert Verdict.weigh(found).outcome is Outcome.CONTESTED


@given(st.lists(findings, max_size=5))
def test_nothing_is_disclosed_without_an_intact_bound_mark(found):
    if Verdict.weigh(found).outcome is Outcome.DISCLOSED:
        assert any(item.is_bound and item.generated for item in found)


@given(st.lists(findings, max_size=5))
def test_the_order_of_findings_does_not_matter(found):
    assert Verdict.weigh(found).outcome is Verdict.weigh(found[::-1]).outcome


@given(st.lists(findings, max_size=4))
def test_a_verdict_can_be_read_by_machines(found):
    values = json.loads(Verdict.weigh(found).to_json())
    assert values["outcome"] in list(Outcome)
    for item in values["evidence"]:
        assert {"layer", "basis", "binding", "integrity", "trust", "time", "p_value", "id", "summary"} <= set(item)


def test_a_verdict_is_neither_true_nor_false():
    with pytest.raises(TypeError, match=r"verdict\.outcome"):
        bool(Verdict.weigh([]))


def test_there_is_no_outcome_for_human_made():
    assert set(Outcome) == {"disclosed", "contested", "indicated", "undetermined"}


@pytest.mark.parametrize("lang", ["en", "de", "de-AT", "fr", "xx"])
def test_an_untrusted_signer_is_said_in_every_language(lang):
    disclosure = Disclosure.new(system="Studio", provider="Acme")
    verdict = Verdict.weigh([bound(trust=Trust.UNTRUSTED, disclosure=disclosure)])
    known = {"de": "Vertrauensliste", "fr": "liste de confiance"}.get(lang[:2], "not on a trust list")
    assert known in verdict.explain(lang)
    assert "Studio (Acme)" in verdict.explain(lang)
