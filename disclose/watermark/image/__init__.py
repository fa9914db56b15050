"""The image watermark: 64 bits in the pixels, read back after handling, with a p-value.

>>> from disclose.watermark import image
>>> marked = image.embed(pixels, 0x1234)                # doctest: +SKIP
>>> image.detect(marked).payload                        # doctest: +SKIP
4660

Training-free: a keyed tile of noise-like waves, repeated over the picture and read by correlation. In reading order:

* the mark: canonical (the plane everything is decided on), tile (the patterns), code (64 bits as five symbols),
  mask (how loud where), informed (writing against the picture), change (at full size), self_check, embed; and flat
  (pictures of two tones);
* reading it where it was put: local and whiten (what stands out), decode (phases to symbols), significance (how sure
  to be), detect;
* finding it after handling: spectrum, template (the waves as a constellation), loglog and logpolar (its place),
  blocks, drift and perspective (a mark that moves over the picture), search.

Speed: a thread for each picture uses every core, for nearly all the time passes inside NumPy, SciPy and Pillow, which
let other threads run; results do not depend on how many there are.
"""

from disclose.watermark.image.canonical import canonical_size
from disclose.watermark.image.change import is_saturated
from disclose.watermark.image.code import PAYLOAD_BITS
from disclose.watermark.image.detect import detect, presence
from disclose.watermark.image.detection import Detection, Geometry, Presence
from disclose.watermark.image.embed import embed, residual, residuals
from disclose.watermark.image.host import Host
from disclose.watermark.image.significance import REPORT_AT
from disclose.watermark.image.tile import DEFAULT_KEY, VERSION

__all__ = [
    "DEFAULT_KEY",
    "PAYLOAD_BITS",
    "REPORT_AT",
    "VERSION",
    "Detection",
    "Geometry",
    "Host",
    "Presence",
    "canonical_size",
    "detect",
    "embed",
    "is_saturated",
    "presence",
    "residual",
    "residuals",
]
