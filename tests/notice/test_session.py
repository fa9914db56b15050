import json
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from disclose.errors import ProfileError
from disclose.notice.schedule import Schedule
from disclose.notice.session import NoticeSession, Sessions

BEGIN = datetime(2027, 3, 1, 9, tzinfo=UTC)
REASON = "Only our own engineers reach the console, and they built the model."


def begin(**said):
    return NoticeSession.begin("a conversation", BEGIN, **said)


@pytest.mark.parametrize("kind", ["obvious", "m2m", "assistive"])
@pytest.mark.parametrize("claim", [True, "", "   ", "yes", "internal only", 1])
def test_going_without_a_notice_takes_a_reason_in_writing(kind, claim):
    with pytest.raises(ProfileError, match="recorded: say"):
        begin(**{kind: claim})


@pytest.mark.parametrize("kind", ["obvious", "m2m", "assistive"])
def test_a_written_reason_is_kept_with_the_session(kind):
    exemption = begin(**{kind: f"  {REASON} "}).exemption
    assert (exemption.kind, exemption.reason) == (kind, REASON)


def test_one_reason_is_enough():
    with pytest.raises(ProfileError, match="one reason"):
        begin(obvious=REASON, m2m=REASON)


def test_false_and_none_are_no_claims():
    assert begin(obvious=None, m2m=False).exemption is None


@pytest.mark.parametrize("principal", [None, "", "  "])
def test_an_agent_without_its_principal_is_refused(principal):
    with pytest.raises(ProfileError, match="on whose behalf"):
        begin(conditions=["agent"], principal=principal)


def test_a_key_step_without_a_principal_is_refused():
    with pytest.raises(ProfileError, match="names a principal"):
        begin().step("reporting", BEGIN)
    with pytest.raises(ProfileError, match="did you mean 'validation'"):
        begin(conditions=["agent"], principal="Lea Blum").step("validaton", BEGIN)


def test_a_misspelt_condition_is_refused_by_name():
    with pytest.raises(ProfileError, match="did you mean 'companion'"):
        begin(conditions=["companoin"])


def test_a_person_who_takes_over_is_named():
    with pytest.raises(ProfileError, match="named"):
        begin().taken_over(" ", BEGIN)


def test_a_moment_without_a_time_zone_is_refused():
    with pytest.raises(ValueError, match="no time zone"):
        begin().turn(datetime(2027, 3, 1, 10))  # noqa: DTZ001


def test_a_time_zone_that_does_not_exist_is_refused():
    with pytest.raises(ProfileError, match="Mars"):
        begin(timezone="Mars/Olympus")


def test_handing_back_what_nobody_took_over_changes_nothing():
    session = begin()
    assert session.handed_back(BEGIN).encounter == session.encounter


_EVENTS = st.sampled_from(["turn", "asked", "joined", "taken_over", "handed_back", "step", "delivered"])


def happen(session, event, now):
    if event == "turn" or event == "asked":
        return session.turn(now, asked=event == "asked")
    if event == "taken_over":
        return session.taken_over("Ada Novak", now)
    if event == "step":
        return session.step("reporting", now)
    if event == "delivered":
        for due in Schedule.load().due(session, now):
            session = session.delivered(due, now)
        return session
    return getattr(session, event)(now)


@given(st.lists(st.tuples(_EVENTS, st.integers(-4000, 40_000)), max_size=25))
def test_a_session_written_and_read_back_is_the_same_and_owes_the_same(events):
    session, now = begin(conditions=["agent", "companion", "minor"], principal="Lea Blum"), BEGIN
    for event, seconds in events:
        now += timedelta(seconds=seconds)
        session = happen(session, event, now)
    read = NoticeSession.from_json(session.to_json())
    assert read == session
    schedule = Schedule.load()
    assert schedule.due(read, now) == schedule.due(session, now)


@given(st.lists(st.tuples(_EVENTS, st.integers(0, 40_000)), max_size=25))
def test_whatever_happened_nothing_is_left_to_say_once_all_is_delivered(events):
    session, now = begin(conditions=["agent", "companion", "minor"], principal="Lea Blum"), BEGIN
    for event, seconds in events:
        now += timedelta(seconds=seconds)
        session = happen(session, event, now)
    assert Schedule.load().due(happen(session, "delivered", now), now) == []


def test_sessions_survive_a_restart():
    sessions = Sessions(clock=lambda: BEGIN)
    schedule = Schedule.load("eu")
    (due,) = schedule.due(sessions.change("a", lambda session, now: session), BEGIN)
    sessions.change("a", lambda session, now: session.delivered(due, now))
    after = Sessions(clock=lambda: BEGIN + timedelta(hours=1))
    after.load_json(sessions.to_json())
    told = after.change("a", lambda session, now: session.turn(now))
    assert schedule.due(told, BEGIN + timedelta(hours=1)) == []


def test_eight_threads_lose_no_turn():
    lock, readings = threading.Lock(), iter(range(10**6))

    def clock():
        with lock:
            return BEGIN + timedelta(seconds=next(readings))

    sessions = Sessions(clock=clock)
    with ThreadPoolExecutor(8) as executor:
        list(executor.map(lambda _: sessions.change("a", lambda one, now: one.joined(now)), range(400)))
    last = sessions.change("a", lambda one, now: one)
    assert (last.encounter, last.steps_back) == (401, 0)


def test_a_session_that_was_forgotten_is_told_once_more():
    sessions = Sessions(limit=2, clock=lambda: BEGIN)
    for name in ("a", "b", "c"):
        sessions.change(name, lambda session, now: session.joined(now))
    assert [one["id"] for one in json.loads(sessions.to_json())] == ["b", "c"]
    assert sessions.change("a", lambda session, now: session).encounter == 1
    sessions.forget("a")
    assert [one["id"] for one in json.loads(sessions.to_json())] == ["c"]
