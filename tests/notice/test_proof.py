import stat
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest

from disclose.disclosure import Identifier
from disclose.errors import InputError, LedgerError
from disclose.ledger import Ledger
from disclose.notice.proof import NoticeProof
from disclose.notice.pseudonym import SessionKeys
from disclose.notice.schedule import Schedule
from disclose.notice.session import NoticeSession

BEGIN = datetime(2027, 3, 1, 9, tzinfo=UTC)
NAME = "203.0.113.7 / jane@example.org"


@pytest.fixture
def proof(tmp_path):
    with Ledger(tmp_path / "ledger.sqlite") as ledger:
        yield NoticeProof.open(ledger, tmp_path)


def begin(name=NAME, **said):
    return NoticeSession.begin(name, BEGIN, **said)


def send(proof, session, *jurisdictions):
    due = Schedule.load(*jurisdictions or ("eu",)).due(session, BEGIN)[0]
    return proof.sent(session, due, language="de"), session.delivered(due, BEGIN)


def states(proof, session=NAME):
    return [event.state.value for event in proof.history(session)]


def test_a_notice_is_sent_then_shown_then_acknowledged(proof):
    notice, _ = send(proof, begin())
    assert states(proof) == ["sent"]
    proof.shown(notice.id, notice.nonce)
    assert states(proof) == ["sent", "shown"]
    proof.acknowledged(notice.id, notice.nonce)
    assert states(proof) == ["sent", "shown", "acknowledged"]
    assert proof.history(NAME)[0].details["language"] == "de"


def test_what_is_acknowledged_was_shown(proof):
    notice, _ = send(proof, begin())
    proof.acknowledged(notice.id, notice.nonce)
    assert states(proof) == ["sent", "shown", "acknowledged"]


def test_a_signal_that_comes_twice_stands_once(proof):
    notice, _ = send(proof, begin())
    with ThreadPoolExecutor(8) as executor:
        list(executor.map(lambda _: proof.shown(notice.id, notice.nonce), range(16)))
    assert states(proof) == ["sent", "shown"]


def test_a_claim_without_the_nonce_of_the_notice_is_refused(proof):
    notice, _ = send(proof, begin())
    other, _ = send(proof, begin("another"))
    for claimed, nonce in [
        (notice.id, ""),
        (notice.id, other.nonce),
        (notice.id, None),
        (notice.id, "\ud800"),
        (notice.id, proof.history(NAME)[0].details["nonce_sha256"]),
        ("0" * 32, notice.nonce),
        (None, None),
    ]:
        with pytest.raises(InputError, match="refused"):
            proof.shown(claimed, nonce)
    assert states(proof) == ["sent"]


def test_the_nonce_is_nowhere_on_disk(proof, tmp_path):
    notice, _ = send(proof, begin())
    for path in tmp_path.iterdir():
        assert notice.nonce.encode() not in path.read_bytes()


def test_an_output_that_left_before_its_notice_was_shown_is_found(proof):
    early, late = Identifier.new(), Identifier.new()
    notice, session = send(proof, begin())
    proof.output(session, early)
    assert proof.outputs_before_notice(state="sent") == []
    proof.shown(notice.id, notice.nonce)
    proof.output(session, late)
    assert [event.subject for event in proof.outputs_before_notice()] == [str(early)]
    assert [event.subject for event in proof.outputs_before_notice(NAME)] == [str(early)]
    assert proof.outputs_before_notice("another") == []


def test_a_reminder_that_was_shown_does_not_stand_for_the_first_notice(proof):
    companion = begin(conditions=["companion"])
    schedule = Schedule.load("new-york")
    reminder = next(due for due in schedule.due(companion, BEGIN + timedelta(hours=4)) if due.kind == "reminder")
    notice = proof.sent(companion, reminder, language="en")
    proof.shown(notice.id, notice.nonce)
    proof.output(companion, Identifier.new())
    assert len(proof.outputs_before_notice()) == 1


def test_each_encounter_needs_a_notice_of_its_own(proof):
    notice, session = send(proof, begin())
    proof.shown(notice.id, notice.nonce)
    proof.output(session, Identifier.new())
    again = session.taken_over("Ada Novak", BEGIN).handed_back(BEGIN)
    proof.output(again, Identifier.new())
    assert len(proof.outputs_before_notice()) == 1


def test_the_reason_to_go_without_is_on_record_and_counts_from_then_on(proof):
    session = begin(m2m="The forecast feeds the dispatcher's database and nobody reads it.")
    proof.output(session, Identifier.new())
    proof.exempt(session)
    proof.output(session, Identifier.new())
    assert len(proof.outputs_before_notice()) == 1
    assert "dispatcher" in proof.history(NAME)[1].details["reason"]
    with pytest.raises(ValueError, match="without a reason"):
        proof.exempt(begin())


def test_no_file_holds_the_session_s_id(proof, tmp_path):
    notice, session = send(proof, begin(conditions=["agent"], principal="Lea Blum"))
    proof.acknowledged(notice.id, notice.nonce)
    proof.output(session, Identifier.new())
    for path in tmp_path.iterdir():
        for words in (NAME, "jane", "203.0.113", "Lea Blum"):
            assert words.encode() not in path.read_bytes()


def test_a_session_that_was_forgotten_cannot_be_found_again_and_the_chain_holds(proof, tmp_path):
    notice, session = send(proof, begin())
    proof.output(session, Identifier.new())
    pseudonym = proof.history(NAME)[0].session
    assert proof.forget(NAME)
    assert not proof.forget(NAME)
    assert proof.history(NAME) == []
    assert SessionKeys(tmp_path / "sessions.sqlite").pseudonym(NAME) != pseudonym
    # What is on record stays there, under a name that leads to nobody.
    assert [event.session for event in proof.outputs_before_notice()] == [pseudonym]
    assert proof._log.verify().is_intact
    # And the client's signal still finds its notice.
    proof.shown(notice.id, notice.nonce)


def test_after_a_retention_period_all_older_links_are_cut(tmp_path):
    keys = SessionKeys(tmp_path / "keys.sqlite")
    name = keys.pseudonym("old")
    assert keys.forget_before(datetime.now(UTC) - timedelta(days=1)) == 0
    assert keys.find("old") == name
    assert keys.forget_before(datetime.now(UTC) + timedelta(seconds=1)) == 1
    assert keys.find("old") is None
    with pytest.raises(ValueError, match="time zone"):
        keys.forget_before(datetime(2027, 1, 1))  # noqa: DTZ001


def test_a_deleted_key_is_overwritten_in_its_file(tmp_path):
    path = tmp_path / "keys.sqlite"
    keys = SessionKeys(path)
    keys.pseudonym("a")
    with keys._connection() as connection:
        (key,) = connection.execute("SELECT key FROM keys").fetchone()
    assert key in path.read_bytes()
    keys.forget("a")
    assert all(key not in one.read_bytes() for one in tmp_path.iterdir())


def test_only_its_owner_may_read_the_keys(tmp_path):
    path = tmp_path / "keys.sqlite"
    SessionKeys(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_eight_threads_that_meet_a_new_session_call_it_the_same(tmp_path):
    with ThreadPoolExecutor(8) as executor:
        names = set(executor.map(lambda _: SessionKeys(tmp_path / "keys.sqlite").pseudonym("a"), range(24)))
    assert len(names) == 1


def test_keys_that_cannot_be_used_stop_the_notice_and_name_the_file(tmp_path):
    path = tmp_path / "keys.sqlite"
    path.write_bytes(b"this is no database" * 100)
    with pytest.raises(LedgerError, match=r"keys\.sqlite"):
        SessionKeys(path)
