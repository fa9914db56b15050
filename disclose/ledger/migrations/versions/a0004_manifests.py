"""The table of manifest stores that are kept with their records."""

from __future__ import annotations

from alembic import op
from sqlalchemy import BigInteger, Column, Integer, LargeBinary, String

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Create the table where it is not there yet."""
    op.create_table(
        "manifest_stores",
        Column("entry", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=False),
        Column("label", String, nullable=False),
        Column("store", LargeBinary, nullable=False),
        if_not_exists=True,
    )
    op.create_index("manifest_stores_by_label", "manifest_stores", ["label"], if_not_exists=True)
