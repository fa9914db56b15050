"""Places: which entry stands where in a tree, told by the entries' numbers, which go on without a gap.

Entry 1 stands at position 0, and so on. Where an earlier version left gaps, or put an entry behind a later one, a row
of the table ``places`` says from which position on the entries are numbered from which number on, up to the next such
row; what is appended goes on behind the last. A new ledger has no such rows.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise

from sqlalchemy import Connection, bindparam, insert, select

from disclose.ledger.tables import PLACES, LogName

Start = tuple[int, int]
"""A position, and the number of the entry there, from which on both count up together."""


class Places:
    """The places that *starts* tell, which come in the order of their positions."""

    def __init__(self, starts: Sequence[Start]) -> None:
        begins_anew = bool(starts) and starts[0][0] == 0
        self._starts = list(starts) if begins_anew else [(0, 1), *starts]

    @property
    def open(self) -> Start:
        """The last start: what has its number or a higher one goes on from there."""
        return self._starts[-1]

    def size(self, highest: int) -> int:
        """Return how many places there are where the highest number given so far is *highest*, or 0 for none."""
        position, entry = self.open
        return position + max(0, highest - entry + 1)

    def position(self, number: int) -> int | None:
        """Return the position of entry *number*, or None if no place is for it."""
        position, entry = self.open
        if number >= entry:
            return position + number - entry
        for (first, start), (stop, _) in pairwise(self._starts):
            if start <= number < start + stop - first:
                return first + number - start
        return None

    def runs(self, first: int, stop: int) -> Iterator[tuple[int, int, int]]:
        """Yield what stands from position *first* to before *stop*: a position, the number there, and how many more."""
        index = bisect_right(self._starts, first, key=lambda start: start[0]) - 1
        while first < stop:
            position, entry = self._starts[index]
            end = min(stop, self._starts[index + 1][0]) if index + 1 < len(self._starts) else stop
            yield first, entry + first - position, end - first
            first, index = end, index + 1


def starts(numbers: Iterable[int]) -> Iterator[Start]:
    """Yield the starts by which the entries *numbers* stand in this order, and what comes later behind them."""
    position, last, highest = 0, 0, 0
    for position, number in enumerate(numbers, 1):
        if number != last + 1:
            yield position - 1, number
        last, highest = number, max(highest, number)
    if last != highest:
        yield position, highest + 1


def read(connection: Connection, name: LogName) -> Places:
    """Return the places of the log *name*."""
    rows = connection.execute(_STARTS, {"log_": name.code}).all()
    return Places([(row.position, row.entry) for row in rows])


def keep(connection: Connection, name: LogName, begun: Iterable[Start]) -> None:
    """Keep the starts of the log *name*, which is empty, in the transaction that fills it."""
    rows = [{"log": name.code, "position": position, "entry": entry} for position, entry in begun]
    if rows:
        connection.execute(insert(PLACES), rows)


_STARTS = select(PLACES.c.position, PLACES.c.entry).where(PLACES.c.log == bindparam("log_")).order_by(PLACES.c.position)
