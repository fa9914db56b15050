"""``disclose ledger verify`` reads the chain of the notices too."""

import json
import sqlite3
from datetime import UTC, datetime

import pytest
from click.testing import CliRunner

from disclose.cli.ledger import ledger
from disclose.notice.schedule import Schedule
from disclose.notice.session import NoticeSession
from disclose.profile import Profile


@pytest.fixture
def recorded():
    """The file of a ledger with one notice in it."""
    session = NoticeSession.begin("a", datetime(2026, 12, 1, tzinfo=UTC))
    (due,) = Schedule.load("eu").due(session, session.clock)
    profile = Profile.load()
    profile.notices().sent(session, due, language="en")
    return profile.ledger().path


def verified(*options):
    return CliRunner().invoke(ledger, ["verify", *options])


def test_the_notices_are_checked_with_the_entries(recorded):
    done = verified("--json")
    found = json.loads(done.stdout)
    assert (done.exit_code, found["entries"], found["intact"]) == (0, 0, True)
    assert (found["notices"]["entries"], found["notices"]["intact"]) == (1, True)
    assert "1 notices, chain intact" in verified().stdout


def test_a_notice_that_was_changed_breaks_the_ledger(recorded):
    with sqlite3.connect(recorded) as connection:
        connection.execute("DROP TRIGGER notice_events_no_update")
        connection.execute("UPDATE notice_events SET body = replace(body, 'eu-first', 'eu-asked')")
    connection.close()
    done = verified()
    assert done.exit_code == 1
    assert "event 1 was changed" in done.stderr
    assert json.loads(verified("--json").stdout)["notices"]["intact"] is False
