"""A whole conversation in a Gradio app: whom the notice is for, when it comes again, and who is in charge."""

import gradio
import pytest
from browsers import running_browser
from gradio_client import Client
from gradio_pages import Clock, chat, come_back, eventually, on_record, opened, serving

from disclose.errors import DiscloseError, ProfileError
from disclose.integrations.gradio import Conversation, disclosed, hand_back, take_over
from disclose.ledger.notices import State
from disclose.notice import Notice, Wording, wording

SYSTEM = "Acme Studio"
COMPANION = {"conditions": ("companion",), "jurisdictions": ("new-york",)}


@pytest.fixture(scope="module")
def browser():
    with running_browser() as running:
        yield running


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path / "cache"))


def talk(message, history):
    said = [{"role": "user", "content": message}, {"role": "assistant", "content": "Hello."}]
    return [*(history or []), *said]


def companion(profile, conversation, **others):
    return disclosed(chat(talk, **others), profile, system=SYSTEM, conversation=conversation)


def kinds(profile, demo):
    events = [event for session in on_record(profile, demo) for event in session]
    return [event.details["kind"] for event in events if event.state is State.SENT]


def states_of(profile, demo, kind):
    """Return what became of the notices of *kind*, over all sessions."""
    events = [event for session in on_record(profile, demo) for event in session]
    subjects = {event.subject for event in events if event.details.get("kind") == kind}
    return [event.state for event in events if event.subject in subjects]


def is_shown(page, text):
    return eventually(lambda: page.get_by_role("dialog").filter(has_text=text).count() == 1)


SENT_SHOWN_ACKNOWLEDGED = [State.SENT, State.SHOWN, State.ACKNOWLEDGED]
# The words that each conversation opens with, in the reader's language.
OPENINGS = {
    "agent": ({"conditions": ("agent",), "principal": "Ana Ruiz"}, {"principal": "Ana Ruiz"}),
    "child": ({"conditions": ("companion", "minor"), "jurisdictions": ("california", "eu")}, {}),
}


@pytest.mark.parametrize("kind", OPENINGS)
def test_the_first_notice_is_in_the_words_that_are_due(browser, profile, kind):
    said, values = OPENINGS[kind]
    demo = companion(profile, Conversation(**said))
    with serving(demo) as address:
        page = opened(browser, address, locale="de-AT")
        expected = wording(kind, "de", **values)
        is_shown(page, expected.headline)
        assert page.get_by_role("region").first.inner_text() == expected.headline
        page.keyboard.press("Enter")
        eventually(lambda: states_of(profile, demo, kind) == SENT_SHOWN_ACKNOWLEDGED)
        ((sent, *_),) = [events for events in on_record(profile, demo) if events]
        assert sent.details["language"] == "de"
        page.context.close()


def test_a_reminder_comes_when_it_is_due_without_a_reload(browser, profile):
    clock = Clock()
    demo = companion(profile, Conversation(clock=clock, **COMPANION))
    with serving(demo) as address:
        page = browser.new_context(locale="de-AT").new_page()
        page.set_default_timeout(20_000)
        page.clock.install()
        page.goto(address)
        page.get_by_role("dialog").wait_for()
        page.keyboard.press("Enter")
        eventually(lambda: State.ACKNOWLEDGED in states_of(profile, demo, "interaction"))
        clock.forward(hours=2, minutes=59)
        page.clock.fast_forward("02:59:00")
        assert page.get_by_role("dialog").count() == 0
        clock.forward(minutes=1)
        page.clock.fast_forward("01:30")
        is_shown(page, wording("reminder", "de", hours=3).headline)
        page.keyboard.press("Enter")
        eventually(lambda: states_of(profile, demo, "reminder") == SENT_SHOWN_ACKNOWLEDGED)
        assert page.get_by_role("dialog").count() == 0
        page.context.close()


def test_a_page_that_slept_asks_when_somebody_comes_back_to_it(browser, profile):
    clock = Clock()
    said = {"conditions": ("companion", "minor"), "jurisdictions": ("california",)}
    demo = companion(profile, Conversation(clock=clock, **said))
    with serving(demo) as address:
        page = opened(browser, address)
        page.keyboard.press("Enter")
        eventually(lambda: State.ACKNOWLEDGED in states_of(profile, demo, "child"))
        clock.forward(hours=7)
        come_back(page)
        is_shown(page, wording("reminder_minor", "en", hours=7).long)
        page.keyboard.press("Escape")
        eventually(lambda: states_of(profile, demo, "reminder_minor") == SENT_SHOWN_ACKNOWLEDGED)
        page.context.close()


