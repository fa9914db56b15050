"""Version 0.1.0: records and notices in SQLite, each hashed over the one before."""

from __future__ import annotations

import sqlalchemy
from alembic import op
from sqlalchemy import Column, Integer, LargeBinary, String

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Create the tables as version 0.1.0 did."""
    op.create_table(
        "entries",
        Column("sequence", Integer, primary_key=True),
        Column("identifier", String(32), nullable=False),
        Column("sha256", String(64), nullable=False),
        Column("likeness", LargeBinary(32)),
        *_chained(),
    )
    op.create_index("entries_by_identifier", "entries", ["identifier"])
    op.create_index("entries_by_sha256", "entries", ["sha256"])
    op.create_table(
        "notice_events",
        Column("sequence", Integer, primary_key=True),
        Column("session", String(64), nullable=False),
        Column("encounter", Integer, nullable=False),
        Column("state", String(16), nullable=False),
        Column("subject", String(32), nullable=False),
        Column("opening", Integer, nullable=False),
        *_chained(),
    )
    op.create_index("notice_events_by_session", "notice_events", ["session", "encounter"])
    op.create_index("notice_events_by_subject", "notice_events", ["subject"])


def _chained() -> list[sqlalchemy.Column[str]]:
    return [
        Column("body", String, nullable=False),
        Column("previous", String(64), nullable=False),
        Column("hash", String(64), nullable=False, unique=True),
    ]
