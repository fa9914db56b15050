import logging
import subprocess
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pictures import photograph

import disclose
from disclose import Profile
from disclose.errors import ExtraMissingError
from disclose.lineage import LONGEST_TEXT, MOST_CONTRIBUTIONS, Contribution, Part
from disclose.model_card import LARGEST_CARD, lineage

COMMIT = "0123456789abcdef0123456789abcdef01234567"
TUNED = """license: other
license_name: harbour-open-1
base_model: acme/sketch
base_model_relation: finetune
datasets:
- harbour/pictures
- harbour/postcards
model_name: Boats
library_name: diffusers
"""
BASE = "license: mit\ndatasets: acme/drawings\n"


def card(path, front_matter):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"---\n{front_matter}---\n\n# A model\n", "utf-8")
    return path


def summary(contributions):
    return [(one.role, one.identifier or one.name) for one in contributions]


def test_a_card_and_the_card_of_its_base_tell_who_shared_and_who_fine_tuned(tmp_path):
    own = card(tmp_path / "harbour" / "boats" / "README.md", TUNED)
    card(tmp_path / "acme" / "sketch" / "README.md", BASE)
    assert lineage(own, model="harbour/boats") == (
        Contribution(
            role=Part.SHARED, name="sketch", identifier="acme/sketch", licence="mit", datasets=("acme/drawings",)
        ),
        Contribution(
            role=Part.FINE_TUNED,
            name="Boats",
            identifier="harbour/boats",
            licence="harbour-open-1",
            datasets=("harbour/pictures", "harbour/postcards"),
        ),
    )


def test_a_base_without_a_card_is_named_and_nothing_is_made_up_about_it(tmp_path):
    found = lineage(card(tmp_path / "README.md", TUNED))
    assert found[0] == Contribution(role=Part.SHARED, name="sketch", identifier="acme/sketch")
    assert found[1].identifier is None


def test_a_cache_tells_identifier_and_revision_and_leads_to_the_base(tmp_path):
    own = card(tmp_path / "models--harbour--boats" / "snapshots" / COMMIT / "README.md", TUNED)
    for revision in ("a" * 40, "b" * 40):
        card(tmp_path / "models--acme--sketch" / "snapshots" / revision / "README.md", BASE)
    (tmp_path / "models--acme--sketch" / "refs").mkdir()
    (tmp_path / "models--acme--sketch" / "refs" / "main").write_text("b" * 40)
    assert [one.purl for one in lineage(own)] == [
        f"pkg:huggingface/acme/sketch@{'b' * 40}",
        f"pkg:huggingface/harbour/boats@{COMMIT}",
    ]


@pytest.mark.parametrize("shape", ["acme--sketch.md", "acme/sketch/README.md"])
def test_cards_of_bases_are_found_in_a_folder_or_named_one_by_one(shape, tmp_path):
    own = card(tmp_path / "here" / "is" / "my" / "README.md", TUNED)
    elsewhere = tmp_path / "elsewhere"
    base = card(elsewhere / shape, BASE)
    for places in ((elsewhere,), (base,)):
        assert lineage(own, bases=places)[0].licence == "mit"


@pytest.mark.parametrize(
    ("relation", "part"),
    [
        ("base_model: a/b\nbase_model_relation: adapter\n", Part.ADAPTED),
        ("base_model: a/b\nbase_model_relation: quantized\n", Part.QUANTIZED),
        ("base_model: [a/b, c/d]\nbase_model_relation: merge\n", Part.MERGED),
        ("base_model: a/b\n", Part.DERIVED),
        ("base_model: a/b\nbase_model_relation: inspired\n", Part.DERIVED),
        ("license: mit\n", Part.SHARED),
    ],
)
def test_the_relation_to_the_base_is_what_the_card_says_and_nothing_more(relation, part, tmp_path):
    assert lineage(card(tmp_path / "README.md", relation), model="x/y")[-1].role is part


def test_models_that_name_each_other_appear_once_and_end(tmp_path, caplog):
    own = card(tmp_path / "a" / "one" / "README.md", "base_model: b/two\n")
    card(tmp_path / "b" / "two" / "README.md", "base_model: [a/one, b/two]\n")
    assert summary(lineage(own, model="a/one")) == [(Part.DERIVED, "b/two"), (Part.DERIVED, "a/one")]
    assert not caplog.records


