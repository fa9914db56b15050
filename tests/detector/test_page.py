"""The page serves everybody: without a script, by keyboard, in every language, and whatever a file says of itself."""

import html
import re
from pathlib import Path

import pytest
from browsers import running_browser
from loopback import served
from pictures import encoded, photograph
from system_parts import need

import disclose
from disclose.detector import Settings, app
from disclose.detector.wording import accepted, catalogues, words
from disclose.evidence import Basis, Binding, Evidence, Integrity, Trust, Verdict
from disclose.profile import Profile

STATEMENT = disclose.Disclosure.new(system="Studio", version="2", provider="Acme")


def verdicts():
    sign = Evidence(layer="iptc", basis=Basis.METADATA, summary="a sign", generated=True)
    bound = Evidence(
        layer="c2pa",
        basis=Basis.METADATA,
        summary="a mark",
        binding=Binding.HARD,
        integrity=Integrity.INTACT,
        trust=Trust.UNTRUSTED,
        generated=True,
        disclosure=STATEMENT,
    )
    broken = Evidence(layer="c2pa", basis=Basis.METADATA, summary="a mark", integrity=Integrity.BROKEN)
    return [Verdict.weigh(found) for found in ([], [sign], [bound], [broken])]


@pytest.mark.parametrize("language", ["en", "de", "fr"])
def test_the_page_says_what_the_verdict_says(language):
    for verdict in verdicts():
        assert words(language).explain(verdict.to_dict()) == verdict.explain(language)


def test_every_catalogue_says_everything_with_the_same_placeholders():
    assert len(catalogues()) >= 9
    for verdict in verdicts():
        said = {one.explain(verdict.to_dict()) for one in catalogues().values()}
        assert len(said) == len(catalogues())


def test_the_most_wanted_language_that_there_is_is_spoken(detector):
    assert words(accepted("sr, de-AT;q=0.9, en;q=0.1")).language == "de"
    answer = detector.get("/", headers={"Accept-Language": "ar-EG, en;q=0.5"})
    assert '<html lang="ar" dir="rtl">' in answer.text
    assert '<html lang="pl" dir="ltr">' in detector.get("/?lang=pl", headers={"Accept-Language": "ar"}).text
    assert '<html lang="en"' in detector.get("/", headers={"Accept-Language": "tlh, " * 200}).text


def test_chance_is_said_in_words():
    assert "10⁹⁶" in words("en").chance(2e-97)
    assert "one of 5000 " in words("en").chance(0.0002)
    assert words("en").chance(0.3) == "unmarked files show this often"


def test_a_plain_form_is_answered_with_a_whole_page(detector, marked):
    answer = detector.post("/?lang=de", files={"file": ("a.jpg", marked)}, data={"url": "", "report": "1"})
    assert answer.status_code == 200
    assert answer.text.startswith("<!doctype html>")
    assert "Acme Studio" in answer.text
    assert answer.text.count('<a download="report.') == 2


def test_an_empty_form_is_answered_with_advice(detector):
    answer = detector.post("/", files={"file": ("", b"")}, headers={"Accept": "text/html"})
    assert answer.status_code == 400
    assert "Choose a file" in answer.text


def test_a_script_is_told_what_was_wrong_and_a_reader_is_shown_the_page(detector):
    for accept, kind in (
        ("application/problem+json, text/html;q=0.5", "application/problem+json"),
        ("text/html,application/xhtml+xml,*/*;q=0.8", "text/html; charset=utf-8"),
    ):
        answer = detector.post("/?fragment=1", data={"url": "ftp://example.org/"}, headers={"Accept": accept})
        assert (answer.status_code, answer.headers["content-type"]) == (422, kind)


def test_an_address_that_is_refused_costs_no_file_its_verdict(detector, marked):
    sent = {"files": {"file": ("a.jpg", marked)}, "data": {"url": "http://127.0.0.1/"}}
    text = detector.post("/", **sent, headers={"Accept": "text/html"}).text
    assert re.findall('<article class="([a-z]+)"', text) == ["disclosed", "unreadable"]
    assert "its name does not lead to the public network" in text
    alone = detector.post("/", data=sent["data"], headers={"Accept": "text/html"})
    assert alone.status_code == 422


def test_several_files_are_judged_one_by_one(detector, marked, plain):
    files = [("file", ("a.jpg", marked)), ("file", ("b.png", plain)), ("file", ("c.png", plain[:99]))]
    text = detector.post("/", files=files).text
    assert re.findall('<article class="([a-z]+)"', text) == ["disclosed", "undetermined", "unreadable"]


def test_what_a_stranger_wrote_is_text_and_no_markup(detector, deployment, canvas):
    evil = "<script>alert(1)</script><img src=x onerror=alert(2)>'\"{{ 7*7 }}{maker}"
    picture = disclose.mark(canvas, deployment, system=evil, provider=evil).data
    text = detector.post("/", files={"file": (f"{evil}.png", picture)}).text
    assert html.escape("<script>alert(1)") in text
    assert "<script>alert" not in text
    assert "<img src=x" not in text


