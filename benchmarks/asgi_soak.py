"""Does the ASGI door keep every byte, mark every file and stay as small as it was, whatever comes for however long?

    python -m benchmarks.asgi_soak [--minutes 20]

One server with mixed traffic: media whole, in ranges, by HEAD and by tag, pages, JSON with and without pictures, event
streams, and clients that go away. Each response is held against what the application sent: the same bytes where there
is nothing to mark, and else the same file but for its marks, which are verified.
"""

from __future__ import annotations

import os

for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[variable] = "1"

import argparse
import asyncio
import contextlib
import hashlib
import io
import json
import random
import re
import subprocess
import sys
import tempfile
import time
import wave
from base64 import b64decode
from collections import Counter, OrderedDict
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import httpx
import numpy
from PIL import Image

from benchmarks.asgi_traffic import EXACT, PICTURES, SOUNDS, answer_to, chat_pieces, profiles
from benchmarks.common import RESULTS, machine, write
from disclose.asset import Asset
from disclose.disclosure import Identifier
from disclose.profile import Profile
from disclose.version import __version__

GROWTH = 2.0
"""Percent that the memory in use may grow by along the line fitted through the second half of the run."""
LEAST_PSNR = 34.0
"""Decibels that a watermarked picture keeps at least, after a second JPEG or WebP encoding too."""
WORKERS = 6
KNOWN = 40
"""Numbers that most requests choose from; the others are new each time."""
FILL = 80
"""Sounds of 2 MB to begin with, so that the 64 MB of bodies that each middleware remembers are full from then on."""
_FIELD = re.compile(rb',"ai_disclosure":(\{[^{}]*\})')
_BASE64 = re.compile(rb'("b64_json": ")([^"]*)')
_HTTP_ERROR = 500


class WrongAnswerError(Exception):
    """A response that is not what it should be."""


def need(holds: bool, what: str) -> None:
    """Raise :class:`WrongAnswerError` unless the statement *holds*."""
    if not holds:
        raise WrongAnswerError(what)


@contextmanager
def serving(folder: Path, *options: str) -> Iterator[tuple[int, int]]:
    """Serve the application in a process of its own for the block; yields its process identifier and its port."""
    command = [sys.executable, "-m", "benchmarks.asgi_traffic", "--folder", str(folder), *options]
    root = Path(__file__).parent.parent
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=root) as server:  # noqa: S603
        try:
            said = server.stdout.readline()
            if not said:
                raise SystemExit(f"the server did not start: {' '.join(command)}")
            yield server.pid, int(said)
        finally:
            server.terminate()


@dataclass
class Checks:
    """What the responses are held against; each method raises :class:`WrongAnswerError`, or what the verifier does."""

    folder: Path
    verified: OrderedDict[bytes, None] = field(default_factory=OrderedDict)

    def __post_init__(self) -> None:
        self.profiles: dict[str, Profile] = profiles(self.folder)
        self.verifiers = {prefix: profile.verifier() for prefix, profile in self.profiles.items()}

    def body(self, path: str, body: bytes) -> None:
        """Hold the whole *body* of the response to *path* against the application's."""
        kind = path.removeprefix(EXACT).split("/")[1]
        prefix = EXACT if path.startswith(EXACT) else ""
        sent = answer_to(path).body
        if kind in PICTURES + SOUNDS:
            self.file(prefix, sent, body)
        elif kind in ("page", "strict"):
            page(sent, body, script=kind == "page")
        elif kind == "pictures":
            need(_BASE64.sub(rb"\1", body) == _BASE64.sub(rb"\1", sent), "JSON differs outside of its picture")
            found = [b64decode(_BASE64.search(one)[2], validate=True) for one in (sent, body)]
            self.file(prefix, *found)
        elif kind == "chat":
            self.chat(prefix, int(path.rpartition("/")[2]), sent, body)
        else:
            need(body == sent, "a body that nothing was to be done to differs")

    def file(self, prefix: str, sent: bytes, body: bytes) -> None:
        """Hold a marked file against the one that was *sent*."""
        key = hashlib.sha256(sent + body).digest()
        if key in self.verified:
            return
        need(body != sent, "media left unmarked")
        outcome = self.verifiers[prefix].verify(Asset.from_data(body)).outcome
        need(outcome == "disclosed", f"marked media is {outcome}")
        same(sent, body, exact=bool(prefix))
        self.verified[key] = None
        if len(self.verified) > 10_000:
            self.verified.popitem(last=False)

    def chat(self, prefix: str, number: int, sent: bytes, body: bytes) -> None:
        """Hold a chat completion against the one that was *sent*, and its hash against the record."""
        said = [json.loads(one) for one in _FIELD.findall(body)]
        need(_FIELD.sub(b"", body) == sent, "a chat differs outside of its two fields")
        need(len(said) == 2, f"a chat has {len(said)} fields and not 2")
        written = "".join(chat_pieces(number, 30)).encode()
        need(said[1]["sha256"] == hashlib.sha256(written).hexdigest(), "the hash of a chat is another text's")
        need(said[1]["complete"] is True and said[1]["id"] == said[0]["id"], "a whole chat is not said to be whole")
        records = self.profiles[prefix].ledger().find(Identifier.parse(said[0]["id"]))
        need(any(record.sha256 == said[1]["sha256"] for record in records), "a chat is not on record")


