"""The tables of the quotation log, which earlier files may have since a text was first looked for."""

from __future__ import annotations

from alembic import op
from sqlalchemy import BigInteger, Column, Integer, LargeBinary

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Create the tables where they are not there yet."""
    op.create_table(
        "quoted_answers",
        Column("number", Integer, primary_key=True),
        Column("tenant", LargeBinary(8), nullable=False),
        Column("identifier", LargeBinary(16), nullable=False),
        Column("digest", LargeBinary(16), nullable=False),
        Column("words", Integer, nullable=False),
        Column("phrases", Integer, nullable=False),
        Column("issued", Integer, nullable=False),
        if_not_exists=True,
    )
    op.create_index("quoted_answers_by_identifier", "quoted_answers", ["identifier"], if_not_exists=True)
    op.create_index("quoted_answers_by_issued", "quoted_answers", ["issued"], if_not_exists=True)
    op.create_table(
        "quoted_phrases",
        Column("hash", BigInteger, primary_key=True, autoincrement=False),
        Column("answer", Integer, primary_key=True, autoincrement=False),
        sqlite_with_rowid=False,
        if_not_exists=True,
    )
