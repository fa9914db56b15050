"""Does the detector answer half an hour of made-up requests as its description promises, without growing?

    python -m benchmarks.detector_fuzz [--minutes 30]

``disclose serve`` runs as a process of its own and is asked over loopback, by several clients at a time, what
schemathesis makes up from its description: requests that fit it, requests that do not, and among both files that were
issued here and damaged. Every answer is held against the description. The memory of all its processes is read every ten
seconds; the last third of the time is held against the first. Addresses are not fetched: they would be strangers'.
"""

from __future__ import annotations

import argparse
import base64
import collections
import json
import os
import random
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy
import requests
import schemathesis
from hypothesis import HealthCheck, given, seed, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.core.failures import FailureGroup
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

import disclose
from benchmarks.common import encoded, machine, mosaic, write
from benchmarks.detector_soak import FORMATS, damaged
from disclose.detector.resolution import WATERMARK
from disclose.ledger.manifests import Manifests
from disclose.profile import Profile

if TYPE_CHECKING:
    from collections.abc import Iterator

    from schemathesis import Case

CLIENTS = 4
SECONDS_BETWEEN_SAMPLES = 10.0
MOST_GROWTH = 0.05
"""What the last third may hold more than the first: the pieces that an allocator keeps vary by as much."""
CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]
_EXAMPLES = 25
_ONE_IN = 4


def main() -> None:
    """Measure, and write ``results/detector_fuzz.json``; exit status 1 where a bar is missed."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--minutes", type=float, default=30)
    parser.add_argument("--json", default="detector_fuzz", help="name of the result")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        home = Path(name) / "home"
        known = Known(home)
        with served(home) as (address, process):
            results = fuzzed(address, process, known, time.monotonic() + 60 * arguments.minutes)
            results["server"] = requests.get(f"{address}/health", timeout=60).json()
    load = [round(one, 1) for one in os.getloadavg()]
    write(arguments.json, {"machine": machine() | {"load": load}, "minutes": arguments.minutes, **results})
    print(json.dumps(results, indent=1))
    sys.exit(0 if results["met"] else 1)


class Known:
    """What a request can be about that made-up ones never hit: files issued under *home*, and their manifests."""

    def __init__(self, home: Path) -> None:
        home.mkdir()
        picture = mosaic(256, 256)
        with disclose_home(home):
            profile = Profile.load()
            self.files = [
                disclose.mark(encoded(picture, name, **options), profile, system="Fuzz").data
                for name, options in FORMATS.items()
            ]
            with profile.ledger() as ledger:
                marks = [one.mark_of("image_watermark") for one in ledger.records()]
                self.values = [str(one.details["value"]) for one in marks if one is not None]
                manifests = Manifests(ledger)
                self.labels = [manifests.bound(alg=WATERMARK, value=one, limit=1)[0] for one in self.values]

    def put_into(self, case: Case, dice: random.Random) -> None:
        """Have *case* ask for something that is there, or send something that was issued, whole or damaged."""
        query = case.query or {}
        if case.path == "/manifests/{manifestId}":
            case.path_parameters = {"manifestId": dice.choice(self.labels)}
        elif case.path == "/matches/byBinding":
            binding = {"alg": WATERMARK, "value": base64.b64encode(dice.choice(self.values).encode()).decode()}
            if case.method == "GET":
                case.query = {**query, **binding}
            else:
                case.body = binding
        elif case.media_type == "application/octet-stream":
            data = dice.choice(self.files)
            case.body = damaged(data, dice) if dice.random() < 0.5 else data
        elif case.media_type == "multipart/form-data":
            case.body = {"file": dice.choice(self.files)}


@contextmanager
def disclose_home(home: Path) -> Iterator[None]:
    """Have the profile of this process stand in *home*, and keep manifests."""
    former = dict(os.environ)
    os.environ.update(DISCLOSE_HOME=str(home), DISCLOSE_KEEP_MANIFESTS="1")
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(former)


@contextmanager
def served(home: Path) -> Iterator[tuple[str, int]]:
    """Give the address and the process of a detector over the ledger in *home*."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "disclose", "serve", "--port", str(port), "--rate", "1000000", "--manifests"]
    server = subprocess.Popen([*command, "--no-fetch"], env={**os.environ, "DISCLOSE_HOME": str(home)})  # noqa: S603
    address = f"http://127.0.0.1:{port}"
    try:
        for _ in range(600):
            try:
                requests.get(f"{address}/health", timeout=60).raise_for_status()
                break
            except requests.ConnectionError:
                if server.poll() is not None:
                    raise SystemExit("the server did not start") from None
                time.sleep(0.1)
        yield address, server.pid
    finally:
        server.terminate()
        server.wait(timeout=60)


def fuzzed(address: str, process: int, known: Known, end: float) -> dict[str, Any]:
    """Ask until *end*; return how the requests were answered, and what the processes held meanwhile."""
    samples: list[dict[str, float]] = []
    over = threading.Event()
    sampler = threading.Thread(target=sample, args=(process, samples, over))
    sampler.start()
    try:
        with ThreadPoolExecutor(CLIENTS) as clients:
            answers = list(clients.map(lambda number: Client(address, known, number).run(end), range(CLIENTS)))
    finally:
        over.set()
        sampler.join()
    return summed([one for found in answers for one in found.answers], _failures(answers), samples)


