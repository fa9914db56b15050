"""Pictures: decode one to pixels, keep all that surrounds them, and encode it again as it came.

Pillow does the coding. This module adds what a marker needs and Pillow does not promise: limits that hold before
anything is decoded, refusal by name of what would lose something, and metadata that survives byte for byte.
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, Self

from disclose.errors import DiscloseError, MarkingError, TooLargeError, UnreadableError, UnsupportedError
from disclose.media import containers
from disclose.media.containers import exif as exif_block

if TYPE_CHECKING:
    import numpy
    from numpy.typing import NDArray
    from PIL.Image import Image

MEDIA_TYPES = ("image/png", "image/jpeg", "image/webp", "image/gif", "image/tiff", "image/avif")
LARGEST_PIXELS = 50_000_000
"""More pixels than this are refused before decoding: a small file can declare billions."""

_FORMATS = {
    "image/png": "PNG",
    "image/jpeg": "JPEG",
    "image/webp": "WEBP",
    "image/gif": "GIF",
    "image/tiff": "TIFF",
    "image/avif": "AVIF",
}
_TIFF_OWN_TAGS = frozenset(
    {254, 256, 257, 258, 259, 262, 266, 273, 277, 278, 279, 284, 317, 320, 322, 323, 324, 325, 338, 339, 347}
    | {530, 531, 532, 700, 34675, 52545}
)
_TIFF_DIRECTORIES = frozenset({34665, 34853})  # Exif and GPS
_TIFF_XMP_TAG = 700


@dataclass(frozen=True, kw_only=True, eq=False)
class Picture:
    """A decoded still picture, the metadata that came with it, and how to encode it again.

    ``native`` is what the codec works in, which for most JPEG files is luma and chroma: the watermark touches the
    first alone, and the second is neither converted nor rounded.

    ``options`` go to Pillow's encoder; ``blocks`` are spliced into the file; ``obstacle`` says why the picture
    can be read but not marked. ``original`` is the encoded file while the pixels are still what it holds, and
    ``pictures`` how many there are in it, of which this is the first.
    """

    native: Image
    media_type: str = "image/png"
    options: Mapping[str, Any] = field(default_factory=dict)
    blocks: tuple[containers.Block, ...] = ()
    xmp: bytes | None = None
    obstacle: str | None = None
    original: bytes | None = None
    pictures: int = 1

    @classmethod
    def from_object(cls, source: object) -> Self | None:
        """Return the picture that a PIL image or a uint8 array holds, or None for any other object."""
        from PIL import Image

        if isinstance(source, Image.Image):
            return cls._from_pillow(source)
        if hasattr(source, "__array_interface__"):
            import numpy

            array = numpy.asarray(source)
            if array.dtype != numpy.uint8 or array.ndim not in (2, 3) or array.shape[2:] not in ((), (1,), (3,), (4,)):
                raise UnsupportedError(
                    f"cannot open an array of {array.dtype} with shape {array.shape}: pass uint8 with shape"
                    " (height, width), (height, width, 3) or (height, width, 4)"
                )
            if 0 in array.shape:
                raise UnreadableError(f"cannot open an array of shape {array.shape}: it has no pixels")
            pixels = array[..., 0] if array.shape[2:] == (1,) else array
            return cls(native=Image.fromarray(numpy.ascontiguousarray(pixels)))
        return None

    @classmethod
    def _from_pillow(cls, image: Image) -> Self:
        from PIL.PngImagePlugin import PngInfo

        if 0 in image.size:
            raise UnreadableError(f"cannot open a PIL image of {image.width} × {image.height}: it has no pixels")
        kept = {name: image.info[name] for name in ("icc_profile", "exif", "dpi") if image.info.get(name)}
        text = PngInfo()
        for key, value in getattr(image, "text", {}).items():
            if key != "XML:com.adobe.xmp":
                text.add_itxt(key, str(value))
        if text.chunks:
            kept["pnginfo"] = text
        xmp = image.info.get("xmp")
        return cls(native=_without_palette(image), options=kept, xmp=xmp, obstacle=_obstacle_of_mode(image.mode))

    @property
    def size(self) -> tuple[int, int]:
        """Width and height in pixels."""
        return self.native.size

    @cached_property
    def image(self) -> Image:
        """The picture as an image that can be shown and saved in any format: grey, RGB, and alpha if it has any."""
        if self.native.mode.startswith("I;16"):
            return self.native.point(lambda value: value / 256).convert("L")
        return self.native.convert("RGB") if self.native.mode == "YCbCr" else self.native

    @cached_property
    def luma(self) -> Image:
        """The brightness of every pixel (full-range BT.601), as an image of mode L."""
        if self.native.mode in ("YCbCr", "L", "LA"):
            return self.native.getchannel(0)
        return self.image.convert("L")

    @cached_property
    def rgb(self) -> NDArray[numpy.uint8]:
        """The colour of every pixel, shape (height, width, 3); grey is repeated and alpha left out."""
        import numpy

        return numpy.asarray(self.image.convert("RGB"))

    def with_residual(self, residual: Image) -> Self:
        """Return this picture with *residual* added to its luma: mode L, its own size, 128 for no change.

        Chroma, grey and alpha stay as they are. Raises UnsupportedError, naming the reason, where the result could
        not be what this picture is.
        """
        from PIL import Image, ImageChops

        self.check_markable()
        mode, count = self.native.mode, len(self.native.getbands())
        # The same change to red, green and blue is a change of luma alone.
        carriers = self.native.split()[:3] if mode in ("RGB", "RGBA") else (self.luma,)
        changed = [ImageChops.add(band, residual, offset=-128) for band in carriers]
        others = [self.native.getchannel(index) for index in range(len(changed), count)]
        native = Image.merge(mode, [*changed, *others])
        return replace(self, native=native, original=None)

    def check_markable(self) -> None:
        """Raise UnsupportedError, naming the reason, if other colours could not be put in without loss."""
        if self.obstacle is not None:
            raise UnsupportedError(self.obstacle)

    def with_xmp(self, packet: bytes) -> Self:
        """Return this picture with *packet* as its XMP."""
        return replace(self, xmp=packet)

    def aigc_labels(self) -> Iterator[bytes]:
        """Yield the labels under China's GB 45438, as text, that stand anywhere but in the XMP."""
        yield from containers.aigc_in(self.blocks, self.media_type)
        if exif := self.options.get("exif"):
            yield from exif_block.read_aigc(exif)

    def without_aigc(self) -> Self:
        """Return this picture without the labels that :meth:`aigc_labels` yields."""
        exif = self.options.get("exif")
        options = {**self.options, "exif": exif_block.without_aigc(exif)} if exif else self.options
        blocks = containers.blocks_without_aigc(self.blocks, self.media_type)
        original = self.original and containers.without_aigc(self.original, self.media_type)
        return replace(self, options=options, blocks=blocks, original=original)


