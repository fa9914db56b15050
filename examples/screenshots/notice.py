"""Take the pictures of the notice, dialog and badge, light and dark: ``python examples/screenshots/notice.py [to]``.

Needs Playwright and Chromium: pip install playwright, and playwright install chromium or your system's own.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from pathlib import Path

from make import ARGUMENTS, save
from playwright.sync_api import sync_playwright

from disclose.demo import app
from disclose.profile import Profile


def main() -> None:
    """Serve the demo on a free port, with records of its own, and take the pictures."""
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent
    folder.mkdir(parents=True, exist_ok=True)
    shot = save(folder)
    with tempfile.TemporaryDirectory() as home, sync_playwright() as playwright:
        demo = app.build(Profile(folder=Path(home)))
        address = app.serve(demo, prevent_thread_lock=True, quiet=True)
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=ARGUMENTS)
        try:
            for scheme in ("light", "dark"):
                size = {"width": 1000, "height": 720}
                page = browser.new_page(viewport=size, locale="en-GB", color_scheme=scheme)
                page.goto(address)
                page.get_by_role("dialog").wait_for()
                page.wait_for_timeout(400)
                shot(page, f"notice_dialog_{scheme}")
                page.keyboard.press("Enter")
                page.get_by_role("dialog").wait_for(state="detached")
                shot(page, f"notice_badge_{scheme}")
        finally:
            browser.close()
            demo.close()


if __name__ == "__main__":
    main()