def test_a_reload_neither_loses_a_reminder_nor_begins_its_time_anew(browser, profile):
    clock = Clock()
    demo = companion(profile, Conversation(clock=clock, **COMPANION))
    with serving(demo) as address:
        page = opened(browser, address)
        page.keyboard.press("Enter")
        eventually(lambda: State.ACKNOWLEDGED in states_of(profile, demo, "interaction"))
        clock.forward(hours=2)
        page.reload()
        eventually(lambda: states_of(profile, demo, "interaction").count(State.SHOWN) == 2)
        assert page.get_by_role("dialog").count() == 0
        clock.forward(hours=1)
        # The page is closed before the reminder, which has left already, can be seen.
        page.route("**/disclose_notice_due", lambda route: (route.fetch(), route.abort()))
        with page.expect_event("requestfailed"):
            come_back(page)
        assert states_of(profile, demo, "reminder") == [State.SENT]
        page.unroute("**/disclose_notice_due")
        page.reload()
        is_shown(page, wording("reminder", "en", hours=3).headline)
        page.keyboard.press("Enter")
        eventually(lambda: states_of(profile, demo, "reminder") == SENT_SHOWN_ACKNOWLEDGED)
        page.context.close()


def test_after_seven_days_away_the_notice_is_shown_again(browser, profile):
    clock = Clock()
    said = {"conditions": ("mental_health",), "jurisdictions": ("utah",)}
    demo = companion(profile, Conversation(clock=clock, **said))
    with serving(demo) as address:
        page = opened(browser, address)
        page.keyboard.press("Enter")
        eventually(lambda: State.ACKNOWLEDGED in states_of(profile, demo, "interaction"))
        clock.forward(days=6)
        page.reload()
        eventually(lambda: kinds(profile, demo).count("interaction") == 2)
        assert page.get_by_role("dialog").count() == 0
        clock.forward(days=7)
        page.reload()
        is_shown(page, wording("interaction", "en").headline)
        page.context.close()


def test_a_session_that_nobody_remembers_is_told_again(browser, profile):
    demo = companion(profile, Conversation(**COMPANION))
    with serving(demo) as address:
        page = opened(browser, address)
        page.keyboard.press("Enter")
        page.evaluate("sessionStorage.setItem('disclose-notice-session', 'forgotten')")
        page.reload()
        is_shown(page, wording("interaction", "en").headline)
        page.context.close()


REASON = "Only our own machine learning engineers can reach this host."


def test_with_a_reason_there_is_no_dialog_and_the_reason_is_on_record(browser, profile):
    demo = companion(profile, Conversation(obvious=REASON))
    with serving(demo) as address:
        page = opened(browser, address)
        (events,) = eventually(lambda: [events for events in on_record(profile, demo) if events])
        assert [event.state for event in events] == [State.EXEMPT]
        assert (events[0].details["kind"], events[0].details["reason"]) == ("obvious", REASON)
        come_back(page)
        assert page.get_by_role("dialog").count() == 0
        page.context.close()
        client = Client(address, verbose=False)
        client.predict("Hi", [], api_name="/talk")
        client.close()
        assert len([events for events in on_record(profile, demo) if events]) == 2


def test_what_no_reason_waives_is_shown_all_the_same(browser, profile):
    said = {"conditions": ("companion", "minor"), "jurisdictions": ("california",), "obvious": REASON}
    demo = companion(profile, Conversation(**said))
    with serving(demo) as address:
        page = opened(browser, address)
        is_shown(page, wording("child", "en").headline)
        page.context.close()


REFUSED = [
    ({"obvious": "yes"}, "no reason"),
    ({"conditions": ("companoin",)}, "companion"),
    ({"conditions": ("agent",)}, "principal"),
    ({"principal": "Ana Ruiz"}, "'agent'"),
    ({"conditions": ("agent",), "principal": "Ana\nRuiz"}, "principal"),
    ({"jurisdictions": ("new-yrok",)}, "new-york"),
    ({"conditions": "minor"}, "several"),
]