def decode(data: bytes, media_type: str, *, name: str | None = None) -> Picture:
    """Return the picture that *data* holds.

    Raises UnsupportedError for a media type that is no picture, TooLargeError for one with too many pixels,
    UnreadableError for a damaged one. What can be shown but not marked comes back with its ``obstacle`` named.
    """
    from PIL import Image, UnidentifiedImageError

    what = name or "the input"
    if media_type not in MEDIA_TYPES:
        raise UnsupportedError(f"cannot decode {what}: {media_type} is not one of {', '.join(MEDIA_TYPES)}")
    try:
        image = Image.open(io.BytesIO(data), formats=[_FORMATS[media_type]])
        width, height = image.size
        if width * height > LARGEST_PIXELS:
            raise _too_large(what, f"{width} × {height} pixels")
        pictures = getattr(image, "n_frames", 1)
        obstacle = _obstacle(image, pictures, data, media_type, what)
        options, xmp = _encoder_options(image, data, media_type)
        if media_type == "image/jpeg" and _is_luma_and_chroma(image):
            image.draft("YCbCr", image.size)
        image.load()
        if image.mode == "LAB":
            raise UnsupportedError(f"cannot decode {what}: its colours are CIELAB; convert it to RGB first")
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise _too_large(what, "a decompression bomb's worth of pixels") from error
    except UnidentifiedImageError as error:
        raise UnreadableError(f"cannot decode {what}: it begins like {media_type} but is damaged") from error
    except DiscloseError:
        raise
    except Exception as error:
        # Pillow's decoders raise OSError, SyntaxError, ValueError, struct.error and more on hostile bytes.
        raise UnreadableError(f"cannot decode {what} as {media_type}: {error}") from error
    return Picture(
        native=_without_palette(image),
        media_type=media_type,
        options=options,
        blocks=containers.foreign_blocks(data, media_type),
        xmp=xmp,
        obstacle=obstacle,
        original=data,
        pictures=pictures,
    )


