"""Does the detector outlive half an hour of damaged files?

    python -m benchmarks.detector_soak [--minutes 30]

Marked and unmarked files of every kind that is marked, with bytes changed, cut, repeated and put in, from several
clients at a time. Counted are the answers by status, failures of the server, examiners that had to be replaced, what
its processes hold in memory at the end, and how long an answer takes.
"""

from __future__ import annotations

import argparse
import collections
import os
import random
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
from benchmarks.detector import ADDRESS, wait
from disclose.profile import Profile

CLIENTS = 4
FORMATS = {"JPEG": {"quality": 90}, "PNG": {}, "WEBP": {"quality": 90}, "TIFF": {}, "GIF": {}}


def main() -> None:
    """Measure, and write ``results/detector_soak.json``."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--minutes", type=float, default=30)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        files = originals(Profile(folder=Path(name)))
        server = subprocess.Popen([sys.executable, "-m", "benchmarks.detector", "--serve", name])  # noqa: S603
        try:
            wait()
            results = soak(files, time.monotonic() + 60 * given.minutes)
            results |= {"server": httpx.get(f"{ADDRESS}/health").json(), "resident MB": resident(server.pid)}
        finally:
            server.terminate()
            server.wait()
    write("detector_soak", {"machine": machine() | {"load": os.getloadavg()[0]}, "minutes": given.minutes, **results})


def originals(profile: Profile) -> list[bytes]:
    """Return small files of every kind, marked and unmarked."""
    picture = mosaic(256, 256)
    plain = [encoded(picture, name, **options) for name, options in FORMATS.items()]
    return plain + [disclose.mark(one, profile, system="Soak").data for one in plain]


def soak(files: list[bytes], end: float) -> dict[str, object]:
    """Send damaged *files* until *end*; return how they were answered."""

    def client(seed: int) -> list[tuple[int, float]]:
        dice, answers = random.Random(seed), []  # noqa: S311 - the same files every time
        with httpx.Client(timeout=120) as asking:
            while time.monotonic() < end:
                data = damaged(dice.choice(files), dice)
                started = time.perf_counter()
                answer = asking.post(f"{ADDRESS}/v1/verify", files={"file": ("a", data)})
                answers.append((answer.status_code, time.perf_counter() - started))
        return answers

    with ThreadPoolExecutor(CLIENTS) as clients:
        answers = [one for found in clients.map(client, range(CLIENTS)) for one in found]
    p50, p99 = (round(1000 * float(numpy.percentile([one for _, one in answers], part)), 1) for part in (50, 99))
    statuses = collections.Counter(str(status) for status, _ in answers)
    failures = sum(count for status, count in statuses.items() if status >= "500")
    return {"requests": len(answers), "statuses": statuses, "failures": failures, "p50 ms": p50, "p99 ms": p99}


def damaged(data: bytes, dice: random.Random) -> bytes:
    """Return *data* with bytes changed, cut, repeated and put in."""
    changed = bytearray(data)
    for _ in range(dice.randint(1, 8)):
        place = dice.randrange(len(changed) or 1)
        match dice.randrange(4):
            case 0:
                changed[place : place + 1] = bytes([dice.randrange(256)])
            case 1:
                del changed[place : place + dice.randint(1, 64)]
            case 2:
                changed[place:place] = changed[place : place + dice.randint(1, 64)]
            case _:
                changed[place : place + 4] = dice.choice([b"\xff\xff\xff\xff", bytes(4), b"\x7f\xff\xff\xff"])
    return bytes(changed) or b"x"


def resident(pid: int) -> list[int]:
    """Return the megabytes that the process and each of its children hold."""
    children = [one for task in Path(f"/proc/{pid}/task").iterdir() for one in (task / "children").read_text().split()]
    pages = (int(Path(f"/proc/{one}/statm").read_text().split()[1]) for one in (str(pid), *children))
    return [page * os.sysconf("SC_PAGE_SIZE") >> 20 for page in pages]


if __name__ == "__main__":
    main()
