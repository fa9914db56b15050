"""Confinement of what reads strangers' files: how much memory and time it may take, where the system sets limits.

A file of some kilobytes can name a length of four gigabytes, and the C2PA engine (c2pa-rs 0.91.3) asks for as much
before it looks; where there is a limit, it reports damage.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

READING = 3 << 30
"""Bytes beyond what is taken already: a picture of 50 megapixels needs less than half of it."""
EXAMINING = 2 << 30
"""The same where many processes examine beside each other."""


@contextmanager
def limited_memory(room: int = READING) -> Iterator[None]:
    """Let the process take no more than *room* bytes more while the block runs, on Linux."""
    before = _limit_memory(room)
    try:
        yield
    finally:
        if before is not None:
            import resource

            resource.setrlimit(resource.RLIMIT_AS, before)


def confine_memory(room: int = EXAMINING) -> None:
    """Let this process take no more than *room* bytes more from now on, and leave no core file, on Linux.

    A core file would be a verbatim copy of what was sent.
    """
    if _limit_memory(room) is not None:
        import resource

        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def confine_time(seconds: float) -> None:
    """Let this process spend *seconds* more on its processors, threads counted together; then the system ends it."""
    try:
        import resource
    except ImportError:
        return
    used = resource.getrusage(resource.RUSAGE_SELF)
    _, hard = resource.getrlimit(resource.RLIMIT_CPU)
    limit = int(used.ru_utime + used.ru_stime + seconds) + 1
    resource.setrlimit(resource.RLIMIT_CPU, (limit if hard == resource.RLIM_INFINITY else min(limit, hard), hard))


def _limit_memory(room: int) -> tuple[int, int] | None:
    """Limit the memory to *room* bytes more, or to less where that is the limit; return what it was, None elsewhere."""
    status = Path("/proc/self/statm")
    if not status.exists():
        return None
    import resource

    taken = int(status.read_text().split()[0]) * resource.getpagesize()
    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    wanted = min(limit for limit in (taken + room, soft, hard) if limit != resource.RLIM_INFINITY)
    resource.setrlimit(resource.RLIMIT_AS, (wanted, hard))
    return soft, hard
