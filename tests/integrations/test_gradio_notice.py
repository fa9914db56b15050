"""The notice of a Gradio app in a real browser, and what the ledger then knows of it."""

import threading
import time

import gradio
import pytest
from browsers import running_browser
from gradio_client import Client
from pictures import photograph

from disclose.demo import app
from disclose.integrations.gradio import disclosed
from disclose.integrations.gradio_notice import SIGNAL
from disclose.ledger.notices import State
from disclose.notice import ELEMENT_ID

SYSTEM = "Acme Studio"


@pytest.fixture(scope="module")
def browser():
    with running_browser() as running:
        yield running


@pytest.fixture
def served(profile, tmp_path, monkeypatch):
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path / "cache"))
    demo = app_that_draws(profile)
    yield app.serve(demo, prevent_thread_lock=True, quiet=True, show_error=True), demo
    demo.close(verbose=False)
    demo.server.force_exit = True  # a browser keeps its connections
    demo.server.thread.join()


def app_that_draws(profile):
    def draw():
        """Draw a picture."""
        return photograph(width=384, height=384)

    with gradio.Blocks() as demo:
        shown = gradio.Image(format="png", elem_id="shown")
        gradio.Button("Draw").click(draw, None, shown, api_name="draw")
    return disclosed(demo, profile, system=SYSTEM)


def opened(browser, address):
    page = browser.new_context(locale="de-AT").new_page()
    page.set_default_timeout(20_000)
    page.goto(address)
    page.get_by_role("dialog").wait_for()
    return page


def states(profile, demo):
    """Return what is on record of each session of *demo*, oldest first."""
    proof = profile.notices()
    return [[event.state for event in proof.history(session)] for session in demo.state_holder.session_data]


def eventually(profile, demo, *expected):
    deadline = time.monotonic() + 15
    while time.monotonic() < deadline and list(expected) not in states(profile, demo):
        time.sleep(0.05)
    assert list(expected) in states(profile, demo)


def test_what_a_person_sees_acknowledges_and_gets_is_on_record_in_this_order(browser, served, profile):
    address, demo = served
    page = opened(browser, address)
    eventually(profile, demo, State.SENT, State.SHOWN)
    page.keyboard.press("Enter")
    eventually(profile, demo, State.SENT, State.SHOWN, State.ACKNOWLEDGED)
    page.get_by_role("button", name="Draw").click()
    page.locator("#shown img").wait_for()
    eventually(profile, demo, State.SENT, State.SHOWN, State.ACKNOWLEDGED, State.OUTPUT)
    assert profile.notices().outputs_before_notice(state="acknowledged") == []


def test_after_a_reload_the_badge_is_what_is_seen(browser, served, profile):
    address, demo = served
    page = opened(browser, address)
    page.keyboard.press("Enter")
    eventually(profile, demo, State.SENT, State.SHOWN, State.ACKNOWLEDGED)
    page.reload()
    page.get_by_role("region").first.wait_for()
    eventually(profile, demo, State.SENT, State.SHOWN)
    assert page.get_by_role("dialog").count() == 0


def test_a_claim_without_the_nonce_is_not_on_record(served, profile):
    address, demo = served
    client = Client(address, verbose=False, download_files=False)
    try:
        assert client.predict("0" * 32, "0" * 32, "acknowledged", api_name=f"/{SIGNAL}") is False
        assert client.predict("0" * 32, "0" * 32, "hacked", api_name=f"/{SIGNAL}") is False
        client.predict(api_name="/draw")
        described = client.view_api(return_format="dict")["named_endpoints"]
    finally:
        client.close()
    assert [State.OUTPUT] in states(profile, demo)
    assert len(profile.notices().outputs_before_notice()) == 1
    assert f"/{SIGNAL}" not in described
    assert described["/draw"]["description"].startswith("Draw a picture.")
    assert "You are interacting with an AI system." in described["/draw"]["description"]


@pytest.fixture
def mounted(profile, tmp_path, monkeypatch):
    import uvicorn
    from fastapi import FastAPI

    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path / "cache"))
    demo = app_that_draws(profile)
    site = gradio.mount_gradio_app(FastAPI(), demo, path="/studio")
    server = uvicorn.Server(uvicorn.Config(site, host="127.0.0.1", port=0, log_level="warning"))
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        time.sleep(0.02)
    (port,) = (one.getsockname()[1] for one in server.servers[0].sockets)
    yield f"http://127.0.0.1:{port}/studio/", demo
    server.should_exit = True
    thread.join()


def test_a_mounted_app_proves_its_notice_too(browser, mounted, profile):
    address, demo = mounted
    page = opened(browser, address)
    page.keyboard.press("Enter")
    eventually(profile, demo, State.SENT, State.SHOWN, State.ACKNOWLEDGED)
    page.context.close()


def test_the_notice_is_laid_out_in_the_direction_of_its_language(browser, served):
    address, _ = served
    page = browser.new_context(locale="ar-EG").new_page()
    page.set_default_timeout(20_000)
    page.goto(address)
    page.get_by_role("dialog").wait_for()
    host = page.locator(f"#{ELEMENT_ID}")
    assert (host.get_attribute("lang"), host.get_attribute("dir")) == ("ar", "rtl")


def test_the_focus_stays_in_the_notice_until_it_is_answered(browser, served):
    address, _ = served
    page = opened(browser, address)
    for key in ("Tab", "Tab", "Shift+Tab"):
        page.keyboard.press(key)
        assert page.evaluate("document.activeElement.id || document.activeElement.tagName") in (ELEMENT_ID, "BODY")
