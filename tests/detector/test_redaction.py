"""What names or locates a person is not repeated, wherever in a result it stands."""

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pictures import encoded, photograph

import disclose
from disclose.detector.examination import examine
from disclose.detector.redaction import REDACTED, redacted
from disclose.profile import Profile

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
PERSONAL = ("prompt", "AIPromptInformation", "on_behalf_of", "creator", "GPSLatitude", "author", "city")


@given(VALUES, st.sampled_from(PERSONAL))
def test_nothing_under_a_personal_name_is_repeated(value, name):
    kept = redacted({"details": [{name: "Erika Mustermann", "other": value}]})
    assert "Mustermann" not in json.dumps(kept)


@given(VALUES)
def test_to_redact_twice_is_to_redact_once(value):
    assert redacted(redacted(value)) == redacted(value)


def test_what_reads_like_a_person_is_taken_out_of_sentences():
    for personal in ("erika@example.org", "+49 30 901820", "52.5163, 13.3777"):
        assert redacted(f"signed by {personal}!") == f"signed by {REDACTED}!"


def test_systems_keep_their_names_and_numbers_their_values():
    kept = {"system": "Studio 2.1", "p_value": 1e-9, "matrix": [[0.123456, 4.56789]], "id": "ab" * 16, "distance": 3}
    assert redacted(kept) == kept


def marked(profile, **statement):
    picture = encoded(photograph("coffee", width=256, height=256), "PNG")
    return disclose.mark(picture, profile, system="Studio", on_behalf_of="Erika Mustermann", **statement)


@pytest.mark.parametrize("public", [True, False])
def test_a_name_is_repeated_only_if_the_record_says_that_it_is_public(public, tmp_path):
    profile = Profile(folder=tmp_path)
    output = marked(profile, public=public)
    for data in (output.data, encoded(output.content.image, "PNG")):
        found = examine(profile, data, name="a.png")
        assert found["outcome"] == "disclosed"
        assert found["disclosure"]["on_behalf_of"] == ("Erika Mustermann" if public else REDACTED)
        assert ("Mustermann" in json.dumps(found)) == public


def test_a_file_that_calls_itself_public_is_not_believed_without_a_record(tmp_path):
    stranger = Profile(folder=tmp_path / "stranger", layers=("c2pa", "iptc"))
    found = examine(Profile(folder=tmp_path / "own"), marked(stranger, public=True).data, name="a.png")
    assert found["disclosure"]["public"] is True
    assert "Mustermann" not in json.dumps(found)


def test_a_file_that_says_more_than_its_record_is_not_believed(tmp_path):
    from disclose.asset import Asset

    profile = Profile(folder=tmp_path)
    issued = marked(profile)
    forged = replace(issued.disclosure, public=True, on_behalf_of="Max Mustermann")
    signing = Profile(folder=tmp_path, layers=("c2pa",))
    data = signing.marker().finish(Asset.from_data(encoded(issued.content.image, "PNG")), forged).data
    assert "Mustermann" not in json.dumps(examine(profile, data, name="a.png"))


def test_what_else_a_public_file_says_stays_redacted(tmp_path):
    profile = Profile(folder=tmp_path)
    found = examine(profile, marked(profile, public=True, provider="jo@example.org").data, name="a.png")
    assert found["disclosure"]["provider"] == "jo@example.org"
    assert "jo@" not in json.dumps(found["evidence"])


def test_a_consent_is_true_or_false_and_survives_being_written_down():
    from disclose.disclosure import Disclosure
    from disclose.errors import ProfileError

    said = Disclosure.new(system="Studio", on_behalf_of="Erika", public=True)
    assert Disclosure.from_dict(said.to_dict()) == said
    assert "public" not in Disclosure.new(system="Studio").to_dict()
    assert Disclosure.from_dict({**said.to_dict(), "public": "yes"}).public is False
    with pytest.raises(ProfileError, match="True or False"):
        Disclosure.new(system="Studio", public="yes")
