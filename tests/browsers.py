"""A real browser for the tests that look at a page as its readers do."""

import importlib.util
import shutil
from contextlib import contextmanager
from pathlib import Path

from system_parts import need

ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    # Gradio 5's own page waits for a script from elsewhere: it is told at once that there is no elsewhere.
    "--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1 , EXCLUDE localhost",
]


@contextmanager
def running_browser():
    """Run Chromium, the system's own or Playwright's, while the block lasts; it asks nobody for anything by itself."""
    need(importlib.util.find_spec("playwright") is not None, "pip install playwright")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        found = shutil.which("chromium") or shutil.which("google-chrome")
        bundled = Path(playwright.chromium.executable_path).exists()
        need(bool(found) or bundled, "apt-get install chromium, or playwright install chromium")
        running = playwright.chromium.launch(executable_path=found, args=ARGUMENTS)
        yield running
        running.close()
