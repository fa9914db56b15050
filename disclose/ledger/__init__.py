"""Ledger: the append-only, tamper-evident record of what was issued."""

from disclose.ledger.erasure import Erasure
from disclose.ledger.likeness import Likeness
from disclose.ledger.log import LedgerCheck
from disclose.ledger.record import Record
from disclose.ledger.store import Ledger

__all__ = ["Erasure", "Ledger", "LedgerCheck", "Likeness", "Record"]
