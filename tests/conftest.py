"""Fixtures for all tests: a home of their own, so that nothing touches the user's ledger and identity."""

import os

import pytest

from disclose.testing import profile

__all__ = ["profile"]


@pytest.fixture(autouse=True)
def own_home(tmp_path, monkeypatch):
    for variable in [name for name in os.environ if name.startswith("DISCLOSE_")]:
        monkeypatch.delenv(variable)
    monkeypatch.setenv("DISCLOSE_HOME", str(tmp_path / "home"))
