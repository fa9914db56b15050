import multiprocessing
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from ledgers import append, digest, forge
from sqlalchemy import event

from disclose.disclosure import Identifier
from disclose.errors import LedgerError
from disclose.ledger import Ledger
from disclose.ledger.writer import GroupCommit


def test_an_empty_ledger_is_intact(ledger):
    assert ledger.verify().is_intact
    assert len(ledger) == 0


def test_what_is_appended_is_found_by_any_prefix_and_by_content(ledger):
    record = append(ledger, sha256="cd" * 32)
    append(ledger)
    for bits in (128, 64, 61, 40):
        assert record in ledger.find(record.disclosure.id.leading(bits))
    assert ledger.find_content("cd" * 32) == record
    assert ledger.find_content("cd" * 8 + "ef" * 24) is None


@pytest.mark.parametrize(
    ("index", "look"),
    [
        ("entries_by_identifier", lambda ledger: ledger.find(Identifier(value=5))),
        ("entries_by_content", lambda ledger: ledger.find_content("cd" * 32)),
    ],
)
def test_what_is_looked_for_is_found_through_an_index(index, look, ledger):
    plans = []

    def planned(connection, cursor, statement, parameters, context, many):
        if "FROM entries" in statement:
            is_sqlite = connection.dialect.name == "sqlite"
            cursor.execute(f"{'EXPLAIN QUERY PLAN' if is_sqlite else 'EXPLAIN'} {statement}", parameters)
            plans.append(str(cursor.fetchall()))

    with ledger.connection() as connection:
        event.listen(connection.engine, "before_cursor_execute", planned)
    look(ledger)
    event.remove(connection.engine, "before_cursor_execute", planned)
    assert [index in plan for plan in plans] == [True]


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(values=st.lists(st.integers(0, 2**128 - 1), min_size=1, max_size=6), bits=st.integers(1, 128))
def test_a_prefix_finds_exactly_the_identifiers_that_begin_with_it(values, bits, ledger):
    for value in values:
        append(ledger, id=Identifier(value=value))
    everything = [record.disclosure.id.value for record in ledger.records()]
    prefix = Identifier(value=values[0]).leading(bits)
    found = sorted(record.disclosure.id.value for record in ledger.find(prefix))
    assert found == sorted(value for value in everything if Identifier(value=value).leading(bits) == prefix)


def test_records_come_in_the_order_of_issue_or_the_newest_first(ledger):
    appended = [append(ledger) for _ in range(4)]
    assert ledger.records() == appended
    assert ledger.records(newest_first=True, limit=2) == appended[:1:-1]


def test_a_ledger_opened_again_goes_on(place):
    with Ledger(**place) as first:
        append(first)
    with Ledger(**place) as second:
        append(second)
        assert (second.verify().is_intact, second.verify().entries) == (True, 2)


def test_entries_can_be_neither_changed_nor_deleted(ledger):
    append(ledger)
    for statement in (
        "UPDATE entries SET recorded = 0",
        "DELETE FROM entries",
        "UPDATE entries SET body = NULL, recorded = 1",
        "UPDATE entries SET body = NULL, likeness = NULL, leaf = sha256",
    ):
        with pytest.raises(LedgerError, match="append-only"), ledger.connection(writing=True) as connection:
            connection.exec_driver_sql(statement)


