"""Photographs for the tests of the watermark engines, as they come with scikit-image and scikit-learn."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from skimage import data
from sklearn.datasets import load_sample_image

PAYLOAD = 0xC0FFEE1234567890


@lru_cache
def photograph(name: str, side: int = 512) -> NDArray[np.uint8]:
    """Return a photograph, (height, width, 3), whose longer side is *side* pixels."""
    pixels = load_sample_image(f"{name}.jpg") if name in ("china", "flower") else getattr(data, name)()
    picture = Image.fromarray(pixels)
    scale = side / max(picture.size)
    size = (round(picture.width * scale), round(picture.height * scale))
    return np.asarray(picture.resize(size, Image.Resampling.LANCZOS))