class Client:
    """One of several clients: makes up requests from the description and holds the answers against it."""

    def __init__(self, address: str, known: Known, number: int) -> None:
        self._address, self._known, self._number = address, known, number
        self._dice = random.Random(number)  # noqa: S311 - the same choices every time
        self.answers: list[tuple[str, str, float]] = []
        self.failures: collections.Counter[str] = collections.Counter()
        self.examples: dict[str, str] = {}

    def run(self, end: float) -> Client:
        """Ask until *end*."""
        described = schemathesis.openapi.from_url(f"{self._address}/openapi.json")
        operations = [one.ok() for one in described.get_all_operations()]
        turn = self._number
        with requests.Session() as session:
            while time.monotonic() < end:
                operation = operations[turn % len(operations)]
                mode = GenerationMode.NEGATIVE if turn // len(operations) % 2 else GenerationMode.POSITIVE
                self._ask(operation, mode, session, end, turn)
                turn += 1
        return self

    def _ask(self, operation: Any, mode: GenerationMode, session: requests.Session, end: float, turn: int) -> None:
        @seed(1000 * turn + self._number)
        @settings(max_examples=_EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck), database=None)
        @given(operation.as_strategy(generation_mode=mode))
        def ask(case: Case) -> None:
            if time.monotonic() < end:
                if self._dice.randrange(_ONE_IN) == 0:
                    self._known.put_into(case, self._dice)
                self._answered(case, session)

        try:
            ask()
        except Unsatisfiable:
            # There is nothing that an operation without parameters could be asked wrongly.
            return

    def _answered(self, case: Case, session: requests.Session) -> None:
        name = f"{case.method} {case.path}"
        started = time.perf_counter()
        try:
            answer = case.call(session=session, timeout=120)
        except requests.RequestException as error:
            self._note(f"{name}: no answer ({type(error).__name__})", case)
            session.close()
            return
        self.answers.append((name, str(answer.status_code), time.perf_counter() - started))
        try:
            case.validate_response(answer, checks=CHECKS)
        except FailureGroup as group:
            for one in group.exceptions:
                self._note(f"{name}: {answer.status_code}, {getattr(one, 'title', one)}", case)

    def _note(self, failure: str, case: Case) -> None:
        self.failures[failure] += 1
        self.examples.setdefault(failure, case.as_curl_command()[:1000])


def _failures(clients: list[Client]) -> dict[str, dict[str, Any]]:
    counted = sum((one.failures for one in clients), collections.Counter())
    examples = {name: example for one in clients for name, example in one.examples.items()}
    return {name: {"times": number, "such as": examples[name]} for name, number in counted.most_common()}


def summed(
    answers: list[tuple[str, str, float]], failures: dict[str, Any], samples: list[dict[str, float]]
) -> dict[str, Any]:
    """Return the figures of *answers*, *failures* and *samples*, and whether they are within the bars."""
    operations = {
        name: {
            "requests": sum(one == name for one, _, _ in answers),
            "statuses": dict(sorted(collections.Counter(status for one, status, _ in answers if one == name).items())),
            **_times([seconds for one, _, seconds in answers if one == name]),
        }
        for name in sorted({one for one, _, _ in answers})
    }
    server_errors = sum(status >= "500" for _, status, _ in answers)
    memory = grown(samples)
    return {
        "clients": CLIENTS,
        "requests": len(answers),
        "answers of 500 and more": server_errors,
        "not as described": failures,
        **_times([seconds for _, _, seconds in answers]),
        "memory": memory,
        "bars": {"answers of 500 and more": 0, "not as described": 0, "growth of memory": MOST_GROWTH},
        "met": not server_errors and not failures and memory["growth"] <= MOST_GROWTH,
        "operations": operations,
    }


def _times(seconds: list[float]) -> dict[str, float]:
    return {f"p{part} ms": round(1000 * float(numpy.percentile(seconds, part)), 1) for part in (50, 99)}


def grown(samples: list[dict[str, float]]) -> dict[str, Any]:
    """Return the megabytes of all processes in the first third of *samples* and the last, and the growth as a part."""
    third = max(1, len(samples) // 3)
    totals = [sum(one.values()) for one in samples]
    first, last = statistics.mean(totals[:third]), statistics.mean(totals[-third:])
    return {
        "samples": len(samples),
        "MB in the first third": round(first, 1),
        "MB in the last third": round(last, 1),
        "growth": round(last / first - 1, 4),
        "most MB": round(max(totals), 1),
        "MB of the server, first and last third": [
            round(statistics.mean(one["server"] for one in part), 1) for part in (samples[:third], samples[-third:])
        ],
        "MB of all, each minute": [round(one) for one in totals[:: round(60 / SECONDS_BETWEEN_SAMPLES)]],
    }


def sample(process: int, samples: list[dict[str, float]], over: threading.Event) -> None:
    """Append what *process* and those under it hold in memory, until it is *over*."""
    while not over.wait(SECONDS_BETWEEN_SAMPLES):
        under = [resident(one) for one in descendants(process)]
        samples.append({"server": resident(process), "examiners and others": sum(under)})


def descendants(process: int) -> list[int]:
    """Return the processes that *process* started, and theirs."""
    try:
        tasks = list(Path(f"/proc/{process}/task").iterdir())
        children = [int(one) for task in tasks for one in (task / "children").read_text().split()]
    except OSError:
        return []
    return children + [one for child in children for one in descendants(child)]


def resident(process: int) -> float:
    """Return the megabytes that *process* holds in memory; none where it ended meanwhile."""
    try:
        pages = int(Path(f"/proc/{process}/statm").read_text().split()[1])
    except OSError:
        return 0.0
    return pages * os.sysconf("SC_PAGE_SIZE") / (1 << 20)


if __name__ == "__main__":
    main()
