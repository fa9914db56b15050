"""Confinement of a process that parses what strangers send: memory, time, and nothing left behind."""

from __future__ import annotations

from pathlib import Path

ROOM = 2 << 30
"""Bytes beyond what the process takes when it starts: c2pa-rs 0.91 asks for 4 GB on the word of a 9 kB file."""


def confine_memory(room: int = ROOM) -> None:
    """Let this process take no more than *room* bytes more, and leave no core file, on Linux.

    A core file would be a verbatim copy of what was sent.
    """
    status = Path("/proc/self/statm")
    if not status.exists():
        return
    import resource

    taken = int(status.read_text().split()[0]) * resource.getpagesize()
    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    wanted = taken + room if hard == resource.RLIM_INFINITY else min(taken + room, hard)
    resource.setrlimit(resource.RLIMIT_AS, (wanted, hard))
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