def encode(picture: Picture) -> bytes:
    """Return *picture* as a file of its media type, with its metadata.

    A picture whose pixels are untouched keeps its encoded pixels where its format allows it. Raises MarkingError
    when the encoder refuses.
    """
    media_type = picture.media_type
    if picture.original is not None and media_type in ("image/png", "image/jpeg", "image/gif"):
        return containers.splice(containers.without_xmp(picture.original, media_type), media_type, xmp=picture.xmp)
    options = dict(picture.options)
    if picture.xmp is not None:
        if media_type in ("image/webp", "image/avif"):
            options["xmp"] = picture.xmp
        elif media_type == "image/tiff":
            options["tiffinfo"] = _with_tag(options.get("tiffinfo"), picture.xmp)
    image = _quantized(picture.image) if media_type == "image/gif" else picture.native
    if media_type == "image/tiff":
        # Beside the tags it is given, Pillow writes those of the file that an untouched picture was opened from.
        image = image.copy()
    buffer = io.BytesIO()
    try:
        image.save(buffer, _FORMATS[media_type], **{**_fast_options(media_type), **options})
        return containers.splice(buffer.getvalue(), media_type, blocks=picture.blocks, xmp=picture.xmp)
    except Exception as error:
        raise MarkingError(f"cannot encode a {image.mode} picture as {media_type}: {error}") from error


def _fast_options(media_type: str) -> dict[str, Any]:
    if media_type == "image/png":
        # Run lengths are nearly all that deflate finds behind PNG's filters: on photographs this is 3 to 4 times
        # as fast as Pillow's default, at about the same size (benchmarks/speed.py).
        return {"compress_level": 1, "compress_type": 3}
    return {}


def _encoder_options(image: Image, data: bytes, media_type: str) -> tuple[dict[str, Any], bytes | None]:
    info = image.info
    if media_type == "image/jpeg":
        from PIL.JpegImagePlugin import get_sampling

        options: dict[str, Any] = {"qtables": image.quantization}  # type: ignore[attr-defined]
        if (sampling := get_sampling(image)) >= 0:
            options["subsampling"] = sampling
        if info.get("progressive"):
            options["progressive"] = True
        # The encoder would repeat a comment on its own, and the carried segment holds it already.
        return {**options, "comment": b""}, containers.read_xmp(data, media_type)
    if media_type == "image/png":
        # The encoder would write the profile that it finds on the image, and the carried chunk holds it already.
        return {"icc_profile": None}, containers.read_xmp(data, media_type)
    if media_type == "image/gif":
        return {}, containers.read_xmp(data, media_type)
    xmp = info.get("xmp")
    if media_type == "image/tiff":
        kept = {tag: value for tag, value in image.tag_v2.items() if tag not in _TIFF_OWN_TAGS}  # type: ignore[attr-defined]
        options = {"tiffinfo": kept, "compression": info.get("compression", "raw")}
        if options["compression"] not in ("raw", "tiff_lzw", "tiff_adobe_deflate", "packbits"):
            options["compression"] = "tiff_adobe_deflate"
        if icc := info.get("icc_profile"):
            options["icc_profile"] = icc
        for directory in _TIFF_DIRECTORIES & kept.keys():
            # The tag holds an offset into the old file; what it points at comes along as a whole.
            kept[directory] = image.getexif().get_ifd(directory)
        return options, xmp
    options = {key: info[key] for key in ("exif", "icc_profile") if info.get(key)}
    if media_type == "image/webp":
        options |= {"lossless": True, "exact": True} if b"VP8L" in data[:64] else {"quality": 90}
    else:
        options |= {"quality": 85}
    return options, xmp


