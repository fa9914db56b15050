"""Metrics: count what leaves a door, time what marking costs, and log each output in fields, never its content.

The figures go to OpenTelemetry where the application has set up its SDK by the first output, else to the default
registry of ``prometheus-client`` where that is installed, else nowhere. Never to both: OpenTelemetry's own exporter for
Prometheus would offer each a second time. The log lines are those of the logger ``disclose.outputs``, with their fields
in ``extra``.
"""

from __future__ import annotations

import logging
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal, Protocol

OUTPUTS, SECONDS = "disclose_outputs", "disclose_marking_seconds"
_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
_log = logging.getLogger("disclose.outputs")
_making = threading.Lock()

Outcome = Literal["marked", "skipped", "failed"]


@dataclass
class Output:
    """One output on its way through a door; whoever marks it fills in what becomes known on the way.

    ``media_type`` and ``reason`` are labels of a metric, so they come from short lists: a media type that we tell
    apart, a word or the name of an exception; never a message, which may hold anything.
    """

    door: str
    media_type: str = "unknown"
    outcome: Outcome = "marked"
    reason: str = ""
    identifier: str = ""

    def skip(self, reason: str) -> None:
        """Note that the output leaves as it came, and the *reason* in a word or two."""
        self.outcome, self.reason = "skipped", reason


@contextmanager
def output(door: str, media_type: str = "unknown") -> Iterator[Output]:
    """Time the block that marks one output at *door*, and count it: as failed where the block raises."""
    one, started = Output(door, media_type), time.perf_counter()
    try:
        yield one
    except BaseException as error:
        one.outcome, one.reason = "failed", type(error).__name__
        raise
    finally:
        _report(one, time.perf_counter() - started)


def failed(door: str, media_type: str, error: Exception) -> None:
    """Count an output that does not leave *door* because of *error*, where no block times its marking."""
    _report(Output(door, media_type, "failed", type(error).__name__), 0.0)


def skipped(door: str, media_type: str, reason: str) -> None:
    """Count an output that leaves *door* as it came, for a *reason* in a word or two."""
    _report(Output(door, media_type, "skipped", reason), 0.0)


def _report(one: Output, seconds: float) -> None:
    labels = {"door": one.door, "media_type": one.media_type, "outcome": one.outcome, "reason": one.reason}
    if (sink := _sink()) is not None:
        sink.count(labels)
        if one.outcome == "marked":
            sink.time({"door": one.door, "media_type": one.media_type}, seconds)
    level = logging.WARNING if one.outcome == "failed" else logging.INFO
    fields = {**labels, "milliseconds": round(1000 * seconds, 3), "disclosure": one.identifier}
    _log.log(level, "%s one output of the door %s", one.outcome, one.door, extra=fields)


class _Sink(Protocol):
    """Where figures go."""

    def count(self, labels: Mapping[str, str]) -> None: ...

    def time(self, labels: Mapping[str, str], seconds: float) -> None: ...


def _sink() -> _Sink | None:
    # The first outputs may come at once, and a cache alone would let each of them make its own.
    with _making:
        return _made()


@cache
def _made() -> _Sink | None:
    """Return where figures go, made once a process: a registry refuses a second metric of the same name."""
    sdk = sys.modules.get("opentelemetry.sdk.metrics")
    try:
        from opentelemetry import metrics

        if sdk is not None and isinstance(metrics.get_meter_provider(), sdk.MeterProvider):
            return _OpenTelemetry(metrics.get_meter("disclose"))
    except ImportError:
        pass
    try:
        return _Prometheus()
    except ImportError:
        return None


class _Prometheus:
    def __init__(self) -> None:
        from prometheus_client import Counter, Histogram

        self._outputs = Counter(OUTPUTS, "Outputs by what became of them.", ("door", "media_type", "outcome", "reason"))
        self._seconds = Histogram(SECONDS, "Time to mark one output.", ("door", "media_type"), buckets=_BUCKETS)

    def count(self, labels: Mapping[str, str]) -> None:
        self._outputs.labels(**labels).inc()

    def time(self, labels: Mapping[str, str], seconds: float) -> None:
        self._seconds.labels(**labels).observe(seconds)


class _OpenTelemetry:
    def __init__(self, meter: Any) -> None:
        self._outputs = meter.create_counter(
            "disclose.outputs", unit="{output}", description="Outputs by what became of them."
        )
        self._seconds = meter.create_histogram(
            "disclose.marking.duration",
            unit="s",
            description="Time to mark one output.",
            explicit_bucket_boundaries_advisory=list(_BUCKETS),
        )

    def count(self, labels: Mapping[str, str]) -> None:
        self._outputs.add(1, dict(labels))

    def time(self, labels: Mapping[str, str], seconds: float) -> None:
        self._seconds.record(seconds, dict(labels))
