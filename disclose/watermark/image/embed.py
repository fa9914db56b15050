"""Embedding: write a payload into a picture, and read it back before letting the picture go.

The change is decided on the canonical plane and only then resized up and added to red, green and blue alike.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from math import log10

import numpy as np
from PIL import Image

from disclose.errors import MarkingError
from disclose.watermark.image import code
from disclose.watermark.image.canonical import CANONICAL_AREA, Pixels, Plane, checked
from disclose.watermark.image.change import added_to, enlarged, is_saturated, repeated
from disclose.watermark.image.code import Symbol
from disclose.watermark.image.flat import LEAST_PSNR, flat_changes
from disclose.watermark.image.host import Host
from disclose.watermark.image.informed import expected_excess, gain_of, informed_tile
from disclose.watermark.image.mask import amplitude, headroom_shift
from disclose.watermark.image.self_check import CHECK_QUALITY, survival
from disclose.watermark.image.tile import DEFAULT_KEY, Tile, tile_of

Shown = Callable[[Image.Image], Image.Image]

LOWEST_PSNR = 40.4  # decibels that the strength stays within: 40 and some room for rounding
SMOOTHED = 0.5  # decibels that enlarging takes from the mark, so that a large picture has as much more to spend
STEP = 1.25  # between one strength and the next
STEPS = 4  # strengths tried, so the last is about twice the first
LOUDER = (1.0, 1.4, 2.0)  # strengths for those whose encoder takes more than the self-check does
COMMON_EXCESS = 8.0  # power of the mark over the picture's in a wave, as a common photograph of a megapixel gives
_LEAST_ROOM = 10 ** ((LEAST_PSNR - LOWEST_PSNR) / 20)


def embed(
    pixels: Pixels, payload: int, *, key: bytes | None = None, strength: float = 1.0, verify: bool = True
) -> Pixels:
    """Return a copy of *pixels*, uint8 (height, width, 3), that carries the 64 bits of *payload*.

    *strength* scales the mark against what the picture was judged to hide. With *verify* the mark is read back behind
    a JPEG round trip (as it is, from a thumbnail), and strengthened by steps up to about twice while it reads badly and
    the picture stays above 40 dB. Small flat pictures that cannot be read within that may go on to 37: that is seen by
    those who look for it, and better than no mark.

    Raises an InputError for a picture the engine does not take, and MarkingError for one that cannot hold the
    mark, such as a blank page.
    """
    picture = Image.fromarray(checked(pixels))
    shown = _shown_in(pixels) if is_saturated(picture) else None
    host = Host(picture.convert("L"))
    del picture  # a copy of all pixels, which may be many
    added = residual(host, payload, key=key, strength=strength, verify=verify, shown=shown)
    return added_to(pixels, np.asarray(added)[..., None])


def _shown_in(pixels: Pixels) -> Shown:
    """Return what shows *pixels*, or a plane of luma, with a change."""

    def shown(added: Image.Image) -> Image.Image:
        change = np.asarray(added)
        return Image.fromarray(added_to(pixels, change if pixels.ndim == 2 else change[..., None]))

    return shown


def residual(
    host: Host,
    payload: int,
    *,
    key: bytes | None = None,
    strength: float = 1.0,
    verify: bool = True,
    shown: Shown | None = None,
) -> Image.Image:
    """Return what :func:`embed` adds to the luma of *host*: a Pillow image of mode L, 128 for no change.

    *shown* makes of such a change the picture as it will be seen. The self-check looks at luma alone where that is left
    out, which is quicker, and the same unless colours are so pure that the change is cut off in one of them.
    """
    if verify:
        return next(residuals(host, payload, key=key, strength=strength, shown=shown))
    key = DEFAULT_KEY if key is None else key
    symbols = code.encode(payload, key)
    _refuse_blank(host.plane)
    added = _common_change(tile_of(key), symbols, host, strength, lambda _: 1.0)
    assert added is not None
    return added


def residuals(
    host: Host, payload: int, *, key: bytes | None = None, strength: float = 1.0, shown: Shown | None = None
) -> Iterator[Image.Image]:
    """Yield what :func:`residual` returns, and then louder ones: for an encoder that takes more than the self-check.

    Each was read back. Raises MarkingError where none can be.
    """
    key = DEFAULT_KEY if key is None else key
    symbols = code.encode(payload, key)
    _refuse_blank(host.plane)
    shown = shown or _shown_in(np.asarray(host.luma))

    def survives(added: Image.Image) -> float:
        return survival(shown(added), payload, key)

    found = False
    for factor in LOUDER:
        common = _common_change(tile_of(key), symbols, host, strength * factor, survives)
        if common is None:
            break
        found = True
        yield common
    for added in flat_changes(tile_of(key), symbols, host, strength, shown):
        if survives(added) > 0:
            found = True
            yield added
    if not found:
        raise MarkingError(
            f"The image watermark could not be read back after JPEG quality {CHECK_QUALITY}, even at "
            f"{LEAST_PSNR:.0f} dB: {_reason(host.plane)} Use a larger or more textured picture, or label it by other "
            "means."
        )


def _common_change(
    tile: Tile,
    symbols: tuple[Symbol, ...],
    host: Host,
    strength: float,
    survives: Callable[[Image.Image], float],
) -> Image.Image | None:
    """Return the first change that *survives* well, or else the loudest that does at all, or None.

    Within LOWEST_PSNR it may grow to survive well, within LEAST_PSNR to survive at all.
    """
    plane = host.plane
    mask = amplitude(host.detail)
    mask *= np.float32(strength * _size_factor(*host.luma.size))
    gain = gain_of(host, mask)
    factor = _noise_factor(expected_excess(tile, host, gain / strength))
    factor *= min(1.0, _within(mask, plane, host.luma.size) / factor)
    mask *= np.float32(factor)
    mark = repeated(informed_tile(tile, tile.spectrum(symbols), host, gain * factor), plane.shape)
    best: Image.Image | None = None
    for step in range(STEPS):
        scaled = mask * np.float32(STEP**step)
        if step and _within(scaled, plane, host.luma.size) < (_LEAST_ROOM if best is None else 1):
            break
        change = headroom_shift(plane, scaled)
        scaled *= mark
        change += scaled
        added = enlarged(change, host.luma.size)
        survived = survives(added)
        if survived > 0:
            best = added
        if survived >= 1:
            break
    return best


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
        return "it has hardly more than two tones, as an icon or a page has."
    return "it has too little room for a mark that cannot be seen."


def _size_factor(width: int, height: int) -> float:
    """Return how much weaker a large picture is marked: it loses less to the codecs, and has energy to spare."""
    return float(np.clip(1.2 * (height * width / CANONICAL_AREA) ** -0.3, 0.6, 1.7))


def _noise_factor(excess: float) -> float:
    """Return how much stronger a noisy picture is marked: it drowns a mark, and it hides one."""
    return float(np.clip((COMMON_EXCESS / max(excess, 1e-6)) ** 0.3, 0.9, 2.0))


def _within(mask: Plane, plane: Plane, size: tuple[int, int]) -> float:
    """Return the factor by which *mask* may grow (or must shrink) to keep a picture of *size* to LOWEST_PSNR."""
    shift = headroom_shift(plane, mask)
    psnr = 10 * log10(255**2 * mask.size / float(np.vdot(mask, mask) + np.vdot(shift, shift)))
    psnr += SMOOTHED if size[0] * size[1] > 2 * mask.size else 0
    return float(10 ** ((psnr - LOWEST_PSNR) / 20))
