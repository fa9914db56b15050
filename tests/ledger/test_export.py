"""An export holds all that a ledger keeps, and an import brings back the same, whichever store it goes into."""

import json
import secrets
import shutil
import sqlite3

import pytest
from ledgers import a_store, append, forge

from disclose.asset import Mark
from disclose.disclosure import Disclosure, Identifier
from disclose.errors import LedgerError
from disclose.ledger import Ledger
from disclose.ledger.checkpoint import VerifierKey
from disclose.ledger.export import exported, imported
from disclose.ledger.manifests import Manifests
from disclose.ledger.quotes import QuoteLog
from disclose.ledger.tables import METADATA

KEY = b"k" * 32
ANSWERS = [" ".join(f"{subject}{number}" for number in range(80)) for subject in ("whale", "ship", "harpoon")]
NOT_EXPORTED = {"places", "nodes", "checkpoints", "certificates"}
"""What an import computes anew from what is exported."""


def kept(ledger, label):
    return ledger.append(
        disclosure=Disclosure.new(system="Studio"),
        sha256=secrets.token_hex(32),
        media_type="image/png",
        marks=(Mark(layer="c2pa", details={"certificate": "ab" * 32}),),
        manifest=a_store("urn:uuid:earlier", label),
    )


@pytest.fixture
def filled(ledger):
    """A ledger with three records, of which one was erased, two of them with manifests, and two tenants' quotations."""
    records = [append(ledger), kept(ledger, "urn:uuid:erased"), kept(ledger, "urn:uuid:kept")]
    quotes = QuoteLog(ledger, KEY)
    for record, answer in zip(records, ANSWERS, strict=True):
        quotes.add(answer, record.disclosure.id)
    quotes.add(ANSWERS[0], Identifier(value=99))
    QuoteLog(ledger, b"o" * 32).add(ANSWERS[2], records[2].disclosure.id)
    ledger.forget(records[1].disclosure.id, reason="asked")
    return ledger


def moved(ledger, place):
    """Return the lines of the export of *ledger*, and of the one that it is imported into at *place*."""
    lines = list(exported(ledger))
    with Ledger(**place) as copy:
        imported(copy, (f"{line}\n" for line in lines), VerifierKey.parse(ledger.verifier_key))
        return lines, list(exported(copy))


def stored(path):
    """Return what stands in the tables of the SQLite file at *path*, but for checkpoints on the way to the last."""
    connection = sqlite3.connect(path)
    tables = sorted(set(METADATA.tables) - {"checkpoints", "quoted_buckets"})
    found = {table: connection.execute(f"SELECT * FROM {table} ORDER BY 1, 2").fetchall() for table in tables}  # noqa: S608
    connection.close()
    return found


@pytest.fixture
def places(postgresql, tmp_path):
    """The places of an empty ledger in each store, and of another in SQLite."""
    return (
        {"location": tmp_path / "first.sqlite", "key": tmp_path / "key.pem"},
        {"location": postgresql.database(f"export_{secrets.token_hex(6)}"), "key": tmp_path / "key.pem"},
        {"location": tmp_path / "last.sqlite", "key": tmp_path / "key.pem"},
    )


@pytest.mark.parametrize("place", ["sqlite"], indirect=True)
def test_a_ledger_that_moves_to_the_other_store_and_back_is_the_same_byte_for_byte(filled, places, tmp_path):
    filled.checkpoint()
    shutil.copy(filled.path.with_name("ledger_key.pem"), tmp_path / "key.pem")
    _, server, last = places
    there, arrived = moved(filled, server)
    assert arrived == there
    with Ledger(**server) as ledger:
        assert moved(ledger, last) == (there, there)
    assert stored(last["location"]) == stored(filled.path)
    with Ledger(**last) as ledger:
        assert ledger.verify().is_intact
        assert Manifests(ledger).find("urn:uuid:kept").store == a_store("urn:uuid:earlier", "urn:uuid:kept")
        assert QuoteLog(ledger, KEY).find(ANSWERS[0]) == QuoteLog(filled, KEY).find(ANSWERS[0])


def test_an_imported_ledger_goes_on(filled, place, tmp_path, request):
    lines = list(exported(filled))
    location = tmp_path / "copy.sqlite"
    if "://" in str(place["location"]):
        location = request.getfixturevalue("postgresql").database(f"goes_on_{secrets.token_hex(6)}")
    with Ledger(location, key=tmp_path / "copy.pem") as copy:
        imported(copy, lines, VerifierKey.parse(filled.verifier_key))
        kept(copy, "urn:uuid:new")
        assert Manifests(copy).find("urn:uuid:new") is not None
        quotes = QuoteLog(copy, KEY)
        assert quotes.add("never said " * 40, Identifier(value=5))
        assert quotes.find(ANSWERS[0])[0].is_exact
        assert len(quotes) == 4
        assert copy.verify().is_intact


@pytest.mark.parametrize("place", ["sqlite"], indirect=True)
def test_what_was_erased_is_in_no_export_and_no_import(filled, places):
    lines, _ = moved(filled, places[2])
    (erased,) = (json.loads(json.loads(line)["body"]) for line in lines if '"log":"erasures"' in line)
    kinds = [json.loads(line).get("beside") for line in lines]
    assert (kinds.count("manifest"), kinds.count("quotation")) == (1, 4)
    with Ledger(**places[2]) as copy:
        assert Manifests(copy).find("urn:uuid:erased") is None
        assert QuoteLog(copy, KEY).find(ANSWERS[1]) == []
        assert [one.entry for one in copy.erased(Identifier.parse(erased["identifier"]))] == [2]
    assert b"urn:uuid:erased" not in places[2]["location"].read_bytes()


