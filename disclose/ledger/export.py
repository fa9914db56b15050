"""Export and import: a whole ledger as lines of JSON, whose every line is checked against the signed checkpoints.

The first line names the format and holds the newest checkpoint of each log; then comes every row, log by log, in the
order of its place in the tree. Who has the public key can check the file without any database.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, func, insert, select, text

from disclose.errors import LedgerError
from disclose.ledger.checkpoint import Checkpoint, VerifierKey
from disclose.ledger.encoding import pack, unpack
from disclose.ledger.erasure import Erasure, from_microseconds
from disclose.ledger.key import verifier_key
from disclose.ledger.tables import ENTRIES, LogName
from disclose.ledger.tree import Frontier, leaf_hash

if TYPE_CHECKING:
    from disclose.ledger.store import Ledger

FORMAT = "disclose-ledger-export/1"
_BATCH = 500
_BYTES = frozenset({"identifier", "sha256", "likeness", "chain"})


def exported(ledger: Ledger) -> Iterator[str]:
    """Yield the lines of the export of *ledger*, without line ends."""
    logs = {name: ledger.log(name) for name in LogName}
    notes = {name.label: log.checkpoint() for name, log in logs.items()}
    yield _line({"format": FORMAT, "key": ledger.verifier_key, "checkpoints": notes})
    for name, log in logs.items():
        note = notes[name.label]
        size = 0 if note is None else Checkpoint.from_text(note).size
        for row in log.rows():
            # What is appended meanwhile is under no checkpoint of this file.
            if row.position >= size:
                break
            if row.number is None:
                raise LedgerError(f"cannot export: {name.noun} {row.leaf_of} is missing; run 'disclose ledger verify'")
            yield _line({"log": name.label, "leaf": _encoded(bytes(row.leaf)), **_values(name, row)})


def imported(ledger: Ledger, lines: Iterable[str], trusted: VerifierKey) -> int:
    """Take over the export *lines* into *ledger*, all or nothing, and return how many entries there are.

    Raises LedgerError unless the ledger is empty, and every line is under a checkpoint that *trusted* signed.
    """
    source = iter(lines)
    checkpoints = _checkpoints(next(source, ""), trusted)
    logs = {name.label: ledger.log(name) for name in LogName}
    frontiers = {label: Frontier() for label in logs}
    erased: dict[int, tuple[str, str, str]] = {}
    with ledger.connection(writing=True) as connection:
        for name in LogName:
            if connection.execute(select(func.count()).select_from(name.table)).scalar_one():
                raise LedgerError(f"cannot import into {ledger.place}: it is not empty")
        for label, batch in _batches(source):
            name = LogName[label.upper()]
            _check_erasures(label, [row for row, _ in batch], erased)
            connection.execute(insert(name.table), [row for row, _ in batch])
            logs[label].place(connection, [(row["number"], leaf) for row, leaf in batch])
            for _, leaf in batch:
                frontiers[label].add(leaf)
        for label, frontier in frontiers.items():
            expected = checkpoints.get(label)
            said = (0, Frontier().root()) if expected is None else (expected.size, expected.root)
            if (frontier.size, frontier.root()) != said:
                raise LedgerError(
                    f"cannot import: the {frontier.size} {label} are not the {said[0]} that the checkpoint is for"
                )
        if erased:
            raise LedgerError(f"cannot import: entry {min(erased)} is empty, and no erasure is on record")
        _continue_numbers(connection)
    for log in logs.values():
        log.sequence()
    return frontiers[LogName.RECORDS.label].size


def _checkpoints(line: str, trusted: VerifierKey) -> dict[str, Checkpoint]:
    try:
        header = json.loads(line)
        if header["format"] != FORMAT:
            raise ValueError(f"its format is {header['format']!r}")
        notes = {LogName[label.upper()].label: note for label, note in header["checkpoints"].items() if note}
        return {label: verifier_key(trusted.public, label).opened(note) for label, note in notes.items()}
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise LedgerError(f"cannot import: the first line is not that of an export ({error})") from error


def _batches(lines: Iterator[str]) -> Iterator[tuple[str, list[tuple[dict[str, Any], bytes]]]]:
    """Yield the rows of the *lines*, each with its leaf's hash, in batches of one log each."""
    label = ""
    batch: list[tuple[dict[str, Any], bytes]] = []
    for number, line in enumerate(lines, 2):
        try:
            values = json.loads(line)
            log, row, leaf = _row(values)
        except (ValueError, KeyError, TypeError, AttributeError, binascii.Error) as error:
            raise LedgerError(f"cannot import: line {number} is not one of an export ({error})") from error
        if batch and (log != label or len(batch) == _BATCH):
            yield label, batch
            batch = []
        label = log
        batch.append((row, leaf))
    if batch:
        yield label, batch


