"""The image watermark: 64 bits in the pixels, read back after handling, with a p-value.

>>> from disclose.watermark import image
>>> marked = image.embed(pixels, 0x1234)                # doctest: +SKIP
>>> image.detect(marked).payload                        # doctest: +SKIP
4660

Training-free: a keyed tile of noise-like waves, repeated over the picture and read by correlation.
"""

from disclose.watermark.image.canonical import canonical_size
from disclose.watermark.image.code import PAYLOAD_BITS
from disclose.watermark.image.detect import detect, presence
from disclose.watermark.image.detection import Detection, Geometry, Presence
from disclose.watermark.image.embed import embed, residual
from disclose.watermark.image.host import Host
from disclose.watermark.image.tile import DEFAULT_KEY

__all__ = [
    "DEFAULT_KEY",
    "PAYLOAD_BITS",
    "Detection",
    "Geometry",
    "Host",
    "Presence",
    "canonical_size",
    "detect",
    "embed",
    "presence",
    "residual",
]