def page(sent: bytes, body: bytes, *, script: bool) -> None:
    """Hold a page against the one that was *sent*: it has one notice at the beginning of its body."""
    place = sent.index(b"<body>") + len(b"<body>")
    notice = body[place : len(body) - len(sent) + place]
    need(body == sent[:place] + notice + sent[place:], "a page differs outside of its notice")
    need(notice.count(b'id="disclose-notice"') == 1, "a page has no notice, or several")
    need(notice.endswith(b"</script>" if script else b"</div>"), "a notice is cut off")


def same(sent: bytes, body: bytes, *, exact: bool) -> None:
    """Hold the content of a marked file against that of the one that was *sent*."""
    if body.startswith(b"RIFF") and body[8:12] == b"WAVE":
        need(frames(sent) == frames(body), "a sound differs")
        return
    before, after = (numpy.asarray(Image.open(io.BytesIO(one)).convert("RGB"), float) for one in (sent, body))
    error = float(((before - after) ** 2).mean())
    if exact:
        need(error == 0, "the pixels of a picture without watermark differ")
    else:
        psnr = 10 * numpy.log10(255**2 / max(error, 1e-9))
        need(psnr >= LEAST_PSNR, f"a watermarked picture has a PSNR of {psnr:.1f} dB")


def frames(data: bytes) -> bytes:
    """Return the samples of a WAV file."""
    with wave.open(io.BytesIO(data)) as found:
        return found.readframes(found.getnframes())