def test_what_a_stranger_wrote_turns_no_words_of_the_page_around(detector, deployment, canvas):
    """Characters that set the direction of text (UAX 9, 2) would run backwards through the verdict behind them."""
    turning = "Studio \u202eoidutS\u2069\u2067\u200f\x07"
    picture = disclose.mark(canvas, deployment, system=turning, provider="\u200cنیم\u200cفاصله").data
    for language in ("en", "ar"):
        text = detector.post(f"/?lang={language}", files={"file": (f"{turning}.png", picture)}).text
        assert "oidutS\ufffd\ufffd\ufffd\ufffd" in text
        assert not set("\u202e\u2067\u200f\x07") & set(text)
        # What joins letters and what keeps them apart is spelling.
        assert "نیم\u200cفاصله" in text


def test_a_time_is_never_broken_at_its_hyphens(detector, marked):
    text = detector.post("/", files={"file": ("a.jpg", marked)}).text
    (sentence,) = re.findall('<p class="sentence">(.*?)</p>', text)
    assert re.search(r'<span class="time">\d{4}-\d\d-\d\d \d\d:\d\d UTC</span>', sentence)
    assert re.search(r"<bdi>\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC</bdi>", text)


def test_the_history_is_a_tree(detector, deployment, canvas, tmp_path):
    first = disclose.mark(canvas, Profile(folder=tmp_path / "first"), system="Painter")
    second = disclose.mark(first.data, deployment, system="Editor", action="altered")
    text = detector.post("/", files={"file": ("b.png", second.data)}).text
    assert text.index("This file") < text.index("Earlier version")


def test_nothing_on_the_page_comes_from_elsewhere(detector, marked):
    page = detector.get("/")
    for address in re.findall(r'(?:src|href)="([^"]*)"', page.text):
        assert address.startswith(("/", "data:", "#"))
        if address.startswith("/"):
            assert detector.get(html.unescape(address)).status_code == 200
    assert "style=" not in page.text


def test_a_mounted_page_finds_its_parts(deployment):
    from starlette.applications import Starlette
    from starlette.routing import Mount
    from starlette.testclient import TestClient

    site = Starlette(routes=[Mount("/detector", app(deployment, Settings(processes=1)))])
    client = TestClient(site)
    page = client.get("/detector/").text
    assert client.get(re.search('href="([^"]*css)"', page)[1]).headers["content-type"].startswith("text/css")
    assert 'action="/detector/?lang=en"' in page


@pytest.fixture(scope="module")
def browser():
    with running_browser() as running:
        yield running


@pytest.fixture(scope="module")
def address(deployment):
    application = app(deployment, Settings(processes=1, requests_per_minute=10_000))
    with served(application) as place:
        yield f"http://{place}/"
    application.state.service.pool.close()


@pytest.fixture(scope="module")
def paths(marked, plain, tmp_path_factory):
    folder = tmp_path_factory.mktemp("files")
    spoilt = bytearray(marked)
    spoilt[-2000] ^= 1
    for name, data in (("a.jpg", marked), ("b.png", plain), ("c.jpg", bytes(spoilt)), ("d.png", plain[:99])):
        (folder / name).write_bytes(data)
    return sorted(folder.iterdir())


def opened(browser, address, **options):
    page = browser.new_context(**{"locale": "en", **options}).new_page()
    page.set_default_timeout(30_000)
    complaints = []
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.goto(address)
    return page, complaints


def checked(page, paths):
    page.set_input_files("#file", paths)
    page.locator("button").click()
    page.locator("article").nth(len(paths) - 1).wait_for()
    page.locator("#progress").wait_for(state="hidden")


def faults(page):
    need(_axe() is not None, "pip install axe-playwright-python")
    rules = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "best-practice"]}
    with_axe = page.context.new_cdp_session(page)
    with_axe.send("Runtime.evaluate", {"expression": _axe()})
    found = page.evaluate("(rules) => axe.run(document, rules)", rules)
    return [(one["id"], [node["html"] for node in one["nodes"]]) for one in found["violations"]]


def _axe():
    try:
        import axe_playwright_python
    except ImportError:
        return None
    return next(Path(axe_playwright_python.__file__).parent.rglob("axe*.js")).read_text()


@pytest.mark.parametrize(
    ("language", "scheme", "width"),
    [("en", "light", 1100), ("de", "dark", 320), ("ar", "light", 320), ("ar", "dark", 1100)],
)
def test_form_and_verdicts_have_no_accessibility_faults(browser, address, paths, language, scheme, width):
    window = {"width": width, "height": 800}
    page, complaints = opened(browser, address, locale=language, color_scheme=scheme, viewport=window)
    assert faults(page) == []
    checked(page, paths)
    assert faults(page) == []
    assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
    assert complaints == []
    page.context.close()


