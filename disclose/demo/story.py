"""The demo as a story: mark a picture, handle it as the world does, forge it, and say what the verifier finds."""

from __future__ import annotations

import io
import json
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from importlib.resources import files

import numpy
from PIL import Image

from disclose.asset import Asset
from disclose.demo.painter import paint
from disclose.disclosure import DigitalSourceType
from disclose.evidence import Evidence, Integrity, Outcome, Trust, Verdict
from disclose.media import containers
from disclose.profile import Profile

PROMPT = "a lighthouse at dusk, calm sea"
STATEMENT = {
    "system": "disclose demo painter",
    "provider": "disclose",
    # The painter is an algorithm that was trained on nothing, and its files say so.
    "source_type": DigitalSourceType.ALGORITHMIC_MEDIA,
}


@dataclass(frozen=True, kw_only=True)
class Line:
    """One line of the story: what was done, what should come of it, what came of it."""

    sentence: str
    expected: str
    outcome: str
    measured: str
    holds: bool

    def to_json(self) -> str:
        """Return the line as one JSON object."""
        return json.dumps(asdict(self), ensure_ascii=False)


def tell(profile: Profile) -> Iterator[Line]:
    """Yield the lines of the story, each worked through for real with *profile*'s layers, keys and ledger."""
    painting = paint(PROMPT)
    started = time.perf_counter()
    marked = profile.marker().mark(Asset.open(_jpeg(painting, 92)), profile.disclosure(**STATEMENT))
    took = time.perf_counter() - started
    verify = _Verifying(profile)

    decoded = marked.content.image
    yield verify(
        f"A painting is marked in {took * 1000:.0f} ms: the file is disclosed",
        marked.data,
        Outcome.DISCLOSED,
        lambda verdict: _carries(verdict, marked) and _layer_is_bound(verdict, "c2pa"),
    )
    yield verify(
        "Saved again without any metadata: disclosed, by the watermark's identifier and the ledger",
        _jpeg(decoded, 90),
        Outcome.DISCLOSED,
        lambda verdict: _carries(verdict, marked) and _recovered(verdict),
    )
    yield verify(
        "A screenshot of it, scaled to 0.8, cropped, JPEG 80: disclosed",
        _screenshot(decoded),
        Outcome.DISCLOSED,
        lambda verdict: _carries(verdict, marked) and _recovered(verdict),
    )
    yield verify("One byte of the signed file flipped: contested", _flipped(marked.data), Outcome.CONTESTED, _any)
    yield verify(
        "Its watermark laid over a photograph: contested, a copied mark",
        _forged(original=painting, marked=decoded),
        Outcome.CONTESTED,
        lambda verdict: any(
            item.layer == "fingerprint" and item.integrity is Integrity.BROKEN for item in verdict.evidence
        ),
    )
    yield verify("A photograph that was never marked: undetermined", photograph("coffee"), Outcome.UNDETERMINED, _any)
    yield verify(
        "The photograph with an unsigned “trainedAlgorithmicMedia” written into it: indicated, no more",
        _claimed(photograph("coffee")),
        Outcome.INDICATED,
        _any,
    )


def photograph(name: str) -> bytes:
    """Return one of the demo's own photographs, "astronaut" or "coffee", as JPEG."""
    return files("disclose.demo").joinpath("photographs", f"{name}.jpg").read_bytes()


class _Verifying:
    """Verifies one thing after the other and times it."""

    def __init__(self, profile: Profile) -> None:
        self._verifier = profile.verifier()

    def __call__(self, sentence: str, data: bytes, expected: Outcome, also: Callable[[Verdict], bool]) -> Line:
        started = time.perf_counter()
        verdict = self._verifier.verify(Asset.from_data(data))
        took = time.perf_counter() - started
        return Line(
            sentence=sentence,
            expected=expected.value,
            outcome=verdict.outcome.value,
            measured=f"{verdict.outcome.value} in {took * 1000:.0f} ms: {_grounds(verdict)}",
            holds=verdict.outcome is expected and also(verdict),
        )


def _grounds(verdict: Verdict) -> str:
    """Return what the verdict rests on, in a few words a finding."""
    decisive = [item for item in verdict.evidence if item.is_bound or item.integrity is Integrity.BROKEN]
    return "; ".join(_words(item) for item in decisive or verdict.evidence) or "no layer found anything"


def _words(item: Evidence) -> str:
    words = [item.layer, item.integrity.value if item.integrity is not Integrity.UNKNOWN else "unsigned"]
    if item.p_value is not None:
        words.append(f"(p = {item.p_value:.0e})")
    if (agreement := item.details.get("agreement")) is not None:
        words.append(f"({agreement:.0%} of the recorded structure agrees)")
    if item.trust is not Trust.UNKNOWN:
        words.append(f"({item.trust.value} signer)")
    return " ".join(words)


def _carries(verdict: Verdict, marked: Asset) -> bool:
    return verdict.disclosure is not None and verdict.disclosure == marked.disclosure


def _layer_is_bound(verdict: Verdict, layer: str) -> bool:
    return any(item.layer == layer and item.is_bound for item in verdict.evidence)


def _recovered(verdict: Verdict) -> bool:
    """Whether the verdict rests on watermark, ledger and fingerprint, with no metadata left to lean on."""
    gone = not any(item.layer in ("c2pa", "iptc") for item in verdict.evidence)
    return gone and all(_layer_is_bound(verdict, layer) for layer in ("image_watermark", "ledger", "fingerprint"))


def _any(_: Verdict) -> bool:
    return True


def _jpeg(image: Image.Image, quality: int) -> bytes:
    buffer = io.BytesIO()
    image.convert("RGB").save(buffer, "JPEG", quality=quality)
    return buffer.getvalue()


def _screenshot(image: Image.Image) -> bytes:
    width, height = round(image.width * 0.8), round(image.height * 0.8)
    scaled = image.resize((width, height), Image.Resampling.BICUBIC)
    box = (round(width * 0.07), round(height * 0.09), round(width * 0.95), round(height * 0.96))
    return _jpeg(scaled.crop(box), 80)


def _flipped(data: bytes) -> bytes:
    # Two thirds into the file is picture data, far behind the manifest.
    position = len(data) * 2 // 3
    return data[:position] + bytes([data[position] ^ 0x10]) + data[position + 1 :]


def _forged(*, original: Image.Image, marked: Image.Image) -> bytes:
    """Return another photograph with the difference that marking made laid over it."""
    residual = numpy.asarray(marked, numpy.int16) - numpy.asarray(original.convert("RGB"), numpy.int16)
    target = Image.open(io.BytesIO(photograph("astronaut"))).resize(original.size, Image.Resampling.BICUBIC)
    forged = numpy.clip(numpy.asarray(target, numpy.int16) + residual, 0, 255).astype(numpy.uint8)
    return _jpeg(Image.fromarray(forged), 92)


def _claimed(photo: bytes) -> bytes:
    claim = (
        '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
        '<rdf:Description xmlns:Iptc4xmpExt="http://iptc.org/std/Iptc4xmpExt/2008-02-29/" '
        f'Iptc4xmpExt:DigitalSourceType="{DigitalSourceType.TRAINED_ALGORITHMIC_MEDIA.uri}"/>'
        "</rdf:RDF></x:xmpmeta>"
    )
    return containers.splice(photo, "image/jpeg", xmp=claim.encode())
