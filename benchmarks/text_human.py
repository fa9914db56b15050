"""Texts that people wrote, in two languages, as a machine has them installed: nothing is downloaded.

On Debian ``apt install fortunes fortunes-de`` brings the sayings; Python brings its own documentation strings.
"""

from __future__ import annotations

import ast
import random
import sysconfig
from collections.abc import Iterator
from pathlib import Path

FORTUNES = Path("/usr/share/games/fortunes")
SHORTEST, LONGEST = 200, 3000  # characters
LETTERS = 0.7  # of what is not a space; drawings and tables have fewer


def texts() -> dict[str, list[str]]:
    """Return the texts of each source, every text once, in an order that is always the same."""
    sources = {
        "English sayings": _sayings(FORTUNES),
        "German sayings": _sayings(FORTUNES / "de"),
        "Python documentation": _docstrings(),
    }
    found = {
        name: sorted({text.strip() for text in source if _is_prose(text.strip())}) for name, source in sources.items()
    }
    for name, several in found.items():
        random.Random(name).shuffle(several)  # noqa: S311
    return found


def _sayings(folder: Path) -> Iterator[str]:
    for path in sorted(folder.glob("*.u8")):
        yield from path.read_text(errors="replace").split("\n%\n")


def _docstrings() -> Iterator[str]:
    for path in sorted(Path(sysconfig.get_paths()["stdlib"]).rglob("*.py")):
        if "site-packages" in path.parts or "test" in path.parts:
            continue
        try:
            tree = ast.parse(path.read_text())
        except (SyntaxError, UnicodeDecodeError):
            continue
        for node in ast.walk(tree):
            if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
                yield ast.get_docstring(node) or ""


def _is_prose(text: str) -> bool:
    visible = [character for character in text if not character.isspace()]
    return SHORTEST <= len(text) <= LONGEST and sum(map(str.isalpha, visible)) >= LETTERS * len(visible)
