"""Export and import: a whole ledger as lines of JSON, whose every line is checked against the signed checkpoints.

The first line names the format and holds the newest checkpoint of each log; then comes every row, log by log, in the
order of its place in the tree; then what is kept beside the logs (disclose.ledger.attachments), and last a checkpoint
over the first line and those. Who has the public key can check the file without any database.
"""

from __future__ import annotations

import base64
import binascii
import json
from array import array
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, func, insert, select

from disclose.errors import LedgerError
from disclose.ledger import attachments, certificates, places
from disclose.ledger.attachments import MANIFEST, QUOTATION
from disclose.ledger.checkpoint import Checkpoint, VerifierKey
from disclose.ledger.encoding import pack, unpack
from disclose.ledger.erasure import Erasure, from_microseconds
from disclose.ledger.key import verifier_key
from disclose.ledger.tables import CHECKPOINTS, LogName
from disclose.ledger.tree import Frontier, leaf_hash

if TYPE_CHECKING:
    from disclose.ledger.store import Ledger

FORMAT = "disclose-ledger-export/2"
_WITHOUT_ATTACHMENTS = "disclose-ledger-export/1"
_ATTACHED = "attached"
"""The name under which the last line of an export is signed."""
_BATCH = 500
_LARGEST = 1 << 63
_BYTES = frozenset({"identifier", "sha256", "likeness", "chain"})
_UNREADABLE = (ValueError, KeyError, TypeError, AttributeError, binascii.Error, RecursionError)


@dataclass(frozen=True, kw_only=True)
class Imported:
    """How much came in: entries, those that were erased included, notices, manifests and quotation records."""

    entries: int
    notices: int
    manifests: int
    quotations: int


def exported(ledger: Ledger) -> Iterator[str]:
    """Yield the lines of the export of *ledger*, without line ends."""
    logs = {name: ledger.log(name) for name in LogName}
    notes = {name.label: log.checkpoint() for name, log in logs.items()}
    sizes = {label: 0 if note is None else Checkpoint.from_text(note).size for label, note in notes.items()}
    header = _line({"format": FORMAT, "key": ledger.verifier_key, "checkpoints": notes})
    yield header
    emptied: set[int] = set()
    for name, log in logs.items():
        for placed in log.rows():
            # What is appended meanwhile is under no checkpoint of this file.
            if placed.position >= sizes[name.label]:
                break
            row = placed.row
            if row is None:
                raise LedgerError(
                    f"cannot export: {name.noun} {placed.number} is missing; run 'disclose ledger verify'"
                )
            if name is LogName.RECORDS and row.body is None:
                emptied.add(row.number)
            elif name is LogName.ERASURES:
                emptied.discard(row.entry)
            yield _line({"log": name.label, "leaf": _encoded(bytes(row.leaf)), **_values(name, row)})
    if emptied:
        raise LedgerError(
            f"cannot export: entry {min(emptied)} was erased while it went on; export again, or run"
            " 'disclose ledger verify' if that says the same"
        )
    attached = Frontier()
    attached.add(_leaf(header))
    for values in attachments.exported(ledger, sizes[LogName.RECORDS.label]):
        line = _line(values)
        attached.add(_leaf(line))
        yield line
    yield _line({_ATTACHED: ledger.signed(_ATTACHED, attached.size, attached.root())})


def imported(ledger: Ledger, lines: Iterable[str], trusted: VerifierKey) -> Imported:
    """Take over the export *lines* into *ledger*, all or nothing, and return how much that was.

    Raises LedgerError unless the ledger is empty, and every line is under a checkpoint that *trusted* signed.
    """
    source = (line.rstrip("\r\n") for line in lines)
    header = next(source, "")
    form, checkpoints = _opening(header, trusted)
    logs = {name.label: ledger.log(name) for name in LogName}
    frontiers = {label: Frontier() for label in (*logs, _ATTACHED)}
    frontiers[_ATTACHED].add(_leaf(header))
    erased: dict[int, tuple[str, str, str]] = {}
    numbers = {label: array("q") for label in logs}
    counted: Counter[str] = Counter()
    with ledger.connection(writing=True) as connection:
        for log in logs.values():
            log.alone(connection)
        _require_empty(ledger, connection)
        for kind, batch in _batches(source):
            values = [one for one, _ in batch]
            if _ATTACHED in checkpoints or (kind == _ATTACHED and len(batch) > 1):
                raise LedgerError("cannot import: the export goes on after its last line")
            if kind == _ATTACHED:
                checkpoints[kind] = verifier_key(trusted.public, kind).opened(values[0])
                continue
            if kind in logs:
                _check_erasures(kind, values, erased)
                rows = _packed(connection, values) if kind == LogName.RECORDS.label else values
                leaves = [{**row, "leaf": leaf} for row, (_, leaf) in zip(rows, batch, strict=True)]
                connection.execute(insert(LogName[kind.upper()].table), leaves)
                numbers[kind].extend(row["number"] for row in rows)
            else:
                attachments.imported(connection, kind, values)
            counted[kind] += len(batch)
            for _, leaf in batch:
                frontiers[kind if kind in logs else _ATTACHED].add(leaf)
        if form == _WITHOUT_ATTACHMENTS and frontiers[_ATTACHED].size == 1:
            del frontiers[_ATTACHED]
        for label, frontier in frontiers.items():
            _check_size(label, frontier, checkpoints.get(label))
        if erased:
            raise LedgerError(f"cannot import: entry {min(erased)} is empty, and no erasure is on record")
        for name in LogName:
            places.keep(connection, name, places.starts(numbers[name.label]))
        attachments.continue_numbers(connection)
    for log in logs.values():
        log.sequence()
    return Imported(
        entries=counted[LogName.RECORDS.label],
        notices=counted[LogName.NOTICES.label],
        manifests=counted[MANIFEST],
        quotations=counted[QUOTATION],
    )


