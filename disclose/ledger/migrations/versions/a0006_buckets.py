"""The phrases of quotation logs packed into buckets in PostgreSQL, where each took a row; SQLite keeps its rows."""

from __future__ import annotations

from alembic import op
from sqlalchemy import Column, Integer, LargeBinary

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Move the phrases into buckets, as disclose.ledger.phrases tells."""
    if op.get_bind().dialect.name == "sqlite":
        return
    op.create_table(
        "quoted_buckets",
        Column("bucket", Integer, primary_key=True, autoincrement=False),
        Column("span", Integer, primary_key=True, autoincrement=False),
        Column("postings", LargeBinary, nullable=False),
    )
    op.execute("""
        INSERT INTO quoted_buckets (bucket, span, postings)
        SELECT CAST(hash & 65535 AS int), answer >> 16,
               string_agg(substring(int8send((hash >> 16 << 16) | (answer & 65535)) FROM 3), '')
        FROM quoted_phrases GROUP BY 1, 2 ORDER BY 1, 2
    """)
    op.drop_table("quoted_phrases")