@pytest.mark.parametrize("place", ["sqlite"], indirect=True)
def test_attachments_that_were_changed_left_out_or_put_in_are_refused_and_leave_nothing(filled, places, tmp_path):
    lines = list(exported(filled))
    trusted = VerifierKey.parse(filled.verifier_key)
    beside = [place for place, line in enumerate(lines) if '"beside"' in line]
    manifest, *_, last = beside
    earlier = json.loads(lines[manifest])
    forgeries = {
        "left out": lines[:last] + lines[last + 1 :],
        "none at all": lines[: beside[0]] + lines[-1:],
        "broken off": lines[:-1],
        "twice": [*lines[:last], lines[last], *lines[last:]],
        "moved to another record": [
            line.replace('"entry":3', '"entry":1') if place == manifest else line for place, line in enumerate(lines)
        ],
        "of what was erased": [
            *lines[:manifest],
            json.dumps({**earlier, "entry": 2}, separators=(",", ":")),
            *lines[manifest:],
        ],
        "after the end": [*lines, lines[last]],
        "ended twice": [*lines, lines[-1]],
        "another issued": [
            line.replace('"issued":', '"issued":1') if place == last else line for place, line in enumerate(lines)
        ],
    }
    for name, forged in forgeries.items():
        assert forged != lines, name
        with Ledger(tmp_path / name / "ledger.sqlite") as copy, pytest.raises(LedgerError, match="cannot"):
            imported(copy, forged, trusted)
        with Ledger(tmp_path / name / "ledger.sqlite") as copy:
            assert (len(copy), list(exported(copy))[1:-1]) == (0, []), name


@pytest.mark.parametrize("place", ["sqlite"], indirect=True)
def test_attachments_of_an_older_export_do_not_go_with_the_records_of_a_newer_one(filled, tmp_path):
    before = list(exported(filled))
    filled.forget(filled.records()[0].disclosure.id, reason="asked")
    after = list(exported(filled))
    spliced = [line for line in after if '"log"' in line or "checkpoints" in line]
    spliced += [line for line in before if '"beside"' in line] + before[-1:]
    with Ledger(tmp_path / "copy" / "ledger.sqlite") as copy, pytest.raises(LedgerError, match="cannot"):
        imported(copy, spliced, VerifierKey.parse(filled.verifier_key))


@pytest.mark.parametrize("place", ["sqlite"], indirect=True)
def test_a_ledger_that_keeps_quotations_alone_is_not_empty(filled, tmp_path):
    with Ledger(tmp_path / "copy" / "ledger.sqlite") as copy:
        QuoteLog(copy, KEY).add(ANSWERS[0], Identifier(value=1))
        with pytest.raises(LedgerError, match="not empty"):
            imported(copy, exported(filled), VerifierKey.parse(filled.verifier_key))


@pytest.mark.parametrize("place", ["sqlite"], indirect=True)
def test_a_ledger_whose_entries_were_taken_away_is_not_empty(filled, tmp_path):
    with Ledger(tmp_path / "copy" / "ledger.sqlite") as copy:
        append(copy)
        copy.checkpoint()
        forge(copy, "DELETE FROM entries", "DELETE FROM certificates")
        with pytest.raises(LedgerError, match="not empty"):
            imported(copy, exported(filled), VerifierKey.parse(filled.verifier_key))


@pytest.mark.parametrize("place", ["sqlite"], indirect=True)
@pytest.mark.parametrize("number", ['"3"', "0", "-3", "3.0", "true", "null", str(1 << 63)])
def test_what_is_numbered_by_no_number_is_refused(number, filled, tmp_path):
    lines = [line.replace('"number":3,', f'"number":{number},', 1) for line in exported(filled)]
    with Ledger(tmp_path / "copy" / "ledger.sqlite") as copy:
        with pytest.raises(LedgerError, match="its number is none"):
            imported(copy, lines, VerifierKey.parse(filled.verifier_key))
        assert len(copy) == 0


@pytest.mark.parametrize("place", ["sqlite"], indirect=True)
def test_quotations_that_lost_their_phrases_are_not_exported_as_if_they_had_none(filled):
    forge(filled, "DELETE FROM quoted_phrases WHERE answer = 1")
    with pytest.raises(LedgerError, match="phrases are missing"):
        list(exported(filled))


def test_an_erasure_in_the_middle_of_an_export_ends_it(filled):
    lines = exported(filled)
    next(lines)
    filled.forget(filled.records()[0].disclosure.id, reason="asked")
    with pytest.raises(LedgerError, match="export again"):
        list(lines)


@pytest.mark.parametrize("place", ["sqlite"], indirect=True)
def test_an_export_from_before_there_were_attachments_is_still_imported(filled, tmp_path):
    lines = [line for line in exported(filled) if '"log"' in line or "checkpoints" in line]
    lines[0] = lines[0].replace("export/2", "export/1")
    with Ledger(tmp_path / "copy" / "ledger.sqlite") as copy:
        assert imported(copy, lines, VerifierKey.parse(filled.verifier_key)).entries == 3


def test_no_table_is_left_out_of_an_export():
    exported_tables = {"entries", "notice_events", "erasures", "manifest_stores"}
    exported_tables |= {"quoted_answers", "quoted_phrases", "quoted_buckets"}
    assert set(METADATA.tables) - NOT_EXPORTED == exported_tables