def _values(name: LogName, row: Any) -> dict[str, Any]:
    """Return what the row of an export holds: texts as they were hashed, bytes in base64."""
    found = {column.name: getattr(row, column.name) for column in name.table.columns}
    values = {
        key: _encoded(bytes(value)) if key in _BYTES and value is not None else value for key, value in found.items()
    }
    if name is LogName.RECORDS and row.body is not None:
        likeness = None if row.likeness is None else bytes(row.likeness)
        values["body"] = unpack(bytes(row.body), (bytes(row.identifier), bytes(row.sha256), likeness))
    return values


def _row(values: dict[str, Any]) -> tuple[str, dict[str, Any], bytes]:
    """Return the log, the row and the leaf's hash of a line; raises ValueError where they do not fit each other."""
    name = LogName[values.pop("log").upper()]
    leaf = _decoded(values.pop("leaf"))
    if set(values) != {column.name for column in name.table.columns}:
        raise ValueError("its fields are not those of its log")
    row = {key: _decoded(value) if key in _BYTES and value is not None else value for key, value in values.items()}
    body: Any = row["body"]
    if body is not None and leaf_hash(body.encode()) != leaf:
        raise ValueError("its text is not the one that was hashed")
    if body is None and name is not LogName.RECORDS:
        raise ValueError("its text is missing")
    if name is LogName.RECORDS and body is not None:
        said = json.loads(body)
        if _found_by(row) != (said["disclosure"]["id"], said["sha256"], said["recorded"]):
            raise ValueError("it is not found by what it says")
        if row["likeness"] is not None and row["likeness"].hex() not in body:
            raise ValueError("its likeness is not the one it says")
        row["body"] = pack(body, (row["identifier"], row["sha256"], row["likeness"]))
    return name.label, row, leaf


def _found_by(row: dict[str, Any]) -> tuple[str, str, str]:
    return row["identifier"].hex(), row["sha256"].hex(), from_microseconds(row["recorded"])


def _check_erasures(label: str, rows: list[dict[str, Any]], erased: dict[int, tuple[str, str, str]]) -> None:
    """Collect what is erased among the records in *erased*, and hold the erasures that come later against it."""
    if label == LogName.RECORDS.label:
        erased.update({row["number"]: _found_by(row) for row in rows if row["body"] is None})
    elif label == LogName.ERASURES.label:
        for row in rows:
            said = Erasure.from_text(row["body"])
            if said.entry != row["entry"] or erased.pop(said.entry, None) != (
                said.identifier,
                said.sha256,
                said.recorded,
            ):
                raise LedgerError(f"cannot import: the erasure of entry {said.entry} does not fit what was erased")


def _continue_numbers(connection: Connection) -> None:
    if connection.dialect.name != "sqlite":
        highest = connection.execute(select(func.max(ENTRIES.c.number))).scalar()
        if highest is not None:
            connection.execute(text("SELECT setval('entries_number_seq', :highest)"), {"highest": highest})


def _line(values: dict[str, Any]) -> str:
    return json.dumps(values, ensure_ascii=False, separators=(",", ":"))


def _encoded(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")


def _decoded(text: str) -> bytes:
    return base64.b64decode(text, validate=True)
