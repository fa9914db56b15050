"""The notice's script, run by a browser: it speaks the language that the Python side would choose."""

import pytest
from browsers import running_browser

from disclose.notice import ELEMENT_ID, WORDING, Notice

WANTED = [
    ["zh-TW", "en"],
    ["zh-Hant-HK"],
    ["zh-CN"],
    ["no"],
    ["nn-NO", "sv"],
    ["pt-BR"],
    ["iw"],
    ["sr-RS", "hr"],
    ["sr", "tlh"],
    ["constructor"],
    ["ar-EG"],
    ["DE-at"],
]


@pytest.fixture(scope="module")
def page():
    with running_browser() as running:
        opened = running.new_page()
        opened.set_default_timeout(20_000)
        yield opened


def test_the_script_chooses_the_language_that_language_for_chooses(page):
    for wanted in WANTED:
        shown = _shown(page, wanted)
        expected = Notice().language_for(wanted)
        assert (wanted, shown["lang"], shown["dir"]) == (wanted, expected, WORDING[expected].direction)
        assert shown["headline"] == WORDING[expected].headline


def test_hebrew_and_arabic_are_laid_out_from_the_right(page):
    for wanted, way in (("he", "rtl"), ("ar", "rtl"), ("fa", "ltr"), ("de", "ltr")):
        assert _shown(page, [wanted])["laid_out"] == way


def _shown(page, languages):
    page.set_content("<!doctype html><html lang=en><body><p>Chat</p></body></html>")
    page.evaluate(
        "tags => Object.defineProperty(navigator, 'languages', {get: () => tags, configurable: true})", languages
    )
    page.evaluate(Notice().to_script())
    return page.evaluate(
        """id => {
            const host = document.getElementById(id);
            const dialog = host.shadowRoot.querySelector('dialog');
            return {lang: host.lang, dir: host.dir, laid_out: getComputedStyle(dialog).direction,
                    headline: dialog.querySelector('h2').textContent};
        }""",
        ELEMENT_ID,
    )
