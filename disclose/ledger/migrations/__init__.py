"""Migrations: how the database of an earlier version becomes one of this version (alembic)."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection


def upgrade(connection: Connection, *, stamped: bool, revision: str = "head") -> None:
    """Bring the tables behind *connection*, in its transaction, to *revision*.

    Version 0.1.0 did not write down its revision: without *stamped* the tables are taken for its.
    """
    config = configuration(connection)
    if not stamped:
        command.stamp(config, "0001")
    command.upgrade(config, revision)


def configuration(connection: Connection | None = None) -> Config:
    """Return alembic's configuration for these migrations."""
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    return config
