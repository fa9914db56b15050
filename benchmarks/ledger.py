# ruff: noqa: SLF001
"""How fast, how small and how hard to break is the ledger?

    python -m benchmarks.ledger [--records 1000000] [--kills 25] [--only sqlite] [--steps large]

Every append is durable when it is counted. PostgreSQL is started for this in a folder of its own, with fsync.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import secrets
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy
from PIL import Image

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from benchmarks.common import RESULTS, machine, photographs, write
from benchmarks.ledger_faults import fill_the_disk, kill_writers, stop_the_server, writing
from benchmarks.ledger_writer import append
from disclose.asset import Mark
from disclose.disclosure import Disclosure
from disclose.layers.fingerprint import _views
from disclose.ledger import Ledger, Record, values
from disclose.ledger.hashes import PackedHashes
from disclose.media.likeness import Structure
from disclose.watermark.image import canonical_size

CALLERS = 32
STEPS = ("append", "processes", "faults", "large", "likeness", "pictures")
DIFFERENT = 4000
"""Different pictures, of which the records of the step ``pictures`` are."""
CERTIFICATE = hashlib.sha256(b"a certificate").hexdigest()
MOST_BYTES = 600
"""The bar for a picture's record."""
LIMIT = 70
"""Bits that may differ among a million entries (disclose.layers.fingerprint.limit)."""


