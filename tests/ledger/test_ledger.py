import multiprocessing
import sqlite3
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from disclose.asset import Mark
from disclose.disclosure import Disclosure, Identifier
from disclose.errors import LedgerError
from disclose.ledger import Ledger


@pytest.fixture
def path(tmp_path):
    return tmp_path / "ledger.sqlite"


@pytest.fixture
def ledger(path):
    with Ledger(path) as opened:
        yield opened


def append(ledger, *, likeness=None, sha256="ab" * 32, **statement):
    disclosure = Disclosure.new(system="Studio", **statement)
    marks = (Mark(layer="c2pa", details={"alg": "es256"}),)
    return ledger.append(disclosure=disclosure, sha256=sha256, media_type="image/png", marks=marks, likeness=likeness)


def forge(path, statement):
    """Change the file as somebody with an editor would, past the triggers."""
    with sqlite3.connect(path) as connection:
        connection.execute("DROP TRIGGER IF EXISTS entries_no_update")
        connection.execute("DROP TRIGGER IF EXISTS entries_no_delete")
        connection.execute(statement)
    connection.close()


def test_an_empty_ledger_is_intact(ledger):
    assert ledger.verify().is_intact
    assert len(ledger) == 0


def test_what_is_appended_is_found_by_any_prefix_and_by_content(ledger):
    record = append(ledger, sha256="cd" * 32)
    append(ledger)
    for bits in (128, 64, 61, 40):
        assert record in ledger.find(record.disclosure.id.leading(bits))
    assert ledger.find_content("cd" * 32) == record
    assert ledger.find_content("ef" * 32) is None


@settings(max_examples=40, deadline=None)
@given(values=st.lists(st.integers(0, 2**128 - 1), min_size=1, max_size=6), bits=st.integers(1, 128))
def test_a_prefix_finds_exactly_the_identifiers_that_begin_with_it(values, bits, tmp_path_factory):
    with Ledger(tmp_path_factory.mktemp("ledger") / "ledger.sqlite") as ledger:
        for value in values:
            append(ledger, id=Identifier(value=value))
        prefix = Identifier(value=values[0]).leading(bits)
        found = sorted(record.disclosure.id.value for record in ledger.find(prefix))
        assert found == sorted(value for value in values if Identifier(value=value).leading(bits) == prefix)


def test_the_nearest_by_likeness_is_found_among_new_entries_too(ledger):
    append(ledger, likeness=bytes(32))
    near = append(ledger, likeness=b"\xff" * 32)
    append(ledger)
    assert ledger.nearest(b"\xff" * 31 + b"\xfe").distance == 1
    assert ledger.nearest(b"\xff" * 31 + b"\xfe").record == near
    nearer = append(ledger, likeness=b"\xff" * 31 + b"\xfe")
    assert ledger.nearest(b"\x01" * 32, b"\xff" * 31 + b"\xfe").record == nearer


def test_no_likeness_is_found_where_there_is_none(ledger):
    assert ledger.nearest(bytes(32)) is None


def test_entries_can_be_neither_changed_nor_deleted(ledger, path):
    append(ledger)
    with sqlite3.connect(path) as connection:
        for statement in ("UPDATE entries SET sha256 = ''", "DELETE FROM entries"):
            with pytest.raises(sqlite3.IntegrityError, match="append-only"):
                connection.execute(statement)
    connection.close()


FORGERIES = {
    "a changed body": ("UPDATE entries SET body = replace(body, 'Studio', 'Stadio') WHERE sequence = 2", 2),
    "a deleted entry": ("DELETE FROM entries WHERE sequence = 2", 3),
    "a changed index": ("UPDATE entries SET sha256 = 'ff' WHERE sequence = 3", 3),
    "a changed hash": ("UPDATE entries SET hash = '00' WHERE sequence = 1", 1),
    "a moved entry": ("UPDATE entries SET sequence = 9 WHERE sequence = 1", 2),
}


@pytest.mark.parametrize("forgery", FORGERIES)
def test_tampering_is_found_at_its_place(forgery, ledger, path):
    for _ in range(4):
        append(ledger)
    ledger.close()
    statement, place = FORGERIES[forgery]
    forge(path, statement)
    check = Ledger(path).verify()
    assert not check.is_intact
    assert check.broken_at == place


def test_appending_from_eight_threads_keeps_the_chain(ledger):
    with ThreadPoolExecutor(8) as executor:
        list(executor.map(lambda _: append(ledger), range(40)))
    check = ledger.verify()
    assert (check.is_intact, check.entries) == (True, 40)


def _append_ten(path):
    with Ledger(path) as ledger:
        for _ in range(10):
            append(ledger)


def test_appending_from_three_processes_keeps_the_chain(path):
    context = multiprocessing.get_context("spawn")
    processes = [context.Process(target=_append_ten, args=(path,)) for _ in range(3)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(60)
    with Ledger(path) as ledger:
        check = ledger.verify()
    assert (check.is_intact, check.entries) == (True, 30)


def test_a_record_holds_neither_content_nor_prompt(ledger):
    assert set(append(ledger).to_dict()) == {
        "sequence", "disclosure", "sha256", "media_type", "marks", "recorded", "previous", "hash",
    }  # fmt: skip


def test_a_file_that_is_no_database_is_named(path):
    path.write_bytes(b"this is no database" * 100)
    with pytest.raises(LedgerError, match=r"ledger\.sqlite"):
        Ledger(path)


def test_an_entry_that_cannot_be_read_points_to_the_check(ledger, path):
    record = append(ledger)
    ledger.close()
    forge(path, "UPDATE entries SET body = '{}'")
    with pytest.raises(LedgerError, match="disclose ledger verify"):
        Ledger(path).find(record.disclosure.id)
