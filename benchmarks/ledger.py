# ruff: noqa: SLF001
"""How fast, how small and how hard to break is the ledger?

    python -m benchmarks.ledger [--records 1000000] [--kills 25] [--only sqlite] [--steps large]

Every append is durable when it is counted. PostgreSQL is started for this in a folder of its own, with fsync.
"""

from __future__ import annotations

import argparse
import os
import secrets
import statistics
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from benchmarks.common import RESULTS, machine, write
from benchmarks.ledger_faults import fill_the_disk, kill_writers, stop_the_server
from benchmarks.ledger_writer import append
from disclose.ledger import Ledger

CALLERS = 32
STEPS = ("append", "faults", "large")


def main() -> None:
    """Measure, and write ``results/ledger.json`` after every step."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--records", type=int, default=1_000_000)
    parser.add_argument("--records-postgresql", type=int, default=200_000)
    parser.add_argument("--kills", type=int, default=25, help="rounds; two writers are killed in each")
    parser.add_argument("--appends", type=int, default=20_000)
    parser.add_argument("--only", choices=["sqlite", "postgresql"])
    parser.add_argument("--steps", nargs="*", choices=STEPS, default=STEPS)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
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


def _measure(store: str, folder: Path, place: Any, given: Any, server: Any = None) -> None:
    def step(name: str, value: dict[str, Any]) -> None:
        results = {"machine": machine(), **_earlier()}
        results.setdefault(store, {})[name] = {**value, "load_of_the_machine": round(os.getloadavg()[0], 1)}
        write("ledger", results)
        print(store, name, value, flush=True)

    if "append" in given.steps:
        for callers in (1, CALLERS):
            with Ledger(place(f"appending{callers}"), key=folder / f"{store}_key.pem") as ledger:
                step(f"append_{callers}_callers", appending(ledger, callers, given.appends if callers > 1 else 1000))
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


def large(ledger: Ledger, count: int) -> dict[str, float]:
    """Fill *ledger* with *count* records; return its size and how long a look takes."""
    drafts: list[Any] = []
    # The writer's own commit, in larger batches than callers would make.
    ledger._writer.submit = lambda draft: drafts.append(draft) or 0
    identifiers = []
    for number in range(count):
        identifiers.append(append(ledger).disclosure.id)
        if len(drafts) == 2000 or number == count - 1:
            ledger._commit(drafts)
            drafts.clear()
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


def _size(ledger: Ledger) -> int:
    with ledger.connection() as connection:
        if ledger._database.path is None:
            return int(connection.exec_driver_sql("SELECT pg_database_size(current_database())").scalar_one())
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
        return ledger.path.stat().st_size


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
