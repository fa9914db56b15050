"""Spelling: the nearest right word to a wrong one."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches


def suggestion(given: str, possible: Iterable[str]) -> str:
    """Return the end of a sentence that refuses *given*: the word of *possible* nearest to it, or all of them.

    >>> suggestion("fingerpint", ["c2pa", "fingerprint"])
    "did you mean 'fingerprint'?"
    >>> suggestion("sticker", ["c2pa", "fingerprint"])
    'there are c2pa, fingerprint'
    """
    words = list(possible)
    folded = {word.casefold(): word for word in words}
    nearest = get_close_matches(given.casefold()[:_LONGEST], folded, n=1)
    return f"did you mean {folded[nearest[0]]!r}?" if nearest else f"there are {', '.join(words)}"


# Comparing takes time that grows with the square of the length, and no right word is nearly as long.
_LONGEST = 100
