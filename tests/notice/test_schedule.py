from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from disclose.errors import ProfileError
from disclose.notice.schedule import Rule, Schedule
from disclose.notice.session import NoticeSession
from disclose.notice.wording import wording

BEGIN = datetime(2027, 3, 1, 9, tzinfo=UTC)
HOUR = timedelta(hours=1)
MINUTE = timedelta(minutes=1)


class Conversation:
    """A session, its schedule and a clock that the test turns."""

    def __init__(self, *jurisdictions, now=BEGIN, **said):
        self.schedule = Schedule.load(*jurisdictions)
        self.now = now
        self.session = NoticeSession.begin("a conversation", now, **said)

    def after(self, passed):
        self.now += passed
        return self

    def turn(self, **said):
        self.session = self.session.turn(self.now, **said)
        return self

    def due(self):
        return self.schedule.due(self.session, self.now)

    def kinds(self):
        return [due.kind for due in self.due()]

    def deliver(self):
        delivered = self.due()
        for due in delivered:
            self.session = self.session.delivered(due, self.now)
        return [due.kind for due in delivered]


def companion(*jurisdictions, minor=False, **said):
    return Conversation(*jurisdictions, conditions=("companion", *(["minor"] if minor else [])), **said)


def test_a_first_notice_is_due_before_the_first_turn_and_then_no_more():
    conversation = Conversation("eu")
    assert conversation.deliver() == ["interaction"]
    assert conversation.turn().after(9 * HOUR).kinds() == []


def test_a_notice_that_was_not_delivered_stays_due():
    conversation = Conversation("eu")
    for _ in range(3):
        assert conversation.after(HOUR).turn().kinds() == ["interaction"]


def test_a_question_about_its_nature_makes_an_answer_due_every_time():
    conversation = Conversation("eu")
    conversation.deliver()
    for _ in range(2):
        assert conversation.turn(asked=True).deliver() == ["answer"]
        assert conversation.turn().kinds() == []


def test_another_person_in_the_same_session_is_told_afresh():
    conversation = Conversation("eu")
    conversation.deliver()
    conversation.session = conversation.session.joined(conversation.now)
    assert conversation.deliver() == ["interaction"]
    assert conversation.kinds() == []


def test_while_a_named_person_is_in_charge_nothing_is_due_and_the_return_is_announced():
    conversation = companion("eu", "new-york")
    conversation.deliver()
    conversation.session = conversation.session.taken_over("Ada Novak", conversation.now)
    assert not conversation.session.badge
    assert conversation.after(9 * HOUR).turn(asked=True).kinds() == []
    conversation.session = conversation.session.handed_back(conversation.now)
    assert conversation.session.badge
    assert conversation.kinds() == ["interaction"]


def test_the_time_with_a_person_in_charge_does_not_count_as_use():
    conversation = companion("new-york")
    conversation.deliver()
    conversation.after(2 * HOUR)
    conversation.session = conversation.session.taken_over("Ada Novak", conversation.now)
    conversation.after(8 * HOUR)
    conversation.session = conversation.session.handed_back(conversation.now)
    conversation.deliver()
    assert conversation.after(59 * MINUTE).kinds() == []
    assert conversation.after(MINUTE).kinds() == ["reminder"]


@pytest.mark.parametrize(
    ("jurisdiction", "minor", "hours"),
    [("california", True, 3), ("new-york", False, 3), ("washington", False, 3), ("washington", True, 1)],
)
def test_use_that_goes_on_is_reminded_of_to_the_minute(jurisdiction, minor, hours):
    conversation = companion(jurisdiction, minor=minor)
    conversation.deliver()
    for _ in range(3):
        assert conversation.after(hours * HOUR - MINUTE).turn().kinds() == []
        assert conversation.after(MINUTE).turn().deliver() == ["reminder_minor" if minor else "reminder"]


def test_california_reminds_minors_only_and_of_a_break_too():
    adult, child = companion("california"), companion("california", minor=True)
    adult.deliver(), child.deliver()
    assert adult.after(4 * HOUR).kinds() == []
    (due,) = child.after(4 * HOUR).due()
    assert "take a break" in due.says
    assert due.clauses == ("California BPC 22602 (SB 243)",)


def test_one_reminder_serves_every_jurisdiction_that_wants_it_then():
    conversation = companion("california", "new-york", "washington", minor=True)
    conversation.deliver()
    (hourly,) = conversation.after(HOUR).due()
    assert hourly.names == ("washington-minor-reminder",)
    conversation.deliver()
    (all_three,) = conversation.after(2 * HOUR).due()
    assert set(all_three.names) == {
        "california-minor-reminder",
        "new-york-minor-reminder",
        "washington-minor-reminder",
    }
    assert (hourly.values, all_three.values) == ({"hours": 1}, {"hours": 3})


def test_new_york_begins_once_a_day_where_the_person_is():
    # 23:30 in New York, where the next day begins half an hour later and in UTC began hours ago.
    evening = datetime(2027, 3, 2, 4, 30, tzinfo=UTC)
    conversation = companion("new-york", now=evening, timezone="America/New_York")
    assert conversation.deliver() == ["interaction"]
    assert conversation.after(29 * MINUTE).turn().kinds() == []
    assert conversation.after(2 * MINUTE).turn().deliver() == ["interaction"]
    assert conversation.after(2 * HOUR).turn().kinds() == []


def test_washington_begins_with_the_year_2027():
    before = companion("washington", now=datetime(2026, 12, 30, tzinfo=UTC))
    assert before.kinds() == []
    assert before.after(timedelta(days=3)).kinds() == ["interaction", "reminder"]


