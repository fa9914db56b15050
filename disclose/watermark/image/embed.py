"""Embedding: write a payload into a picture, and read it back before letting the picture go.

The residual is decided on the canonical plane and only then resized up and added to red, green and blue alike. It is
read back behind a JPEG round trip, which is the harder test: no picture was met that reads behind one and not without.
"""

from __future__ import annotations

import os
from io import BytesIO
from math import log10
from typing import IO

import numpy as np
from PIL import Image

from disclose.errors import MarkingError
from disclose.watermark.image import code
from disclose.watermark.image.canonical import CANONICAL_AREA, Pixels, Plane, canonical_plane, canonical_size, checked
from disclose.watermark.image.detect import legibility
from disclose.watermark.image.host import Host
from disclose.watermark.image.informed import expected_excess, gain_of, informed_tile
from disclose.watermark.image.mask import amplitude, headroom_shift
from disclose.watermark.image.tile import DEFAULT_KEY, TILE, tile_of

LOWEST_PSNR = 40.4  # decibels that the strength stays within: 40 and some room for rounding
SMOOTHED = 0.5  # decibels that enlarging takes from the mark, so that a large picture has as much more to spend
STEP = 1.25  # between one strength and the next
STEPS = 4  # strengths tried, so the last is about twice the first
STRIP = 128  # rows that are added at a time
CHECK_QUALITY = 60  # JPEG quality that the self-check puts the picture through
CHECKED_AREA = 320 * 320  # pixels, below which it does not: no unseen mark survives that in a thumbnail
COMFORTABLE_Z = 18.5  # after which no more strength is spent; about 13 is the least that can be read
COMFORTABLE_PROMINENCE = 1.2  # the same for the search's template
COMMON_EXCESS = 8.0  # power of the mark over the picture's in a wave, as a common photograph of a megapixel gives
_RESOLUTION = 12  # steps of the resized residual in a grey level


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
    luma = Image.fromarray(checked(pixels)).convert("L")
    added = residual(Host(luma), payload, key=key, strength=strength, verify=verify)
    return _sum(pixels, np.asarray(added)[..., None])


def residual(
    host: Host, payload: int, *, key: bytes | None = None, strength: float = 1.0, verify: bool = True
) -> Image.Image:
    """Return what :func:`embed` adds to the luma of *host*: a Pillow image of mode L, 128 for no change."""
    key = DEFAULT_KEY if key is None else key
    symbols = code.encode(payload, key)
    plane = host.plane
    _refuse_blank(plane)
    tile = tile_of(key)
    mask = amplitude(host.detail)
    mask *= np.float32(strength * _size_factor(*host.luma.size))
    gain = gain_of(host, mask)
    factor = _noise_factor(expected_excess(tile, host, gain / strength))
    factor *= min(1.0, _within(mask, plane, host.luma.size) / factor)
    mask *= np.float32(factor)
    mark = _repeated(informed_tile(tile, symbols, host, gain * factor), plane.shape)
    best: Image.Image | None = None
    for step in range(STEPS if verify else 1):
        scaled = mask * np.float32(STEP**step)
        if best is not None and _within(scaled, plane, host.luma.size) < 1:
            break
        change = headroom_shift(plane, scaled)
        scaled *= mark
        change += scaled
        added = _enlarged(change, host.luma.size)
        survival = _survival(host.luma, added, payload, key) if verify else 1.0
        if survival > 0:
            best = added
        if survival >= 1:
            break
    if best is None:
        raise MarkingError(
            f"The image watermark could not be read back after JPEG quality {CHECK_QUALITY}, even at "
            f"{STEP ** (STEPS - 1):.1f} times its strength: {_reason(plane)} Use a larger or more textured picture, or "
            "label it by other means."
        )
    return best


def _sum(pixels: Pixels, added: Pixels) -> Pixels:
    """Return *pixels* with *added*, broadcast against them and 128 for no change, cut off at black and white."""
    # In strips, which stay in the processor's cache and take no memory to speak of. Pillow could add as well, but
    # not in two threads at once.
    total: Pixels = np.empty(pixels.shape, np.uint8)
    for top in range(0, len(pixels), STRIP):
        change = np.subtract(added[top : top + STRIP], 128, dtype=np.int16)
        total[top : top + STRIP] = np.clip(pixels[top : top + STRIP] + change, 0, 255)
    return total


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


def _repeated(tile: Plane, shape: tuple[int, ...]) -> Plane:
    """Return *tile* repeated from the top-left corner over a plane of *shape*."""
    rows, columns = -(-shape[0] // TILE), -(-shape[1] // TILE)
    return np.tile(tile, (rows, columns))[: shape[0], : shape[1]]


def _enlarged(change: Plane, size: tuple[int, int]) -> Image.Image:
    """Return *change*, at canonical size in grey levels, at full *size* (width, height) in whole levels; uses it up."""
    change *= np.float32(_RESOLUTION)
    change += np.float32(128.5)
    small = Image.fromarray(np.clip(change, 0, 255, out=change).astype(np.uint8))
    # One axis after the other is what Pillow does as well, a quarter slower.
    wide = small.resize((size[0], small.height), Image.Resampling.BILINEAR)
    return wide.resize(size, Image.Resampling.BILINEAR).point(_LEVELS)


_LEVELS = [round((step - 128) / _RESOLUTION) + 128 for step in range(256)]  # from steps to whole grey levels


def _survival(luma: Image.Image, added: Image.Image, payload: int, key: bytes) -> float:
    """Return how comfortably *payload* is read from *luma* with *added*: 0 for not at all, 1 and above for well.

    It is read behind a JPEG round trip of the luma, or as it is from a thumbnail; and its waves must stand out far
    enough for the picture to be found again when it is turned.
    """
    luma = Image.fromarray(_sum(np.asarray(luma), np.asarray(added)))
    if luma.width * luma.height >= CHECKED_AREA:
        luma = _compressed(luma)
    found = legibility(canonical_plane(luma), key)
    if found.reading is None or found.reading.payload != payload:
        return 0.0
    return min(found.reading.z / COMFORTABLE_Z, found.prominence / COMFORTABLE_PROMINENCE)


def _compressed(luma: Image.Image) -> Image.Image:
    """Return *luma* behind a JPEG round trip, decoded no larger than its canonical plane wants it."""
    with _memory_file() as file:
        luma.save(file, "JPEG", quality=CHECK_QUALITY)
        file.seek(0)
        compressed = Image.open(file)
        compressed.draft("L", canonical_size(*luma.size))
        compressed.load()
    return compressed


def _memory_file() -> IO[bytes]:
    """Return a file in memory, with a descriptor of its own where the system has such a thing.

    Pillow's encoders let other threads run only while they write to a descriptor.
    """
    if hasattr(os, "memfd_create"):
        return os.fdopen(os.memfd_create("disclose self-check"), "w+b")
    return BytesIO()
