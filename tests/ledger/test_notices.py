import multiprocessing
import secrets
from concurrent.futures import ThreadPoolExecutor

import pytest
from ledgers import append, forge

from disclose.errors import LedgerError
from disclose.ledger import Ledger
from disclose.ledger.notices import Happening, NoticeLog, State


@pytest.fixture
def log(ledger):
    return NoticeLog(ledger)


def happening(state=State.SENT, *, session="ab" * 32, subject=None, **rest):
    return Happening(session=session, encounter=1, state=state, subject=subject or secrets.token_hex(16), **rest)


def test_what_is_appended_is_found_by_its_subject_and_its_session(log):
    event = log.append(happening(subject="cd" * 16, details={"kind": "reminder"}))
    log.append(happening(session="ef" * 32))
    assert log.of_subject("cd" * 16) == [event]
    assert log.of_session("ab" * 32) == [event]
    assert event.details["kind"] == "reminder"


def test_records_and_notices_share_a_database_and_neither_breaks_the_other(log, ledger):
    log.append(happening())
    append(ledger)
    log.append(happening())
    assert ledger.verify().is_intact
    assert (log.verify().is_intact, log.verify().entries) == (True, 2)


def test_events_can_be_neither_changed_nor_deleted(log, ledger):
    log.append(happening())
    for statement in ("UPDATE notice_events SET state = 'shown'", "DELETE FROM notice_events"):
        with pytest.raises(LedgerError, match="append-only"), ledger.connection(writing=True) as connection:
            connection.exec_driver_sql(statement)


FORGERIES = {
    "a changed body": ("UPDATE notice_events SET body = replace(body, 'sent', 'shown') WHERE number = 2", 2),
    "a deleted event": ("DELETE FROM notice_events WHERE number = 2", 2),
    "a changed state": ("UPDATE notice_events SET state = 'shown' WHERE number = 3", 3),
    "an opening made up": ("UPDATE notice_events SET opening = 1 WHERE number = 1", 1),
}


@pytest.mark.parametrize("forgery", FORGERIES)
def test_tampering_is_found_at_its_place(forgery, log, ledger):
    for _ in range(4):
        log.append(happening())
    statement, place = FORGERIES[forgery]
    forge(ledger, statement)
    check = log.verify()
    assert not check.is_intact
    assert check.broken_at == place


def test_an_event_that_cannot_be_read_is_named(log, ledger):
    event = log.append(happening())
    forge(ledger, "UPDATE notice_events SET body = '{}'")
    with pytest.raises(LedgerError, match="not what was appended"):
        log.of_subject(event.subject)


def test_of_eight_threads_that_take_the_same_step_one_does(log):
    def once(earlier):
        return [] if earlier else [happening(subject="cd" * 16)]

    with ThreadPoolExecutor(8) as executor:
        list(executor.map(lambda _: log.advance("cd" * 16, once), range(40)))
    assert len(log.of_subject("cd" * 16)) == 1


def _append_thirty(place):
    with Ledger(**place) as ledger:
        log = NoticeLog(ledger)
        with ThreadPoolExecutor(8) as executor:
            list(executor.map(lambda _: log.append(happening()), range(30)))


def test_eight_threads_in_each_of_two_processes_keep_the_tree(log, place):
    context = multiprocessing.get_context("spawn")
    processes = [context.Process(target=_append_thirty, args=(place,)) for _ in range(2)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(60)
    check = log.verify()
    assert (check.is_intact, check.entries) == (True, 60)
