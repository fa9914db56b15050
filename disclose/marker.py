"""Marking: fold the layers over the asset."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable

from disclose.asset import Asset
from disclose.disclosure import Disclosure, Identifier
from disclose.errors import DiscloseError, MarkingError, UnsupportedError
from disclose.layer import HistoryKeeper, Layer, Plane, Recogniser, handles, handles_beside

_log = logging.getLogger(__name__)


class Marker:
    """Marks assets with *layers*, in the order of their planes; those named in *optional* may be skipped.

    Marking fails closed: an asset that a required layer cannot mark raises, and nothing half marked leaves.
    *complete* finds the whole identifier behind the leading bits that content carries.
    """

    def __init__(
        self,
        layers: Iterable[Layer],
        *,
        optional: frozenset[str] = frozenset(),
        complete: Callable[[Identifier], Identifier] = Identifier.completed,
    ) -> None:
        self.layers = tuple(sorted(layers, key=lambda layer: (layer.plane, not hasattr(layer, "draws"))))
        self.optional = optional
        self._complete = complete

    def mark(self, asset: Asset, disclosure: Disclosure, *, sidecar: bool = False) -> Asset:
        """Return *asset* carrying *disclosure* in every layer.

        With *sidecar* the caller promises to deliver ``asset.sidecar`` too, so that formats which hold no manifest
        can have it in a file of its own; without that promise they are refused.

        An asset that left here before comes back as it is. One that still carries a mark of ours in its content
        keeps that mark and its identifier, so that two marks never fight over the same pixels.
        """
        layers = self._layers_for(asset, sidecar=sidecar)
        beside = any(handles_beside(layer, asset.media_type) for layer in layers)
        for layer in reversed(layers):
            if not isinstance(layer, Recogniser) or (carried := layer.carried(asset)) is None:
                continue
            # Known bytes whose manifest got lost on the way are not whole.
            if carried.whole and not (beside and asset.sidecar is None):
                known = carried.disclosure or disclosure.with_id(carried.identifier)
                return asset.with_mark(carried.mark).with_disclosure(known)
            _log.info("keeping the mark %s that %s already carries", carried.identifier, asset.name or "the content")
            asset = asset.with_mark(carried.mark)
            disclosure = disclosure.with_id(self._complete(carried.identifier))
        return self._fold(asset, disclosure, layers)

    def without(self, name: str) -> Marker:
        """Return a marker that does the same but for the layer called *name*."""
        return Marker(
            (layer for layer in self.layers if layer.name != name), optional=self.optional, complete=self._complete
        )

    def marks(self, media_type: str) -> bool:
        """Whether a file of *media_type* can be marked without another beside it."""
        return any(layer.plane < Plane.RECORD and handles(layer, media_type) for layer in self.layers)

    def finish(self, asset: Asset, disclosure: Disclosure) -> Asset:
        """Return *asset*, whose content carries the marks already, with its container signed and recorded."""
        layers = self._layers_for(asset)
        return self._fold(asset, disclosure, [layer for layer in layers if layer.plane > Plane.CONTENT])

    def _fold(self, asset: Asset, disclosure: Disclosure, layers: list[Layer]) -> Asset:
        asset = asset.with_disclosure(disclosure)
        for layer in layers:
            if layer.plane is Plane.CONTENT and asset.mark_of(layer.name) is not None:
                continue
            try:
                asset = layer.mark(asset, disclosure)
            except Exception as error:
                if layer.name in self.optional:
                    _log.warning("skipped the optional layer %s: %s", layer.name, error)
                    continue
                if isinstance(error, DiscloseError):
                    raise
                # Foreign exceptions are translated here, once, so that callers can rely on the tree.
                raise MarkingError(f"layer {layer.name} failed on {asset!r}: {error}") from error
        _check_history(asset, layers)
        return asset

    def _layers_for(self, asset: Asset, *, sidecar: bool = False) -> list[Layer]:
        """Return the layers that mark this media type; raises UnsupportedError where a required one cannot."""
        kind, name = asset.media_type, asset.name or "the input"
        beside = [layer for layer in self.layers if handles_beside(layer, kind)]
        chosen = [layer for layer in self.layers if handles(layer, kind) or (sidecar and layer in beside)]
        if not any(layer.plane < Plane.RECORD for layer in chosen):
            advice = "; it can be marked in a file beside it: pass sidecar=True and deliver both" if beside else ""
            raise UnsupportedError(f"cannot mark {name}: no layer of this profile marks {kind}{advice}")
        modality = _modality(kind)
        is_beside = any(layer in beside for layer in chosen)
        for layer in self.layers:
            # A format that holds no manifest has no place for other metadata either.
            spared = is_beside and layer.plane is Plane.CONTAINER
            concerned = any(pattern.startswith(modality) for pattern in layer.media) and not spared
            if concerned and layer not in chosen and layer.name not in self.optional:
                raise UnsupportedError(
                    f"cannot mark {name}: layer {layer.name} does not mark {kind},"
                    f" it marks {', '.join(layer.media)}; list it as optional to go without it"
                )
        return chosen


def _check_history(asset: Asset, layers: list[Layer]) -> None:
    """Raise MarkingError if credentials that came with *asset* were broken or dropped: a signed file is re-signed."""
    if any(isinstance(layer, HistoryKeeper) and asset.mark_of(layer.name) is not None for layer in layers):
        return
    # The usual picture has been signed by now, so that its bytes need not be searched for an older signature.
    if asset.was_signed and asset.data != asset.upstream:
        raise MarkingError(
            f"cannot mark {asset.name or 'the input'}: it carries Content Credentials, and changing it without signing"
            " it anew would break them: add the layer c2pa to the profile, and do not list it as optional"
        )


def _modality(media_type: str) -> str:
    """Return the beginning that media types of one modality share."""
    # A drawing has no pixels to hold a watermark, so nothing that works on pictures is missing from it.
    return "drawing/" if media_type == "image/svg+xml" else media_type.split("/")[0] + "/"
