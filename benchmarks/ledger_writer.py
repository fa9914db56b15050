"""A writer for the ledger's fault tests: appends until it is killed, and tells of every record that was acknowledged.

python -m benchmarks.ledger_writer LOCATION KEY ACKNOWLEDGED THREADS
"""

from __future__ import annotations

import os
import secrets
import sys
import threading
from pathlib import Path

from disclose.asset import Mark
from disclose.disclosure import Disclosure
from disclose.ledger import Ledger, Record


def append(ledger: Ledger) -> Record:
    """Append a record as marking a picture does, without the coarse structure, and with a likeness of its own."""
    disclosure = Disclosure.new(system="Acme Studio", version="2.1", provider="Acme GmbH", model="acme/paint-3")
    likeness = secrets.token_bytes(32)
    marks = (
        Mark(layer="c2pa", details={"alg": "es256", "certificate": "34225a823981d889" * 4}),
        Mark(layer="fingerprint", details={"pdq": likeness.hex()}),
        Mark(
            layer="image_watermark",
            details={"alg": "io.github.disclose-ai.image.1", "strength": 1.0, "value": str(disclosure.id)[:16]},
        ),
    )
    return ledger.append(
        disclosure=disclosure,
        sha256=secrets.token_hex(32),
        media_type="image/png",
        marks=marks,
        likeness=likeness,
    )


def main(location: str, key: str, acknowledged: str, threads: str) -> None:
    ledger = Ledger(location, key=Path(key))
    told = os.open(acknowledged, os.O_WRONLY | os.O_CREAT | os.O_APPEND)

    def run() -> None:
        while True:
            os.write(told, f"{append(ledger).disclosure.id}\n".encode())

    running = [threading.Thread(target=run) for _ in range(int(threads))]
    for thread in running:
        thread.start()
    for thread in running:
        thread.join()


if __name__ == "__main__":
    main(*sys.argv[1:])
