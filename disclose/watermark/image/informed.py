"""Informed embedding: the mark is written knowing what of the picture will work against it.

The embedder sees the picture's own share in every wave of the tile. Where that share points against the mark it is
taken away (Malvar & Florencio 2003; the idea is Costa's of 1983). The rest stays: cancelling it all would read a
little better, but it would also darken the template by which a turned picture is recognised.
"""

from __future__ import annotations

import numpy as np

from disclose.watermark.image.canonical import Plane
from disclose.watermark.image.decode import LOUDEST, Waves
from disclose.watermark.image.host import Host
from disclose.watermark.image.tile import Tile, smoothed, unit_rms
from disclose.watermark.image.whiten import band_of

LIMIT = 1.0  # the most that is taken away from one wave, in RMS waves of the mark


def gain_of(host: Host, mask: Plane) -> float:
    """Return what the detector makes of a wave of unit amplitude under *mask*, summed over the plane."""
    return float(np.vdot(mask, host.weights)) / 2


def expected_excess(tile: Tile, host: Host, gain: float) -> float:
    """Return the power of the mark over that of the picture that the detector will see in an average wave."""
    noise = smoothed(np.square(np.abs(band_of(host.spectrum, np.eye(2)))).astype(np.float32))[tile.support]
    signal = np.square(np.abs(unit_rms(tile.amplitudes.astype(np.complex64))) * gain)
    return float(np.minimum(signal / np.maximum(noise, np.float32(1e-12)), LOUDEST).mean())


def informed_tile(tile: Tile, mark: Waves, host: Host, gain: float) -> Plane:
    """Return the tile, shape (128, 128) with unit RMS, that carries the spectrum *mark* with *gain* in *host* best."""
    kx, ky = tile.waves.T
    picture = host.spectrum[ky, kx] / np.float32(max(gain, 1e-6))
    size = np.abs(mark)
    direction = mark / np.maximum(size, np.float32(1e-6))
    against = np.maximum(-(picture * direction.conj()).real, 0)
    limit = LIMIT * np.sqrt(np.mean(np.square(size)))
    return tile.render(unit_rms((size + np.minimum(against, limit)) * direction))
