"""Make the screenshots of the detector: python examples/screenshots/detector.py [folder], with Chromium and [dev]."""

import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parents[1] / "tests"))

from browsers import running_browser  # noqa: E402
from loopback import served  # noqa: E402
from pictures import decoded, encoded, photograph  # noqa: E402
from PIL import Image, ImageDraw, ImageFont  # noqa: E402

import disclose  # noqa: E402
from disclose.detector import Settings, app  # noqa: E402
from disclose.profile import Profile  # noqa: E402


@dataclass(frozen=True, kw_only=True)
class Shot:
    """What a reader with this language, colour scheme and width sees of *file*: the whole page, or one window of it."""

    language: str = "en"
    scheme: str = "light"
    width: int = 1000
    file: str | None = None
    report: bool = False
    window: int | None = None


SHOTS = {
    "detector_form_light": Shot(window=860),
    "detector_verdict_light": Shot(file="screenshot.png", window=860),
    "detector_verdict_dark": Shot(language="de", scheme="dark", file="screenshot.png"),
    "detector_verdict_narrow": Shot(language="ar", width=320, file="edited.jpg"),
    "detector_history": Shot(file="edited.jpg", report=True),
    "detector_contested": Shot(language="fr", file="changed.jpg"),
    "detector_contested_dark_narrow": Shot(scheme="dark", width=320, file="copied.png"),
}


def main() -> None:
    """Serve a detector with records of its own, and take the pictures."""
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else HERE
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as name:
        files = Path(name)
        profile = Profile(folder=files / "home")
        make_files(files, profile)
        application = app(profile, Settings(processes=1))
        with served(application) as address, running_browser() as browser:
            for shot, seen in SHOTS.items():
                take(browser, f"http://{address}/", seen, files, folder / f"{shot}.png")
        application.state.service.pool.close()


def take(browser: Any, address: str, seen: Shot, files: Path, path: Path) -> None:
    """Ask as a visitor does, and save what is seen at *path*, in colours few enough to stay small."""
    size = {"width": seen.width, "height": seen.window or 800}
    page = browser.new_context(locale=seen.language, color_scheme=seen.scheme, viewport=size).new_page()
    page.set_default_timeout(60_000)
    page.goto(address)
    if seen.file:
        page.set_input_files("#file", files / seen.file)
        page.locator("input[name=report]").set_checked(seen.report)
        page.locator("button").click()
        page.locator("article").wait_for()
        page.locator("#progress").wait_for(state="hidden")
        page.evaluate("document.querySelector('article').scrollIntoView()")
    page.screenshot(path=path, full_page=seen.window is None)
    page.context.close()
    with Image.open(path) as taken:
        # An octree keeps the few green or red words, whose colour a median cut gives to the photograph.
        taken.convert("RGB").quantize(256, method=Image.Quantize.FASTOCTREE).save(path, optimize=True)


def make_files(folder: Path, profile: Profile) -> None:
    """Write what *profile* issued (a screenshot of it, an edited one, a changed one), and a copied mark."""
    statement = {"system": "Acme Studio", "version": "2.1", "provider": "Acme GmbH"}
    picture = encoded(photograph("flower", width=900, height=600), "JPEG", quality=92)
    marked = disclose.mark(picture, profile, **statement).data
    (folder / "screenshot.png").write_bytes(screenshot(marked))
    changed = bytearray(marked)
    changed[-2000] ^= 1
    (folder / "changed.jpg").write_bytes(bytes(changed))
    (folder / "edited.jpg").write_bytes(edited(folder, profile))
    (folder / "copied.png").write_bytes(copied(marked))


def screenshot(marked: bytes) -> bytes:
    """Return a screen with a post that shows the picture in *marked*."""
    screen = Image.new("RGB", (1300, 1000), (196, 210, 226))
    drawing, font = ImageDraw.Draw(screen), ImageFont.load_default(32)
    drawing.rounded_rectangle((160, 90, 1140, 910), 24, fill=(255, 255, 255))
    drawing.text((200, 135), "Found this one today. Is it real?", fill=(30, 30, 30), font=font)
    screen.paste(decoded(marked), (200, 210))
    drawing.text((200, 840), "214 comments", fill=(110, 110, 110), font=font)
    return encoded(screen)


def edited(folder: Path, profile: Profile) -> bytes:
    """Return a picture that one system drew after another's sketch, and that *profile* altered."""
    sketch = encoded(photograph("rocket", width=600, height=400), "JPEG", quality=92)
    sketched = disclose.mark(sketch, Profile(folder=folder / "sketch"), system="Sketch", provider="Sketch AG").data
    drawing = encoded(photograph("coffee", width=900, height=600), "JPEG", quality=92)
    painter = Profile(folder=folder / "painter")
    drawn = disclose.mark(drawing, painter, inputs=[sketched], system="Painter", provider="Painter AG").data
    return disclose.mark(drawn, profile, system="Acme Retouch", provider="Acme GmbH", action="altered").data


def copied(marked: bytes) -> bytes:
    """Return another picture, with the watermark that stands in *marked*."""
    import numpy

    from disclose.watermark import image

    found = image.detect(numpy.asarray(decoded(marked).convert("RGB")))
    assert found is not None
    other = numpy.asarray(photograph("cat", width=800, height=600))
    return encoded(Image.fromarray(image.embed(other, found.payload)))


if __name__ == "__main__":
    main()
