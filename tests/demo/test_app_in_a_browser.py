from urllib.parse import urlsplit

import pytest
from browsers import running_browser
from pictures import encoded, photograph

from disclose import Outcome, verify
from disclose.demo import app


@pytest.fixture
def browser():
    with running_browser() as running:
        yield running


@pytest.fixture
def address(profile, tmp_path, monkeypatch):
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path / "cache"))
    demo = app.build(profile)
    yield app.serve(demo, prevent_thread_lock=True, quiet=True)
    demo.close(verbose=False)
    demo.server.force_exit = True  # a browser keeps its connections
    demo.server.thread.join()


def opened(browser, address, **options):
    page = browser.new_context(**{"locale": "en-GB", **options}).new_page()
    page.set_default_timeout(20_000)
    page.goto(address)
    page.get_by_role("dialog").wait_for()
    return page


def test_one_is_told_before_one_can_type_then_paints_downloads_and_verifies(browser, address, profile, tmp_path):
    page = opened(browser, address)
    hosts = set()
    page.on("request", lambda request: hosts.add(urlsplit(request.url).netloc))
    prompt = page.locator("#prompt textarea, #prompt input").first
    assert "You are interacting with an AI system." in page.get_by_role("dialog").inner_text()
    page.locator("#prompt textarea, #prompt input").wait_for()
    page.evaluate("document.querySelector('#prompt textarea, #prompt input').focus()")
    page.keyboard.type("before")
    assert prompt.input_value() == ""

    page.get_by_role("button", name="I understand").click()
    prompt.fill("northern lights")
    page.get_by_role("button", name="Paint", exact=True).click()
    page.locator("#written b").wait_for()
    assert "disclose demo" in page.locator("#written").inner_text()
    with page.expect_download() as waiting:
        page.locator("#download").click()
    picture = tmp_path / "picture.png"
    waiting.value.save_as(picture)
    verdict = verify(picture, profile)
    assert verdict.outcome is Outcome.DISCLOSED
    assert verdict.disclosure.source_type == "algorithmicMedia"

    assert read_verdict(page, picture) == "disclosed"
    assert page.locator("#verdict").get_attribute("role") == "status"
    assert page.locator("#verdict thead th[scope=col]").count() == 5
    assert page.locator("#verdict tbody tr").count() == len(verdict.evidence)
    assert hosts <= {urlsplit(address).netloc}


def read_verdict(page, path):
    page.get_by_role("tab", name="Verify").click()
    page.locator("#dropped input[type=file]").set_input_files(path)
    page.locator("#verdict .outcome").wait_for()
    return page.locator("#verdict .outcome").inner_text()


@pytest.mark.skipif(not app._SIX, reason="Gradio 5's own page loads a script from cdnjs.cloudflare.com")
def test_the_page_asks_nobody_but_its_own_server(browser, address):
    page = browser.new_page()
    hosts = set()
    page.on("request", lambda request: hosts.add(urlsplit(request.url).netloc))
    page.goto(address)
    page.get_by_role("dialog").wait_for()
    page.wait_for_load_state("networkidle")
    assert hosts == {urlsplit(address).netloc}


def test_esc_acknowledges_and_the_banner_stays(browser, address):
    page = opened(browser, address)
    page.keyboard.press("Escape")
    assert page.get_by_role("dialog").count() == 0
    page.reload()
    banner = page.get_by_role("region", name="AI notice")
    banner.wait_for()
    assert page.get_by_role("dialog").count() == 0
    page.evaluate("window.scrollTo(0, document.body.scrollHeight)")
    assert banner.bounding_box()["y"] == 0


def test_everyone_is_told_afresh(browser, address):
    opened(browser, address).keyboard.press("Enter")
    assert opened(browser, address).get_by_role("dialog").count() == 1


def test_the_focus_starts_on_the_button(browser, address):
    page = opened(browser, address)
    focused = "document.getElementById('disclose-notice').shadowRoot.activeElement.textContent"
    assert page.evaluate(focused) == "I understand"


def test_the_notice_speaks_the_reader_s_language(browser, address):
    page = opened(browser, address, locale="de-CH")
    assert "Sie interagieren mit einem KI-System." in page.get_by_role("dialog").inner_text()
    assert page.locator("#disclose-notice").get_attribute("lang") == "de"


def test_in_a_frame_the_banner_is_shown_alone(browser, address):
    page = browser.new_page(locale="en-GB")
    frame = f"<!doctype html><iframe src='{address}'></iframe>"
    page.route("**/outside.html", lambda route: route.fulfill(body=frame, content_type="text/html"))
    page.goto(f"{address}outside.html")
    inside = page.frame_locator("iframe")
    inside.get_by_role("region", name="AI notice").wait_for()
    assert inside.get_by_role("dialog").count() == 0


@pytest.mark.parametrize("width", [320, 1280])
def test_notice_and_page_fit_the_window(browser, address, width):
    page = opened(browser, address, viewport={"width": width, "height": 640})
    for box in (page.get_by_role("dialog").bounding_box(), page.get_by_role("region", name="AI notice").bounding_box()):
        assert box["x"] >= 0
        assert box["y"] >= 0
        assert box["x"] + box["width"] <= width
        assert box["y"] + box["height"] <= 640
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_hostile_metadata_is_shown_as_text(browser, address, tmp_path):
    from PIL.PngImagePlugin import PngInfo

    told = PngInfo()
    packet = (
        '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
        '<rdf:Description xmlns:Iptc4xmpExt="http://iptc.org/std/Iptc4xmpExt/2008-02-29/"'
        ' xmlns:xmp="http://ns.adobe.com/xap/1.0/"'
        ' xmp:CreatorTool="&lt;img src=x onerror=&quot;window.hurt=1&quot;&gt;"'
        ' Iptc4xmpExt:AISystemUsed="&lt;img src=x onerror=&quot;window.hurt=1&quot;&gt;"'
        ' Iptc4xmpExt:DigitalSourceType="http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia"/>'
        "</rdf:RDF></x:xmpmeta>"
    )
    told.add_itxt("XML:com.adobe.xmp", packet)
    picture = tmp_path / "hostile.png"
    picture.write_bytes(encoded(photograph("coffee"), pnginfo=told))
    page = opened(browser, address)
    page.keyboard.press("Escape")
    assert read_verdict(page, picture) == "indicated"
    assert "img src=x" in page.locator("#verdict").inner_text()
    assert page.locator("#verdict img").count() == 0
    assert page.evaluate("window.hurt") is None


def test_a_file_without_content_gets_a_friendly_sentence(browser, address, tmp_path):
    nothing = tmp_path / "nothing.png"
    nothing.write_bytes(b"")
    page = opened(browser, address)
    page.keyboard.press("Escape")
    assert read_verdict(page, nothing) == "not read"
