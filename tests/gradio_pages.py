"""Gradio apps that are served for a test, a clock that can be set, and pages as their readers see them."""

import socket
import time
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import gradio
from gradio_client import Client

from disclose.demo import app
from disclose.integrations.gradio import Conversation

OF_MESSAGES = {} if app._SIX else {"type": "messages"}
REVIEWED = Conversation(assistive="an editor reviews and sends whatever is drafted here")
"""A reason to show no notice."""


class Clock:
    """A clock that stands still until it is set forward."""

    def __init__(self):
        self.now = datetime(2026, 12, 1, 9, tzinfo=UTC)

    def __call__(self):
        return self.now

    def forward(self, **much):
        self.now += timedelta(**much)


@contextmanager
def serving(demo, **options):
    """Serve *demo* while the block lasts, and return its address."""
    try:
        yield app.serve(demo, _free_port(), prevent_thread_lock=True, quiet=True, show_error=True, **options)
    finally:
        demo.close(verbose=False)
        demo.server.force_exit = True  # a browser keeps its connections
        demo.server.thread.join()


class calling:  # noqa: N801
    """The client of *demo*, which is served meanwhile at ``address``."""

    def __init__(self, demo, *, download_files=True, **options):
        self.download_files = download_files
        self._served = serving(demo, **options)

    def __enter__(self):
        self.address = self._served.__enter__()
        self.client = Client(self.address, verbose=False, download_files=self.download_files)
        return self.client

    def __exit__(self, *error):
        self.client.close()
        self._served.__exit__(*error)


def _free_port():
    # Gradio takes the first port from 7860 that looks free, and so do other tests at the same moment.
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


def opened(browser, address, *, locale="en-US"):
    """Return the page at *address* in a window of its own, once its notice stands."""
    page = browser.new_context(locale=locale).new_page()
    page.set_default_timeout(20_000)
    page.goto(address)
    page.get_by_role("region").first.wait_for()
    return page


def come_back(page):
    """Let *page* think that somebody looks at it again."""
    page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")


def on_record(profile, demo):
    """Return what is on record of each session of *demo*, oldest first."""
    return [profile.notices().history(session) for session in demo.state_holder.session_data]


def eventually(found, seconds=15):
    """Wait until *found* returns something true, and return it."""
    deadline = time.monotonic() + seconds
    while not (answer := found()) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert answer
    return answer


def chat(talk, **others):
    """Return an app with a chat that *talk* answers, and a button for each of the *others*."""
    with gradio.Blocks() as demo:
        message, shown = gradio.Textbox(label="Message"), gradio.Chatbot(elem_id="chat", **OF_MESSAGES)
        message.submit(talk, [message, shown], shown, api_name="talk")
        for name, function in others.items():
            gradio.Button(name).click(function, None, None, api_name=name)
    return demo
