"""A ledger on each store: what holds on one holds on the other."""

import secrets

import pytest
from postgresql import Server

from disclose.ledger import Ledger


@pytest.fixture(scope="session")
def postgresql():
    server = Server()
    yield server
    server.close()


@pytest.fixture(params=["sqlite", "postgresql"])
def place(request, tmp_path):
    """Where a ledger is to be: its location, and the file of its key, as keywords."""
    if request.param == "sqlite":
        return {"location": tmp_path / "ledger.sqlite", "key": tmp_path / "ledger_key.pem"}
    server = request.getfixturevalue("postgresql")
    return {"location": server.database(f"test_{secrets.token_hex(6)}"), "key": tmp_path / "ledger_key.pem"}


@pytest.fixture
def ledger(place):
    with Ledger(**place) as opened:
        yield opened
