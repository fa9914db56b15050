import pytest
from hypothesis import given
from hypothesis import strategies as st

from disclose.disclosure import Action, DigitalSourceType, Disclosure, Identifier
from disclose.errors import ProfileError

identifiers = st.integers(1, 128).flatmap(
    lambda length: st.builds(Identifier, value=st.integers(0, 2**length - 1), length=st.just(length))
)


@given(identifiers)
def test_an_identifier_reads_back_what_it_writes(identifier):
    assert Identifier.parse(str(identifier)) == identifier


@given(identifiers, st.integers(1, 128))
def test_an_identifier_agrees_with_its_own_prefixes(identifier, bits):
    assert identifier.agrees_with(identifier.leading(bits))
    assert identifier.leading(bits).agrees_with(identifier)


@given(identifiers)
def test_a_completed_identifier_is_whole_and_begins_with_what_was_there(identifier):
    assert identifier.completed().length == 128
    assert identifier.completed().agrees_with(identifier)


@given(st.integers(0, 2**64 - 1), st.integers(0, 2**64 - 1))
def test_different_identifiers_of_one_length_disagree(one, other):
    agree = Identifier(value=one, length=64).agrees_with(Identifier(value=other, length=64))
    assert agree == (one == other)


def test_an_identifier_longer_than_it_says_is_refused():
    with pytest.raises(ValueError, match="bits"):
        Identifier(value=256, length=8)


@given(st.sampled_from(DigitalSourceType))
def test_a_source_type_is_read_from_term_and_uri_in_any_case(term):
    assert DigitalSourceType.parse(term.uri) is term
    assert DigitalSourceType.parse(term.value.upper()) is term
    assert DigitalSourceType.parse(term.uri.replace("http:", "https:") + "/") is term


@pytest.mark.parametrize("retired", ["softwareImage", "digitalArt", "minorHumanEdits"])
def test_retired_source_types_do_not_exist(retired):
    assert DigitalSourceType.parse(retired) is None


def test_a_disclosure_reads_back_what_it_writes():
    disclosure = Disclosure.new(system="Studio", provider="Acme", model="m", detector="https://example.com/verify")
    assert Disclosure.from_dict(disclosure.to_dict()) == disclosure


def test_altered_content_has_the_composite_source_type():
    altered = Disclosure.new(system="Studio", action="altered")
    assert altered.action is Action.ALTERED
    assert altered.source_type is DigitalSourceType.COMPOSITE_WITH_TRAINED_ALGORITHMIC_MEDIA


def test_a_misspelt_field_is_refused_by_name():
    with pytest.raises(ProfileError, match="sytem"):
        Disclosure.new(sytem="Studio")


def test_a_prompt_is_not_part_of_a_disclosure():
    with pytest.raises(ProfileError, match="prompt"):
        Disclosure.new(system="Studio", prompt="a secret")


def test_a_disclosure_without_a_system_is_refused():
    with pytest.raises(ProfileError, match="system"):
        Disclosure.new(provider="Acme")