class Traffic:
    """Clients that ask for everything in turn, by chance, until the time is over."""

    def __init__(self, folder: Path, port: int, *, seed: int = 0) -> None:
        self.checks = Checks(folder)
        self.counts: Counter[str] = Counter()
        self.wrong: list[str] = []
        self.unexpected_errors = 0
        self._random = random.Random(seed)  # noqa: S311
        self._port = port
        self._new = 1000
        self._session = httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=60, trust_env=False)
        self._session.headers["accept-encoding"] = "identity"

    async def run(self, seconds: float, rate: float, fill: int) -> None:
        """Ask for *fill* long sounds one by one, and then for *seconds*, about *rate* times a second."""
        async with self._session:
            # What a process loads with its first picture is no part of what is asked here.
            await self._whole("/png/0")
            for number in range(fill):
                await self._whole(f"{'' if number % 2 else EXACT}/record/{number}")
            end = time.monotonic() + seconds
            await asyncio.gather(*(self._worker(end, rate) for _ in range(WORKERS)))

    async def _worker(self, end: float, rate: float) -> None:
        names, weights = zip(*((one, weight) for one, weight in self.kinds().items()), strict=True)
        while (now := time.monotonic()) < end:
            (ask,) = self._random.choices(names, weights)
            self.counts[ask.__name__] += 1
            try:
                await ask()
            except Exception as error:
                if len(self.wrong) < 50:
                    self.wrong.append(f"{ask.__name__}: {type(error).__name__}: {error}")
                self.counts["wrong"] += 1
            await asyncio.sleep(max(0.0, self._random.expovariate(rate / WORKERS) - (time.monotonic() - now)))

    def kinds(self) -> dict[Callable[[], Awaitable[None]], int]:
        """Return what is asked, and how often in comparison."""
        return {
            self.media: 8,
            self.pages: 3,
            self.strict_pages: 1,
            self.json_with_pictures: 2,
            self.json_without: 3,
            self.chats: 4,
            self.other_events: 2,
            self.other_bodies: 4,
            self.errors_of_the_application: 2,
            self.heads: 2,
            self.ranges: 4,
            self.conditions: 3,
            self.notices_seen: 1,
            self.readers_who_leave: 4,
        }

    async def media(self) -> None:
        """Fetch a picture or a sound."""
        await self._whole(self._path(*PICTURES, *SOUNDS))

    async def pages(self) -> None:
        """Fetch a page whose notice brings a script."""
        await self._whole(self._path("page"))

    async def strict_pages(self) -> None:
        """Fetch a page that forbids scripts."""
        await self._whole(self._path("strict"))

    async def json_with_pictures(self) -> None:
        """Fetch what an image generator answers."""
        await self._whole(self._path("pictures"))

    async def json_without(self) -> None:
        """Fetch JSON in which there is nothing to mark."""
        await self._whole(self._path("data"))

    async def chats(self) -> None:
        """Read a chat to its end."""
        await self._whole(self._path("chat"))

    async def other_events(self) -> None:
        """Read a stream of events that nobody knows."""
        await self._whole(self._path("events"))

    async def other_bodies(self) -> None:
        """Fetch what is no medium."""
        await self._whole(self._path("text", "binary"))

    async def errors_of_the_application(self) -> None:
        """Get an error that is the application's own."""
        path = self._path("broken", "missing")
        response = await self._asked(path)
        need(response.status_code == answer_to(path).status, f"{response.status_code} for an error of the application")
        need(response.content == answer_to(path).body, "an error of the application differs")

    async def heads(self) -> None:
        """Ask for headers alone."""
        response = await self._asked(self._path(*PICTURES, *SOUNDS, "page", "pictures", "text"), method="HEAD")
        need(response.status_code == 200 and not response.content, "HEAD has a body or another status")

    async def ranges(self) -> None:
        """Fetch a file whole and then a part of it, which has to fit."""
        path = self._path(*PICTURES, *SOUNDS)
        whole = await self._whole(path)
        size = len(whole.content)
        first = self._random.randrange(size)
        last = self._random.choice((size + 9, min(size - 1, first + 999), first))
        headers = {"range": f"bytes={first}-{last}"}
        if self._random.random() < 0.5:
            headers["if-range"] = whole.headers["etag"]
        part = await self._asked(path, headers=headers)
        if part.status_code == 200 and "if-range" in headers:
            # Another marking took its place meanwhile, and the client is told so by getting all of it.
            need(part.headers["etag"] != whole.headers["etag"], "a whole body for a range that was to be had")
            self.counts["markings replaced"] += 1
            return
        need(part.status_code == 206, f"{part.status_code} for a range")
        need(part.content == whole.content[first : last + 1], "a range is not that part of the whole")
        expected = f"bytes {first}-{min(size - 1, last)}/{size}"
        need(part.headers["content-range"] == expected, f"Content-Range {part.headers['content-range']}")
        beyond = await self._asked(path, headers={"range": f"bytes={size}-"})
        need(beyond.status_code == 416 and not beyond.content, f"{beyond.status_code} for a range beyond the end")

    async def conditions(self) -> None:
        """Fetch something, and ask whether it has changed."""
        path = self._path(*PICTURES, *SOUNDS, "page", "pictures", "data", "text", "binary")
        whole = await self._whole(path)
        again = await self._asked(path, headers={"if-none-match": whole.headers["etag"]})
        need(again.status_code == 304 and not again.content, f"{again.status_code} for what is known")
        need(again.headers["etag"] == whole.headers["etag"], "a 304 with another tag")

    async def notices_seen(self) -> None:
        """Do what the script of a page does."""
        asked = await self._asked("/.well-known/ai-disclosure/notice", method="POST", json={})
        if asked.status_code == 204:
            return
        need(asked.status_code == 200, f"{asked.status_code} for a notice")
        proof = {**asked.json(), "state": "shown"}
        shown = await self._asked("/.well-known/ai-disclosure/proof", method="POST", json=proof)
        need(shown.status_code in (200, 204), f"{shown.status_code} for a proof")
        self._session.cookies.clear()

    async def readers_who_leave(self) -> None:
        """Ask, read a little or nothing, and go."""
        path = self._path("chat", "events", "binary", *PICTURES, "pictures", "page")
        reader, writer = await asyncio.open_connection("127.0.0.1", self._port)
        try:
            writer.write(f"GET {path} HTTP/1.1\r\nhost: localhost\r\n\r\n".encode())
            await writer.drain()
            if self._random.random() < 0.7:
                await reader.read(self._random.randrange(1, 1500))
        finally:
            writer.close()
            with contextlib.suppress(ConnectionError):
                await writer.wait_closed()

    def _path(self, *kinds: str) -> str:
        number = self._random.randrange(KNOWN)
        if self._random.random() < 0.2:
            self._new += 1
            number = self._new
        return f"{self._random.choice(('', EXACT))}/{self._random.choice(kinds)}/{number}"

    async def _whole(self, path: str) -> httpx.Response:
        response = await self._asked(path)
        need(response.status_code == 200, f"{response.status_code} for {path}")
        need(response.headers.get("ai-disclosure") == "mode=ai-originated", f"no header for {path}")
        await asyncio.to_thread(self.checks.body, path, response.content)
        return response

    async def _asked(self, path: str, method: str = "GET", **more: object) -> httpx.Response:
        response = await self._session.request(method, path, **more)
        if response.status_code >= _HTTP_ERROR and "/broken/" not in path:
            self.unexpected_errors += 1
        self.counts["responses"] += 1
        return response


