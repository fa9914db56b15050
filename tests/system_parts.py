"""Parts of the system that some tests need: skip with advice where one is missing, fail where all must be there."""

import os

import pytest


def need(condition: bool, how: str) -> None:
    """Skip the test unless *condition* holds, saying *how* to get what is missing.

    With TESTS_REQUIRE_EVERYTHING=1, as in continuous integration, what is missing is a failure.
    """
    if condition:
        return
    if os.environ.get("TESTS_REQUIRE_EVERYTHING") == "1":
        pytest.fail(f"a part of the system is missing: {how}")
    pytest.skip(f"a part of the system is missing: {how}")
