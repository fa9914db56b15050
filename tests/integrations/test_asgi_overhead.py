"""What the ASGI door spares responses that it has little to do for, and that nothing slips through by it."""

import contextvars
import gc
import sys
import weakref
from pathlib import Path

import pytest
from anyio import to_thread
from asgi_messages import PAGE, answering, ask, picture
from hypothesis import example, given
from hypothesis import strategies as st

import disclose
from disclose import Outcome, Profile
from disclose.integrations import asgi, endpoint
from disclose.integrations.asgi import DiscloseMiddleware

# The benchmarks are run from the repository and not installed.
sys.path.insert(0, str(Path(__file__).parents[2]))

from benchmarks.asgi import judged
from benchmarks.asgi_traffic import chat_events

CHAT = list(chat_events(1, 9))


def test_a_picture_that_is_also_called_a_text_is_marked(tmp_path):
    profile = Profile(folder=tmp_path)
    inner = answering(picture(), "image/png", headers=[(b"content-type", b"text/plain")])
    body = ask(DiscloseMiddleware(inner, profile, media=("image/*",))).body
    assert disclose.verify(body, profile).outcome is Outcome.DISCLOSED


TEXT, WEB_PAGE = (b"content-type", b"text/plain"), (b"content-type", b"text/html")
EXPOSES = (b"access-control-expose-headers", b"x-own")
HEADERS = st.lists(
    st.sampled_from(
        [
            *((name, value) for name in (b"content-type", b"Content-Type") for value in (b"text/plain", b"text/html")),
            (b"ai-disclosure", b"mode=human-led"),
            (b"AI-Disclosure", b"mode=human-led"),
            EXPOSES,
            (b"etag", b'"1"'),
            (b"x-own", b"1"),
            (b"ai-disclosure", b"text/plain"),
        ]
    ),
    max_size=4,
)


@example([([TEXT, WEB_PAGE], 200, False), ([WEB_PAGE], 200, False)])
@example([([TEXT, EXPOSES], 200, False)] * 2)
@example([([TEXT], 200, False), ([TEXT], 200, True)])
@given(st.lists(st.tuples(HEADERS, st.sampled_from([200, 206, 404]), st.booleans()), min_size=2, max_size=6))
def test_a_response_leaves_as_it_would_have_left_first(answers):
    """What earlier responses needed is remembered, and decides nothing that it should not."""
    waiting = []

    async def app(scope, receive, send):
        headers, status, _ = waiting[0]
        await send({"type": "http.response.start", "status": status, "headers": list(headers)})
        await send({"type": "http.response.body", "body": PAGE})

    lasting = DiscloseMiddleware(app, system="Acme")
    for answer in answers:
        waiting[:] = [answer]
        asking = {"Origin": "https://elsewhere.example"} if answer[2] else {}
        once, again = (ask(door, headers=asking) for door in (DiscloseMiddleware(app, system="Acme"), lasting))
        assert (again.raw_headers, again.body) == (once.raw_headers, once.body)


@pytest.mark.parametrize("kind", [list, tuple])
def test_headers_may_be_lists_of_two_as_in_the_examples_of_servers(kind):
    own = [kind(header) for header in ([b"content-type", b"text/plain"], [b"content-length", b"2"])]

    async def app(scope, receive, send):
        await send({"type": "http.response.start", "status": 200, "headers": kind(own)})
        await send({"type": "http.response.body", "body": b"ok"})

    lasting = DiscloseMiddleware(app, system="Acme")
    assert [ask(lasting).headers["ai-disclosure"] for _ in range(2)] == ["mode=ai-originated"] * 2


def test_no_more_than_so_many_headers_are_remembered():
    door = DiscloseMiddleware(answering(), system="Acme")
    for number in range(2 * asgi.MOST_REMEMBERED):
        for app in (answering(headers=[(b"x-%d" % number, b"1")]), answering(content_type=f"text/x-{number}")):
            door.app = app
            assert ask(door).headers["ai-disclosure"]
    assert len(door._harmless) <= asgi.MOST_REMEMBERED
    assert len(door._harmless_types) <= asgi.MOST_REMEMBERED


def test_what_outlives_a_request_does_not_keep_it_alive_and_answers_nothing_in_its_name():
    disclose.marked(system="Acme")(len)
    copied, requests = [], []

    async def app(scope, receive, send):
        copied.append(contextvars.copy_context())
        requests.append(weakref.ref(endpoint.current()))
        await answering()(scope, receive, send)

    ask(DiscloseMiddleware(app, system="Acme"))
    gc.collect()
    assert requests[0]() is None
    assert copied[0].run(endpoint.current) is None


@pytest.mark.parametrize(("cookie", "begun"), [("", 1), ("disclose-session=" + "0" * 32, 3)])
def test_texts_begin_without_a_thread_once_the_ledger_is_open_and_no_session_is_to_be_noted(
    tmp_path, monkeypatch, cookie, begun
):
    found = []
    run_sync = to_thread.run_sync

    async def noted(function, *arguments):
        found.append(getattr(function, "__name__", "ended"))
        return await run_sync(function, *arguments)

    monkeypatch.setattr(to_thread, "run_sync", noted)
    app = DiscloseMiddleware(answering(content_type="text/event-stream", chunks=CHAT), Profile(folder=tmp_path))
    for _ in range(3):
        assert ask(app, headers={"Cookie": cookie} if cookie else {}).body.count(b"ai_disclosure") == 2
    assert found.count("begun") == begun


def test_a_bar_inside_the_interval_is_open():
    assert judged([0.9, 1.0, 1.1] * 4, at_most=1.0)["met"] is None
    assert judged([0.9] * 12, at_most=1.0)["met"] is True
    assert judged([0.9] * 12, at_least=1.0)["met"] is False
