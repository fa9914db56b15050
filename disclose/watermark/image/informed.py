"""Informed embedding: the mark is written knowing what of the picture will work against it.

The embedder sees the picture's own share in every wave of the tile. Where that share points against the mark it is
taken away (Malvar & Florencio 2003; the idea is Costa's of 1983). The rest stays: cancelling it all would read a
little better, but it would also darken the template by which a turned picture is recognised.
"""

from __future__ import annotations

import numpy as np

from disclose.watermark.image.canonical import Plane
from disclose.watermark.image.code import Symbol
from disclose.watermark.image.host import Host
from disclose.watermark.image.tile import Tile, unit_rms

LIMIT = 1.0  # the most that is taken away from one wave, in RMS waves of the mark


def informed_tile(tile: Tile, symbols: tuple[Symbol, ...], host: Host, mask: Plane) -> Plane:
    """Return the tile, shape (128, 128) with unit RMS, that carries *symbols* under *mask* in *host* best."""
    kx, ky = tile.waves.T
    # What the detector will see of a tile of unit amplitude, as a multiple of its spectrum.
    gain = float(np.vdot(mask, host.weights)) / 2
    picture = host.spectrum[ky, kx] / np.float32(max(gain, 1e-6))
    mark = tile.spectrum(symbols)
    size = np.abs(mark)
    direction = mark / np.maximum(size, np.float32(1e-6))
    against = np.maximum(-(picture * direction.conj()).real, 0)
    limit = LIMIT * np.sqrt(np.mean(np.square(size)))
    return tile.render(unit_rms((size + np.minimum(against, limit)) * direction))