def _is_luma_and_chroma(image: Image) -> bool:
    """Whether a JPEG holds YCbCr, as JFIF says and Adobe's marker may deny (its transform 0 is plain RGB)."""
    identifiers = [component[0] for component in image.layer]  # type: ignore[attr-defined]
    return image.mode == "RGB" and image.info.get("adobe_transform", 1) == 1 and identifiers == [1, 2, 3]


def _with_tag(tags: Any, xmp: bytes) -> Any:
    from PIL.TiffImagePlugin import ImageFileDirectory_v2

    directory = ImageFileDirectory_v2()
    for tag, value in dict(tags or {}).items():
        directory[tag] = value
    directory[_TIFF_XMP_TAG] = xmp
    directory.tagtype[_TIFF_XMP_TAG] = 1
    return directory


def _without_palette(image: Image) -> Image:
    """Return *image* with its palette or transparent colour spelt out; a mark needs more shades than either has."""
    transparent = "transparency" in image.info
    if image.mode in ("P", "PA"):
        return image.convert("RGBA" if transparent or image.mode == "PA" else "RGB")
    if transparent and image.mode in ("RGB", "L"):
        return image.convert("RGBA")
    return image


def _quantized(image: Image) -> Image:
    from PIL import Image as pillow

    if image.mode == "RGBA":
        return image.quantize(256, method=pillow.Quantize.FASTOCTREE)
    return image.convert("RGB").quantize(256, dither=pillow.Dither.FLOYDSTEINBERG)


def _obstacle(image: Image, pictures: int, data: bytes, media_type: str, what: str) -> str | None:
    if pictures > 1:
        kind = "a multi-picture JPEG" if media_type == "image/jpeg" else f"{media_type} of several pictures"
        return f"cannot mark {what}: it is {kind} ({pictures}), and only still pictures are marked; mark each one"
    depth = _bit_depth(image, data, media_type)
    if depth > 8:
        return f"cannot mark {what}: it has {depth} bits per channel; convert it to 8 bits per channel first"
    return _obstacle_of_mode(image.mode, what)


def _obstacle_of_mode(mode: str, what: str = "the picture") -> str | None:
    if mode in ("RGB", "RGBA", "L", "LA", "P", "PA"):
        return None
    if mode == "1":
        return f"cannot mark {what}: it has one bit per pixel, which leaves no room for a watermark"
    if mode == "CMYK":
        return f"cannot mark {what}: it is CMYK; convert it to RGB with its colour profile first"
    if mode.startswith("I") or mode == "F":
        return f"cannot mark {what}: its samples are of mode {mode}; convert it to 8 bits per channel first"
    return f"cannot mark {what}: colour mode {mode} is not handled; convert it to RGB first"


def _bit_depth(image: Image, data: bytes, media_type: str) -> int:
    if media_type == "image/png":
        return containers.png_bit_depth(data)
    if media_type == "image/tiff":
        return int(max(image.tag_v2.get(258, (1,))))  # type: ignore[attr-defined]
    if media_type == "image/avif":
        # The pixel information property lists the bits of each channel (ISO/IEC 23008-12, 6.5.6).
        where = data.find(b"pixi")
        count = data[where + 8] if 0 <= where < len(data) - 12 else 0
        return max(data[where + 9 : where + 9 + count], default=8)
    return 8


def _too_large(what: str, how_large: str) -> TooLargeError:
    return TooLargeError(
        f"cannot decode {what}: it declares {how_large}, more than the limit of"
        f" {LARGEST_PIXELS // 1_000_000} megapixels"
    )
