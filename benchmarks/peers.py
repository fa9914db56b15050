"""The watermarks that are compared: ours and other people's, behind one door each.

A peer that cannot be used here says why and is listed as not measured. Nothing is ever fetched.
"""

from __future__ import annotations

import contextlib
import io
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from typing import Protocol

import numpy
from PIL import Image

TRUSTMARK_WEIGHTS = ("encoder_Q", "decoder_Q")


class UnavailableError(Exception):
    """A peer cannot be measured here; the message says why."""


class Peer(Protocol):
    """A watermark with a payload of :attr:`bits`."""

    name: str
    bits: int
    package: str
    validates: bool  # whether it can say that there is no mark; others return bits always

    def embed(self, pixels: numpy.ndarray, payload: int) -> numpy.ndarray:
        """Return *pixels* carrying *payload*."""

    def detect(self, pixels: numpy.ndarray) -> int | None:
        """Return the payload found in *pixels*, or None."""


class Disclose:
    """Our engine, as the library's users call it."""

    name, bits, package, validates = "disclose", 64, "disclose-ai", True

    def __init__(self) -> None:
        from disclose.watermark import image

        self._engine = image

    def embed(self, pixels: numpy.ndarray, payload: int) -> numpy.ndarray:
        """Return *pixels* carrying *payload*, checked to be legible."""
        return self._engine.embed(pixels, payload)

    def embed_unchecked(self, pixels: numpy.ndarray, payload: int) -> numpy.ndarray:
        """Return *pixels* carrying *payload* without the self-check, for timing the check by itself."""
        return self._engine.embed(pixels, payload, verify=False)

    def detect(self, pixels: numpy.ndarray) -> int | None:
        """Return the payload that is reported, or None."""
        found = self._engine.detect(pixels)
        return None if found is None else found.payload


class InvisibleWatermark:
    """invisible-watermark, the default of Stable Diffusion's tools, in one of its three methods."""

    package, validates = "invisible-watermark", False

    def __init__(self, method: str) -> None:
        self.name, self.bits = method, 32 if method == "rivaGan" else 64
        _need("imwatermark", "torch", "cv2", *(["onnxruntime"] if method == "rivaGan" else []))
        import cv2
        import imwatermark
        import torch

        cv2.setNumThreads(1)
        torch.set_num_threads(1)
        self._package, self._method = imwatermark, method
        if method == "rivaGan":
            self._load_rivagan()

    def embed(self, pixels: numpy.ndarray, payload: int) -> numpy.ndarray:
        """Return *pixels* carrying *payload*."""
        encoder = self._package.WatermarkEncoder()
        encoder.set_watermark("bits", _bits(payload, self.bits))
        return _swapped(encoder.encode(_swapped(pixels), self._method))

    def detect(self, pixels: numpy.ndarray) -> int | None:
        """Return the bits that are read, whatever they are."""
        decoder = self._package.WatermarkDecoder("bits", self.bits)
        return _number(decoder.decode(_swapped(pixels), self._method))

    @staticmethod
    def _load_rivagan() -> None:
        # As the package's own loadModel does, but on one thread, as everything here is timed.
        import onnxruntime
        from imwatermark import rivaGan

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        folder = Path(rivaGan.__file__).parent
        for part in ("encoder", "decoder"):
            session = onnxruntime.InferenceSession(folder / f"rivagan_{part}.onnx", options)
            setattr(rivaGan.RivaWatermark, part, session)


class BlindWatermark:
    """blind-watermark (DWT, DCT and SVD), which is told the length of the payload."""

    name, bits, package, validates = "blind-watermark", 64, "blind-watermark", False

    def __init__(self) -> None:
        _need("blind_watermark", "cv2")
        import cv2

        with contextlib.redirect_stdout(io.StringIO()):  # it greets on import and at each use
            import blind_watermark

        cv2.setNumThreads(1)
        self._package = blind_watermark

    def embed(self, pixels: numpy.ndarray, payload: int) -> numpy.ndarray:
        """Return *pixels* carrying *payload*."""
        mark = self._mark()
        mark.read_img(img=_swapped(pixels))
        mark.read_wm(_bits(payload, self.bits), mode="bit")
        return _swapped(numpy.clip(numpy.rint(mark.embed()), 0, 255).astype(numpy.uint8))

    def detect(self, pixels: numpy.ndarray) -> int | None:
        """Return the bits that are read, whatever they are."""
        read = self._mark().extract(embed_img=_swapped(pixels), wm_shape=self.bits, mode="bit")
        return _number(read)

    def _mark(self) -> object:
        with contextlib.redirect_stdout(io.StringIO()):
            return self._package.WaterMark(password_img=1, password_wm=1, processes=1)


class TrustMark:
    """TrustMark Q with BCH_5, if its weights lie beside the package; its own constructor would fetch them."""

    name, bits, package, validates = "trustmark", 61, "trustmark", True

    def __init__(self) -> None:
        _need("trustmark", "torch")
        import torch
        import trustmark

        folder = Path(trustmark.__file__).parent / "models"
        missing = [name for name in TRUSTMARK_WEIGHTS if not list(folder.glob(f"{name}.*"))]
        if missing:
            raise UnavailableError(f"its weights ({', '.join(missing)}) are not on this machine")
        torch.set_num_threads(1)
        kind = trustmark.TrustMark
        with _no_fetching():
            self._model = kind(verbose=False, model_type="Q", encoding_type=kind.Encoding.BCH_5)

    def embed(self, pixels: numpy.ndarray, payload: int) -> numpy.ndarray:
        """Return *pixels* carrying *payload*."""
        secret = "".join(str(bit) for bit in _bits(payload, self.bits))
        return numpy.array(self._model.encode(Image.fromarray(pixels), secret, MODE="binary").convert("RGB"))

    def detect(self, pixels: numpy.ndarray) -> int | None:
        """Return the payload if TrustMark says that there is one."""
        secret, present, *_ = self._model.decode(Image.fromarray(pixels), MODE="binary")
        return int(secret[: self.bits], 2) if present else None


PEERS = {
    "disclose": Disclose,
    "blind-watermark": BlindWatermark,
    "dwtDct": lambda: InvisibleWatermark("dwtDct"),
    "dwtDctSvd": lambda: InvisibleWatermark("dwtDctSvd"),
    "rivaGan": lambda: InvisibleWatermark("rivaGan"),
    "trustmark": TrustMark,
}


def release(package: str) -> str | None:
    """Return the installed version of *package*."""
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _need(*modules: str) -> None:
    missing = [module for module in modules if find_spec(module) is None]
    if missing:
        raise UnavailableError(f"not installed here: {', '.join(missing)}")


@contextlib.contextmanager
def _no_fetching():
    import urllib.request

    def refuse(*_: object, **__: object) -> None:
        raise UnavailableError("it wanted to fetch something, and nothing is fetched here")

    kept, urllib.request.urlretrieve = urllib.request.urlretrieve, refuse
    try:
        yield
    finally:
        urllib.request.urlretrieve = kept


def _bits(payload: int, count: int) -> list[int]:
    return [payload >> place & 1 for place in reversed(range(count))]


def _number(bits: numpy.ndarray) -> int:
    return int("".join("1" if bit else "0" for bit in bits), 2)


def _swapped(pixels: numpy.ndarray) -> numpy.ndarray:
    return numpy.ascontiguousarray(pixels[..., ::-1])  # RGB for us, BGR for OpenCV