def test_utah_tells_again_after_seven_days_of_absence_and_when_asked():
    conversation = Conversation("utah", conditions=("mental_health",))
    assert conversation.deliver() == ["interaction"]
    assert conversation.after(timedelta(days=6, hours=23)).turn().kinds() == []
    assert conversation.after(timedelta(days=7)).deliver() == ["interaction"]
    assert conversation.turn().kinds() == []
    assert conversation.after(timedelta(days=8)).turn().after(MINUTE).turn().deliver() == ["interaction"]
    assert conversation.turn(asked=True).deliver() == ["answer"]


def test_an_agent_names_its_principal_at_first_and_at_every_key_step():
    conversation = Conversation("eu", conditions=("agent",), principal="Lea Blum")
    (first,) = conversation.due()
    assert (first.kind, first.values["principal"]) == ("agent", "Lea Blum")
    conversation.deliver()
    conversation.session = conversation.session.step("authorisation", conversation.now)
    (due,) = conversation.due()
    assert (due.kind, due.values, due.steps) == ("agent", {"principal": "Lea Blum"}, ("authorisation",))
    conversation.deliver()
    assert conversation.kinds() == []


def test_an_exemption_lifts_the_rules_that_know_it_and_no_others():
    obvious = "The console is open to our own engineers, who built the model."
    assert Conversation("eu", obvious=obvious).kinds() == []
    assert Conversation("eu", obvious=obvious).turn(asked=True).kinds() == ["answer"]
    assert companion("new-york", obvious=obvious).kinds() == ["interaction"]
    machine = "The forecast feeds the dispatcher's database and nobody reads it."
    assert companion(m2m=machine).turn(asked=True).after(9 * HOUR).kinds() == []


def test_a_clock_that_goes_back_makes_reminders_early_and_never_late():
    conversation = companion("new-york")
    conversation.deliver()
    conversation.after(2 * HOUR).turn()
    assert "reminder" in conversation.after(-5 * HOUR).kinds()
    conversation.deliver()
    assert conversation.after(2 * HOUR).turn().kinds() == []
    assert "reminder" in conversation.after(HOUR).turn().kinds()


def test_two_machines_whose_clocks_differ_by_little_do_not_nag():
    conversation = companion("new-york")
    conversation.deliver()
    for _ in range(5):
        conversation.after(timedelta(seconds=1)).turn().after(timedelta(milliseconds=-300)).turn()
    assert conversation.kinds() == []


@given(st.lists(st.tuples(st.floats(0.1, 5000), st.floats(-9000, 9000), st.booleans()), max_size=40))
def test_no_reminder_is_lost_whatever_the_clock_does(history):
    """True seconds pass; the clock shows them plus whatever somebody did to it; doors come by now and then."""
    conversation = companion("washington", minor=True)
    conversation.deliver()
    since_last = 0.0
    for passed, adjusted, moves in history:
        since_last += passed
        conversation.after(timedelta(seconds=passed + (min(0.0, adjusted) if moves else 0.0)))
        went_back = moves and adjusted < -passed - 1
        told = "reminder_minor" in conversation.turn().deliver()
        if went_back or not any(moved and by < 0 for _, by, moved in history):
            assert told or since_last < 3600.001
        since_last = 0.0 if told else since_last


@given(st.integers(-12, 14), st.integers(0, 600))
def test_the_time_zone_that_a_moment_is_written_in_changes_nothing(offset, minutes):
    moment = BEGIN + minutes * MINUTE
    conversation = companion("new-york", "washington", minor=True)
    conversation.deliver()
    elsewhere = moment.astimezone(timezone(timedelta(hours=offset)))
    due = conversation.schedule.due
    assert due(conversation.session, moment) == due(conversation.session, elsewhere)


def test_asking_what_is_due_changes_nothing():
    conversation = companion()
    before = conversation.session.to_json()
    conversation.after(9 * HOUR).due()
    assert conversation.session.to_json() == before


def test_without_a_jurisdiction_the_rules_of_all_apply():
    assert {rule.jurisdiction for rule in Schedule.load().rules} > {"eu", "california", "new-york", "utah"}
    with pytest.raises(ProfileError, match="did you mean 'california'"):
        Schedule.load("californa")


def test_every_rule_has_a_clause_and_rules_that_clear_something_share_a_kind():
    rules = Schedule.load().rules
    assert all(rule.clause and rule.valid_from for rule in rules)
    for event in ("asked", "absence", "step"):
        assert len({rule.kind for rule in rules if rule.event == event}) == 1


@pytest.mark.parametrize("conditions", [("agent",), ("companion",), ("companion", "minor"), ("mental_health",)])
def test_there_are_words_for_everything_that_can_be_due(conditions):
    conversation = Conversation(conditions=conditions, principal="Lea Blum").after(200 * HOUR).turn(asked=True)
    for due in conversation.due():
        assert wording(due.kind, "de", **due.values).headline


def test_the_english_words_are_those_that_the_clauses_want():
    said = {
        "reminder_minor": ("take a break", "artificially generated and not human"),
        "reminder": ("not communicating with a human",),
    }
    for kind, wanted in said.items():
        words = str(wording(kind, "en", hours=3))
        assert all(one in words for one in wanted)
        assert any(set(wanted) & set(rule.says) for rule in Schedule.load().rules if rule.kind == kind)


@pytest.mark.parametrize(
    "wrong",
    [{"event": "sometimes"}, {"event": "period"}, {"event": "first", "period": 3.0}, {"when": frozenset({"tall"})}],
)
def test_a_rule_that_makes_no_sense_is_refused(wrong):
    usual = {
        "name": "x",
        "jurisdiction": "eu",
        "clause": "c",
        "event": "first",
        "kind": "k",
        "valid_from": BEGIN.date(),
    }
    with pytest.raises(ValueError, match="rule x"):
        Rule(**{**usual, **wrong})