def watched(process: int) -> tuple[float, int, int]:
    """Return the memory in MB, the open files and the threads of *process*."""
    status = dict(line.split(":", 1) for line in Path(f"/proc/{process}/status").read_text().splitlines())
    files = len(list(Path(f"/proc/{process}/fd").iterdir()))
    return int(status["VmRSS"].split()[0]) / 1024, files, int(status["Threads"])


async def soak(
    folder: Path, seconds: float, *, rate: float = 25.0, fill: int = FILL, seed: int = 0
) -> dict[str, object]:
    """Return what *seconds* of traffic have shown."""
    series: list[tuple[float, float, int, int]] = []
    every = max(0.5, seconds / 240)
    with serving(folder) as (process, port):
        traffic = Traffic(folder, port, seed=seed)
        started = time.monotonic()

        async def watch() -> None:
            while True:
                series.append((time.monotonic() - started, *watched(process)))
                await asyncio.sleep(every)

        watching = asyncio.create_task(watch())
        await traffic.run(seconds, rate, fill)
        watching.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await watching
        # What readers left behind ends soon after them.
        await asyncio.sleep(2)
        series.append((time.monotonic() - started, *watched(process)))
    return summary(series, traffic)


def summary(series: list[tuple[float, float, int, int]], traffic: Traffic) -> dict[str, object]:
    """Return the findings, with a line fitted through the memory of the second half."""
    late = [one for one in series if one[0] >= series[-1][0] / 2]
    seconds, megabytes = (numpy.array([one[place] for one in late]) for place in (0, 1))
    slope, begin = numpy.polyfit(seconds - seconds[0], megabytes, 1)
    growth = 100 * slope * (seconds[-1] - seconds[0]) / begin
    wrong = traffic.counts.pop("wrong", 0)
    return {
        "seconds": round(series[-1][0]),
        "responses": traffic.counts.pop("responses", 0),
        "asked": dict(sorted(traffic.counts.items())),
        "files verified": len(traffic.checks.verified),
        "wrong": wrong,
        "examples of what is wrong": traffic.wrong,
        "errors that the application did not send": traffic.unexpected_errors,
        "memory": {
            "MB at half": round(float(begin), 1),
            "slope, MB an hour": round(float(slope * 3600), 2),
            "growth, %": round(float(growth), 2),
            "at most": GROWTH,
            "met": bool(growth <= GROWTH),
        },
        "open files at half and at the end": [late[0][2], late[-1][2]],
        "threads at half and at the end": [late[0][3], late[-1][3]],
        "series": [[round(second), round(memory, 1), files, threads] for second, memory, files, threads in series],
    }


def draw(found: dict[str, object], path: Path) -> Path:
    """Draw the memory along the run into a PNG file at *path* and return it."""
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot

    ink, ours, fitted = "#7d848c", "#2b8fd6", "#e07a3c"
    minutes = [row[0] / 60 for row in found["series"]]
    memory = found["memory"]
    style = {"text.color": ink, "axes.labelcolor": ink, "xtick.color": ink, "ytick.color": ink, "axes.edgecolor": ink}
    with pyplot.rc_context(style):
        figure, axes = pyplot.subplots(figsize=(8, 3))
        axes.plot(minutes, [row[1] for row in found["series"]], color=ours, linewidth=1.2, label="memory of the server")
        line = numpy.array([minutes[-1] / 2, minutes[-1]])
        slope = memory["slope, MB an hour"]
        axes.plot(
            line,
            memory["MB at half"] + slope * (line - line[0]) / 60,
            color=fitted,
            label=f"fitted: {slope:+.1f} MB an hour",
        )
        axes.set(xlabel="minutes", ylabel="MB (RSS)", ylim=(0, None))
        axes.spines[["top", "right"]].set_visible(False)
        axes.legend(frameon=False, loc="lower right")
        figure.savefig(path, dpi=150, transparent=True, bbox_inches="tight")
        pyplot.close(figure)
    return path


def main() -> None:
    """Soak, print, write ``results/asgi_soak.json`` and draw ``results/asgi_soak.png``."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", type=float, default=20)
    parser.add_argument("--rate", type=float, default=25, help="requests a second, about")
    parser.add_argument("--json", default="asgi_soak", help="name of the result")
    arguments = parser.parse_args()
    load = round(os.getloadavg()[0], 1)
    with tempfile.TemporaryDirectory() as folder:
        found = asyncio.run(soak(Path(folder), 60 * arguments.minutes, rate=arguments.rate))
    about = {"machine": machine(), "date": f"{datetime.now(UTC):%Y-%m-%d}", "disclose": __version__}
    found = {**about, "load before": load, **found}
    print(json.dumps({name: value for name, value in found.items() if name != "series"}, indent=1))
    print(write(arguments.json, found), draw(found, RESULTS / f"{arguments.json}.png"))


if __name__ == "__main__":
    main()
