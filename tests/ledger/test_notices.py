import multiprocessing
import secrets
import sqlite3
from concurrent.futures import ThreadPoolExecutor

import pytest

from disclose.disclosure import Disclosure
from disclose.errors import LedgerError
from disclose.ledger import Ledger
from disclose.ledger.notices import Happening, NoticeLog, State


@pytest.fixture
def path(tmp_path):
    return tmp_path / "ledger.sqlite"


@pytest.fixture
def log(path):
    with Ledger(path) as ledger:
        yield NoticeLog(ledger)


def happening(state=State.SENT, *, session="ab" * 32, subject=None, **rest):
    return Happening(session=session, encounter=1, state=state, subject=subject or secrets.token_hex(16), **rest)


def forge(path, statement):
    with sqlite3.connect(path) as connection:
        connection.execute("DROP TRIGGER IF EXISTS notice_events_no_update")
        connection.execute("DROP TRIGGER IF EXISTS notice_events_no_delete")
        connection.execute(statement)
    connection.close()


def test_what_is_appended_is_found_by_its_subject_and_its_session(log):
    event = log.append(happening(subject="cd" * 16, details={"kind": "reminder"}))
    log.append(happening(session="ef" * 32))
    assert log.of_subject("cd" * 16) == [event]
    assert log.of_session("ab" * 32) == [event]
    assert event.details["kind"] == "reminder"


def test_records_and_notices_share_a_file_and_neither_breaks_the_other(log, path):
    with Ledger(path) as ledger:
        log.append(happening())
        ledger.append(disclosure=Disclosure.new(system="S"), sha256="ab" * 32, media_type="image/png", marks=())
        log.append(happening())
        assert ledger.verify().is_intact
        assert (log.verify().is_intact, log.verify().entries) == (True, 2)


def test_events_can_be_neither_changed_nor_deleted(log, path):
    log.append(happening())
    with sqlite3.connect(path) as connection:
        for statement in ("UPDATE notice_events SET state = 'shown'", "DELETE FROM notice_events"):
            with pytest.raises(sqlite3.IntegrityError, match="append-only"):
                connection.execute(statement)
    connection.close()


FORGERIES = {
    "a changed body": ("UPDATE notice_events SET body = replace(body, 'sent', 'shown') WHERE number = 2", 2),
    "a deleted event": ("DELETE FROM notice_events WHERE number = 2", 2),
    "a changed state": ("UPDATE notice_events SET state = 'shown' WHERE number = 3", 3),
    "an opening made up": ("UPDATE notice_events SET opening = 1 WHERE number = 1", 1),
}


@pytest.mark.parametrize("forgery", FORGERIES)
def test_tampering_is_found_at_its_place(forgery, log, path):
    for _ in range(4):
        log.append(happening())
    statement, place = FORGERIES[forgery]
    forge(path, statement)
    check = log.verify()
    assert not check.is_intact
    assert check.broken_at == place


def test_an_event_that_cannot_be_read_is_named(log, path):
    event = log.append(happening())
    forge(path, "UPDATE notice_events SET body = '{}'")
    with pytest.raises(LedgerError, match="not what was appended"):
        log.of_subject(event.subject)


def test_of_eight_threads_that_take_the_same_step_one_does(log):
    def once(earlier):
        return [] if earlier else [happening(subject="cd" * 16)]

    with ThreadPoolExecutor(8) as executor:
        list(executor.map(lambda _: log.advance("cd" * 16, once), range(40)))
    assert len(log.of_subject("cd" * 16)) == 1


def _append_thirty(path):
    with Ledger(path) as ledger:
        log = NoticeLog(ledger)
        with ThreadPoolExecutor(8) as executor:
            list(executor.map(lambda _: log.append(happening()), range(30)))


def test_eight_threads_in_each_of_two_processes_keep_the_chain(log, path):
    context = multiprocessing.get_context("spawn")
    processes = [context.Process(target=_append_thirty, args=(path,)) for _ in range(2)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(60)
    check = log.verify()
    assert (check.is_intact, check.entries) == (True, 60)
