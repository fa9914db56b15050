"""Take the pictures of the demo that the README shows: ``python examples/screenshots/make.py [folder]``.

Needs Playwright and Chromium: pip install playwright, and playwright install chromium or your system's own.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from playwright.sync_api import sync_playwright

from disclose.demo import app
from disclose.profile import Profile

ARGUMENTS = (
    "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--no-first-run",
)  # fmt: skip
PROMPT = "northern lights"


def tour(address: str, shot: Callable[[Any, str], None], *, width: int = 1280, dark: bool = False) -> None:
    """Walk through the demo as a visitor does and call *shot* at each stop."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=ARGUMENTS)
        page = browser.new_page(
            viewport={"width": width, "height": 900}, locale="en-GB", color_scheme="dark" if dark else "light"
        )
        page.goto(address)
        page.get_by_role("dialog").wait_for()
        page.wait_for_timeout(400)
        shot(page, "notice")
        page.get_by_role("button", name="I understand").click()
        page.get_by_label("Prompt").fill(PROMPT)
        page.get_by_role("button", name="Paint", exact=True).click()
        page.locator("#written b").wait_for()
        page.locator("#picture img").wait_for()
        page.wait_for_timeout(600)
        shot(page, "painted")
        with page.expect_download() as waiting, tempfile.TemporaryDirectory() as folder:
            page.locator("#download").click()
            picture = Path(folder) / "painted.png"
            waiting.value.save_as(picture)
            page.get_by_role("tab", name="Verify").click()
            page.locator("#dropped input[type=file]").set_input_files(picture)
            page.locator("#verdict .outcome").wait_for()
        page.wait_for_timeout(600)
        shot(page, "verdict")
        browser.close()


def save(folder: Path) -> Callable[[Any, str], None]:
    """Return what saves a page's picture in *folder*, in colours few enough to stay small."""

    def shot(page: Any, name: str) -> None:
        from PIL import Image

        path = folder / f"{name}.png"
        height = page.evaluate("document.documentElement.scrollHeight")
        page.set_viewport_size({"width": page.viewport_size["width"], "height": min(max(height, 720), 1500)})
        page.wait_for_timeout(200)
        page.screenshot(path=path)
        with Image.open(path) as image:
            image.convert("RGB").quantize(256, dither=Image.Dither.FLOYDSTEINBERG).save(path, optimize=True)

    return shot


def main() -> None:
    """Serve the demo on a free port, with records of its own, and take the pictures."""
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as home:
        demo = app.build(Profile(folder=Path(home)))
        address = app.serve(demo, prevent_thread_lock=True, quiet=True)
        try:
            tour(address, save(folder))
        finally:
            demo.close()


if __name__ == "__main__":
    main()
