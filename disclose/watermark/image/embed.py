"""Embedding: write a payload into a picture, and read it back before letting the picture go.

The residual is decided on the canonical plane and only then resized up and added to red, green and blue alike.
"""

from __future__ import annotations

from io import BytesIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from disclose.errors import MarkingError
from disclose.watermark.image import code
from disclose.watermark.image.canonical import Pixels, Plane, canonical_plane, checked
from disclose.watermark.image.detect import fast_reading
from disclose.watermark.image.mask import amplitude, headroom_shift
from disclose.watermark.image.significance import least_z
from disclose.watermark.image.tile import DEFAULT_KEY, TILE, tile_of

STEP = 1.25  # between one strength and the next
STEPS = 4  # strengths tried, so the last is about twice the first
CHECK_QUALITY = 60  # JPEG quality that the self-check puts the picture through
_RESOLUTION = 16  # steps of the resized residual in a grey level
_ROWS = 32  # rows added at a time: a strip of 1024 pixels stays in the processor's cache


def embed(
    pixels: Pixels, payload: int, *, key: bytes | None = None, strength: float = 1.0, verify: bool = True
) -> Pixels:
    """Return a copy of *pixels*, uint8 (height, width, 3), that carries the 64 bits of *payload*.

    *strength* scales the mark against what the picture was judged to hide. With *verify* the mark is read back,
    also after a JPEG round trip, and strengthened up to about twice until it can be read.

    Raises an InputError for a picture the engine does not take, and MarkingError for one that cannot hold the
    mark, such as a blank page.
    """
    picture = Image.fromarray(checked(pixels))
    key = DEFAULT_KEY if key is None else key
    symbols = code.encode(payload, key)
    plane = canonical_plane(picture)
    _refuse_blank(plane)
    tile = tile_of(key)
    wave = _repeated(tile.render(tile.spectrum(symbols)), plane.shape)
    mask = amplitude(plane)
    for step in range(STEPS if verify else 1):
        scaled = mask * np.float32(strength * STEP**step)
        residual = scaled * wave + headroom_shift(plane, scaled)
        marked = _added(pixels, residual)
        if not verify or _survives(marked, payload, key):
            return marked
    raise MarkingError(
        f"The image watermark could not be read back after JPEG quality {CHECK_QUALITY}, even at {STEP ** (STEPS - 1):.1f} "
        f"times its strength: {_reason(plane)} Use a larger or more textured picture, or label it by other means."
    )


def _refuse_blank(plane: Plane) -> None:
    """Raise MarkingError if *plane* shows nothing at all."""
    if float(plane.max() - plane.min()) < 4:
        raise MarkingError(
            "The picture is blank: a watermark in it would be seen and would not survive. Label it by other means."
        )


def _reason(plane: Plane) -> str:
    """Return a sentence that says why *plane* holds a mark badly."""
    counts = np.bincount(plane.astype(np.int64).ravel(), minlength=256)
    if np.sort(counts)[-2:].sum() > 0.9 * plane.size:
        return "it has hardly more than two tones, such as an icon or a page."
    return "it has too little room for a mark that cannot be seen."


def _repeated(tile: NDArray[np.float32], shape: tuple[int, ...]) -> Plane:
    """Return *tile* repeated from the top-left corner over a plane of *shape*."""
    rows, columns = -(-shape[0] // TILE), -(-shape[1] // TILE)
    return np.tile(tile, (rows, columns))[: shape[0], : shape[1]]


def _added(pixels: Pixels, residual: Plane) -> Pixels:
    """Return *pixels* plus *residual*, given at canonical size in grey levels, on all three channels."""
    height, width = pixels.shape[:2]
    coded = np.clip(np.rint(residual * _RESOLUTION) + 128, 0, 255).astype(np.uint8)
    large = np.asarray(Image.fromarray(coded).resize((width, height), Image.Resampling.BILINEAR))
    marked = np.empty_like(pixels)
    for top in range(0, height, _ROWS):
        strip = slice(top, top + _ROWS)
        change = np.repeat(_LEVELS[large[strip]], 3, axis=1).reshape(pixels[strip].shape)
        change += pixels[strip]
        np.clip(change, 0, 255, out=change)
        marked[strip] = change
    return marked


_LEVELS = np.rint((np.arange(256) - 128) / _RESOLUTION).astype(np.int16)


def _survives(marked: Pixels, payload: int, key: bytes) -> bool:
    """Return whether *payload* is read from *marked* as it is and after a JPEG round trip of its luma."""
    luma = Image.fromarray(marked).convert("L")
    plain = fast_reading(canonical_plane(luma), key)
    if plain is None or plain.payload != payload:
        return False
    buffer = BytesIO()
    luma.save(buffer, "JPEG", quality=CHECK_QUALITY)
    with Image.open(buffer) as compressed:
        after = fast_reading(canonical_plane(compressed), key)
    return after is not None and after.payload == payload and after.z > least_z(8)
