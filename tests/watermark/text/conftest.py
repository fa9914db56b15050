"""One marked stream, drawn once for all tests."""

from __future__ import annotations

import pytest
from streams import marked


@pytest.fixture(scope="session")
def answer() -> tuple[int, ...]:
    """200 tokens with the mark of the tests' key."""
    return tuple(marked(1, 200))
