"""What does the ASGI door cost where it has nothing to mark, and how much later does a stream begin?

    python -m benchmarks.asgi

The same application with and without :class:`~disclose.integrations.asgi.DiscloseMiddleware`, in turns, so that what
else the machine does falls on both: the CPU time of a request in this process, the throughput of two servers under
``wrk``, the time to the first byte of a stream among others, and the memory of 500 open ones. ``wrk`` and the client of
the streams have a core of their own, the server has the other.
"""

from __future__ import annotations

import os

for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[variable] = "1"

import argparse
import asyncio
import gc
import importlib.util
import itertools
import json
import logging
import random
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from functools import cache, partial
from math import comb
from pathlib import Path

import anyio
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, StreamingResponse
from starlette.routing import Route

from benchmarks.asgi_traffic import STATEMENT, chat_events
from benchmarks.common import RESULTS, machine, write
from disclose.integrations.asgi import DiscloseMiddleware
from disclose.integrations.asgi_headers import App, Message, Receive, Scope, Send
from disclose.integrations.asgi_responder import HEADER
from disclose.profile import Profile
from disclose.version import __version__

CPU_AT_MOST, THROUGHPUT_AT_LEAST, FIRST_BYTE_AT_MOST, MEMORY_AT_MOST = 1.5, 0.95, 1.0, 64.0
"""The bars: a ratio, a ratio, milliseconds, and KB (of 1024 bytes) for each stream."""
STREAMS = ("chat", "events")
CONCURRENT = (1, 50, 200)
OPEN = 500
PLAIN, DISCLOSED, HEADER_ALONE = "plain", "disclosed", "header alone"
_BATCH, _PAIRS_OF_ONE_START = 1500, 3
_EVENT_MILLISECONDS, _EVENTS = 50, 60
_SOON = 0.02
_FEWEST = 6
_WITH_WHAT_BROWSERS_SEND = {
    "host": "127.0.0.1:8000",
    "user-agent": "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
    "accept": "*/*",
    "accept-language": "en-US,en;q=0.5",
    "accept-encoding": "gzip, deflate, br, zstd",
    "connection": "keep-alive",
}


def application() -> App:
    """Return an application with a trivial route and streams of so many events, so many milliseconds apart."""

    async def trivial(request: Request) -> PlainTextResponse:
        return PlainTextResponse("ok")

    async def stream(request: Request) -> StreamingResponse:
        said = request.path_params
        pause = int(said["pause"]) / 1000
        return StreamingResponse(_told(said["kind"], int(said["count"]), pause), media_type="text/event-stream")

    routes = [Route("/", trivial), Route("/{kind}/{count:int}/{pause:int}", stream)]
    return Starlette(routes=routes)


def disclosed(folder: Path) -> App:
    """Return the same application behind the middleware, which adds headers, and two fields to chats."""
    return DiscloseMiddleware(application(), Profile(folder=folder), **STATEMENT)


def with_the_header_alone() -> App:
    """Return the same application behind the least middleware that adds a header: what no other can go below."""
    app = application()

    async def adding(scope: Scope, receive: Receive, send: Send) -> None:
        async def sending(message: Message) -> None:
            if message["type"] == "http.response.start":
                message = {**message, "headers": [*message["headers"], (HEADER, b"mode=ai-originated")]}
            await send(message)

        await app(scope, receive, sending)

    return adding


async def _told(kind: str, count: int, pause: float) -> Iterator[bytes]:
    for event in _events(kind, count):
        yield event
        await anyio.sleep(pause)


@cache
def _events(kind: str, count: int) -> tuple[bytes, ...]:
    if kind == "chat":
        return tuple(chat_events(count, count))
    return tuple(f"event: tick\nid: {n}\ndata: {'x' * 180}\n\n".encode() for n in range(count))


def cpu(folder: Path, pairs: int) -> dict[str, object]:
    """Return the CPU time of a request to the trivial route, called in this process."""
    apps = {PLAIN: application(), DISCLOSED: disclosed(folder)}
    times = in_turns({name: lambda app=app: asyncio.run(_batch(app)) for name, app in apps.items()}, pairs)
    ratios = [one / other for one, other in zip(times[DISCLOSED], times[PLAIN], strict=True)]
    return {
        **{f"{name}, µs": round(statistics.median(values), 2) for name, values in times.items()},
        **judged(ratios, at_most=CPU_AT_MOST),
    }


