"""The table of certificates that the bodies of new entries refer to; what is there stays as it is.

To write every entry again would take a second for each thousand, and gain nothing before the file is vacuumed: a body
that names its certificate itself is read as before.
"""

from __future__ import annotations

from alembic import op
from sqlalchemy import Column, LargeBinary

from disclose.ledger import tables

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Create the table, append-only."""
    op.create_table(
        "certificates",
        Column("reference", LargeBinary(8), primary_key=True),
        Column("hash", LargeBinary(32), nullable=False),
        sqlite_with_rowid=False,
    )
    tables.guard_table(op.get_bind(), "certificates")
