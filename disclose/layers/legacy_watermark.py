"""Legacy watermarks: the public messages that Stable Diffusion, SDXL and FLUX pipelines leave in their pictures.

Millions of pictures carry one, so it is read by default. It carries no identifier and no signature, and anyone can
embed it: it is a sign, and never more. It is written only by a profile that names this layer and the message, because
to write another pipeline's message would be a lie about where a picture comes from.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Self

from disclose.asset import Asset, Mark
from disclose.disclosure import Disclosure
from disclose.errors import MarkingError, ProfileError
from disclose.evidence import Basis, Evidence
from disclose.layer import Plane
from disclose.media.image import MEDIA_TYPES, Picture, decode
from disclose.registry import Resources

if TYPE_CHECKING:
    import numpy
    from numpy.typing import NDArray

    from disclose.watermark.legacy import Detection, Message


class LegacyWatermarkLayer:
    """Reads every published message, and writes the one it is given by name through the real package."""

    name = "legacy_watermark"
    plane = Plane.CONTENT
    media = MEDIA_TYPES

    def __init__(self, *, message: str | None = None) -> None:
        self._message = message

    @classmethod
    def from_resources(cls, resources: Resources) -> Self:
        """Return the layer that writes the profile's ``legacy_message``."""
        return cls(message=resources.legacy_message)

    def mark(self, asset: Asset, disclosure: Disclosure) -> Asset:
        """Return *asset* with the message in its pixels, and read back from its bytes.

        Raises ProfileError when no message is named, ExtraMissingError without invisible-watermark, MarkingError
        when the picture or its encoding cannot carry the message.
        """
        from disclose.watermark.legacy.package import embed

        message = self._named()
        content = asset.content
        content.check_markable()
        if content.native.mode not in ("RGB", "RGBA", "YCbCr"):
            raise MarkingError(
                f"cannot mark {asset.name or 'the picture'}: {self.name} lies in colours, and it is grey"
            )
        marked = asset.with_content(_with_colours(content, embed(content.rgb, message.values)))
        found = _detected(decode(marked.data, marked.media_type).rgb)
        if found is None or found.message.family != message.family:
            raise MarkingError(
                f"cannot mark {asset.name or 'the picture'}: {message.family}'s message does not survive in this"
                f" picture as {asset.media_type}; use PNG or another picture, or list {self.name} as optional"
            )
        return marked.with_mark(Mark(layer=self.name, details={"message": message.name, "method": "dwtDct"}))

    def detect(self, asset: Asset) -> Iterator[Evidence]:
        """Yield the published message in the pixels, if there is one."""
        found = _detected(asset.content.rgb)
        if found is None:
            return
        message = found.message
        yield Evidence(
            layer=self.name,
            basis=Basis.WATERMARK,
            p_value=found.p_value,
            generated=True,
            summary=f"{message.family}'s public message is in the pixels, as its pipelines embed it;"
            " anyone can embed it",
            details={
                "message": message.name,
                "family": message.family,
                "bits": len(message),
                "method": "dwtDct",
                "reading": found.reading.value,
                "agreement": round(found.agreement, 3),
            },
        )

    def _named(self) -> Message:
        from disclose.watermark.legacy import PUBLISHED

        known = {message.name: message for message in PUBLISHED}
        if self._message not in known:
            asked = "no message is named" if self._message is None else f"{self._message!r} is unknown"
            raise ProfileError(
                f"{self.name} cannot mark: {asked}. Set legacy_message to the one that the pipeline behind this system"
                f" is known by: {', '.join(known)}"
            )
        return known[self._message]


def _detected(pixels: NDArray[numpy.uint8]) -> Detection | None:
    from disclose.watermark import legacy

    return legacy.detect(pixels)


def _with_colours(picture: Picture, pixels: NDArray[numpy.uint8]) -> Picture:
    """Return *picture* with the colours *pixels*, (height, width, 3), and its alpha as it was."""
    from PIL import Image

    native = Image.fromarray(pixels)
    if picture.native.mode == "RGBA":
        native.putalpha(picture.native.getchannel("A"))
    return replace(picture, native=native, original=None)
