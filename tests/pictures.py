"""Small real pictures for the tests, and the handling they meet in the world."""

import io
from functools import cache

import numpy
import skimage.data
from PIL import Image
from sklearn.datasets import load_sample_image


@cache
def photograph(name="astronaut", width=400, height=400):
    """Return a photograph that scikit-image or scikit-learn ships, RGB, of the given size."""
    if name in ("china", "flower"):
        pixels = load_sample_image(f"{name}.jpg")
    else:
        pixels = getattr(skimage.data, name)()
    return Image.fromarray(pixels).convert("RGB").resize((width, height), Image.Resampling.BICUBIC)


def encoded(image, file_format="PNG", **options):
    """Return *image* as the bytes of a file."""
    buffer = io.BytesIO()
    image.save(buffer, file_format, **options)
    return buffer.getvalue()


def decoded(data):
    """Return the picture in the bytes of a file, loaded."""
    image = Image.open(io.BytesIO(data))
    image.load()
    return image


def resaved(data, file_format="JPEG", **options):
    """Return *data* saved again as a tool would that knows nothing of metadata."""
    return encoded(Image.fromarray(numpy.asarray(decoded(data).convert("RGB"))), file_format, **options)


FORMATS = {
    "image/png": ("PNG", {}),
    "image/jpeg": ("JPEG", {"quality": 90}),
    "image/webp": ("WEBP", {"quality": 90}),
    "image/gif": ("GIF", {}),
    "image/tiff": ("TIFF", {}),
    "image/avif": ("AVIF", {"quality": 85, "speed": 9}),
}


@cache
def in_every_format(width=400, height=400):
    """Return a photograph as one file for each media type that is marked: {media type: bytes}."""
    image = photograph(width=width, height=height)
    return {media_type: encoded(image, name, **options) for media_type, (name, options) in FORMATS.items()}