def test_the_keyboard_alone_is_enough(browser, address, paths):
    page, complaints = opened(browser, address)
    # From here on the chooser is caught: asked for with the key press, that may come too late on a busy machine.
    page.on("filechooser", lambda _: None)

    def reached(key):
        page.keyboard.press(key)
        return page.evaluate(
            "document.activeElement.id || document.activeElement.name || document.activeElement.className"
        )

    assert reached("Tab") == "skip"
    assert reached("Enter") == "file"
    with page.expect_file_chooser() as chooser:
        page.keyboard.press("Space")
    chooser.value.set_files([paths[0]])
    assert [reached("Tab") for _ in range(2)] == ["url", "report"]
    page.keyboard.press("Space")
    reached("Tab")
    assert page.evaluate("document.activeElement.localName") == "button"
    page.keyboard.press("Enter")
    page.locator("article.disclosed").wait_for()
    page.locator("#progress").wait_for(state="hidden")
    assert page.evaluate("document.activeElement.localName") == "article"
    reached("Tab")
    assert page.evaluate("document.activeElement.download") == "report.json"
    assert complaints == []
    page.context.close()


def test_what_has_the_focus_is_seen_to_have_it(browser, address):
    page, _ = opened(browser, address)
    for _ in range(15):
        page.keyboard.press("Tab")
        style = page.evaluate("Object.fromEntries(Object.entries(getComputedStyle(document.activeElement)))")
        assert (style["outlineStyle"], style["outlineWidth"]) == ("solid", "3px"), page.evaluate(
            "document.activeElement.outerHTML"
        )
    page.context.close()


def test_a_browser_without_scripts_gets_the_same_verdict(browser, address, paths):
    page, _ = opened(browser, address, java_script_enabled=False)
    page.set_input_files("#file", [paths[0], paths[1]])
    page.locator("button").click()
    assert page.locator("article").count() == 2
    assert page.locator("article.disclosed").count() == 1
    page.context.close()


def test_what_was_refused_is_told_with_its_reason_and_by_its_name(browser, address, paths):
    page, _ = opened(browser, address)
    page.set_input_files("#file", [paths[0]])
    page.fill("#url", "http://127.0.0.1:1/a.png")
    page.locator("button").click()
    page.locator("article.disclosed").wait_for()
    page.locator("#progress").wait_for(state="hidden")
    told = page.locator("#status").inner_text()
    assert "http://127.0.0.1:1/a.png: cannot fetch the address: port 1 is not one that web servers use" in told
    page.context.close()


def test_every_refusal_is_told(browser, address):
    page, _ = opened(browser, address)
    page.route("**/?**fragment=1", lambda route: route.fulfill(status=429, body='{"detail": "too many"}'))
    page.set_input_files("#file", [{"name": f"{name}.png", "mimeType": "", "buffer": b"x"} for name in "ab"])
    page.locator("button").click()
    page.get_by_text("b.png: too many").wait_for()
    assert "a.png: too many" in page.locator("#status").inner_text()
    page.context.close()


def test_what_is_dropped_during_a_check_is_checked_after_it(browser, address):
    page, complaints = opened(browser, address)
    data = list(encoded(photograph(width=64, height=64)))
    page.evaluate(
        """(data) => {
          for (const name of ["first.png", "second.png"]) {
            const carried = new DataTransfer();
            carried.items.add(new File([new Uint8Array(data)], name, { type: "image/png" }));
            document.body.dispatchEvent(new DragEvent("drop", { dataTransfer: carried, bubbles: true }));
          }
        }""",
        data,
    )
    page.get_by_role("heading", name="second.png").wait_for()
    assert page.locator("article").count() == 2
    assert complaints == []
    page.context.close()


def test_the_button_is_seen_to_be_one_in_forced_colours(browser, address):
    page, _ = opened(browser, address, forced_colors="active")
    border = page.locator("button").evaluate("(one) => [getComputedStyle(one).borderTopStyle, one.clientTop]")
    assert border[0] == "solid"
    assert border[1] >= 1
    page.context.close()


def test_a_dropped_and_a_pasted_picture_are_examined(browser, address):
    page, complaints = opened(browser, address)
    data = list(encoded(photograph(width=64, height=64)))
    for kind, receiver in (("drop", "dataTransfer"), ("paste", "clipboardData")):
        page.evaluate(
            """([kind, receiver, data]) => {
              const carried = new DataTransfer();
              carried.items.add(new File([new Uint8Array(data)], kind + ".png", { type: "image/png" }));
              const Kind = kind === "drop" ? DragEvent : ClipboardEvent;
              document.body.dispatchEvent(new Kind(kind, { [receiver]: carried, bubbles: true, cancelable: true }));
            }""",
            [kind, receiver, data],
        )
        page.get_by_role("heading", name=f"{kind}.png").wait_for()
        page.locator("#progress").wait_for(state="hidden")
    assert complaints == []
    page.context.close()
