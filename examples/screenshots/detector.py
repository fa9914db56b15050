"""Make the screenshots of the detector: python examples/screenshots/detector.py, with Chromium and the dev extra."""

import io
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parents[1] / "tests"))

from browsers import running_browser  # noqa: E402
from loopback import served  # noqa: E402
from pictures import decoded, encoded, photograph  # noqa: E402
from PIL import Image  # noqa: E402

import disclose  # noqa: E402
from disclose.detector import Settings, app  # noqa: E402
from disclose.profile import Profile  # noqa: E402

SHOTS = {
    "detector_form_light": ("en", "light", 1000, None),
    "detector_verdict_light": ("en", "light", 1000, "marked.jpg"),
    "detector_verdict_dark": ("de", "dark", 1000, "screenshot.png"),
    "detector_verdict_narrow": ("ar", "light", 320, "marked.jpg"),
    "detector_contested": ("fr", "light", 1000, "changed.jpg"),
}


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        profile = Profile(folder=folder / "home")
        make_files(folder, profile)
        application = app(profile, Settings(processes=1))
        with served(application) as address, running_browser() as browser:
            for shot, (language, scheme, width, file) in SHOTS.items():
                size = {"width": width, "height": 800}
                page = browser.new_context(locale=language, color_scheme=scheme, viewport=size).new_page()
                page.set_default_timeout(60_000)
                page.goto(f"http://{address}/")
                if file:
                    page.set_input_files("#file", folder / file)
                    page.locator("button").click()
                    page.locator("article").wait_for()
                    page.locator("#progress").wait_for(state="hidden")
                taken = Image.open(io.BytesIO(page.screenshot(full_page=True)))
                taken.convert("P", palette=Image.Palette.ADAPTIVE).save(HERE / f"{shot}.png", optimize=True)
                page.context.close()
        application.state.service.pool.close()


def make_files(folder: Path, profile: Profile) -> None:
    """Write a marked picture, a screenshot that shows it, and one whose bytes were changed after it was signed."""
    picture = encoded(photograph(width=900, height=700), "JPEG", quality=92)
    marked = disclose.mark(picture, profile, system="Acme Studio", version="2.1", provider="Acme GmbH").data
    (folder / "marked.jpg").write_bytes(marked)
    page = Image.new("RGB", (1300, 1000), (240, 240, 240))
    page.paste(decoded(marked), (210, 160))
    (folder / "screenshot.png").write_bytes(encoded(page))
    changed = bytearray(marked)
    changed[-2000] ^= 1
    (folder / "changed.jpg").write_bytes(bytes(changed))


if __name__ == "__main__":
    main()
