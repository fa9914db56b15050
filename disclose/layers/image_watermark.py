"""The image watermark as a layer: 64 leading bits of the disclosure's id in the pixels."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Self

from disclose.asset import Asset, Mark
from disclose.disclosure import Disclosure, Identifier
from disclose.errors import InputError, MarkingError, UnsupportedError
from disclose.evidence import Basis, Binding, Evidence, Integrity
from disclose.layer import Carried, Plane
from disclose.media.image import MEDIA_TYPES
from disclose.registry import Resources

ALGORITHM = "io.github.disclose-ai.image.1"
"""The name under which manifests and records state this watermark. It is not on the C2PA list of algorithms."""

# Encoders that may take more from the picture than the engine's own self-check allows for.
_HARSH = frozenset({"image/gif", "image/webp", "image/avif"})
_STRONGER = (1.0, 1.4, 2.0)


class ImageWatermarkLayer:
    """Embeds and detects our own watermark. With the public key anyone can embed one, so it binds nothing alone."""

    name = "image_watermark"
    plane = Plane.CONTENT
    media = MEDIA_TYPES

    def __init__(self, *, key: bytes | None = None, strength: float = 1.0) -> None:
        self._key = key
        self._strength = strength

    @classmethod
    def from_resources(cls, resources: Resources) -> Self:
        """Return the layer with the profile's key and strength."""
        return cls(key=resources.watermark_key, strength=resources.strength)

    def mark(self, asset: Asset, disclosure: Disclosure) -> Asset:
        """Return *asset* with the id in its pixels, and read back from them.

        Raises MarkingError when the picture cannot carry it, UnsupportedError when its kind is refused by name.
        """
        from disclose.watermark import image

        payload = disclosure.id.leading(image.PAYLOAD_BITS)
        content = asset.content
        content.check_markable()
        for factor in _STRONGER:
            strength = self._strength * factor
            pixels = image.embed(content.rgb, payload.value, key=self._key, strength=strength)
            marked = asset.with_content(content.with_rgb(pixels))
            if not _is_harsh(marked) or self._survives_encoding(marked, payload):
                details = {"alg": ALGORITHM, "value": str(payload), "strength": strength}
                return marked.with_mark(Mark(layer=self.name, details=details))
        raise MarkingError(
            f"cannot mark {asset.name or 'the picture'}: the watermark does not survive encoding as"
            f" {asset.media_type}; use a higher quality or another format"
        )

    def detect(self, asset: Asset) -> Iterator[Evidence]:
        """Yield the identifier in the pixels, if one is found at any rotation, scale or crop."""
        from disclose.watermark import image
        from disclose.watermark.image.canonical import LEGIBLE_SIDE

        if min(asset.content.size) < LEGIBLE_SIDE:
            width, height = asset.content.size
            raise UnsupportedError(
                f"{width} × {height} pixels are too few to read a watermark from; the short side has to have {LEGIBLE_SIDE}"
            )
        found = image.detect(asset.content.rgb, key=self._key)
        if found is None:
            return
        identifier = Identifier(value=found.payload, length=image.PAYLOAD_BITS)
        is_private = self._key is not None
        kind = "made with the private key" if is_private else "that anyone could embed (public key)"
        yield Evidence(
            layer=self.name,
            basis=Basis.WATERMARK,
            binding=Binding.SOFT if is_private else Binding.NONE,
            integrity=Integrity.INTACT if is_private else Integrity.UNKNOWN,
            p_value=found.p_value,
            id=identifier,
            generated=True,
            summary=f"a watermark {kind} carries the identifier {identifier}",
            details={
                "matrix": [list(row) for row in found.geometry.matrix],
                "inverted": found.geometry.inverted,
                "version": found.version,
            },
        )

    def carried(self, asset: Asset) -> Carried | None:
        """Return the identifier that the picture carries as it stands, without a search for geometry."""
        from disclose.watermark import image

        if asset.content.obstacle is not None:
            return None
        try:
            found = image.detect(asset.content.rgb, key=self._key, effort="fast")
        except InputError:
            # Too small or too oblong to carry anything; marking says so in full.
            return None
        if found is None:
            return None
        identifier = Identifier(value=found.payload, length=image.PAYLOAD_BITS)
        details = {"alg": ALGORITHM, "value": str(identifier), "kept": True}
        return Carried(mark=Mark(layer=self.name, details=details), identifier=identifier)

    def _survives_encoding(self, asset: Asset, payload: Identifier) -> bool:
        from disclose.media.image import decode
        from disclose.watermark import image

        found = image.detect(decode(asset.data, asset.media_type).rgb, key=self._key, effort="fast")
        return found is not None and found.payload == payload.value


def _is_harsh(asset: Asset) -> bool:
    if asset.media_type in _HARSH:
        return not asset.content.options.get("lossless")
    tables = asset.content.options.get("qtables")
    # The engine checks itself behind JPEG 60, whose luma table begins with 13 (ITU-T T.81, Annex K, scaled).
    return bool(tables) and _first(tables) > 13


def _first(tables: object) -> int:
    table = next(iter(tables.values())) if isinstance(tables, dict) else next(iter(tables))  # type: ignore[call-overload]
    return int(table[0])