SAID = "recorded, identifier, sha256, likeness, leaf, body, chain"
SLIPPED = f"INSERT INTO entries (number, {SAID})"
FORGERIES = {
    "a changed index": ("UPDATE entries SET sha256 = {ff} WHERE number = 3", 3),
    "a changed body": ("UPDATE entries SET body = (SELECT body FROM entries WHERE number = 1) WHERE number = 2", 2),
    "a damaged body": ("UPDATE entries SET body = {ff} WHERE number = 2", 2),
    "an emptied entry": ("UPDATE entries SET body = NULL, likeness = NULL WHERE number = 2", 2),
    "a deleted entry": ("DELETE FROM entries WHERE number = 2", 2),
    "the last entry deleted": ("DELETE FROM entries WHERE number = 4", 4),
    "a moved entry": ("UPDATE entries SET number = 9 WHERE number = 1", 1),
    "a changed leaf": ("UPDATE entries SET leaf = {ff} WHERE number = 4", 4),
    "an entry and its leaf changed": (
        "UPDATE entries SET body = (SELECT body FROM entries WHERE number = 1),"
        " leaf = (SELECT leaf FROM entries WHERE number = 1) WHERE number = 2",
        2,
    ),
    "an entry slipped in before the first": (f"{SLIPPED} SELECT 0, {SAID} FROM entries WHERE number = 1", 0),  # noqa: S608
    "an entry slipped in behind the last": (f"{SLIPPED} SELECT 99, {SAID} FROM entries WHERE number = 1", 5),  # noqa: S608
}


@pytest.mark.parametrize("forgery", FORGERIES)
def test_tampering_is_found_at_its_place(forgery, ledger):
    for _ in range(4):
        append(ledger)
    assert ledger.verify().is_intact
    statement, place = FORGERIES[forgery]
    forge(ledger, statement)
    check = ledger.verify()
    assert not check.is_intact
    assert check.broken_at == place


def test_the_place_of_a_signed_entry_that_is_missing_is_not_given_again(ledger):
    for _ in range(3):
        append(ledger)
    ledger.checkpoint()
    forge(ledger, "DELETE FROM entries WHERE number > 1")
    assert append(ledger).sequence == 4
    assert (ledger.verify().is_intact, ledger.verify().broken_at) == (False, 2)


def test_a_tail_cut_off_whole_is_found_by_the_checkpoint_that_stands_beside_the_key(ledger):
    for _ in range(4):
        append(ledger)
        ledger.checkpoint()
    forge(
        ledger,
        "DELETE FROM entries WHERE number > 2",
        "DELETE FROM checkpoints WHERE size > 2",
    )
    check = ledger.verify()
    assert not check.is_intact
    assert "this machine signed a checkpoint over 4" in check.reason


def test_a_whole_ledger_written_anew_is_found_by_the_signatures(ledger, place, tmp_path):
    for _ in range(3):
        append(ledger)
    ledger.checkpoint()
    with Ledger(**{**place, "key": tmp_path / "other_key.pem"}) as other:
        check = other.verify()
    assert not check.is_intact
    assert "put the key that signed them there" in check.reason


def test_appending_from_many_threads_loses_and_doubles_nothing(ledger):
    with ThreadPoolExecutor(16) as executor:
        appended = list(executor.map(lambda _: append(ledger), range(200)))
    assert {record.sequence for record in ledger.records()} == {record.sequence for record in appended}
    check = ledger.verify()
    assert (check.is_intact, check.entries, len(ledger)) == (True, 200, 200)


def test_a_check_while_others_append_finds_nothing_wrong(ledger, monkeypatch):
    # Nodes are stored with every eighth leaf, so that many become whole between any two looks.
    monkeypatch.setattr("disclose.ledger.stored_tree._HEIGHT", 3)
    with ThreadPoolExecutor(4) as executor:
        appending = [executor.submit(append, ledger) for _ in range(200)]
        checks = [ledger.verify()]
        while not all(one.done() for one in appending):
            checks.append(ledger.verify())
    assert {check.reason for check in checks} == {None}
    assert ledger.verify().entries == 200


def _append_ten(place):
    with Ledger(**place) as ledger, ThreadPoolExecutor(4) as executor:
        list(executor.map(lambda _: append(ledger), range(10)))