def _opening(line: str, trusted: VerifierKey) -> tuple[str, dict[str, Checkpoint]]:
    """Return the format that the first *line* names, and the checkpoints in it that *trusted* signed."""
    try:
        header = json.loads(line)
        if header["format"] not in (FORMAT, _WITHOUT_ATTACHMENTS):
            raise ValueError(f"its format is {header['format']!r}")
        notes = {LogName[label.upper()].label: note for label, note in header["checkpoints"].items() if note}
        opened = {label: verifier_key(trusted.public, label).opened(note) for label, note in notes.items()}
        return header["format"], opened
    except _UNREADABLE as error:
        raise LedgerError(f"cannot import: the first line is not that of an export ({error})") from error


def _require_empty(ledger: Ledger, connection: Connection) -> None:
    counts = (connection.execute(select(func.count()).select_from(name.table)).scalar_one() for name in LogName)
    signed = connection.execute(select(func.count()).select_from(CHECKPOINTS)).scalar_one()
    if any(counts) or signed or not attachments.is_empty(connection):
        raise LedgerError(f"cannot import into {ledger.place}: it is not empty")


def _check_size(label: str, frontier: Frontier, expected: Checkpoint | None) -> None:
    if expected is None and label == _ATTACHED:
        raise LedgerError("cannot import: the export breaks off before its last line")
    said = (0, Frontier().root()) if expected is None else (expected.size, expected.root)
    if (frontier.size, frontier.root()) != said:
        raise LedgerError(
            f"cannot import: the {frontier.size} {label} are not the {said[0]} that the checkpoint is for"
        )


def _batches(lines: Iterator[str]) -> Iterator[tuple[str, list[tuple[Any, bytes]]]]:
    """Yield what the *lines* hold, each with its leaf's hash, in batches of one log or kind of attachment each."""
    kind = ""
    batch: list[tuple[Any, bytes]] = []
    for number, line in enumerate(lines, 2):
        try:
            found, value, leaf = _read(line)
        except _UNREADABLE as error:
            raise LedgerError(f"cannot import: line {number} is not one of an export ({error})") from error
        most = attachments.batch(kind) if kind in (MANIFEST, QUOTATION) else _BATCH
        if batch and (found != kind or len(batch) == most):
            yield kind, batch
            batch = []
        kind = found
        batch.append((value, leaf))
    if batch:
        yield kind, batch


def _read(line: str) -> tuple[str, Any, bytes]:
    """Return of a *line* its log or kind, its row or values, and the hash of its leaf."""
    values = json.loads(line)
    if "log" in values:
        return _row(values)
    if set(values) == {_ATTACHED}:
        return _ATTACHED, str(values[_ATTACHED]), _leaf(line)
    kind = values.pop("beside")
    if kind not in (MANIFEST, QUOTATION):
        raise ValueError(f"nothing is called {kind!r}")
    return kind, values, _leaf(line)


def _values(name: LogName, row: Any) -> dict[str, Any]:
    """Return what the row of an export holds: texts as they were hashed, bytes in base64."""
    found = {column: getattr(row, column) for column in _columns(name)}
    values = {
        key: _encoded(bytes(value)) if key in _BYTES and value is not None else value for key, value in found.items()
    }
    if name is LogName.RECORDS and row.body is not None:
        likeness = None if row.likeness is None else bytes(row.likeness)
        values["body"] = unpack(bytes(row.body), (bytes(row.identifier), bytes(row.sha256), likeness))
    return values


def _columns(name: LogName) -> list[str]:
    """Return the columns that stand in a line by their names; the leaf stands before them."""
    return [column.name for column in name.table.columns if column.name != "leaf"]


def _row(values: dict[str, Any]) -> tuple[str, dict[str, Any], bytes]:
    """Return the log, the row and the leaf's hash of a line; raises ValueError where they do not fit each other."""
    name = LogName[values.pop("log").upper()]
    leaf = _decoded(values.pop("leaf"))
    if set(values) != set(_columns(name)):
        raise ValueError("its fields are not those of its log")
    row = {key: _decoded(value) if key in _BYTES and value is not None else value for key, value in values.items()}
    if type(row["number"]) is not int or not 0 < row["number"] < _LARGEST:
        raise ValueError("its number is none")
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
    return name.label, row, leaf


def _packed(connection: Connection, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the *rows* of records with their texts as a ledger stores them; what they refer to is kept."""
    named = [None if row["body"] is None else certificates.named_in(row["body"]) for row in rows]
    certificates.keep(connection, (one for one in named if one is not None))
    return [
        row
        if row["body"] is None
        else {**row, "body": pack(row["body"], (row["identifier"], row["sha256"], row["likeness"]), certificate)}
        for row, certificate in zip(rows, named, strict=True)
    ]


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


def _leaf(line: str) -> bytes:
    return leaf_hash(line.encode())


def _line(values: dict[str, Any]) -> str:
    return json.dumps(values, ensure_ascii=False, separators=(",", ":"))


def _encoded(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")


def _decoded(text: str) -> bytes:
    return base64.b64decode(text, validate=True)
