"""How much later does an event of a disclosed Gradio app answer, beyond what the marking itself takes?

    python -m benchmarks.gradio

The same function in two apps, one as it is and one disclosed, served side by side over HTTP; their events take turns,
and right after each pair the picture that the plain app sent is marked once more by itself. All three times are on the
clock, so only differences within a pair count, and their median. Every picture is another one, as every generated one
is: what was marked before would not be marked again. The events are posted past Gradio's queue and its client,
which look for what is new 20 times a second and round every time up to that. Then many sessions ask for a small
picture at once.
"""

from __future__ import annotations

import os

for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[variable] = "1"

import argparse
import statistics
import tempfile
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import gradio
import httpx
from gradio_client import Client
from PIL import Image

from benchmarks.common import machine, mosaic, write
from disclose.asset import Asset
from disclose.integrations.gradio import disclosed
from disclose.profile import Profile
from disclose.verifier import Verifier
from disclose.version import __version__

FORMATS = ("png", "webp", "jpeg")
EDGE, SMALL = 1024, 256
BAR = 10.0
"""Milliseconds that an event may take longer than it does without the door and the marking takes by itself."""
STATEMENT = {"system": "Benchmark", "provider": "disclose"}


def app() -> gradio.Blocks:
    """Return an app with one event for each format, one for small pictures, and one for text."""
    whole = mosaic(EDGE + 64, EDGE + 64)

    def paint(edge: float, seed: float) -> Image.Image:
        top, left = divmod(int(seed), 64)
        return whole.crop((left, top, left + int(edge), top + int(edge)))

    def say(seed: float) -> list[dict[str, str]]:
        return [{"role": "user", "content": "How high is it?"}, {"role": "assistant", "content": f"{seed:.0f} m"}]

    with gradio.Blocks(analytics_enabled=False) as demo:
        edge, seed = gradio.Number(), gradio.Number()
        for file_format in FORMATS:
            shown = gradio.Image(format=file_format)
            gradio.Button().click(paint, [edge, seed], shown, api_name=file_format, queue=False)
        messages = {"type": "messages"} if gradio.__version__.startswith("5.") else {}
        gradio.Button().click(say, seed, gradio.Chatbot(**messages), api_name="text", queue=False)
    return demo


@contextmanager
def served(demo: gradio.Blocks):
    """Serve *demo* on a free port while the block lasts; yields its address."""
    _, address, _ = demo.launch(
        server_name="127.0.0.1", share=False, ssr_mode=False, prevent_thread_lock=True, quiet=True
    )
    try:
        yield address
    finally:
        demo.close(verbose=False)


def client_of(address: str) -> Client:
    """Return a client that gets paths and not copies; without certificates to load, for there are none to check."""
    return Client(address, verbose=False, analytics_enabled=False, ssl_verify=False, download_files=False)


class Caller:
    """Calls the events of the app at *address*, one after the other over one connection."""

    def __init__(self, address: str) -> None:
        self._address, self._client = address.rstrip("/"), httpx.Client(timeout=60, trust_env=False)

    def predict(self, *data: object, api_name: str) -> dict[str, str]:
        """Return the first output of the event *api_name*."""
        answer = self._client.post(f"{self._address}/gradio_api/run{api_name}", json={"data": data})
        answer.raise_for_status()
        return answer.json()["data"][0]

    def close(self) -> None:
        """Close the connection."""
        self._client.close()


def clocked(do: Callable[[], object]) -> tuple[float, object]:
    """Return how many milliseconds *do* takes, and its result."""
    started = time.perf_counter()
    result = do()
    return 1000 * (time.perf_counter() - started), result


def pictures(plain: Caller, other: Caller, profile: Profile, file_format: str, runs: int) -> dict[str, object]:
    """Return the times of an event with a picture, and of marking it."""
    marker, verifier = profile.marker(), profile.verifier()
    left: list[Path] = []
    times: dict[str, list[float]] = {"plain": [], "disclosed": [], "marking": []}
    for run in range(runs + 1):
        asked = {"plain": plain, "disclosed": other}
        pair = {}
        for name in list(asked) if run % 2 else reversed(asked):
            pair[name] = clocked(partial(asked[name].predict, EDGE, run, api_name=f"/{file_format}"))
        data = Path(pair["plain"][1]["path"]).read_bytes()
        marking, _ = clocked(lambda data=data: marker.mark(Asset.open(data), profile.disclosure(**STATEMENT)))
        left.append(Path(pair["disclosed"][1]["path"]))
        if run:  # what the first of each pays once, no other does
            times["plain"].append(pair["plain"][0])
            times["disclosed"].append(pair["disclosed"][0])
            times["marking"].append(marking)
    # Afterwards, for to verify one in between would leave the next to cold caches.
    for path in left:
        _check(verifier, path)
    return _summary(times)


