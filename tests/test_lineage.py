import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pictures import photograph

import disclose
from disclose import Disclosure
from disclose.errors import ProfileError
from disclose.lineage import LONGEST_TEXT, MOST_CONTRIBUTIONS, Contribution, Part, in_order

texts = st.text(min_size=1, max_size=LONGEST_TEXT)
contributions = st.builds(
    Contribution,
    role=st.sampled_from(Part),
    name=texts,
    identifier=st.none() | texts,
    licence=st.none() | texts,
    version=st.none() | texts,
    url=st.none() | texts,
    datasets=st.lists(texts, max_size=3).map(tuple),
)
lineages = st.lists(contributions, max_size=MOST_CONTRIBUTIONS).map(in_order)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from(["role", "name", "datasets", "x"]), inner),
)

BASE = Contribution(role=Part.SHARED, name="sketch", identifier="acme/sketch", licence="mit", version="0A1B")
TUNED = Contribution(role=Part.FINE_TUNED, name="Boats", identifier="harbour/boats", datasets=("harbour/pictures",))
DEPLOYED = Contribution(role=Part.DEPLOYED, name="Acme GmbH")


@given(lineages)
def test_a_lineage_reads_back_what_it_writes_through_json(lineage):
    disclosure = Disclosure.new(system="Studio", lineage=lineage)
    assert Disclosure.from_dict(json.loads(json.dumps(disclosure.to_dict()))) == disclosure


@given(json_values)
def test_a_hostile_lineage_is_refused_and_never_half_read(values):
    statement = Disclosure.new(system="Studio").to_dict()
    try:
        found = Disclosure.from_dict({**statement, "lineage": values})
    except (ValueError, KeyError):
        return
    assert all(isinstance(one, Contribution) for one in found.lineage)


@pytest.mark.parametrize(
    "hostile",
    [
        [{"role": "shared", "name": "x" * (LONGEST_TEXT + 1)}],
        [{"role": "shared", "name": f"model {number}"} for number in range(MOST_CONTRIBUTIONS + 1)],
        [{"role": "shared", "name": "model", "datasets": ["d"] * 65}],
        [{"role": "shared", "name": "model", "licence": {"deep": "object"}}],
        [{"role": "invented", "name": "model"}],
        {"role": "shared"},
    ],
)
def test_a_lineage_beyond_its_limits_is_refused(hostile):
    with pytest.raises((ValueError, KeyError)):
        Disclosure.from_dict({**Disclosure.new(system="Studio").to_dict(), "lineage": hostile})


@pytest.mark.parametrize("hostile", ["x" * 5000, ["a list"], {"an": "object"}, None])
def test_a_field_that_is_no_short_text_is_refused(hostile):
    with pytest.raises(ValueError, match="system"):
        Disclosure.from_dict({**Disclosure.new(system="Studio").to_dict(), "system": hostile})


def test_nothing_is_issued_that_could_not_be_read_back():
    with pytest.raises(ProfileError, match="system has 5000 characters"):
        Disclosure.new(system="x" * 5000)
    with pytest.raises(ProfileError, match="lineage"):
        Disclosure.new(system="Studio", lineage=("acme/sketch",))
    too_many = [Contribution(role=Part.SHARED, name=f"model {number}") for number in range(MOST_CONTRIBUTIONS + 1)]
    with pytest.raises(ProfileError, match=f"at most {MOST_CONTRIBUTIONS}"):
        Disclosure.new(system="Studio", lineage=too_many)


def test_a_statement_without_lineage_is_what_it_was_before_there_was_any():
    assert set(Disclosure.new(system="Studio").to_dict()) == {"id", "system", "created", "action", "source_type"}


def test_each_contribution_appears_once():
    assert in_order([BASE, TUNED, BASE, DEPLOYED, DEPLOYED]) == (BASE, TUNED, DEPLOYED)


def test_the_model_that_made_the_content_is_the_last_before_its_deployment():
    assert Disclosure.new(system="Studio", lineage=(BASE, TUNED, DEPLOYED)).model_contribution == TUNED
    assert Disclosure.new(system="Studio", lineage=(DEPLOYED,)).model_contribution is None


def test_a_model_has_a_package_url_and_a_contributor_and_a_deployment_has_no_package():
    assert (BASE.purl, BASE.contributor) == ("pkg:huggingface/acme/sketch@0a1b", "acme")
    assert (TUNED.purl, TUNED.contributor) == ("pkg:huggingface/harbour/boats", "harbour")
    assert (DEPLOYED.purl, DEPLOYED.contributor) == (None, "Acme GmbH")
    local = Contribution(role=Part.SHARED, name="mine", identifier="../elsewhere/mine")
    assert (local.purl, local.contributor) == (None, None)


def test_a_record_carries_the_lineage(profile):
    picture = disclose.mark(photograph(), profile, system="Studio", lineage=(BASE, TUNED, DEPLOYED))
    found = profile.ledger().find(picture.disclosure.id)[0].disclosure
    assert found.lineage == (BASE, TUNED, DEPLOYED)
