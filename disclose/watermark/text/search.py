"""Searching: a text of unknown origin, examined under several keys, tokenizers and schemes at once.

>>> from functools import partial
>>> from disclose.watermark.text import gumbel, search
>>> schemes = {"gumbel": gumbel.detect, "gumbel, 5 tokens": partial(gumbel.detect, width=5)}
>>> search.search(text, tokenizers={"smollm2": encode}, keys={"2026": key}, schemes=schemes)    # doctest: +SKIP

Every combination counts as tried, whether or not it could have found anything, so the surest finding's p-value is
multiplied by their number (Bonferroni): somebody who looks under a hundred keys sees a one-in-a-hundred chance often.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from typing import Any

from disclose.errors import InputError
from disclose.watermark.text.contexts import TokenIds, token_array
from disclose.watermark.text.detection import Detection

Tokenizer = Callable[[str], TokenIds]
Scheme = Callable[[TokenIds, Any], Detection]
Reading = Callable[[TokenIds], Detection]

_log = logging.getLogger(__name__)


def search(
    text: str, *, tokenizers: Mapping[str, Tokenizer], keys: Mapping[str, Any], schemes: Mapping[str, Scheme]
) -> Detection:
    """Return the surest detection in *text* of all combinations, its p-value corrected for all that was tried.

    ``tokenizers`` give a text's token ids without special tokens, ``keys`` are what the schemes take, and the names
    appear in the label. A tokenizer that fails is left out and logged; InputError is raised where all fail.
    """
    return examined(text, tokenizers=tokenizers, readings=readings(keys, schemes))


def examined(text: str, *, tokenizers: Mapping[str, Tokenizer], readings: Mapping[str, Reading]) -> Detection:
    """Return the surest detection in *text* of all *readings*, each a scheme with its key, under all *tokenizers*.

    Where a key belongs to one scheme only, naming the pairs leaves fewer hypotheses than :func:`search` would try.
    """
    return findings(text, tokenizers=tokenizers, readings=readings)[0]


def findings(text: str, *, tokenizers: Mapping[str, Tokenizer], readings: Mapping[str, Reading]) -> list[Detection]:
    """Return what :func:`examined` does, and after it the marks of others among *readings* that stand elsewhere.

    A text may hold answers under several keys: of two models, or of before and after a key was changed.
    """
    readable = well_formed(text)
    detections: list[tuple[str, Detection]] = []
    for spoken, encode in tokenizers.items():
        try:
            ids = token_array(encode(readable))
        except Exception as error:  # foreign code over hostile text; its message may quote the text
            kind = type(error).__name__
            _log.warning("the tokenizer %s could not read a text of %d characters: %s", spoken, len(text), kind)
            continue
        detections += [(f"{named}, tokenizer {spoken}", read(ids)) for named, read in readings.items()]
    if not detections:
        raise InputError("searching a text for watermarks: no key, no scheme, or no tokenizer that can read the text")
    return _apart([one.among(one.hypotheses * len(detections), label) for label, one in detections])


def readings(keys: Mapping[str, Any], schemes: Mapping[str, Scheme]) -> dict[str, Reading]:
    """Return each of *schemes* with each of *keys*, by the names of both."""

    def reading(detect: Scheme, key: Any) -> Reading:
        return lambda token_ids: detect(token_ids, key)

    return {
        f"{named}, key {of_key}": reading(detect, key)
        for of_key, key in keys.items()
        for named, detect in schemes.items()
    }


def surest(detections: list[tuple[str, Detection]]) -> Detection:
    """Return the surest of labelled *detections*, corrected for their number; of equals, the one that saw most."""
    return _apart([one.among(one.hypotheses * len(detections), label) for label, one in detections])[0]


def _apart(detections: list[Detection]) -> list[Detection]:
    """Return the surest of *detections*, and of the others those that mostly stand where no surer one does."""
    first, *others = sorted(detections, key=lambda one: (one.p_value, -one.scored))
    taken, kept = _stretches(first), [first]
    for one in others:
        own = _stretches(one)
        shared = sum(max(0.0, min(end, stop) - max(start, begin)) for start, end in own for begin, stop in taken)
        if own and shared < one.share / 2:
            kept.append(one)
            taken += own
    return kept


def _stretches(detection: Detection) -> list[tuple[float, float]]:
    """Return the spans of *detection* as shares of the text: by another tokenizer, a place has another number."""
    return [(span.start / detection.total, span.end / detection.total) for span in detection.spans]


def well_formed(text: str) -> str:
    """Return *text* with U+FFFD for lone surrogates, which no tokenizer takes."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
