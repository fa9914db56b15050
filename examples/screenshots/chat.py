"""Take the picture of the chat and of a text that is checked: ``python examples/screenshots/chat.py [to]``.

Needs what examples/chat.py needs, Playwright and Chromium.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any

from make import ARGUMENTS
from PIL import Image
from playwright.sync_api import sync_playwright

from disclose.demo.app import serve

EXAMPLES = Path(__file__).parent.parent
QUESTION = "Write a short story in which a lighthouse matters."
HUMAN = "I read this somewhere and liked it, although I would have told it with fewer adjectives and more weather. "


def chat() -> Any:
    """Return the module examples/chat.py, whose name this one has too."""
    sys.path.insert(1, str(EXAMPLES))
    spec = spec_from_file_location("example_chat", EXAMPLES / "chat.py")
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def main() -> None:
    """Ask for a story, check half of it inside somebody's own words, and put both pages side by side."""
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent
    module = chat()
    with tempfile.TemporaryDirectory() as home, sync_playwright() as playwright:
        demo = module.build(module.profile_in(Path(home)))
        address = serve(demo, prevent_thread_lock=True, quiet=True)
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=ARGUMENTS)
        try:
            page = browser.new_page(viewport={"width": 900, "height": 1080}, locale="en-GB")
            page.goto(address)
            page.get_by_role("dialog").wait_for()
            page.get_by_role("button", name="I understand").click()
            page.get_by_role("textbox").first.fill(QUESTION)
            page.keyboard.press("Enter")
            page.locator(".bot.message").first.wait_for(timeout=60_000)
            words = settled(page, page.locator(".bot.message").last).split()
            page.screenshot(path=Path(home) / "left.png")
            half = " ".join(words[len(words) // 3 : len(words) // 3 + len(words) // 2])
            page.get_by_role("tab", name="Check a text").click()
            page.get_by_label("A text, or a part of one").fill(HUMAN + half + "\n\n" + HUMAN)
            page.get_by_role("button", name="Check", exact=True).click()
            page.locator("#verdict strong").wait_for(timeout=60_000)
            page.wait_for_timeout(1500)
            page.screenshot(path=Path(home) / "right.png")
            beside(Path(home) / "left.png", Path(home) / "right.png").save(folder / "chat.png", optimize=True)
        finally:
            browser.close()
            demo.close()


def settled(page: Any, message: Any) -> str:
    """Return the text of *message* once it has stopped growing."""
    seen = ""
    while len(text := message.inner_text()) < 200 or text != seen:
        seen = text
        page.wait_for_timeout(5000)
    return seen


def beside(left: Path, right: Path) -> Image.Image:
    """Return two pictures of one size side by side, in colours few enough to stay small."""
    with Image.open(left) as one, Image.open(right) as other:
        both = Image.new("RGB", (one.width + other.width, one.height))
        both.paste(one, (0, 0))
        both.paste(other, (one.width, 0))
    return both.quantize(256, dither=Image.Dither.FLOYDSTEINBERG)


if __name__ == "__main__":
    main()