async def _batch(app: App) -> float:
    """Return the CPU microseconds of one request, over many."""

    async def receive() -> dict[str, object]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: dict[str, object]) -> None:
        pass

    headers = [(name.encode(), value.encode()) for name, value in _WITH_WHAT_BROWSERS_SEND.items()]
    scope = {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "server": ("127.0.0.1", 8000),
        "client": ("127.0.0.1", 50000),
        "scheme": "http",
        "method": "GET",
        "root_path": "",
        "path": "/",
        "raw_path": b"/",
        "query_string": b"",
        "headers": headers,
    }
    for _ in range(50):
        await app({**scope, "state": {}}, receive, send)
    gc.collect()
    started = time.process_time()
    for _ in range(_BATCH):
        await app({**scope, "headers": [*headers], "state": {}}, receive, send)
    return 1e6 * (time.process_time() - started) / _BATCH


def throughput(folder: Path, pairs: int, seconds: int) -> dict[str, object]:
    """Return the requests that each server answers in a second under load, and in a second of its own CPU time.

    The servers are started anew every few pairs: how fast one is depends by some percent on where things lie in its
    memory, and that stays as it is until it ends.
    """

    def load(process: int, port: int) -> tuple[float, float]:
        before = cpu_seconds(process)
        command = ["wrk", "-t1", "-c16", f"-d{seconds}s", f"http://127.0.0.1:{port}/"]
        said = subprocess.run(command, capture_output=True, text=True, check=True).stdout  # noqa: S603
        count, took = re.search(r"(\d+) requests in ([\d.]+)s", said).groups()
        if "Non-2xx" in said or "Socket errors" in said:
            raise SystemExit(f"wrk met errors: {said}")
        return int(count) / float(took), int(count) / (cpu_seconds(process) - before)

    found: dict[str, list[tuple[float, float]]] = {PLAIN: [], DISCLOSED: [], HEADER_ALONE: []}
    while len(found[PLAIN]) < pairs:
        with each_served(folder, found) as servers:
            for process, port in servers.values():
                load(process, port)
            few = min(_PAIRS_OF_ONE_START, pairs - len(found[PLAIN]))
            for name, loads in in_turns(
                {name: lambda where=where: load(*where) for name, where in servers.items()}, few
            ).items():
                found[name] += loads

    def ratios(name: str, measure: int) -> list[float]:
        return [one[measure] / plain[measure] for one, plain in zip(found[name], found[PLAIN], strict=True)]

    return {
        **{f"{name}, requests a second": round(statistics.median(one for one, _ in found[name])) for name in found},
        **judged(ratios(DISCLOSED, 0), at_least=THROUGHPUT_AT_LEAST),
        "by CPU seconds of the server": judged(ratios(DISCLOSED, 1), at_least=THROUGHPUT_AT_LEAST),
        "of a header alone": round(statistics.median(ratios(HEADER_ALONE, 0)), 3),
    }


def first_bytes(ports: dict[str, tuple[int, int]], pairs: int, *, together: bool) -> list[dict[str, object]]:
    """Return how long a stream takes to its first byte while others run, begun evenly in time or all *together*."""
    rows = []
    for kind, count in itertools.product(STREAMS, CONCURRENT):
        if together and count == 1:
            continue
        begun = {
            name: lambda port=port, kind=kind, count=count: asyncio.run(_begun(port, kind, count, together=together))
            for name, (_, port) in ports.items()
        }
        times = in_turns(begun, pairs)
        added = [one - other for one, other in zip(times[DISCLOSED], times[PLAIN], strict=True)]
        rows.append(
            {
                "stream": kind,
                "at once": count,
                "begun": "together" if together else "evenly",
                **{f"{name}, ms": round(statistics.median(values), 2) for name, values in times.items()},
                **judged(added, at_most=FIRST_BYTE_AT_MOST),
            }
        )
        print(rows[-1], flush=True)
    return rows


