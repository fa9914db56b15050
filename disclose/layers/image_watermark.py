"""The image watermark as a layer: 64 leading bits of the disclosure's id in the pixels."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Self
from weakref import WeakKeyDictionary

from disclose.asset import Asset, Mark
from disclose.disclosure import Disclosure, Identifier
from disclose.errors import InputError, MarkingError, UnsupportedError
from disclose.evidence import Basis, Binding, Evidence, Integrity
from disclose.layer import Carried, Plane
from disclose.media.image import MEDIA_TYPES, Picture
from disclose.registry import Resources

if TYPE_CHECKING:
    from PIL.Image import Image

    from disclose.watermark.image import Host

ALGORITHM = "io.github.disclose-ai.image.1"
"""The name under which manifests and records state this watermark. It is not on the C2PA list of algorithms."""

_LOSSLESS = frozenset({"image/png", "image/tiff"})
_SMALL = 640 * 640
_FIRST_OF_JPEG_60 = 13  # first entry of its luma table (ITU-T T.81, Annex K, scaled)


class ImageWatermarkLayer:
    """Embeds and detects our own watermark. With the public key anyone can embed one, so it binds nothing alone."""

    name = "image_watermark"
    plane = Plane.CONTENT
    media = MEDIA_TYPES

    def __init__(self, *, key: bytes | None = None, strength: float = 1.0) -> None:
        self._key = key
        self._strength = strength
        self._hosts: WeakKeyDictionary[Picture, Host] = WeakKeyDictionary()

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
        host = self._host(content)
        shown = _shown_in(content)
        for residual in image.residuals(host, payload.value, key=self._key, strength=self._strength, shown=shown):
            marked = asset.with_content(content.with_residual(residual))
            if not _is_harsh(marked) or self._survives_encoding(marked, payload):
                details = {"alg": ALGORITHM, "value": str(payload), "strength": self._strength}
                return marked.with_mark(Mark(layer=self.name, details=details))
        raise MarkingError(
            f"cannot mark {asset.name or 'the picture'}: the watermark does not survive encoding as"
            f" {asset.media_type}; use a larger picture, a higher quality or PNG, or list {self.name} as optional"
        )

    def detect(self, asset: Asset) -> Iterator[Evidence]:
        """Yield the identifier in the pixels, however they were turned, scaled, cut or bent; or that there is one."""
        from disclose.watermark import image
        from disclose.watermark.image.canonical import LEGIBLE_SIDE

        if min(asset.content.size) < LEGIBLE_SIDE:
            width, height = asset.content.size
            raise UnsupportedError(
                f"{width} × {height} pixels are too few to read a watermark from;"
                f" the short side has to have {LEGIBLE_SIDE}"
            )
        if asset.content.pictures > 1:
            yield Evidence(
                layer=self.name,
                basis=Basis.WATERMARK,
                summary=f"of the {asset.content.pictures} pictures in the file, only the first was looked at",
                details={"pictures": asset.content.pictures},
            )
        presence = image.presence(asset.content.rgb, key=self._key)
        found = presence.detection
        is_private = self._key is not None
        kind = "made with the private key" if is_private else "that anyone could embed (public key)"
        if found is None:
            if presence.p_value <= image.REPORT_AT:
                yield Evidence(
                    layer=self.name,
                    basis=Basis.WATERMARK,
                    binding=Binding.NONE,
                    integrity=Integrity.UNKNOWN,
                    p_value=presence.p_value,
                    generated=True,
                    summary=f"a watermark {kind} is there, too faint for its identifier to be read",
                )
            return
        identifier = Identifier(value=found.payload, length=image.PAYLOAD_BITS)
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
            payload = self._host(asset.content).carried(self._key)
        except InputError:
            # Too small or too oblong to carry anything; marking says so in full.
            return None
        if payload is None:
            return None
        identifier = Identifier(value=payload, length=image.PAYLOAD_BITS)
        details = {"alg": ALGORITHM, "value": str(identifier), "kept": True}
        return Carried(mark=Mark(layer=self.name, details=details), identifier=identifier)

    def _host(self, content: Picture) -> Host:
        """Return what the engine sees in *content*; it is asked twice, before and while marking."""
        from disclose.watermark import image

        if (host := self._hosts.get(content)) is None:
            host = self._hosts[content] = image.Host(content.luma)
        return host

    def _survives_encoding(self, asset: Asset, payload: Identifier) -> bool:
        from disclose.media.image import decode
        from disclose.watermark import image

        found = image.detect(decode(asset.data, asset.media_type).rgb, key=self._key, effort="fast")
        return found is not None and found.payload == payload.value


def _shown_in(content: Picture) -> Callable[[Image], Image] | None:
    """Return what shows *content* with a change of its luma, where that is not the same as the luma changed."""
    from disclose.watermark import image

    if content.native.mode not in ("RGB", "RGBA", "YCbCr") or not image.is_saturated(content.native):
        return None
    return lambda residual: content.with_residual(residual).image.convert("RGB")


def _is_harsh(asset: Asset) -> bool:
    """Whether encoding may take more from the picture than the engine's self-check, behind JPEG 60, allows for."""
    picture = asset.content
    if asset.media_type in _LOSSLESS or picture.options.get("lossless"):
        return False
    width, height = picture.size
    # A small picture has little redundancy, and one that was a JPEG before lies on the very grid it is rounded to
    # again, which swallows small changes.
    if asset.media_type != "image/jpeg" or width * height < _SMALL:
        return True
    tables = picture.options.get("qtables")
    return bool(tables) and _first(tables) > _FIRST_OF_JPEG_60


def _first(tables: object) -> int:
    table = next(iter(tables.values())) if isinstance(tables, dict) else next(iter(tables))  # type: ignore[call-overload]
    return int(table[0])
