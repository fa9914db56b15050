"""Containers: metadata read and written in files, one module per family, with the content left as it is.

Two ways in. A picture that is decoded and encoded anew takes its metadata along through ``foreign_blocks``,
``read_xmp`` and ``splice`` (WebP, AVIF and TIFF take theirs as parameters of the encoder). Every other file is written
to where it is: ``with_xmp`` and ``with_aigc``, of which ``read_xmp`` and ``read_aigc`` are the inverse.
"""

from __future__ import annotations

from collections.abc import Iterator
from types import ModuleType

from disclose.errors import UnsupportedError
from disclose.media import xmp
from disclose.media.containers import flac, gif, id3, iso, jpeg, pdf, png, riff, svg
from disclose.media.containers.block import Block
from disclose.media.containers.png import bit_depth as png_bit_depth
from disclose.media.containers.png import chunk as png_chunk

__all__ = [
    "AIGC_NAMESPACE",
    "MEDIA_TYPES",
    "Block",
    "aigc_in",
    "blocks_without_aigc",
    "foreign_blocks",
    "png_bit_depth",
    "png_chunk",
    "read_aigc",
    "read_xmp",
    "splice",
    "with_aigc",
    "with_xmp",
    "without_aigc",
    "without_xmp",
]

_PICTURES: dict[str, ModuleType] = {"image/png": png, "image/jpeg": jpeg, "image/gif": gif}
_FILES: dict[str, ModuleType] = {
    "image/heic": iso,
    "image/svg+xml": svg,
    "audio/flac": flac,
    "audio/mp4": iso,
    "audio/mpeg": id3,
    "audio/wav": riff,
    "video/mp4": iso,
    "video/quicktime": iso,
    "video/x-msvideo": riff,
    "application/pdf": pdf,
}
MEDIA_TYPES = tuple(_FILES)
"""The media types whose files are written to where they are."""

AIGC_NAMESPACE = "http://www.tc260.org.cn/ns/AIGC/1.0/"
"""The namespace of China's AIGC object in XMP, where the format has no place of its own for it."""
_AIGC_IN_XMP = frozenset({"image/heic", "image/svg+xml"})


def foreign_blocks(data: bytes, media_type: str) -> tuple[Block, ...]:
    """Return the metadata blocks of *data* that a re-encoded picture has to carry on, XMP excepted."""
    return tuple(_PICTURES[media_type].foreign_blocks(data)) if media_type in _PICTURES else ()


def splice(data: bytes, media_type: str, *, blocks: tuple[Block, ...] = (), xmp: bytes | None = None) -> bytes:
    """Return the encoded picture *data* with *blocks* and the *xmp* packet put where its format wants them."""
    spliced: bytes = _PICTURES[media_type].splice(data, blocks, xmp) if media_type in _PICTURES else data
    return spliced


def read_xmp(data: bytes, media_type: str) -> bytes | None:
    """Return the XMP packet of *data*, or None; also None for what the encoder of a picture takes care of."""
    module = _PICTURES.get(media_type) or _FILES.get(media_type)
    packet: bytes | None = None if module is None else module.read_xmp(data)
    return packet


def with_xmp(data: bytes, media_type: str, packet: bytes) -> bytes:
    """Return the file *data* with *packet* as its XMP.

    Raises UnreadableError for what is damaged, UnsupportedError, naming the reason, for what could not be kept whole.
    """
    changed: bytes = _module(media_type).with_xmp(data, packet)
    return changed


def without_xmp(data: bytes, media_type: str) -> bytes:
    """Return the picture *data* with its XMP packet cut out, so that another can take its place."""
    cut: bytes = _PICTURES[media_type].without_xmp(data) if media_type in _PICTURES else data
    return cut


def aigc_in(blocks: tuple[Block, ...], media_type: str) -> Iterator[bytes]:
    """Yield China's AIGC objects, as text, in the *blocks* of a picture."""
    for block in blocks:
        yield from _PICTURES[media_type].aigc_in(block)


def blocks_without_aigc(blocks: tuple[Block, ...], media_type: str) -> tuple[Block, ...]:
    """Return the *blocks* of a picture without China's AIGC object."""
    if media_type not in _PICTURES:
        return blocks
    return tuple(kept for block in blocks if (kept := _PICTURES[media_type].without_aigc(block)) is not None)


def without_aigc(data: bytes, media_type: str) -> bytes:
    """Return the encoded picture *data* without China's AIGC object outside XMP, so that another can take its place."""
    for block in foreign_blocks(data, media_type):
        kept = _PICTURES[media_type].without_aigc(block)
        data = data.replace(block.raw, b"" if kept is None else kept.raw, 1)
    return data


def read_aigc(data: bytes, media_type: str) -> Iterator[bytes]:
    """Yield China's AIGC objects in the file *data*, as text, from its format's own place for them beside XMP."""
    if media_type in _FILES and media_type not in _AIGC_IN_XMP:
        yield from _FILES[media_type].read_aigc(data)


def with_aigc(data: bytes, media_type: str, text: bytes) -> bytes:
    """Return the file *data* with the ASCII *text* as its one AIGC object; raises as :func:`with_xmp` does."""
    module, packet = _module(media_type), read_xmp(data, media_type)
    if media_type in _AIGC_IN_XMP:
        properties = {"AIGC": text.decode("ascii")}
        return with_xmp(
            data, media_type, xmp.with_properties(packet, properties, prefix="TC260", namespace=AIGC_NAMESPACE)
        )
    if packet is not None and xmp.value(packet, "AIGC", namespace=AIGC_NAMESPACE) is not None:
        # One label and no more (GB 45438-2025, 6.1 c): one in XMP gives way to the place of the format's own.
        data = with_xmp(data, media_type, xmp.without_properties(packet, ("AIGC",), namespace=AIGC_NAMESPACE))
    changed: bytes = module.with_aigc(data, text)
    return changed


def _module(media_type: str) -> ModuleType:
    if media_type not in _FILES:
        raise UnsupportedError(f"cannot write metadata into {media_type}, only into {', '.join(_FILES)}")
    return _FILES[media_type]