async def _begun(port: int, kind: str, count: int, *, together: bool) -> float:
    """Return the median of the milliseconds to the first byte, of *count* streams at once and as many that follow."""
    length = _EVENTS * _EVENT_MILLISECONDS / 1000
    times: list[float] = []

    async def one(path: str) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        if together:
            # Connecting is no part of it; all are there before the first asks.
            await ready.wait()
        started = time.perf_counter()
        writer.write(f"GET {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n".encode())
        await reader.readuntil(b"\r\n\r\n")
        await reader.readexactly(1)
        times.append(1000 * (time.perf_counter() - started))
        while await reader.read(65536):
            pass
        writer.close()
        await writer.wait_closed()

    async def follow(delay: float) -> None:
        await asyncio.sleep(delay)
        for _ in range(2):
            await one(f"/{kind}/{_EVENTS}/{_EVENT_MILLISECONDS}")

    ready = asyncio.Event()
    if together:
        tasks = [asyncio.create_task(one(f"/{kind}/20/20")) for _ in range(count)]
        await asyncio.sleep(0.3)
        ready.set()
        await asyncio.gather(*tasks)
    elif count == 1:
        for _ in range(40):
            await one(f"/{kind}/3/2")
            await asyncio.sleep(_SOON)
    else:
        await asyncio.gather(*(follow(length * (index + random.random()) / count) for index in range(count)))  # noqa: S311
        # The first of them began while there were fewer than *count*.
        times = times[count:]
    return statistics.median(times)


def memory(folder: Path, kind: str) -> dict[str, object]:
    """Return the KB of memory that each of many open streams takes, with and without the middleware."""
    taken = {}
    for name in (PLAIN, DISCLOSED):
        with served(name, folder) as (process, port):
            taken[name] = asyncio.run(_held(process, port, kind))
    more = taken[DISCLOSED] - taken[PLAIN]
    found = {f"{name}, KB": round(value, 1) for name, value in taken.items()}
    return {"stream": kind, "open": OPEN, **found, "measured": round(more, 1), "at most": MEMORY_AT_MOST,
            "met": more <= MEMORY_AT_MOST}  # fmt: skip


async def _held(process: int, port: int, kind: str) -> float:
    """Return the KB that a stream takes in the server, each of them in the middle."""

    async def opened(count: int) -> list[asyncio.StreamWriter]:
        writers = []
        for _ in range(count):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(f"GET /{kind}/2000/500 HTTP/1.1\r\nhost: localhost\r\n\r\n".encode())
            await reader.readuntil(b"\r\n\r\n")
            await reader.readexactly(1)
            writers.append(writer)
        return writers

    async def closed(writers: list[asyncio.StreamWriter]) -> None:
        for writer in writers:
            writer.close()
        await asyncio.gather(*(writer.wait_closed() for writer in writers), return_exceptions=True)
        await asyncio.sleep(2)

    await closed(await opened(50))
    before = resident(process)
    writers = await opened(OPEN)
    await asyncio.sleep(5)
    grown = resident(process) - before
    await closed(writers)
    return grown / OPEN


def in_turns(measures: dict[str, Callable[[], object]], pairs: int) -> dict[str, list]:
    """Return what each of two *measures* has given, one after the other, each first every other time."""
    found: dict[str, list] = {name: [] for name in measures}
    for pair in range(pairs):
        for name in list(measures) if pair % 2 else reversed(measures):
            found[name].append(measures[name]())
    return found


def judged(values: list[float], *, at_most: float | None = None, at_least: float | None = None) -> dict[str, object]:
    """Return the median of *values* and its 95 % interval, and whether that lies on the right side of the bar.

    The interval is that of the order statistics: it supposes nothing of how the values are distributed. ``met`` is
    None where the bar lies within it, or where there are too few for any such interval and all of them are right.
    """
    low, high = interval_of_median(values)
    bar = {"at most": at_most} if at_least is None else {"at least": at_least}
    right, wrong = (high <= at_most, low > at_most) if at_least is None else (low >= at_least, high < at_least)
    return {
        "measured": round(statistics.median(values), 3),
        "interval": [round(low, 3), round(high, 3)],
        "range": [round(min(values), 3), round(max(values), 3)],
        "pairs": len(values),
        **bar,
        "met": False if wrong else True if right and len(values) >= _FEWEST else None,
    }


def interval_of_median(values: list[float]) -> tuple[float, float]:
    """Return the ends of the narrowest symmetrical interval that holds the median at 95 %, or of all values.

    >>> interval_of_median([5, 1, 4, 2, 3, 6])
    (1, 6)
    """
    ordered, count = sorted(values), len(values)
    below, rank = 0, 0
    for one in range(count // 2):
        below += comb(count, one)
        if 2 * below / 2**count > 0.05:
            break
        rank = one
    return ordered[rank], ordered[count - 1 - rank]


@contextmanager
def served(name: str, folder: Path) -> Iterator[tuple[int, int]]:
    """Serve one of the two in a process of its own for the block; yields its process identifier and its port."""
    command = [sys.executable, "-m", "benchmarks.asgi", "--serve", name, "--folder", str(folder)]
    root = Path(__file__).parent.parent
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=root) as server:  # noqa: S603
        try:
            yield server.pid, int(server.stdout.readline())
        finally:
            server.terminate()


