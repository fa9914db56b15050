"""The Gradio notice for everybody: contrast, names, zoom, keyboard and forced colours, in a real browser (WCAG 2.2)."""

from pathlib import Path

import gradio
import pytest
from browsers import running_browser
from system_parts import need

from disclose import Profile
from disclose.demo import app
from disclose.integrations.gradio import disclosed
from disclose.notice import ELEMENT_ID

LOOKS = {
    "a phone": (320, 640, 1),
    "a window": (1280, 900, 1),
    # A browser that zooms lays out the same window in fewer and larger pixels.
    "a window at 200 %": (640, 450, 2),
    "a window at 400 %": (320, 256, 4),
}
SCHEMES = ("light", "dark")
HOST = f"document.getElementById('{ELEMENT_ID}')"
FOCUSED = f"{HOST}.shadowRoot.activeElement?.tagName"
# What is in the shadow root and cut off, or beyond the sides of the window.
CUT = f"""() => [...{HOST}.shadowRoot.querySelectorAll('*')].filter((element) => {{
  const box = element.getBoundingClientRect();
  const outside = box.width > 0 && (box.left < -0.5 || box.right > document.documentElement.clientWidth + 0.5);
  const style = getComputedStyle(element);
  const scrolls = style.overflowX === "auto" && element.scrollWidth > element.clientWidth;
  const clipped = style.overflowY !== "auto" && element.clientHeight && element.scrollHeight > element.clientHeight + 1;
  return outside || scrolls || clipped;
}}).map((element) => element.outerHTML)"""
# The contrast of every text with the background painted behind it, which axe-core leaves open where elements overlap.
CONTRASTS = f"""() => {{
  const numbers = (colour) => colour.match(/[0-9.]+/g).map(Number);
  const luminance = (colour) => numbers(colour).slice(0, 3).map((value) => value / 255)
    .map((value) => (value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4))
    .reduce((sum, value, index) => sum + value * [0.2126, 0.7152, 0.0722][index], 0);
  const behind = (element) => {{
    const colour = getComputedStyle(element).backgroundColor;
    return numbers(colour)[3] === 0 ? behind(element.parentElement) : colour;
  }};
  const says = (element) => [...element.childNodes].some((node) => node.nodeType === 3 && node.data.trim());
  return [...{HOST}.shadowRoot.querySelectorAll("*:not(style)")].filter(says).map((element) => {{
    const pair = [getComputedStyle(element).color, behind(element)].map(luminance);
    return [element.outerHTML, (Math.max(...pair) + 0.05) / (Math.min(...pair) + 0.05)];
  }});
}}"""
# How much wider the page is than the window because of the notice.
SIDEWAYS = f"""() => {{
  const page = document.documentElement, width = () => Math.max(page.scrollWidth, page.clientWidth);
  const before = width();
  {HOST}.style.setProperty("display", "none", "important");
  const without = width();
  {HOST}.style.setProperty("display", "block", "important");
  return before - without;
}}"""


@pytest.fixture(scope="module")
def browser():
    with running_browser() as running:
        yield running


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    folder = tmp_path_factory.mktemp("accessible")
    with gradio.Blocks() as demo:
        prompt = gradio.Textbox(label="Prompt")
        gradio.Button("Say").click(lambda text: text, prompt, gradio.Textbox(label="Said"), api_name="say")
    disclosed(demo, Profile(folder=folder / "home"), system="Acme Studio")
    yield app.serve(demo, prevent_thread_lock=True, quiet=True)
    demo.close(verbose=False)
    demo.server.force_exit = True  # a browser keeps its connections
    demo.server.thread.join()


def opened(browser, address, **options):
    page = browser.new_context(locale="de-AT", **options).new_page()
    page.set_default_timeout(20_000)
    page.goto(address)
    page.get_by_role("dialog").wait_for()
    return page


def framed(browser, address):
    page = browser.new_context(locale="de-AT").new_page()
    page.set_default_timeout(20_000)
    style = "border: 0; position: fixed; inset: 0; width: 100%; height: 100%"
    page.set_content(f'<html lang="en"><title>A page</title><iframe title="app" style="{style}" src="{address}">')
    page.frame_locator("iframe").get_by_role("region", name="KI-Hinweis").wait_for()
    return page, page.frames[1]


