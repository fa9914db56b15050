"""Certificates: the hash of each signer's certificate, once, where many records were signed under the same one.

The body of an entry refers to it by its first eight bytes (disclose.ledger.encoding), and the database puts the whole
of it behind the body when that is read (disclose.ledger.tables). An erasure leaves it: it says who signed, and nothing
of what or for whom.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from sqlalchemy import Connection, select, text

from disclose.errors import LedgerError
from disclose.ledger.encoding import REFERENCE
from disclose.ledger.tables import CERTIFICATES

_NAMED = re.compile(r'"certificate":"([0-9a-f]{64})"')
_INSERT = text("INSERT INTO certificates (reference, hash) VALUES (:reference, :hash) ON CONFLICT DO NOTHING")


def named_in(body: str) -> bytes | None:
    """Return the SHA-256 of the certificate that the text of a record names, or None."""
    found = _NAMED.search(body)
    return None if found is None else bytes.fromhex(found[1])


def keep(connection: Connection, hashes: Iterable[bytes]) -> None:
    """Keep *hashes* (32 bytes each) in the transaction that appends what refers to them.

    Raises LedgerError where another one begins with the same eight bytes.
    """
    # In one order everywhere, so that two who keep the same ones never wait for each other.
    for value in sorted(set(hashes)):
        kept = _kept(connection, value)
        if kept is None:
            connection.execute(_INSERT, {"reference": value[:REFERENCE], "hash": value})
            kept = _kept(connection, value)
        if kept != value:
            raise LedgerError(f"cannot append a record signed under {value.hex()}: another certificate begins alike")


def _kept(connection: Connection, value: bytes) -> bytes | None:
    query = select(CERTIFICATES.c.hash).where(CERTIFICATES.c.reference == value[:REFERENCE])
    found = connection.execute(query).scalar()
    return None if found is None else bytes(found)
