# ruff: noqa: S311, S603
"""What the ledger keeps when its writers are killed, its disk is full, or its database goes away."""

from __future__ import annotations

import os
import random
import resource
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from benchmarks.ledger_writer import append
from disclose.errors import LedgerError
from disclose.ledger import Ledger

ROOT = Path(__file__).parent.parent


def kill_writers(location: str, key: Path, rounds: int, *, processes: int = 2, threads: int = 8) -> dict[str, Any]:
    """Kill -9 writers under load *rounds* times; return what was acknowledged, what is there, and what is not."""
    with tempfile.TemporaryDirectory() as folder:
        told = Path(folder) / "acknowledged"
        told.touch()
        lost: set[str] = set()
        doubled = 0
        reasons: list[str] = []
        for number in range(rounds):
            _killed_once(location, key, told, processes, threads, random.Random(number))
            with Ledger(location, key=key) as ledger:
                check = ledger.verify()
                found = Counter(str(record.disclosure.id) for record in ledger.records())
            lost |= set(told.read_text().split("\n")[:-1]) - set(found)
            doubled += sum(count - 1 for count in found.values())
            reasons += [check.reason] if check.reason else []
        acknowledged = told.read_text().count("\n")
    return {
        "kills": rounds * processes,
        "acknowledged": acknowledged,
        "recorded": sum(found.values()),
        "lost": len(lost),
        "doubled": doubled,
        "broken": reasons,
    }


def _killed_once(location: str, key: Path, told: Path, processes: int, threads: int, chance: random.Random) -> None:
    with writing(location, key, told, processes, threads):
        time.sleep(chance.uniform(0.0, 0.6))


@contextmanager
def writing(location: str, key: Path, told: Path, processes: int, threads: int) -> Iterator[None]:
    """Have writers append from before the first acknowledgement that *told* gains until they are killed -9."""
    before = told.stat().st_size
    command = [sys.executable, "-m", "benchmarks.ledger_writer", location, str(key), str(told), str(threads)]
    writers = [subprocess.Popen(command, cwd=ROOT, stderr=subprocess.DEVNULL) for _ in range(processes)]
    try:
        deadline = time.monotonic() + 60
        while told.stat().st_size == before and time.monotonic() < deadline:
            time.sleep(0.01)
        yield
    finally:
        for writer in writers:
            writer.send_signal(signal.SIGKILL)
        for writer in writers:
            writer.wait()


def fill_the_disk(folder: Path, limit: int = 400_000) -> dict[str, Any]:
    """Append to SQLite until the files may not grow further, then again with room; return what came of it.

    The limit is that of the process (RLIMIT_FSIZE), so this runs in one of its own.
    """
    code = (
        "import sys; from pathlib import Path; from benchmarks.ledger_faults import _until_full;"
        "_until_full(Path(sys.argv[1]), int(sys.argv[2]))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(folder), str(limit)], cwd=ROOT, capture_output=True, text=True, check=True
    )
    refused, reason = done.stdout.strip().split("|", 1)
    with Ledger(folder / "ledger.sqlite") as ledger:
        found = Counter(str(record.disclosure.id) for record in ledger.records())
        check = ledger.verify()
    acknowledged = (folder / "acknowledged").read_text().split()
    return {
        "acknowledged": len(acknowledged),
        "refused": int(refused),
        "reason": reason,
        "lost": len(set(acknowledged) - set(found)),
        "doubled": sum(count - 1 for count in found.values()),
        "broken": check.reason,
    }


def _until_full(folder: Path, limit: int) -> None:
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    refused, reason, acknowledged = 0, "", []
    _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    with Ledger(folder / "ledger.sqlite") as ledger:
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, hard))
        while refused < 3:
            try:
                acknowledged.append(append(ledger))
            except LedgerError as error:
                refused, reason = refused + 1, str(error)
        resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
        acknowledged += [append(ledger) for _ in range(5)]
    (folder / "acknowledged").write_text("\n".join(str(record.disclosure.id) for record in acknowledged))
    os.write(1, f"{refused}|{reason}".encode())


def stop_the_server(server: Any, ledger: Ledger) -> dict[str, Any]:
    """Stop PostgreSQL under an open ledger and start it again; return whether appending failed and then went on."""
    kept = [append(ledger)]
    server.stop()
    try:
        append(ledger)
        refused = None
    except LedgerError as error:
        refused = str(error)
    server.start()
    kept.append(append(ledger))
    found = [record.disclosure.id for record in ledger.records()]
    return {
        "refused": refused,
        "lost": sum(record.disclosure.id not in found for record in kept),
        "broken": ledger.verify().reason,
    }
