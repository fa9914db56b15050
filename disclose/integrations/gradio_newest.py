"""The newest of what was noted, for what may be forgotten when there is much of it."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Hashable
from typing import Generic, TypeVar

_MOST = 4096
_Key = TypeVar("_Key", bound=Hashable)
_Value = TypeVar("_Value")


class Newest(Generic[_Key, _Value]):
    """The newest few thousand values that were noted, each under its key; threads may share it."""

    def __init__(self) -> None:
        self._values: OrderedDict[_Key, _Value] = OrderedDict()
        self._lock = threading.Lock()

    def note(self, key: _Key, value: _Value) -> None:
        """Note *value* under *key*, and forget what was noted longest ago."""
        with self._lock:
            self._values[key] = value
            self._values.move_to_end(key)
            if len(self._values) > _MOST:
                self._values.popitem(last=False)

    def forget(self, key: _Key) -> None:
        """Forget what was noted under *key*."""
        with self._lock:
            self._values.pop(key, None)

    def get(self, key: _Key) -> _Value | None:
        """Return what was noted under *key*, or None."""
        return self._values.get(key)

    def items(self) -> list[tuple[_Key, _Value]]:
        """Return all there is at this moment, what was noted first first."""
        with self._lock:
            return list(self._values.items())

    def __contains__(self, key: _Key) -> bool:
        return key in self._values

    def __len__(self) -> int:
        return len(self._values)
