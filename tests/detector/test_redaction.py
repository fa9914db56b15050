"""What names or locates a person is not repeated, wherever in a result it stands."""

import json

from hypothesis import given
from hypothesis import strategies as st

from disclose.detector.redaction import REDACTED, redacted

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