@pytest.mark.parametrize(("said", "reason"), REFUSED)
def test_what_cannot_be_said_of_a_conversation_is_refused_at_once(said, reason):
    with pytest.raises(ProfileError, match=reason):
        Conversation(**said)


def test_words_of_one_s_own_for_an_agent_name_its_principal(profile):
    own = Notice(wording={"en": Wording(headline="This is an AI system.", detail="No human.", button="OK", label="AI")})
    with pytest.raises(ProfileError, match="Ana Ruiz"):
        disclosed(
            chat(talk),
            profile,
            system=SYSTEM,
            notice=own,
            conversation=Conversation(conditions=("agent",), principal="Ana Ruiz"),
        )


def ana_comes(request: gradio.Request):
    take_over(request, human="Ana Ruiz")


def ana_goes(request: gradio.Request):
    hand_back(request)


def test_while_a_person_is_in_charge_no_badge_stands_and_then_the_system_says_again_what_it_is(browser, profile):
    clock = Clock()
    demo = companion(profile, Conversation(clock=clock, **COMPANION), come=ana_comes, go=ana_goes)
    with serving(demo) as address:
        page = opened(browser, address)
        badge = page.get_by_role("region", name="AI notice")
        page.keyboard.press("Enter")
        page.get_by_role("button", name="come").click()
        badge.wait_for(state="hidden")
        page.reload()
        badge.wait_for(state="hidden")
        clock.forward(hours=5)
        come_back(page)
        page.get_by_role("button", name="go").click()
        is_shown(page, wording("interaction", "en").headline)
        page.keyboard.press("Enter")
        badge.wait_for()
        assert "reminder" not in kinds(profile, demo)
        page.context.close()


def said_to(client, message, history):
    messages = client.predict(message, history, api_name="/talk")
    return messages, [_text(one["content"]) for one in messages if one["role"] == "assistant"]


def _text(content):
    return content if isinstance(content, str) else "".join(part["text"] for part in content)


def test_a_person_in_charge_answers_for_themselves_then_and_afterwards(profile):
    demo = companion(profile, Conversation(), come=ana_comes, go=ana_goes)
    answer = str(wording("answer", "en"))
    with serving(demo) as address:
        client = Client(address, verbose=False)
        history, said = said_to(client, "Are you a robot?", [])
        assert said[0].startswith(answer)
        client.predict(api_name="/come")
        history, said = said_to(client, "Are you a robot?", history)
        assert [text.startswith(answer) for text in said] == [True, False]
        client.predict(api_name="/go")
        history, said = said_to(client, "Are you a robot?", history)
        assert [text.startswith(answer) for text in said] == [True, False, True]
        client.close()


def test_outside_of_an_event_nobody_takes_over():
    with pytest.raises(DiscloseError, match="inside an event"):
        take_over("session", human="Ana Ruiz")


def test_a_session_that_is_not_there_cannot_be_taken_over(profile):
    heard = []

    def come():
        with pytest.raises(DiscloseError, match="no session 'nobody'"):
            take_over("nobody", human="Ana Ruiz")
        heard.append(True)

    with serving(companion(profile, Conversation(), come=come)) as address:
        client = Client(address, verbose=False)
        client.predict(api_name="/come")
        client.close()
    assert heard == [True]


def test_an_answer_counts_as_shown_once_it_is_in_view(browser, profile):
    demo = companion(profile, Conversation())
    with serving(demo) as address:
        page = opened(browser, address)
        page.keyboard.press("Enter")
        page.get_by_label("Message").fill("Are you a robot?")
        page.get_by_label("Message").press("Enter")
        page.locator("#chat").get_by_text(str(wording("answer", "en"))).first.wait_for()
        eventually(lambda: states_of(profile, demo, "answer") == [State.SENT, State.SHOWN])
        page.context.close()


def test_the_answer_of_a_program_is_sent_and_shown_to_nobody(profile):
    demo = companion(profile, Conversation())
    with serving(demo) as address:
        client = Client(address, verbose=False)
        said_to(client, "Are you a robot?", [])
        assert states_of(profile, demo, "answer") == [State.SENT]
        client.close()
