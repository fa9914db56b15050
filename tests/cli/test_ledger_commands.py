"""The ledger from the command line: proofs, erasures, exports."""

import json

import pytest
from click.testing import CliRunner
from ledgers import a_store, append, forge

from disclose.cli import commands
from disclose.disclosure import Identifier
from disclose.ledger import Ledger, manifests
from disclose.ledger.notices import Happening, NoticeLog, State
from disclose.ledger.quotes import QuoteLog


@pytest.fixture
def home(tmp_path):
    return tmp_path / "home"


@pytest.fixture
def records(home):
    with Ledger(home / "ledger.sqlite") as ledger:
        return [append(ledger, sha256=f"{number:02x}" * 32) for number in range(3)]


def run(*arguments):
    return CliRunner().invoke(commands, ["ledger", *map(str, arguments)])


def test_a_proof_is_written_and_checked_by_whoever_has_the_key(records, home, tmp_path, monkeypatch):
    file, identifier = tmp_path / "proof.json", str(records[1].disclosure.id)
    assert run("prove", identifier, "-o", file).exit_code == 0
    key = run("checkpoint", "--key").output.strip()
    monkeypatch.setenv("DISCLOSE_HOME", str(tmp_path / "elsewhere"))
    done = run("verify-proof", file, "--key", key, "--json")
    assert (done.exit_code, json.loads(done.output)["entry"]["disclosure"]["id"]) == (0, identifier)
    assert "give --key" in run("verify-proof", file).output
    file.write_text(file.read_text().replace("Studio", "Stadio"))
    done = run("verify-proof", file, "--key", key)
    assert done.exit_code == 1
    assert "does not hold" in done.output
    assert not (tmp_path / "elsewhere").exists()


def test_a_checkpoint_is_printed_for_others_to_keep(records):
    assert run("checkpoint").output.split("\n")[1] == "3"


def test_a_checkpoint_kept_elsewhere_finds_a_ledger_written_anew(records, home, tmp_path):
    kept = tmp_path / "kept"
    kept.write_text(run("checkpoint").output)
    with Ledger(home / "ledger.sqlite") as ledger:
        append(ledger)
    assert run("verify", "--since", kept).exit_code == 0
    for file in home.glob("ledger.sqlite*"):
        file.unlink()
    for file in home.glob("*.checkpoint"):
        file.unlink()
    with Ledger(home / "ledger.sqlite") as ledger:
        for _ in range(4):
            append(ledger)
    assert run("verify").exit_code == 0
    done = run("verify", "--since", kept)
    assert done.exit_code == 1
    assert "does not begin with" in done.output


def test_an_entry_that_is_missing_is_named_where_a_checkpoint_is_held_against_the_ledger(home, records, tmp_path):
    kept = tmp_path / "kept"
    kept.write_text(run("checkpoint").output)
    with Ledger(home / "ledger.sqlite") as ledger:
        forge(ledger, "DELETE FROM entries WHERE number = 3")
        append(ledger)
    done = run("verify", "--since", kept)
    assert (done.exit_code, "entry 3 is missing" in done.output) == (1, True)


def test_what_is_erased_is_shown_as_erased(records):
    identifier = str(records[0].disclosure.id)
    assert "--reason" in run("forget", identifier).output
    done = run("forget", identifier, "--reason", "the person asked", "--json")
    assert (done.exit_code, json.loads(done.output)["reason"]) == (0, "the person asked")
    done = run("show", identifier)
    assert done.exit_code == 0
    assert "erased on" in done.output
    assert run("verify").exit_code == 0
    assert run("forget", identifier, "--reason", "again").exit_code == 2


def test_what_is_old_is_erased_by_age(records):
    assert run("forget", "--older-than", "1", "--reason", "retention").exit_code == 2
    assert run("forget", "--older-than", "0", "--reason", "retention").output.count("retention") == 3
    assert "give an id" in run("forget", "--reason", "retention").output


def test_a_ledger_moves_by_export_and_import(records, tmp_path, monkeypatch):
    file = tmp_path / "ledger.jsonl"
    assert run("export", file).exit_code == 0
    key = run("checkpoint", "--key").output.strip()
    monkeypatch.setenv("DISCLOSE_HOME", str(tmp_path / "new"))
    said = "3 entries imported, and 0 notices, 0 manifests, 0 quotation records"
    assert said in run("import", file, "--key", key).output
    listed = [json.loads(line)["hash"] for line in run("list", "--json").output.splitlines()]
    assert listed == [record.hash for record in reversed(records)]


def test_an_import_says_how_much_came_in_beside_the_entries(home, records, tmp_path, monkeypatch):
    with Ledger(home / "ledger.sqlite") as ledger, ledger.connection(writing=True) as connection:
        manifests.keep(connection, [(records[0].sequence, a_store("a")), (records[1].sequence, a_store("b"))])
    with Ledger(home / "ledger.sqlite") as ledger:
        QuoteLog(ledger, b"k" * 32).add("word and word again " * 40, records[2].disclosure.id)
        ledger.forget(records[2].disclosure.id, reason="asked")
        QuoteLog(ledger, b"k" * 32).add("never a word again " * 40, Identifier(value=9))
        NoticeLog(ledger).append(Happening(session="ab" * 32, encounter=1, state=State.SENT, subject="cd" * 16))
    run("export", tmp_path / "ledger.jsonl")
    key = run("checkpoint", "--key").output.strip()
    monkeypatch.setenv("DISCLOSE_HOME", str(tmp_path / "new"))
    done = run("import", tmp_path / "ledger.jsonl", "--key", key)
    assert "3 entries imported, and 1 notice, 2 manifests, 1 quotation record\n" in done.output


def test_the_ledger_is_where_the_configuration_says(records, home, tmp_path, monkeypatch):
    monkeypatch.setenv("DISCLOSE_HOME", str(tmp_path / "new"))
    monkeypatch.setenv("DISCLOSE_LEDGER_URL", str(home / "ledger.sqlite"))
    assert len(run("list", "--json").output.splitlines()) == 3
    monkeypatch.setenv("DISCLOSE_LEDGER_URL", "mysql://somewhere/else")
    assert "postgresql://" in str(run("list").exception)
