"""How many verifications a second does the detector serve, and how long does one take?

    python -m benchmarks.detector [--requests 300]

Pictures of one megapixel go through the whole of it: HTTP on this machine, the processes that examine, and back as
JSON. Marked ones need no search; unmarked ones are searched for a mark that was turned, scaled or cut.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import numpy

import disclose
from benchmarks.common import encoded, machine, mosaic, write
from disclose.detector import Settings, app
from disclose.detector.serving import options
from disclose.profile import Profile

CLIENTS = 4
PORT = 8799
ADDRESS = f"http://127.0.0.1:{PORT}"


def main() -> None:
    """Measure, and write ``results/detector.json``."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--requests", type=int, default=300)
    parser.add_argument("--serve", type=Path)
    given = parser.parse_args()
    if given.serve:
        serve(given.serve)
        return
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        files = pictures(Profile(folder=folder))
        server = subprocess.Popen([sys.executable, "-m", "benchmarks.detector", "--serve", str(folder)])  # noqa: S603
        try:
            wait()
            results = {kind: measured(data, count(kind, given.requests), server.pid) for kind, data in files.items()}
        finally:
            server.terminate()
            server.wait()
    load = [round(one, 1) for one in os.getloadavg()]
    write(
        "detector", {"machine": machine() | {"load before and with it": load}, "clients": CLIENTS, "results": results}
    )


def serve(folder: Path) -> None:
    """Serve the detector over the ledger in *folder*."""
    import uvicorn

    settings = Settings(requests_per_minute=1_000_000)
    uvicorn.run(app(Profile(folder=folder), settings), **options("127.0.0.1", PORT), log_level="warning")


def pictures(profile: Profile) -> dict[str, bytes]:
    """Return files of one megapixel: marked, marked and stripped of its manifest, and unmarked."""
    plain = encoded(mosaic(1152, 896), "JPEG", quality=92)
    marked = disclose.mark(plain, profile, system="Benchmark").data
    stripped = encoded(disclose.Asset.open(marked).content.image, "JPEG", quality=85)
    other = encoded(mosaic(1664, 896).crop((512, 0, 1664, 896)), "JPEG", quality=92)
    return {"marked": marked, "marked, manifest stripped": stripped, "unmarked": other}


def count(kind: str, requests: int) -> int:
    """Return how many requests are enough for *kind*: a search takes some fifty times as long."""
    return max(20, requests // 10) if kind == "unmarked" else requests


def wait() -> None:
    """Wait until the server answers."""
    for _ in range(600):
        try:
            if httpx.get(f"{ADDRESS}/health").status_code == 200:
                return
        except httpx.TransportError:
            time.sleep(0.1)
    raise SystemExit("the server did not start")


def processor_seconds(pid: int) -> float:
    """Return what the process and its children have spent on the processors, those that ended left out."""
    children = [one for task in Path(f"/proc/{pid}/task").iterdir() for one in (task / "children").read_text().split()]
    ticks = 0
    for one in (str(pid), *children):
        fields = Path(f"/proc/{one}/stat").read_text().rpartition(")")[2].split()
        ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


def measured(data: bytes, requests: int, server: int) -> dict[str, object]:
    """Return how *requests* of *data* from several clients at a time fared."""

    def ask(client: httpx.Client) -> tuple[float, str]:
        started = time.perf_counter()
        answer = client.post(f"{ADDRESS}/v1/verify", content=data, headers={"Content-Type": "image/jpeg"})
        return time.perf_counter() - started, answer.json()["outcome"]

    with httpx.Client(timeout=120) as client, ThreadPoolExecutor(CLIENTS) as clients:
        list(clients.map(ask, [client] * CLIENTS))
        spent = processor_seconds(server)
        started = time.perf_counter()
        answers = list(clients.map(ask, [client] * requests))
        seconds = time.perf_counter() - started
        spent = processor_seconds(server) - spent
    times = [one for one, _ in answers]
    p50, p95, p99 = (round(1000 * float(numpy.percentile(times, one)), 1) for one in (50, 95, 99))
    return {
        "requests": requests,
        "outcomes": sorted({outcome for _, outcome in answers}),
        "a second": round(requests / seconds, 1),
        "p50 ms": p50,
        "p95 ms": p95,
        "p99 ms": p99,
        # What a machine that does nothing else would serve, whatever else ran on this one.
        "processor ms each": round(1000 * spent / requests, 1),
        "a second for each free processor": round(requests / spent, 1),
    }


if __name__ == "__main__":
    main()