def texts(plain: Caller, other: Caller, runs: int) -> dict[str, object]:
    """Return the times of an event without a file."""
    times: dict[str, list[float]] = {"plain": [], "disclosed": [], "marking": []}
    for run in range(runs + 1):
        asked = {"plain": plain, "disclosed": other}
        for name in list(asked) if run % 2 else reversed(asked):
            took, _ = clocked(partial(asked[name].predict, run, api_name="/text"))
            if run:
                times[name].append(took)
        if run:
            times["marking"].append(0.0)
    return _summary(times)


def sessions(address: str, count: int) -> dict[str, object]:
    """Return how long *count* sessions wait that ask for a small picture at once, in milliseconds."""
    clients = [client_of(address) for _ in range(count)]
    together = threading.Barrier(count)

    def ask(number: int) -> tuple[float, object]:
        together.wait()
        return clocked(lambda: clients[number].predict(SMALL, 1000 + number, api_name="/png"))

    with ThreadPoolExecutor(count) as pool:
        waited = sorted(took for took, _ in pool.map(ask, range(count)))
        list(pool.map(lambda client: client.close(), clients))
    return {"sessions": count, "median": round(statistics.median(waited)), "last": round(waited[-1])}


def _check(verifier: Verifier, path: Path) -> None:
    """Refuse to measure a door that lets pictures out unmarked."""
    verdict = verifier.verify(Asset.open(path))
    if verdict.outcome != "disclosed":
        raise SystemExit(f"{path} left {verdict.outcome}: there is nothing to measure")


def _summary(times: dict[str, list[float]]) -> dict[str, object]:
    rows = list(zip(times["plain"], times["disclosed"], times["marking"], strict=True))
    beyond = [disclosed - plain - marking for plain, disclosed, marking in rows]
    measured = round(statistics.median(beyond), 1)
    quarters = statistics.quantiles(beyond, n=4)
    return {
        **{name: round(statistics.median(values), 1) for name, values in times.items()},
        "added": round(statistics.median(disclosed - plain for plain, disclosed, _ in rows), 1),
        "beyond marking": measured,
        "quartiles": [round(quarters[0], 1), round(quarters[2], 1)],
        "pairs": len(rows),
        "at most": BAR,
        # A machine that others use spreads the pairs; where half of them lie on both sides, nothing was shown.
        "met": True if quarters[2] <= BAR else False if quarters[0] > BAR else None,
    }


def main() -> None:
    """Measure, print and write ``results/gradio.json``."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=21)
    parser.add_argument("--sessions", type=int, default=50)
    arguments = parser.parse_args()
    load = round(os.getloadavg()[0], 1)
    with tempfile.TemporaryDirectory() as folder:
        os.environ["GRADIO_TEMP_DIR"] = str(Path(folder) / "cache")
        profile = Profile(folder=Path(folder) / "home")
        with served(app()) as plain_address, served(disclosed(app(), profile, **STATEMENT)) as address:
            plain, other = Caller(plain_address), Caller(address)
            events = {"text": texts(plain, other, arguments.runs)}
            for file_format in FORMATS:
                events[file_format] = pictures(plain, other, profile, file_format, arguments.runs)
            crowds = {
                "plain": sessions(plain_address, arguments.sessions),
                "disclosed": sessions(address, arguments.sessions),
            }
            for client in (plain, other):
                client.close()
    found = {
        "machine": machine(),
        "date": f"{datetime.now(UTC):%Y-%m-%d}",
        "disclose": __version__,
        "gradio": gradio.__version__,
        "load before": load,
        "pixels": [EDGE, EDGE],
        "events": events,
        "at once": crowds,
    }
    for name, row in events.items():
        print(name, row)
    print(crowds)
    print(write("gradio", found))


if __name__ == "__main__":
    main()