@contextmanager
def each_served(folder: Path, names: Iterable[str]) -> Iterator[dict[str, tuple[int, int]]]:
    """Serve those of *names* for the block; yields the process identifier and the port of each by its name."""
    with ExitStack() as stack:
        yield {name: stack.enter_context(served(name, folder)) for name in names}


async def serve(app: App) -> None:
    """Serve *app* until stopped, on the last core; print the port first."""
    pinned(last=True)
    logging.getLogger("asyncio").setLevel(logging.ERROR)
    settings = {"lifespan": "off", "log_level": "critical", "access_log": False, "timeout_graceful_shutdown": 1}
    server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=0, **settings))
    serving = asyncio.create_task(server.serve())
    while not server.started:
        await asyncio.sleep(0.01)
    print(server.servers[0].sockets[0].getsockname()[1], flush=True)
    await serving


def pinned(*, last: bool) -> None:
    """Keep this process, and those it starts, to the *last* core or to the first."""
    cores = sorted(os.sched_getaffinity(0))
    os.sched_setaffinity(0, {cores[-1 if last else 0]})


def cpu_seconds(process: int) -> float:
    """Return the CPU time that *process* has taken so far."""
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def resident(process: int) -> float:
    """Return the KB that *process* holds in memory."""
    status = dict(line.split(":", 1) for line in Path(f"/proc/{process}/status").read_text().splitlines())
    return float(status["VmRSS"].split()[0])


def server_name() -> str:
    """Return what serves, with the parts it is faster with where they are installed."""
    parts = [name for name in ("uvloop", "httptools") if importlib.util.find_spec(name)]
    return " with ".join([f"uvicorn {uvicorn.__version__}", *([" and ".join(parts)] if parts else [])])


def measured(folder: Path, arguments: argparse.Namespace) -> Iterator[tuple[str, object]]:
    """Yield the parts of the result one by one."""
    if "cpu" in arguments.parts:
        yield "CPU", cpu(folder / "cpu", arguments.pairs)
    if "throughput" in arguments.parts:
        yield "throughput", {server_name(): throughput(folder / "served", arguments.pairs, arguments.seconds)}
    if "first bytes" in arguments.parts:
        with each_served(folder / "served", (PLAIN, DISCLOSED)) as servers:
            few = arguments.stream_pairs
            rows = first_bytes(servers, few, together=False)
            yield "first bytes", rows + first_bytes(servers, few, together=True)
    if "memory" in arguments.parts:
        yield "memory", [memory(folder / "held", kind) for kind in STREAMS]


def main() -> None:
    """Measure, print and write ``results/asgi.json``; what is not measured again stays in it as it was."""
    parts = ("cpu", "throughput", "first bytes", "memory")
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pairs", type=int, default=31)
    parser.add_argument("--stream-pairs", type=int, default=9)
    parser.add_argument("--seconds", type=int, default=2, help="of each run of wrk")
    parser.add_argument("--parts", nargs="+", choices=parts, default=parts)
    parser.add_argument("--json", default="asgi", help="name of the result")
    parser.add_argument("--serve", choices=(PLAIN, DISCLOSED, HEADER_ALONE), help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.serve:
        makers = {
            PLAIN: application,
            DISCLOSED: partial(disclosed, arguments.folder),
            HEADER_ALONE: with_the_header_alone,
        }
        app = makers[arguments.serve]()
        uvicorn_loop = uvicorn.Config(app).get_loop_factory()
        with asyncio.Runner(loop_factory=uvicorn_loop) as runner:
            runner.run(serve(app))
        return
    pinned(last=False)
    found: dict[str, object] = {}
    path = RESULTS / f"{arguments.json}.json"
    if path.exists():
        found = json.loads(path.read_text())
    about = {
        "machine": machine(),
        "date": f"{datetime.now(UTC):%Y-%m-%d}",
        "disclose": __version__,
        "seconds of wrk": arguments.seconds,
    }
    with tempfile.TemporaryDirectory() as folder:
        for name, part in measured(Path(folder), arguments):
            print(name, json.dumps(part, indent=1), flush=True)
            if name == "throughput":
                # One row for each server that it was measured behind.
                part = {**found.get(name, {}), **part}
            found = {**about, **found, **about, name: part}
            loads = found.setdefault("load before", {})
            loads[name] = round(os.getloadavg()[0], 1)
            write(arguments.json, found)


if __name__ == "__main__":
    main()
