"""Fixtures for all tests: a home of their own, so that nothing touches the user's ledger and identity."""

import os
from pathlib import Path

import pytest

from disclose.testing import profile

# Gradio takes the first port that looks free from this one on, and tests of other processes look at the same moment.
_WORKER = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
os.environ["GRADIO_SERVER_PORT"] = str(7860 + 200 * _WORKER)

__all__ = ["profile"]

collect_ignore = ["fixtures"]  # what made them is kept beside them, and not to be run


@pytest.fixture(autouse=True)
def own_home(tmp_path, monkeypatch):
    for variable in [name for name in os.environ if name.startswith("DISCLOSE_")]:
        monkeypatch.delenv(variable)
    monkeypatch.setenv("DISCLOSE_HOME", str(tmp_path / "home"))


@pytest.fixture
def unwritable(tmp_path):
    """A folder that may not be written to, not even by the superuser."""
    if os.geteuid() == 0:
        return Path("/sys")
    folder = tmp_path / "unwritable"
    folder.mkdir(mode=0o500)
    return folder