def test_a_lineage_without_end_is_cut_and_said_to_be(tmp_path, caplog):
    for number in range(50):
        card(tmp_path / "a" / f"m{number}" / "README.md", f"base_model: a/m{number + 1}\n")
    found = lineage(tmp_path / "a" / "m0" / "README.md", model="a/m0")
    assert len(found) == MOST_CONTRIBUTIONS - 1
    assert found[-1].identifier == "a/m0"
    assert "longer than" in caplog.text


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "cannot read"),
        (b"# No front matter\n", "no YAML front matter"),
        (b"---\n[unclosed\n---\n", "no lineage"),
        (b"---\n- a list\n---\n", "should be a dict"),
        (b"---\nlicense: \xff\n---\n", "decode"),
        (b"x" * (LARGEST_CARD + 1), "more than"),
    ],
)
def test_a_missing_or_broken_card_is_logged_and_stops_nothing(content, said, tmp_path, caplog):
    path = tmp_path / "README.md"
    if content is not None:
        path.write_bytes(content)
    profile = Profile(folder=tmp_path / "home", model_card=path)
    assert disclose.mark(photograph(), profile, system="Studio").disclosure.lineage == ()
    assert said in caplog.text
    assert [record.levelno for record in caplog.records if record.name == "disclose.model_card"] == [logging.WARNING]


def test_what_is_no_name_of_a_model_is_left_out_and_leads_to_no_file(tmp_path, caplog):
    card(tmp_path / "secret" / "README.md", "license: secret\n")
    own = card(tmp_path / "a" / "b" / "README.md", "base_model: [../secret, ./local, 7, a/.., acme/sketch]\n")
    assert summary(lineage(own, model="a/b")) == [(Part.SHARED, "acme/sketch"), (Part.DERIVED, "a/b")]
    assert caplog.text.count("left out") == 4


@settings(max_examples=60)
@given(st.binary(max_size=300) | st.text(max_size=300).map(lambda text: f"---\n{text}\n---\n".encode()))
def test_any_bytes_are_a_card_or_none(tmp_path_factory, data):
    path = tmp_path_factory.mktemp("card") / "README.md"
    path.write_bytes(data)
    assert len(lineage(path, model="a/b")) <= MOST_CONTRIBUTIONS


def test_every_disclosure_carries_the_lineage_and_who_deploys_it(tmp_path):
    own = card(tmp_path / "README.md", TUNED)
    profile = Profile(folder=tmp_path / "home", model_card=own, statement={"provider": "Acme GmbH"})
    assert summary(profile.disclosure(system="Studio").lineage) == [
        (Part.SHARED, "acme/sketch"),
        (Part.FINE_TUNED, "Boats"),
        (Part.DEPLOYED, "Acme GmbH"),
    ]
    assert profile.disclosure(provider="Other").lineage[-1].name == "Other"
    assert len(profile.disclosure(provider="x" * (LONGEST_TEXT + 1)).lineage) == 2
    assert profile.disclosure(lineage=()).lineage == ()


def test_a_marked_file_leads_to_its_lineage(tmp_path):
    profile = Profile(folder=tmp_path / "home", model_card=card(tmp_path / "README.md", TUNED))
    asset = disclose.mark(photograph(), profile, system="Studio", provider="Acme")
    found = disclose.verify(asset.data, profile).disclosure.lineage
    assert summary(found)[-2:] == [(Part.FINE_TUNED, "Boats"), (Part.DEPLOYED, "Acme")]


def test_without_its_library_a_card_is_an_error_that_names_the_extra(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    profile = Profile(folder=tmp_path / "home", model_card=card(tmp_path / "README.md", TUNED))
    with pytest.raises(ExtraMissingError, match=r"disclose-ai\[cards\]"):
        profile.marker()


def test_reading_cards_opens_no_connection(tmp_path):
    own = card(tmp_path / "README.md", TUNED)
    code = (
        "import sys, pathlib, disclose.model_card as m\n"
        "seen = []\n"
        "sys.addaudithook(lambda event, args: seen.append(event) if event.startswith('socket.connect') else None)\n"
        "assert len(m.lineage(pathlib.Path(sys.argv[1]))) == 2\n"
        "print(seen)"
    )
    done = subprocess.run([sys.executable, "-c", code, own], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
