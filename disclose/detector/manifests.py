"""Manifests: the C2PA manifest stores of what was issued, kept under their soft bindings for whoever lost them.

A file that is copied through a messenger keeps its watermark and loses its manifest. The store kept here can be found
again by that watermark (C2PA Soft Binding Resolution API). It is a table in the ledger's database, made when the first
one is kept; the ledger itself holds no manifests.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from disclose.errors import LedgerError

if TYPE_CHECKING:
    from disclose.ledger import Ledger


@dataclass(frozen=True, kw_only=True)
class Kept:
    """One manifest store and the address that it has here: the SHA-256 of its bytes."""

    identifier: str
    store: bytes = field(repr=False)


class ManifestStore:
    """Keeps manifest stores in the database of *ledger*."""

    def __init__(self, ledger: Ledger) -> None:
        from sqlalchemy import Column, LargeBinary, MetaData, String, Table

        self._ledger = ledger
        self._metadata = MetaData()
        self._table = Table(
            "manifests",
            self._metadata,
            Column("identifier", String(80), primary_key=True),
            Column("alg", String(200), primary_key=True),
            Column("value", String(1000), primary_key=True, index=True),
            Column("store", LargeBinary, nullable=False),
        )

    def keep(self, store: bytes, *, alg: str, value: str) -> str:
        """Keep *store* under the soft binding of *value* by *alg*; return the address that it then has here."""
        from sqlalchemy import select

        identifier = "urn:sha256:" + hashlib.sha256(store).hexdigest()
        key = {"identifier": identifier, "alg": alg, "value": value}
        with self._ledger.connection(writing=True) as connection:
            self._metadata.create_all(connection)
            known = select(self._table.c.identifier).filter_by(**key)
            if connection.execute(known).first() is None:
                connection.execute(self._table.insert().values(**key, store=store))
        return identifier

    def bound(self, *, alg: str, value: str, limit: int) -> list[str]:
        """Return the addresses of up to *limit* stores kept under this soft binding."""
        from sqlalchemy import select

        query = select(self._table.c.identifier).filter_by(alg=alg, value=value).order_by("identifier").limit(limit)
        return [str(row[0]) for row in self._rows(query)]

    def find(self, identifier: str) -> Kept | None:
        """Return what is kept under *identifier*, or None."""
        from sqlalchemy import select

        rows = self._rows(select(self._table.c.store).filter_by(identifier=identifier).limit(1))
        return Kept(identifier=identifier, store=bytes(rows[0][0])) if rows else None

    def _rows(self, query: Any) -> list[tuple[Any, ...]]:
        from sqlalchemy import inspect
        from sqlalchemy.exc import SQLAlchemyError

        try:
            with self._ledger.connection() as connection:
                if not inspect(connection).has_table(self._table.name):
                    return []
                return [tuple(row) for row in connection.execute(query)]
        except SQLAlchemyError as error:
            raise LedgerError(f"cannot look up a manifest: {error}") from error
