"""Verifying: ask every layer, look up what they name, and weigh the answers."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, TypeVar

from disclose.asset import Asset
from disclose.disclosure import Identifier
from disclose.errors import InputError, LedgerError
from disclose.evidence import Basis, Binding, Evidence, Integrity, Time, Verdict
from disclose.layer import Comparer, Layer, Plane, handles, handles_beside

if TYPE_CHECKING:
    from disclose.ledger import Ledger, Record

_Answer = TypeVar("_Answer")
_log = logging.getLogger(__name__)
_BASIS = {Plane.CONTENT: Basis.WATERMARK, Plane.CONTAINER: Basis.METADATA, Plane.RECORD: Basis.RECORD}


class Verifier:
    """Verifies assets with *layers* and, where one is at hand, the *ledger* of what was issued here."""

    def __init__(self, layers: Iterable[Layer], *, ledger: Callable[[], Ledger] | None = None) -> None:
        self.layers = tuple(sorted(layers, key=lambda layer: layer.plane, reverse=True))
        self._ledger = ledger

    def verify(self, asset: Asset) -> Verdict:
        """Return the verdict on *asset*. Damage and absence are part of it; nothing that is found raises."""
        asked = [layer for layer in self.layers if handles(layer, asset.media_type) or _has_sidecar(layer, asset)]
        found = [item for layer in asked for item in _ask(layer, asset)]
        if all(layer.plane is Plane.RECORD for layer in asked):
            summary = f"no layer here looks for marks in {asset.media_type}"
            found.append(Evidence(layer="verifier", basis=Basis.METADATA, summary=summary))
        return Verdict.weigh(self._resolved(asset, found))

    def _resolved(self, asset: Asset, found: list[Evidence]) -> list[Evidence]:
        """Return *found* with each watermark's identifier looked up in the ledger and held against its record."""
        resolved: list[Evidence] = []
        explained: list[Identifier] = []
        exact = {item.details.get("sequence") for item in found if item.basis is Basis.RECORD}
        for item in found:
            if item.basis is not Basis.WATERMARK or item.id is None:
                resolved.append(item)
            elif records := self._records(item.id):
                explained.append(item.id)
                answers = self._against_records(asset, item, records)
                # Where the very bytes are on record, that their watermark leads to the same record says no more.
                resolved += [one for one in answers if one.layer != "ledger" or one.details["sequence"] not in exact]
            else:
                resolved.append(replace(item, summary=f"{item.summary}; {self._unexplained(item.id)}"))
        resolved = [item for item in resolved if not _is_mere_likeness(item, explained)]
        order = {layer.name: layer.plane for layer in self.layers}
        return sorted(resolved, key=lambda item: order.get(item.layer, Plane.RECORD))

    def _unexplained(self, identifier: Identifier) -> str:
        """Return why no record explains *identifier*: it was erased here, or never was here."""
        if erasures := self._asked(identifier, lambda ledger: ledger.erased(identifier)):
            return f"entry {erasures[0].entry} of the ledger, which explained it: {erasures[0]}"
        return "no record at hand explains it, it was issued elsewhere"

    def _records(self, identifier: Identifier) -> list[Record]:
        return self._asked(identifier, lambda ledger: ledger.find(identifier))

    def _asked(self, identifier: Identifier, ask: Callable[[Ledger], list[_Answer]]) -> list[_Answer]:
        if self._ledger is None:
            return []
        try:
            return ask(self._ledger())
        except LedgerError as error:
            # The ledger layer has said so in its own evidence; the other findings still count.
            _log.warning("the ledger could not be asked for %s: %s", identifier, error)
            return []

    def _against_records(self, asset: Asset, item: Evidence, records: list[Record]) -> Iterator[Evidence]:
        """Yield a watermark finding and what its ledger record says, bound where the content is what was issued."""
        comparisons = [self._compared(asset, item, record) for record in records]
        best = max(range(len(records)), key=lambda index: _RANK[comparisons[index].integrity])
        record, comparison = records[best], comparisons[best]
        same = comparison.integrity is Integrity.INTACT
        statement = record.disclosure
        yield replace(
            item,
            binding=Binding.SOFT if same else item.binding,
            integrity=Integrity.INTACT if same else item.integrity,
            source_type=statement.source_type,
        )
        yield comparison
        yield Evidence(
            layer="ledger",
            basis=Basis.RECORD,
            binding=Binding.SOFT if same else Binding.NONE,
            integrity=Integrity.INTACT if same else Integrity.UNKNOWN,
            time=Time.STATED,
            # The content proves no more bits of the identifier than it carries.
            id=item.id,
            generated=statement.source_type.is_generated,
            source_type=statement.source_type,
            disclosure=statement,
            summary=f"entry {record.sequence} of the ledger, recorded {record.recorded[:10]}, explains the identifier",
            details={"sequence": record.sequence},
        )

    def _compared(self, asset: Asset, item: Evidence, record: Record) -> Evidence:
        for layer in self.layers:
            issued = record.mark_of(layer.name)
            if isinstance(layer, Comparer) and issued is not None:
                return layer.compare(asset, issued, item)
        return Evidence(
            layer="verifier",
            basis=Basis.FINGERPRINT,
            id=record.disclosure.id,
            summary="the ledger holds no fingerprint to compare this content with",
        )


def _has_sidecar(layer: Layer, asset: Asset) -> bool:
    return asset.sidecar is not None and handles_beside(layer, asset.media_type)


def _is_mere_likeness(item: Evidence, explained: list[Identifier]) -> bool:
    """Whether *item* only says that the asset looks like an entry that a watermark has led to already."""
    by_likeness = item.basis is Basis.FINGERPRINT and "searched" in item.details
    return by_likeness and item.id is not None and any(one.agrees_with(item.id) for one in explained)


_RANK = {Integrity.BROKEN: 0, Integrity.UNKNOWN: 1, Integrity.INTACT: 2}


def _ask(layer: Layer, asset: Asset) -> list[Evidence]:
    """Return what *layer* finds; one that cannot look says so and does not silence the others."""
    try:
        return list(layer.detect(asset))
    except InputError as error:
        reason, kind = str(error), type(error).__name__
    except Exception as error:
        _log.warning("layer %s failed", layer.name, exc_info=True)
        reason, kind = f"{type(error).__name__}: {error}", type(error).__name__
    return [
        Evidence(
            layer=layer.name,
            basis=_BASIS[layer.plane],
            summary=f"could not be examined: {reason}",
            details={"error": kind, "reason": reason},
        )
    ]
