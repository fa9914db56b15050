"""What people do with a picture in a Gradio app, in a real browser: wait for it, download it, save it, drag it."""

import itertools
import threading

import gradio
import pytest
from browsers import running_browser
from gradio_pages import REVIEWED
from pictures import photograph

from disclose import Outcome, verify
from disclose.demo import app
from disclose.integrations.gradio import disclosed
from disclose.marker import Marker

SHOWN = "#shown img"


@pytest.fixture(scope="module")
def browser():
    with running_browser() as running:
        yield running


@pytest.fixture
def page(browser, profile, tmp_path, monkeypatch):
    """A page on which a picture has just been drawn."""
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path / "cache"))
    turns = itertools.count()
    draw = lambda: photograph(width=384, height=384).rotate(90 * next(turns))  # noqa: E731
    with gradio.Blocks() as demo:
        shown = gradio.Image(elem_id="shown")
        gradio.Button("Draw").click(draw, None, shown)
    disclosed(demo, profile, notice=False, conversation=REVIEWED, system="Acme Studio")
    address = app.serve(demo, prevent_thread_lock=True)
    opened = browser.new_context(accept_downloads=True).new_page()
    opened.set_default_timeout(20_000)
    opened.goto(address)
    opened.get_by_role("button", name="Draw").click()
    opened.locator(SHOWN).wait_for()
    yield opened
    opened.context.close()
    demo.close(verbose=False)
    demo.server.force_exit = True  # a browser keeps its connections
    demo.server.thread.join()


def test_the_progress_stays_on_while_the_picture_is_being_marked(page, monkeypatch):
    mark, begun, go_on = Marker.mark, threading.Event(), threading.Event()

    def slow(*args, **kwargs):
        begun.set()
        assert go_on.wait(20)
        return mark(*args, **kwargs)

    monkeypatch.setattr(Marker, "mark", slow)
    page.get_by_role("button", name="Draw").click()
    assert begun.wait(20)
    progress = page.locator("#shown .progress-text")
    progress.wait_for()
    page.wait_for_timeout(1500)
    assert progress.is_visible()
    go_on.set()
    progress.wait_for(state="hidden")


def fetched(page, address):
    """Return the bytes that the page itself gets from *address*."""
    script = "async address => [...new Uint8Array(await (await fetch(address)).arrayBuffer())]"
    return bytes(page.evaluate(script, address))


def test_what_the_download_button_saves_is_disclosed(page, profile, tmp_path):
    page.locator("#shown").hover()
    with page.expect_download() as waiting:
        page.locator("#shown").get_by_role("button", name="Download").or_(
            page.locator("#shown a[download]")
        ).first.click()
    saved = tmp_path / "saved"
    waiting.value.save_as(saved)
    assert verify(saved, profile).outcome is Outcome.DISCLOSED


def test_what_the_browser_saves_of_the_picture_is_the_marked_file(page, profile):
    address = page.locator(SHOWN).evaluate("image => image.currentSrc")
    data = fetched(page, address)
    assert verify(data, profile).outcome is Outcome.DISCLOSED
    assert page.context.request.get(address).body() == data


def test_what_is_dragged_out_of_the_page_is_the_marked_file(page, profile):
    page.evaluate(
        """() => addEventListener("dragstart", ({ dataTransfer }) => {
             window.dragged = dataTransfer.getData("text/uri-list");
           })"""
    )
    box = page.locator(SHOWN).bounding_box()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] / 2 + 60, box["y"] + box["height"] / 2 + 60, steps=8)
    page.wait_for_function("window.dragged")
    address = page.evaluate("window.dragged")
    page.mouse.up()
    assert verify(fetched(page, address), profile).outcome is Outcome.DISCLOSED
