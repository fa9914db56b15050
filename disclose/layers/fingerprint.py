"""Fingerprints: PDQ to find a picture again, and a coarse structure to tell a part of it from a copied mark."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Self

import numpy
from numpy.typing import NDArray

from disclose.asset import Asset, Mark
from disclose.disclosure import Disclosure
from disclose.evidence import Basis, Binding, Evidence, Integrity
from disclose.layer import Plane
from disclose.media.image import MEDIA_TYPES
from disclose.media.likeness import Structure
from disclose.registry import Resources

if TYPE_CHECKING:
    from PIL.Image import Image

    from disclose.ledger import Ledger

_LONGEST_SIDE = 320
"""PDQ is taken from a copy no longer than this: at most 18 bits from the hash of the whole, and much cheaper."""

# PDQ distances between unrelated photographs are about normal, mean 128 and deviation 8.12 of 256 bits
# (303,000 pairs). Real tails are fatter, so what is inside the limit is an indication and never proof.
_MEAN, _DEVIATION, _CONVENTIONAL = 128.0, 8.12, 31
_FALSE_MATCHES = 1e-6

# How much of a picture agrees with its recorded structure: photographs after crops to a quarter, rotations,
# mirroring, negatives and screenshots, 0.95 and more; shown on a page of other things, 0.84 and more; other photographs
# under a copied mark, at most 0.68 (benchmarks/copy_attack.py). PDQ alone tells none of those from a copy.
_SAME, _OTHER = 0.80, 0.72


class FingerprintLayer:
    """Notes what a picture looks like when it is issued, and finds it again by that. A hit alone proves nothing."""

    name = "fingerprint"
    plane = Plane.RECORD
    media = MEDIA_TYPES

    def __init__(self, ledger: Callable[[], Ledger]) -> None:
        self._ledger = ledger

    @classmethod
    def from_resources(cls, resources: Resources) -> Self:
        """Return the layer over the profile's ledger."""
        return cls(resources.ledger)

    def mark(self, asset: Asset, disclosure: Disclosure) -> Asset:
        """Return *asset* with its fingerprints noted, for the ledger to record."""
        from disclose.watermark.image import canonical_size

        luma = _luma(asset)
        structure = Structure.of(luma, canonical_size(luma.width, luma.height))
        details = {"pdq": _pdq(luma).hex(), "structure": structure.to_text()}
        return asset.with_mark(Mark(layer=self.name, details=details))

    def detect(self, asset: Asset) -> Iterator[Evidence]:
        """Yield the entry of the ledger that looks most like *asset*, if it is near enough for the ledger's size."""
        ledger = self._ledger()
        if not len(ledger):
            return
        nearest = ledger.nearest(*_views(_luma(asset)), within=limit)
        if nearest is None:
            return
        statement = nearest.record.disclosure
        yield Evidence(
            layer=self.name,
            basis=Basis.FINGERPRINT,
            id=statement.id,
            generated=statement.source_type.is_generated,
            source_type=statement.source_type,
            disclosure=statement,
            summary=f"looks like entry {nearest.record.sequence} of the ledger: {nearest.distance} of 256 bits differ,"
            f" the limit among {nearest.searched} entries is {limit(nearest.searched)}",
            details={"distance": nearest.distance, "searched": nearest.searched},
        )

    def compare(self, asset: Asset, issued: Mark, finding: Evidence) -> Evidence:
        """Return whether *asset* still shows the picture that *issued* describes, or a part of it."""
        luma = _luma(asset)
        recorded = bytes.fromhex(issued.details["pdq"])
        distance = min(_distance(view, recorded) for view in _views(luma))
        agreement = _agreement(luma, issued, finding)
        details = {"distance": distance, "agreement": None if agreement is None else round(agreement, 3)}
        if distance <= limit(1) or (agreement is not None and agreement >= _SAME):
            integrity, binding = Integrity.INTACT, Binding.SOFT
            summary = "shows the picture, or a part of it, that the identifier was issued for"
        elif agreement is not None and agreement <= _OTHER:
            integrity, binding = Integrity.BROKEN, Binding.SOFT
            summary = "does not show the picture that the identifier was issued for: the mark was copied from it"
        else:
            integrity, binding = Integrity.UNKNOWN, Binding.NONE
            summary = "shows too little to tell whether the identifier was issued for this picture"
        measured = f"{distance} of 256 bits differ"
        if agreement is not None:
            measured += f", {agreement:.0%} of its structure agrees"
        return Evidence(
            layer=self.name,
            basis=Basis.FINGERPRINT,
            binding=binding,
            integrity=integrity,
            id=finding.id,
            summary=f"{summary} ({measured})",
            details=details,
        )


def limit(entries: int) -> int:
    """Return the largest PDQ distance that still counts as a likeness among so many *entries*.

    The chance of a false match among all of them stays at one in a million under the normal fit, so the limit
    tightens as the ledger grows: 89 bits for one entry, 70 for a million; never under PDQ's conventional 31.

    >>> limit(1), limit(1_000_000)
    (89, 70)
    """
    from statistics import NormalDist

    deviations = NormalDist().inv_cdf(_FALSE_MATCHES / max(1, entries))
    return max(_CONVENTIONAL, int(_MEAN + deviations * _DEVIATION))


def _agreement(luma: Image, issued: Mark, finding: Evidence) -> float | None:
    if "matrix" not in finding.details or "structure" not in issued.details:
        return None
    from disclose.watermark.image.tile import TILE

    matrix = numpy.array(finding.details["matrix"], float)
    structure = Structure.from_text(issued.details["structure"])
    return structure.agreement(luma, matrix, tile=TILE, inverted=bool(finding.details["inverted"]))


def _luma(asset: Asset) -> Image:
    return asset.content.luma


def _pdq(luma: Image) -> bytes:
    import pdqhash

    return numpy.packbits(pdqhash.compute(_reduced(luma))[0]).tobytes()


def _views(luma: Image) -> list[bytes]:
    """Return the hashes of the picture's eight rotations and reflections."""
    import pdqhash

    hashes, _ = pdqhash.compute_dihedral(_reduced(luma))
    return [numpy.packbits(one).tobytes() for one in hashes]


def _reduced(luma: Image) -> NDArray[numpy.uint8]:
    """Return *luma* small enough for PDQ, as the three equal channels that its binding asks for."""
    return numpy.asarray(luma.reduce(-(-max(luma.size) // _LONGEST_SIDE)).convert("RGB"))


def _distance(one: bytes, other: bytes) -> int:
    return (int.from_bytes(one) ^ int.from_bytes(other)).bit_count()