def looks(page):
    """Give the window of *page* every size, zoom and colour scheme, one after the other."""
    session = page.context.new_cdp_session(page)
    for name, (width, height, zoom) in LOOKS.items():
        metrics = {"width": width, "height": height, "deviceScaleFactor": zoom, "mobile": False}
        session.send("Emulation.setDeviceMetricsOverride", metrics)
        for scheme in SCHEMES:
            page.emulate_media(color_scheme=scheme)
            yield f"{name}, {scheme}"


def faults(page, frame):
    """Return what axe-core and our own measures find wrong with the notice, by look, and how much was looked at."""
    need(_axe() is not None, "pip install axe-playwright-python")
    frame.evaluate(_axe())
    found, passed = [], set()
    for look in looks(page):
        report = frame.evaluate(f"axe.run('#{ELEMENT_ID}')")
        passed |= {one["id"] for one in report["passes"]}
        for one in report["violations"]:
            found += [(look, one["id"], node["target"], node["failureSummary"]) for node in one["nodes"]]
        contrasts = frame.evaluate(CONTRASTS)
        assert contrasts
        found += [(look, "contrast", *one) for one in contrasts if one[1] < 4.5]
        found += [(look, "cut", element) for element in frame.evaluate(CUT)]
        found += [(look, "sideways", by) for by in [frame.evaluate(SIDEWAYS)] if by]
    return found, passed


def _axe():
    try:
        import axe_playwright_python
    except ImportError:
        return None
    return Path(axe_playwright_python.__file__).with_name("axe.min.js").read_text("utf-8")


def test_the_dialog_has_no_faults_in_light_and_dark_small_large_and_zoomed(browser, address):
    page = opened(browser, address)
    found, passed = faults(page, page.main_frame)
    assert found == []
    assert {"color-contrast", "button-name"} <= passed


def test_the_badge_has_no_faults_in_light_and_dark_small_large_and_zoomed(browser, address):
    page = opened(browser, address)
    page.keyboard.press("Enter")
    found, passed = faults(page, page.main_frame)
    assert found == []
    assert {"color-contrast", "aria-allowed-role"} <= passed


def test_the_banner_of_a_framed_app_has_no_faults_in_light_and_dark_small_large_and_zoomed(browser, address):
    page, frame = framed(browser, address)
    found, passed = faults(page, frame)
    assert found == []
    assert "color-contrast" in passed
    assert frame.get_by_role("dialog").count() == 0


def test_the_button_can_be_reached_at_every_size(browser, address):
    page = opened(browser, address)
    for look in looks(page):
        button = page.get_by_role("dialog").get_by_role("button")
        button.scroll_into_view_if_needed()
        box, window = button.bounding_box(), page.evaluate("[innerWidth, innerHeight]")
        assert box["y"] >= 0, look
        assert box["y"] + box["height"] <= window[1], look
        assert min(box["width"], box["height"]) >= 44, look


def test_a_dialog_says_what_it_is_in_its_language(browser, address):
    page = opened(browser, address)
    dialog = page.get_by_role("dialog", name="Sie interagieren mit einem KI-System.")
    said = dialog.get_attribute("aria-describedby")
    assert dialog.locator(f"#{said}").inner_text()
    assert (dialog.get_attribute("lang") or page.locator(f"#{ELEMENT_ID}").get_attribute("lang")) == "de"
    assert page.locator(f"#{ELEMENT_ID}").get_attribute("dir") == "ltr"


def test_by_keyboard_the_dialog_holds_the_focus_and_esc_gives_it_back(browser, address):
    page = opened(browser, address)
    assert page.evaluate(FOCUSED) == "BUTTON"
    page.locator("textarea, input[type=text]").first.wait_for()
    page.evaluate("document.querySelector('textarea, input[type=text]').focus()")
    assert page.evaluate(FOCUSED) == "BUTTON"  # what is behind is inert
    page.keyboard.press("Escape")
    assert page.get_by_role("dialog").count() == 0
    page.get_by_label("Prompt").focus()
    page.keyboard.type("hello")
    assert page.get_by_label("Prompt").input_value() == "hello"


def test_where_colours_are_forced_the_notice_keeps_its_edges(browser, address):
    page = opened(browser, address, forced_colors="active")
    for name in ("dialog", "button", ".banner"):
        style = f"getComputedStyle({HOST}.shadowRoot.querySelector('{name}'))"
        assert page.evaluate(f"{style}.borderBottomStyle") == "solid", name
        assert page.evaluate(f"{style}.borderBottomWidth") != "0px", name
        assert page.evaluate(f"{style}.color") != page.evaluate(f"{style}.backgroundColor"), name