def test_three_processes_append_to_one_ledger(place):
    with Ledger(**place) as ledger:
        append(ledger)
    context = multiprocessing.get_context("spawn")
    processes = [context.Process(target=_append_ten, args=(place,)) for _ in range(3)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(60)
    with Ledger(**place) as ledger:
        check = ledger.verify()
        numbers = [record.sequence for record in ledger.records()]
    assert (check.reason, check.entries) == (None, 31)
    assert numbers == list(range(1, 32))


@pytest.mark.parametrize("place", ["postgresql"], indirect=True)
def test_two_append_where_the_server_would_show_them_the_past(place, ledger):
    name = place["location"].partition("@/")[2].partition("?")[0]
    with ledger.connection(writing=True) as connection:
        connection.exec_driver_sql(f"ALTER DATABASE \"{name}\" SET default_transaction_isolation = 'repeatable read'")
    with Ledger(**place) as one, Ledger(**place) as other, ThreadPoolExecutor(8) as executor:
        appended = list(executor.map(lambda number: append((one, other)[number % 2]), range(60)))
    assert sorted(record.sequence for record in appended) == list(range(1, 61))
    assert (ledger.verify().reason, len(ledger)) == (None, 60)


def test_a_record_holds_neither_content_nor_prompt(ledger):
    assert set(append(ledger).to_dict()) == {
        "sequence", "disclosure", "sha256", "media_type", "marks", "recorded", "hash",
    }  # fmt: skip


def test_a_clock_that_steps_back_disturbs_nothing(ledger, monkeypatch):
    import disclose.ledger.store as store

    class Stepping(datetime):
        hour = 12

        @classmethod
        def now(cls, zone=None):
            cls.hour -= 1
            return datetime(2026, 11, 22, cls.hour, tzinfo=UTC)

    monkeypatch.setattr(store, "datetime", Stepping)
    appended = [append(ledger) for _ in range(3)]
    assert appended[0].recorded > appended[2].recorded
    assert ledger.records() == appended
    assert ledger.verify().is_intact
    ledger.forget_before(datetime(2026, 11, 22, 10, 30, tzinfo=UTC), reason="retention")
    assert ledger.records() == appended[:1]


def test_a_file_that_is_no_database_is_named(tmp_path):
    path = tmp_path / "ledger.sqlite"
    path.write_bytes(b"this is no database" * 100)
    with pytest.raises(LedgerError, match=r"ledger\.sqlite"):
        Ledger(path)


def test_an_entry_that_cannot_be_read_points_to_the_check(ledger):
    record = append(ledger)
    forge(ledger, "UPDATE entries SET body = {ff}")
    with pytest.raises(LedgerError, match="disclose ledger verify"):
        ledger.find(record.disclosure.id)


def test_an_append_after_closing_says_so(place):
    with Ledger(**place) as ledger:
        append(ledger)
    with pytest.raises(LedgerError, match="closed"):
        append(ledger)


def test_a_batch_that_cannot_be_written_is_refused_to_each_of_its_callers():
    def fail(items):
        raise LedgerError("the disk is full")

    writer = GroupCommit(fail, lambda: None)
    with ThreadPoolExecutor(4) as executor:
        asked = [executor.submit(writer.submit, number) for number in range(8)]
    errors = {id(one.exception()) for one in asked}
    assert len(errors) == 8
    writer.close()


def test_the_key_is_for_its_owner_alone(ledger, place):
    append(ledger)
    ledger.checkpoint()
    assert place["key"].stat().st_mode & 0o777 == 0o600


def test_a_ledger_that_others_wrote_cannot_be_read_as_a_newer_one(tmp_path):
    path = tmp_path / "ledger.sqlite"
    Ledger(path).close()
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    connection.close()
    with pytest.raises(LedgerError, match="newer version"):
        Ledger(path)


def test_nothing_that_was_secret_is_in_a_message(tmp_path):
    with pytest.raises(LedgerError) as raised:
        Ledger("postgresql://user:geheim@/nowhere?host=/nonexistent", key=tmp_path / "key.pem")
    assert "geheim" not in str(raised.value)
    assert digest("geheim") not in str(raised.value)


def test_retention_erases_what_is_old_while_the_ledger_is_written_to(place):
    with Ledger(**place) as ledger:
        old = append(ledger)
    with Ledger(**place, retention=timedelta(microseconds=1)) as ledger:
        append(ledger)
    with Ledger(**place) as ledger:
        assert ledger.find(old.disclosure.id) == []
        assert "retention" in ledger.erased(old.disclosure.id)[0].reason
        assert ledger.verify().is_intact
