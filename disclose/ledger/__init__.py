"""Ledger: the append-only, tamper-evident record of what was issued."""

from disclose.ledger.record import Record
from disclose.ledger.store import Ledger, LedgerCheck, Likeness

__all__ = ["Ledger", "LedgerCheck", "Likeness", "Record"]
