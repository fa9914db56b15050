"""A marked picture that stays a PIL image: wherever its ``save()`` writes, the file is signed."""

from __future__ import annotations

import io
import os
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any

from PIL import Image

from disclose.asset import Asset
from disclose.disclosure import Disclosure
from disclose.errors import UnsupportedError
from disclose.media import files
from disclose.media.image import MEDIA_TYPES, Picture

_MEDIA_TYPES = {"JPG": "image/jpeg", "TIF": "image/tiff"} | {name.split("/")[1].upper(): name for name in MEDIA_TYPES}

Finish = Callable[[Asset, Disclosure], Asset]
"""What signs and records an asset whose content is marked: :meth:`disclose.marker.Marker.finish`."""


class MarkedImage(Image.Image):
    """A PIL image whose pixels carry the watermark and whose ``save()`` writes a signed file.

    Images derived from it with Pillow's methods (``resize``, ``convert``, ``crop``, …) stay marked images.
    ``numpy.asarray`` gives the marked pixels, and only those: what is encoded from an array elsewhere keeps the
    watermark and loses the manifest.
    """

    disclosure: Disclosure
    _finish: Finish
    _asset: Asset | None = None

    @classmethod
    def of(cls, asset: Asset, finish: Finish) -> MarkedImage:
        """Return the picture of the marked *asset*; *finish* will sign what is saved from it."""
        if asset.disclosure is None:
            raise ValueError("only a marked asset can become a marked image")
        image = cls._around(asset.content.image)
        image.disclosure, image._finish, image._asset = asset.disclosure, finish, asset
        image.readonly = 1
        return image

    def save(
        self,
        fp: str | bytes | os.PathLike[str] | os.PathLike[bytes] | IO[bytes],
        format: str | None = None,
        **params: Any,
    ) -> None:
        """Save the picture like Pillow does, signed and recorded; *fp* gets the whole file or nothing.

        Raises UnsupportedError for a format that cannot carry a manifest.
        """
        to_file = isinstance(fp, (str, bytes, os.PathLike))
        path = Path(os.fsdecode(fp)) if to_file else None  # type: ignore[arg-type]
        data = self.to_asset(_media_type(format, path), params).data
        if path is not None:
            files.write(path, data)
        else:
            fp.write(data)  # type: ignore[union-attr]
            if hasattr(fp, "flush"):
                fp.flush()

    def to_asset(self, media_type: str = "image/png", params: dict[str, Any] | None = None) -> Asset:
        """Return the signed and recorded asset that :meth:`save` writes."""
        if self._asset is not None and not params and media_type == self._asset.media_type and self._is_untouched:
            return self._asset
        if params and params.pop("save_all", False):
            raise UnsupportedError("cannot save several marked pictures in one file: save each one on its own")
        options = {**_carried_options(self), **(params or {})}
        picture = Picture(native=_plain(self), media_type=media_type, options=options, xmp=options.pop("xmp", None))
        return self._finish(Asset.from_content(picture), self.disclosure)

    def disclose_asset(self) -> Asset:
        """Return the asset that this picture stands for, signed."""
        return self.to_asset()

    def _new(self, im: Any) -> MarkedImage:
        derived = MarkedImage._around(super()._new(im))
        derived.disclosure, derived._finish = self.disclosure, self._finish
        return derived

    def _repr_image(self, image_format: str, **kwargs: Any) -> bytes | None:
        # Notebooks ask for PNG bytes through here; what they show and download is signed as well.
        buffer = io.BytesIO()
        self.save(buffer, image_format, **kwargs)
        return buffer.getvalue()

    @property
    def _is_untouched(self) -> bool:
        # Every way to change an image in place copies a read-only one first, which gives it other pixels.
        return self._asset is not None and self.im is self._asset.content.image.im

    @classmethod
    def _around(cls, image: Image.Image) -> MarkedImage:
        marked = cls()
        marked.__dict__.update({name: value for name, value in image.__dict__.items() if name != "_exif"})
        marked.info = dict(image.info)
        return marked


def _plain(image: MarkedImage) -> Image.Image:
    return Image.Image._new(image, image.im)


def _carried_options(image: Image.Image) -> dict[str, Any]:
    return {name: image.info[name] for name in ("icc_profile", "exif") if image.info.get(name)}


def _media_type(format: str | None, path: Path | None) -> str:
    name = (format or (path.suffix[1:] if path is not None else "") or "PNG").upper()
    if name not in _MEDIA_TYPES:
        raise UnsupportedError(f"cannot save a marked picture as {name}: use one of {', '.join(sorted(_MEDIA_TYPES))}")
    return _MEDIA_TYPES[name]
