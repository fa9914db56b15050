"""Legacy marks: what Stable Diffusion, SDXL and FLUX pipelines embed with invisible-watermark, read without it.

>>> from disclose.watermark import legacy
>>> legacy.decode(pixels, 48)                           # doctest: +SKIP
array([ True, False,  True, ...])
>>> legacy.detect(pixels).message.family                # doctest: +SKIP
'Stable Diffusion XL'

The decoders give bit for bit what invisible-watermark 0.2.0 gives (https://github.com/ShieldMnt/invisible-watermark).
That library returns bits from any picture, marked or not; :func:`detect` says with a p-value whether they are a
message that a pipeline is known to embed. A mark lies on the picture's own grid of pixels, counted from the top-left
corner: any resize, rotation or crop from the left or top ends it, and JPEG of quality 90 mostly does
(benchmarks/results/legacy_marks.json).
"""

from disclose.watermark.legacy.decode import METHODS, decode, shares
from disclose.watermark.legacy.detect import Detection, detect
from disclose.watermark.legacy.messages import PUBLISHED, Message, Reading

__all__ = ["METHODS", "PUBLISHED", "Detection", "Message", "Reading", "decode", "detect", "shares"]
