"""What the ASGI door spares responses that it has little to do for, and that nothing slips through by it."""

import sys
from pathlib import Path

import pytest
from anyio import to_thread
from asgi_messages import answering, ask, picture

import disclose
from disclose import Outcome, Profile
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
