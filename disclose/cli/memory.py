"""A limit of memory around the reading of strangers' files, where the system has one to set."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOM = 3 << 30
"""Bytes beyond what is taken already: a picture of 50 megapixels needs less than half of it."""


@contextmanager
def limited() -> Iterator[None]:
    """Let the process take no more than ROOM bytes more while the block runs, on Linux.

    A file of some kilobytes can name a length of four gigabytes, and the C2PA engine (c2pa-rs 0.91.3) asks for as
    much before it looks; where there is a limit, it reports damage.
    """
    status = Path("/proc/self/statm")
    if not status.exists():
        yield
        return
    import resource

    taken = int(status.read_text().split()[0]) * resource.getpagesize()
    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    wanted = min(limit for limit in (taken + ROOM, soft, hard) if limit != resource.RLIM_INFINITY)
    resource.setrlimit(resource.RLIMIT_AS, (wanted, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, (soft, hard))
