"""Figures: what the detector counts and times, for Prometheus; never what was sent, nor by whom."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

from disclose.errors import extra

with extra("serve"):
    from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, Gauge, Histogram, generate_latest

MEDIA_TYPE = CONTENT_TYPE_LATEST
_BUCKETS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)


class Figures:
    """Counts for one application, in a registry of its own; each server process counts for itself."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self._outcomes = Counter(
            "disclose_detector_examinations", "Examinations by outcome.", ("outcome",), registry=self._registry
        )
        self._seconds = Histogram(
            "disclose_detector_examination_seconds",
            "Time to examine one file, with the wait for an examiner.",
            buckets=_BUCKETS,
            registry=self._registry,
        )
        self._now = 0
        self._busy = Gauge("disclose_detector_busy", "Files being examined or waiting for it.", registry=self._registry)

    @property
    def busy(self) -> int:
        """How many files are being examined or wait for it."""
        return self._now

    @contextmanager
    def examination(self) -> Iterator[list[str]]:
        """Time the block; it appends the outcome, else a failure is counted."""
        outcome: list[str] = []
        started = time.perf_counter()
        self._now += 1
        self._busy.set(self._now)
        try:
            yield outcome
        finally:
            self._now -= 1
            self._busy.set(self._now)
            self._seconds.observe(time.perf_counter() - started)
            self._outcomes.labels(outcome=outcome[0] if outcome else "failed").inc()

    def text(self) -> bytes:
        """Return all figures in the text format of Prometheus."""
        return generate_latest(self._registry)
