"""The notice of a Gradio app stays what it is under strict policies, in any theme and enlarged."""

import gradio
import pytest
from browsers import running_browser
from gradio_pages import OF_MESSAGES, eventually, on_record, opened, serving
from starlette.middleware import Middleware

from disclose.demo import app
from disclose.integrations.gradio import disclosed
from disclose.ledger.notices import State

# The strictest policy under which Gradio still works: neither inline scripts and styles nor eval.
POLICY = (
    "default-src 'none'; base-uri 'self'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self';"
    " font-src 'self'"
)


@pytest.fixture(scope="module")
def browser():
    with running_browser() as running:
        yield running


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path / "cache"))


class Policy:
    """Sends a Content-Security-Policy with every response of *app*."""

    def __init__(self, app, policy):
        self.app, self.policy = app, policy

    async def __call__(self, scope, receive, send):
        async def with_policy(message):
            if message["type"] == "http.response.start":
                header = (b"content-security-policy", self.policy.encode())
                message = {**message, "headers": [*message["headers"], header]}
            await send(message)

        await self.app(scope, receive, with_policy)


def app_that_talks(profile, **options):
    def talk(message, history):
        said = [{"role": "user", "content": message}, {"role": "assistant", "content": "Hello."}]
        return [*(history or []), *said]

    with gradio.Blocks(**options) as demo:
        message, shown = gradio.Textbox(label="Message"), gradio.Chatbot(elem_id="chat", **OF_MESSAGES)
        message.submit(talk, [message, shown], shown)
    return disclosed(demo, profile, system="Acme Studio")


def states(profile, demo):
    return [[event.state for event in events] for events in on_record(profile, demo) if events]


def test_under_the_strictest_policy_that_gradio_bears_the_notice_is_shown_and_proved(browser, profile):
    demo = app_that_talks(profile)
    options = {"app_kwargs": {"middleware": [Middleware(Policy, policy=POLICY)]}}
    with serving(demo, **options) as address:
        page = opened(browser, address)
        page.get_by_role("dialog").wait_for()
        assert page.get_by_role("dialog").bounding_box()["width"] <= 432
        page.keyboard.press("Enter")
        eventually(lambda: states(profile, demo) == [[State.SENT, State.SHOWN, State.ACKNOWLEDGED]], seconds=25)
        page.get_by_label("Message").fill("Hi")
        page.get_by_label("Message").press("Enter")
        page.locator("#chat").get_by_text("Hello.").wait_for()
        page.context.close()


HOSTILE = "* { font-size: 2px; color: transparent !important } div, dialog { display: none !important }"


def test_neither_a_theme_nor_hostile_styles_hide_it(browser, profile):
    looks = {"theme": gradio.themes.Monochrome(), "css": HOSTILE}
    demo = app_that_talks(profile, **({} if app._SIX else looks))
    with serving(demo, **(looks if app._SIX else {})) as address:
        page = opened(browser, address)
        page.wait_for_load_state("networkidle")
        for role, smallest in (("dialog", 16), ("region", 14)):
            text = page.get_by_role(role).locator("p, a").first
            text.wait_for()
            look = text.evaluate("one => [parseFloat(getComputedStyle(one).fontSize), getComputedStyle(one).color]")
            assert look[0] >= smallest
            assert text.bounding_box()["width"] >= 200
            assert look[1] not in ("rgba(0, 0, 0, 0)", "transparent")
            page.keyboard.press("Enter")
        page.context.close()


def test_at_twice_the_size_all_of_it_can_be_read_and_answered(browser, profile):
    demo = app_that_talks(profile)
    with serving(demo) as address:
        # What a window of 1280 by 720 is at 200 percent (WCAG 2.2, 1.4.4).
        page = browser.new_context(viewport={"width": 640, "height": 360}, device_scale_factor=2).new_page()
        page.set_default_timeout(20_000)
        page.goto(address)
        page.get_by_role("dialog").wait_for()
        for element in (page.get_by_role("dialog"), page.get_by_role("region").first):
            box = element.bounding_box()
            assert box["x"] >= 0
            assert box["x"] + box["width"] <= 640
            assert box["y"] >= 0
            assert box["y"] + box["height"] <= 360
        page.get_by_role("dialog").get_by_role("button").click()
        page.mouse.wheel(0, 2000)
        assert page.get_by_role("region").first.bounding_box()["y"] >= 0
        page.context.close()
