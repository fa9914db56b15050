"""Small real files of every kind that a manifest is signed into, a few kilobytes each and the same every time."""

import io
import math
import struct
import subprocess
import wave
from functools import cache
from pathlib import Path
from shutil import which
from tempfile import TemporaryDirectory

from PIL import Image, ImageDraw
from system_parts import need

_SOUND = ("-f", "lavfi", "-i", "sine=frequency=440:duration=0.3")
_VIDEO = ("-f", "lavfi", "-i", "testsrc=size=64x64:rate=10:duration=0.5", "-pix_fmt", "yuv420p")
_SVG = (
    '<?xml version="1.0" encoding="UTF-8"?>\n<svg xmlns="http://www.w3.org/2000/svg" width="64" height="64">'
    '<title>circles</title><circle cx="32" cy="32" r="20" fill="teal"/><circle cx="20" cy="20" r="8" fill="orange"/>'
    "</svg>\n"
)


@cache
def small_file(media_type):
    """Return the bytes of a small file of *media_type*."""
    return _MAKERS[media_type]()


def media_types():
    """Return all media types that there is a small file of."""
    return tuple(_MAKERS)


def _picture():
    picture = Image.radial_gradient("L").resize((48, 48))
    picture = Image.merge("RGB", (picture, picture.rotate(90), picture.transpose(Image.Transpose.FLIP_TOP_BOTTOM)))
    ImageDraw.Draw(picture).ellipse((8, 12, 30, 40), fill=(200, 80, 20))
    return picture


def _by_pillow(name, **options):
    def make():
        buffer = io.BytesIO()
        _picture().save(buffer, name, **options)
        return buffer.getvalue()

    return make


def _by_ffmpeg(ending, *arguments):
    def make():
        need(which("ffmpeg") is not None, "apt install ffmpeg")
        exact = ("-fflags", "+bitexact", "-flags:v", "+bitexact", "-flags:a", "+bitexact", "-threads", "1")
        with TemporaryDirectory() as folder:
            path = Path(folder, f"file{ending}")
            command = ["ffmpeg", "-hide_banner", "-loglevel", "error", *arguments, *exact, path]
            subprocess.run(command, check=True, stdin=subprocess.DEVNULL)
            return path.read_bytes()

    return make


def _wave():
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(2)
        sound.setframerate(8000)
        tone = (int(9000 * math.sin(2 * math.pi * 440 * step / 8000)) for step in range(2400))
        sound.writeframes(b"".join(struct.pack("<h", sample) for sample in tone))
    return buffer.getvalue()


def _heic():
    """Return a HEIC picture (ISO/IEC 23008-12) around the first frame of an HEVC film."""
    film = _by_ffmpeg(".mp4", *_VIDEO, "-c:v", "libx265", "-frames:v", "1", "-x265-params", "log-level=none")()
    boxes = film[film.index(b"hvcC") - 4 :]
    configuration = boxes[: int.from_bytes(boxes[:4], "big")]
    start = film.index(b"mdat") - 4
    frame = film[start + 8 : start + int.from_bytes(film[start : start + 4], "big")]
    file_type = _box(b"ftyp", b"heic" + bytes(4) + b"mif1heic")
    # The place of the frame depends on the size of what stands before it, which does not depend on the place.
    place = len(file_type) + len(_heic_meta(configuration, 0, len(frame))) + 8
    return file_type + _heic_meta(configuration, place, len(frame)) + _box(b"mdat", frame)


def _heic_meta(configuration, place, size):
    handler = _box(b"hdlr", bytes(8) + b"pict" + bytes(13))
    primary = _box(b"pitm", bytes(4) + b"\x00\x01")
    entry = _box(b"infe", b"\x02\x00\x00\x00" + b"\x00\x01\x00\x00" + b"hvc1" + b"\x00")
    items = _box(b"iinf", bytes(4) + b"\x00\x01" + entry)
    location = _box(b"iloc", bytes(4) + b"\x44\x00\x00\x01" + struct.pack(">HHHII", 1, 0, 1, place, size))
    extent = _box(b"ispe", bytes(4) + struct.pack(">II", 64, 64))
    properties = _box(b"ipco", configuration + extent)
    association = _box(b"ipma", bytes(4) + struct.pack(">IHBBB", 1, 1, 2, 0x81, 2))
    return _box(b"meta", bytes(4) + handler + primary + items + location + _box(b"iprp", properties + association))


def _box(kind, body):
    return struct.pack(">I", len(body) + 8) + kind + body


_MAKERS = {
    "image/png": _by_pillow("PNG"),
    "image/jpeg": _by_pillow("JPEG", quality=85),
    "image/webp": _by_pillow("WEBP", quality=80),
    "image/gif": _by_pillow("GIF"),
    "image/tiff": _by_pillow("TIFF", compression="tiff_lzw"),
    "image/avif": _by_pillow("AVIF", quality=70, speed=9),
    "image/heic": _heic,
    "image/svg+xml": lambda: _SVG.encode(),
    "audio/wav": _wave,
    "audio/mpeg": _by_ffmpeg(".mp3", *_SOUND, "-c:a", "libmp3lame", "-b:a", "48k"),
    "audio/flac": _by_ffmpeg(".flac", *_SOUND, "-c:a", "flac"),
    "audio/mp4": _by_ffmpeg(".m4a", *_SOUND, "-c:a", "aac", "-b:a", "48k"),
    "video/mp4": _by_ffmpeg(".mp4", *_VIDEO, "-c:v", "mpeg4"),
    "video/quicktime": _by_ffmpeg(".mov", *_VIDEO, "-c:v", "mpeg4"),
    "video/x-msvideo": _by_ffmpeg(".avi", *_VIDEO, "-c:v", "mpeg4"),
    "application/pdf": _by_pillow("PDF", creationDate=None, modDate=None),
}
