"""Handlings that stand in for regeneration: what is fine is thrown away and made up again, without a model."""

from __future__ import annotations

import numpy
from PIL import Image
from scipy import ndimage

from benchmarks.handlings import Generator, Handling, picture_of


def bilateral(radius: int, spread: float) -> Handling:
    """Smooth what is not an edge: weights fall with distance and with the difference in luma over *spread*."""

    def smooth(picture: Image.Image, random: Generator) -> Image.Image:
        values = numpy.asarray(picture, numpy.float32)
        luma = numpy.asarray(picture.convert("L"), numpy.float32)
        height, width = luma.shape
        margin = ((radius, radius), (radius, radius))
        wide, guide = numpy.pad(values, (*margin, (0, 0)), "reflect"), numpy.pad(luma, margin, "reflect")
        total, weights = numpy.zeros_like(values), numpy.zeros_like(luma)
        for down in range(2 * radius + 1):
            for across in range(2 * radius + 1):
                away = ((down - radius) ** 2 + (across - radius) ** 2) / (2 * (radius / 1.5) ** 2)
                window = (slice(down, down + height), slice(across, across + width))
                weight = numpy.exp(-away - (guide[window] - luma) ** 2 / (2 * spread**2))
                total += weight[..., None] * wide[window]
                weights += weight
        return picture_of(total / weights[..., None])

    return smooth


def non_local_means(strength: float) -> Handling:
    """Replace each patch by the mean of the patches like it."""
    from skimage.restoration import denoise_nl_means

    def denoise(picture: Image.Image, random: Generator) -> Image.Image:
        values = numpy.asarray(picture, numpy.float32) / 255
        done = denoise_nl_means(values, 5, 4, strength / 255, fast_mode=True, channel_axis=-1)
        return picture_of(255 * done)

    return denoise


def wavelet_shrink(threshold: float) -> Handling:
    """Shrink the fine wavelet coefficients towards zero (à trous, cubic spline, three levels, soft threshold)."""

    def shrink(picture: Image.Image, random: Generator) -> Image.Image:
        smooth = numpy.asarray(picture, numpy.float32)
        kept = numpy.zeros_like(smooth)
        for level, limit in enumerate((threshold, threshold / 2, threshold / 4)):
            spline = numpy.zeros(4 * 2**level + 1, numpy.float32)
            spline[:: 2**level] = numpy.array([1, 4, 6, 4, 1]) / 16
            coarser = ndimage.correlate1d(ndimage.correlate1d(smooth, spline, 0), spline, 1)
            detail = smooth - coarser
            kept += numpy.sign(detail) * numpy.maximum(numpy.abs(detail) - limit, 0)
            smooth = coarser
        return picture_of(smooth + kept)

    return shrink
