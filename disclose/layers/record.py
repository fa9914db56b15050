"""The ledger as a layer: the last one, which writes down what was issued and knows it again byte for byte."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Self

from disclose.asset import Asset, Mark
from disclose.disclosure import Disclosure
from disclose.evidence import Basis, Binding, Evidence, Integrity, Time
from disclose.layer import Carried, Plane
from disclose.registry import Resources

if TYPE_CHECKING:
    from disclose.ledger import Ledger

SHORTEST_TELLING_TEXT = 128
"""Bytes. Prose holds about one bit a character (Shannon 1951, "Prediction and Entropy of Printed English"), so that
nobody writes a longer text a second time by chance; "Yes." is on record wherever a system once said it."""


class LedgerLayer:
    """Appends a record of every marked asset: statement, hash of the bytes, and what the other layers noted.

    With *keep_manifests* the C2PA manifest store goes with the record, so that a file that loses it can recover it.
    """

    name = "ledger"
    plane = Plane.RECORD
    media = ("*/*",)

    def __init__(self, ledger: Callable[[], Ledger], *, keep_manifests: bool = False) -> None:
        self._ledger = ledger
        self._keep_manifests = keep_manifests

    @classmethod
    def from_resources(cls, resources: Resources) -> Self:
        """Return the layer over the profile's ledger."""
        return cls(resources.ledger, keep_manifests=resources.keep_manifests)

    def mark(self, asset: Asset, disclosure: Disclosure) -> Asset:
        """Return *asset* once its record is on disk; raises LedgerError when it cannot be."""
        fingerprint = asset.mark_of("fingerprint")
        record = self._ledger().append(
            disclosure=disclosure,
            sha256=asset.sha256,
            media_type=asset.media_type,
            marks=asset.marks,
            likeness=bytes.fromhex(fingerprint.details["pdq"]) if fingerprint else None,
            manifest=asset.manifest if self._keep_manifests else None,
        )
        return asset.with_mark(Mark(layer=self.name, details={"sequence": record.sequence}))

    def detect(self, asset: Asset) -> Iterator[Evidence]:
        """Yield the record of these very bytes, or its erasure, if they were issued here."""
        if not asset.is_encoded:
            return
        if (record := self._ledger().find_content(asset.sha256)) is None:
            yield from self._erased(asset.sha256)
            return
        summary = f"these very bytes are entry {record.sequence} of the ledger, recorded {record.recorded[:10]}"
        is_telling = not (asset.media_type == "text/plain" and len(asset.data) < SHORTEST_TELLING_TEXT)
        if not is_telling:
            summary += "; so short a text may well have been written by others too"
        yield Evidence(
            layer=self.name,
            basis=Basis.RECORD,
            binding=Binding.HARD if is_telling else Binding.NONE,
            integrity=Integrity.INTACT if is_telling else Integrity.UNKNOWN,
            time=Time.STATED,
            id=record.disclosure.id,
            generated=record.disclosure.source_type.is_generated,
            source_type=record.disclosure.source_type,
            disclosure=record.disclosure,
            summary=summary,
            details={"sequence": record.sequence},
        )

    def _erased(self, sha256: str) -> Iterator[Evidence]:
        """Yield that these very bytes were on record, if they were; what was said of them is gone."""
        if (erasure := self._ledger().erased_content(sha256)) is not None:
            yield Evidence(
                layer=self.name,
                basis=Basis.RECORD,
                time=Time.STATED,
                id=erasure.id,
                summary=f"these very bytes are entry {erasure.entry} of the ledger, {erasure}",
                details={"sequence": erasure.entry, "erased": erasure.erased, "reason": erasure.reason},
            )

    def carried(self, asset: Asset) -> Carried | None:
        """Return the identifier that these very bytes were issued under, if they were."""
        for found in self.detect(asset):
            if found.id is not None and found.is_bound:
                mark = Mark(layer=self.name, details=found.details)
                return Carried(mark=mark, identifier=found.id, disclosure=found.disclosure, whole=True)
        return None