def main() -> None:
    """Measure, and write ``results/ledger.json`` after every step."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--records", type=int, default=1_000_000)
    parser.add_argument("--records-postgresql", type=int, default=200_000)
    parser.add_argument("--pictures", type=int, default=200_000, help="records with all that is noted of a picture")
    parser.add_argument("--kills", type=int, default=25, help="rounds; two writers are killed in each")
    parser.add_argument("--appends", type=int, default=20_000)
    parser.add_argument("--seconds", type=float, default=10.0, help="how long several processes append")
    parser.add_argument("--only", choices=["sqlite", "postgresql"])
    parser.add_argument("--steps", nargs="*", choices=STEPS, default=STEPS)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        if "likeness" in given.steps:
            _step("memory", "likeness", likeness(given.records))
        if given.only != "postgresql":
            _measure("sqlite", Path(folder), lambda name: str(Path(folder) / f"{name}.sqlite"), given)
        if given.only != "sqlite":
            from postgresql import Server

            server = Server(durable=True)
            try:
                _measure("postgresql", Path(folder), server.database, given, server)
            finally:
                server.close()


def _earlier() -> dict[str, Any]:
    import json

    path = RESULTS / "ledger.json"
    return json.loads(path.read_text()) if path.exists() else {}


def _step(part: str, name: str, value: dict[str, Any]) -> None:
    results = {"machine": machine(), **_earlier()}
    results.setdefault(part, {})[name] = {**value, "load_of_the_machine": round(os.getloadavg()[0], 1)}
    write("ledger", results)
    print(part, name, value, flush=True)


def _measure(store: str, folder: Path, place: Any, given: Any, server: Any = None) -> None:
    def step(name: str, value: dict[str, Any]) -> None:
        _step(store, name, value)

    if "append" in given.steps:
        for callers in (1, CALLERS):
            with Ledger(place(f"appending{callers}"), key=folder / f"{store}_key.pem") as ledger:
                step(f"append_{callers}_callers", appending(ledger, callers, given.appends if callers > 1 else 1000))
    if "processes" in given.steps:
        for processes in (1, 2, 4):
            key = folder / f"{store}_processes.pem"
            found = together(place(f"processes{processes}"), key, processes, CALLERS // processes, given.seconds)
            step(f"append_{processes}_processes", found)
    if "faults" in given.steps:
        step("kills", kill_writers(place("killed"), folder / f"{store}_killed.pem", given.kills))
        if server is None:
            (folder / "full").mkdir()
            step("disk_full", fill_the_disk(folder / "full"))
        else:
            with Ledger(place("stopped"), key=folder / "stopped.pem") as ledger:
                step("server_stopped", stop_the_server(server, ledger))
    if "large" in given.steps:
        records = given.records if store == "sqlite" else given.records_postgresql
        with Ledger(place("large"), key=folder / f"{store}_large.pem") as ledger:
            step("large", {"records": records, **large(ledger, records)})
    if "pictures" in given.steps:
        with Ledger(place("pictures"), key=folder / f"{store}_pictures.pem") as ledger:
            step("pictures", pictures(ledger, given.pictures))


def appending(ledger: Ledger, callers: int, count: int) -> dict[str, float]:
    """Return how many records a second *callers* append at the same time, each durable, and what one waits."""
    waits: list[float] = []

    def one(_: int) -> None:
        start = time.perf_counter()
        append(ledger)
        waits.append(time.perf_counter() - start)

    start = time.perf_counter()
    with ThreadPoolExecutor(callers) as executor:
        list(executor.map(one, range(count)))
    seconds = time.perf_counter() - start
    waits.sort()
    return {
        "records": count,
        "records_per_second": round(count / seconds),
        "milliseconds_median": round(1000 * statistics.median(waits), 2),
        "milliseconds_p99": round(1000 * waits[int(0.99 * len(waits))], 2),
    }


def together(location: str, key: Path, processes: int, callers: int, seconds: float) -> dict[str, float]:
    """Return how many records a second are acknowledged to *processes* together, with *callers* each."""
    with tempfile.NamedTemporaryFile() as told, writing(location, key, Path(told.name), processes, callers):
        # All of them have begun by then.
        time.sleep(2.0)
        before, start = _lines(told.name), time.perf_counter()
        time.sleep(seconds)
        acknowledged, elapsed = _lines(told.name) - before, time.perf_counter() - start
    return {"processes": processes, "callers": callers, "records_per_second": round(acknowledged / elapsed)}


def _lines(path: str) -> int:
    return Path(path).read_bytes().count(b"\n")


def large(ledger: Ledger, count: int) -> dict[str, float]:
    """Fill *ledger* with *count* records; return its size and how long a look takes."""
    identifiers = [record.disclosure.id for record in _in_batches(ledger, count, lambda _: append(ledger))]
    start = time.perf_counter()
    ledger.checkpoint()
    placing = time.perf_counter() - start
    wanted = [secrets.token_bytes(32) for _ in range(8)]
    start = time.perf_counter()
    ledger.nearest(wanted[0])
    first = time.perf_counter() - start
    chosen = [identifiers[int.from_bytes(secrets.token_bytes(4)) % count] for _ in range(500)]
    lookup = [_milliseconds(lambda one=one: ledger.find(one.leading(64))) for one in chosen]
    search = ledger._likenesses._hashes
    found = {
        "bytes_per_record": round(_size(ledger) / count, 1),
        "placing_per_second": round(count / placing),
        "id_milliseconds_median": statistics.median(lookup),
        "id_milliseconds_p99": sorted(lookup)[int(0.99 * len(lookup))],
        "likeness_first_seconds": first,
        "likeness_1_hash_milliseconds": statistics.median(
            _milliseconds(lambda: search.nearest(wanted[:1])) for _ in range(21)
        ),
        "likeness_8_hashes_milliseconds": statistics.median(
            _milliseconds(lambda: search.nearest(wanted)) for _ in range(21)
        ),
        "likeness_1_hash_milliseconds_of_processor": _of_processor(lambda: search.nearest(wanted[:1])),
        "likeness_8_hashes_milliseconds_of_processor": _of_processor(lambda: search.nearest(wanted)),
        "likeness_with_its_record_milliseconds": statistics.median(
            _milliseconds(lambda: ledger.nearest(wanted[0])) for _ in range(21)
        ),
        "proof_milliseconds_median": statistics.median(
            _milliseconds(lambda one=one: ledger.prove(one)) for one in chosen[:50]
        ),
    }
    if ledger._database.path is None:
        from disclose.ledger.likeness import _by_the_database

        with ledger.connection() as connection:
            found["likeness_by_the_database_8_hashes_milliseconds"] = _milliseconds(
                lambda: _by_the_database(connection, wanted)
            )
    start = time.perf_counter()
    check = ledger.verify()
    found["verified_per_second"] = count / (time.perf_counter() - start)
    return {**{name: round(value, 3) for name, value in found.items()}, "broken": check.reason}


def likeness(count: int) -> dict[str, Any]:
    """Return how long the nearest of *count* hashes takes in memory, for the eight views of photographs."""
    views = [_views(part.convert("L")) for part in _parts(60)]
    unrelated = [secrets.token_bytes(32) for _ in range(8)]
    photographed = b"".join(b"".join(_views(part.convert("L"))) for part in _parts(500, seed=1))
    repeated = numpy.frombuffer((photographed * (count // len(photographed) * 32 + 32))[: 32 * count], numpy.uint8)
    errors = numpy.packbits(numpy.random.default_rng(2).random((4096, 256)) < 0.04, axis=1)
    near = (repeated.reshape(-1, 32) ^ numpy.tile(errors, (-(-count // 4096), 1))[:count]).tobytes()
    found: dict[str, Any] = {"hashes": count}
    for name, hashes in {
        "random": secrets.token_bytes(32 * count),
        "near_duplicates_of_photographs": near,
        "all_equal": views[0][0] * count,
    }.items():
        packed = PackedHashes()
        seconds = _milliseconds(lambda packed=packed, hashes=hashes: packed.add(numpy.arange(count), hashes)) / 1000
        found[name] = {
            "built_in_seconds": round(seconds, 3),
            "bytes_per_hash": (packed._words.nbytes + packed._numbers.nbytes) / count,
            "eight_views": _searching(packed, views, 256),
            f"eight_views_within_{LIMIT}_bits": _searching(packed, views, LIMIT),
            "eight_unrelated_hashes": _searching(packed, [unrelated] * 10, 256),
        }
    return found


def _searching(packed: PackedHashes, wanted: list[list[bytes]], within: int) -> dict[str, float]:
    walls, processor = [], []
    for hashes in wanted:
        start = time.process_time()
        walls.append(_milliseconds(lambda hashes=hashes: packed.nearest(hashes, within=within)))
        processor.append(1000 * (time.process_time() - start))
    return {
        "milliseconds_median": round(statistics.median(walls), 2),
        "milliseconds_p99": round(sorted(walls)[int(0.99 * len(walls))], 2),
        "milliseconds_of_processor_median": round(statistics.median(processor), 2),
        "milliseconds_of_processor_p99": round(sorted(processor)[int(0.99 * len(processor))], 2),
    }


def pictures(ledger: Ledger, count: int) -> dict[str, Any]:
    """Return how many bytes the record of a picture takes with all that is noted of it, and which part takes them.

    The structures are those of some thousand parts of photographs, again and again: nothing in a ledger gains by it.
    """
    parts = (part.convert("L") for part in _parts(min(count, DIFFERENT)))
    structures = [Structure.of(luma, canonical_size(*luma.size)).to_text() for luma in parts]
    # The size of what is stored is in question, and not how long coding takes.
    values.compress, values.expand = (lru_cache(DIFFERENT)(one) for one in (values.compress, values.expand))
    appending = _in_batches(ledger, count, lambda number: _picture(ledger, structures[number % len(structures)]))
    for number, _ in enumerate(appending):
        # In use they get their places every second, and never wait by the hundred thousand.
        if number % DIFFERENT == 0:
            ledger.checkpoint()
    ledger.checkpoint()
    size = _size(ledger)
    is_sqlite = ledger._database.path is not None
    with ledger.connection() as connection:
        taking = connection.exec_driver_sql(_PARTS_OF_SQLITE if is_sqlite else _PARTS_OF_POSTGRESQL).all()
        body = connection.exec_driver_sql("SELECT AVG(LENGTH(body)) FROM entries").scalar_one()
    return {
        "records": count,
        "bytes_per_record": round(size / count, 1),
        "at_most": MOST_BYTES,
        "met": size / count <= MOST_BYTES,
        "body": round(float(body), 1),
        "tables": {name: round(held / count, 1) for name, held in taking},
    }


_PARTS_OF_SQLITE = "SELECT name, SUM(pgsize) FROM dbstat GROUP BY name ORDER BY 2 DESC LIMIT 6"
_PARTS_OF_POSTGRESQL = (
    "SELECT relname, pg_relation_size(oid) FROM pg_class WHERE relnamespace = 'public'::regnamespace"
    " AND relkind IN ('r', 'i') ORDER BY 2 DESC LIMIT 8"
)


def _picture(ledger: Ledger, structure: str) -> Record:
    """Append the record of a picture as marking it does."""
    hashed = secrets.token_bytes(32)
    disclosure = Disclosure.new(system="Acme Studio", version="2.1", provider="Acme GmbH", model="acme/paint-3")
    watermark = {"alg": "io.github.disclose-ai.image.1", "strength": 1.0, "value": str(disclosure.id)[:16]}
    return ledger.append(
        disclosure=disclosure,
        sha256=secrets.token_hex(32),
        media_type="image/png",
        marks=(
            Mark(layer="c2pa", details={"alg": "es256", "certificate": CERTIFICATE}),
            Mark(layer="fingerprint", details={"pdq": hashed.hex(), "structure": structure}),
            Mark(layer="image_watermark", details=watermark),
            Mark(layer="iptc", details={}),
        ),
        likeness=hashed,
    )


def _in_batches(ledger: Ledger, count: int, appending: Callable[[int], Record]) -> Iterator[Record]:
    """Yield *count* records that *appending* appends, by the writer's own commit, in larger batches than callers'."""
    drafts: list[Any] = []
    ledger._writer.submit = lambda draft: drafts.append(draft) or 0
    for number in range(count):
        yield appending(number)
        if len(drafts) == 2000 or number == count - 1:
            ledger._commit(drafts)
            drafts.clear()


def _parts(count: int, seed: int = 0) -> Iterator[Image.Image]:
    """Yield parts of photographs, at random."""
    random = numpy.random.default_rng(seed)
    originals = list(photographs().values())
    for number in range(count):
        picture = originals[number % len(originals)]
        width, height = (int(random.uniform(0.4, 1.0) * side) for side in picture.size)
        left, top = int(random.integers(picture.width - width + 1)), int(random.integers(picture.height - height + 1))
        yield picture.crop((left, top, left + width, top + height))


def _size(ledger: Ledger) -> int:
    """Return the bytes of the file, or of all tables and indexes without what PostgreSQL's own catalogue takes."""
    if ledger._database.path is None:
        engine = ledger._database._engine.execution_options(isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            # The ping of the pool has begun a transaction, and in one there is no VACUUM.
            connection.connection.rollback()
            # As the server does by itself in time: what waited for its place in the tree is gone from its table.
            connection.exec_driver_sql("VACUUM")
            return int(connection.exec_driver_sql(_SIZE_IN_POSTGRESQL).scalar_one())
    with ledger.connection() as connection:
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    return ledger.path.stat().st_size


_SIZE_IN_POSTGRESQL = (
    "SELECT SUM(pg_total_relation_size(oid)) FROM pg_class"
    " WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'"
)


def _of_processor(call: Any) -> float:
    """Return the processor's time for *call*, which other programs on the machine do not lengthen."""
    start = time.process_time()
    for _ in range(20):
        call()
    return 50 * (time.process_time() - start)


def _milliseconds(call: Any) -> float:
    start = time.perf_counter()
    call()
    return 1000 * (time.perf_counter() - start)


if __name__ == "__main__":
    main()
