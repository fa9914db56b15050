"""The C2PA engine for texts that hold their manifest in themselves: HTML, Markdown and plain (C2PA 2.4, A.7 to A.9).

c2pa-rs 0.91 has no handler for any of them in its wheel, but signs and reads manifests beside any file, with whatever
bytes left out of the hash that the manifest names. So the manifest is framed here; and that what is left out is the
frame and nothing else, which the engine cannot know, is checked here.

The frame has to be as large as the manifest that names its size. c2pa-rs makes placeholders of it
(``c2pa_builder_data_hashed_placeholder``), which c2pa-python 0.38 does not hand on; but it fills signatures up to a
fixed size, so that one manifest tells how large the next will be, and only the first document is signed twice.

In invisible characters a byte takes three or four, so that each signature has a size of its own. What is not signed,
the zeros that the signature is filled up with (10.4.2), then makes up for the difference where it can: every third
signature fits.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any

from disclose.errors import MarkingError, UnreadableError, extra
from disclose.evidence import Integrity
from disclose.layers.c2pa_codes import Assessment
from disclose.layers.c2pa_engine import Engine, Ingredient, Signed
from disclose.media.text_frames import PLAIN, Framed, invisible, invisible_size, is_only_a_frame

if TYPE_CHECKING:
    from disclose.signing import Signer, TrustList

_USUAL_SIZE = 5000
_ATTEMPTS = 4
# Where every third signature fits, so many fail once in 10**11 texts.
_MOST_SIGNATURES = 64
_FILLING, _MOST_FILLING, _REACH = 12, 200, 5
_PAD = b"\x63pad"
_HASH = "c2pa.hash.data"
# What c2pa-rs says of every manifest that leaves bytes out and stands in no place it knows; the hash it checks apart.
_ELSEWHERE = "data hash exclusion does not match the manifest location in the asset"


class DocumentEngine(Engine):
    """Signs and reads documents whose manifest stands inside them."""

    def __init__(self, *, signer: Callable[[], Signer], trust: Callable[[], TrustList]) -> None:
        super().__init__(signer=signer, trust=trust)
        # How much larger the last manifest was than what it was made of, by media type.
        self._larger: dict[str, int] = {}

    def sign_inside(
        self,
        definition: dict[str, Any],
        media_type: str,
        frame: Callable[[bytes], Framed],
        *,
        ingredients: Iterable[Ingredient] = (),
    ) -> Signed:
        """Return the document that *frame* makes of a manifest store, with one of *definition* that fits it.

        Signs again where the manifest is of another size than was expected. Raises MarkingError when that fails; what
        comes out has been read back.
        """
        ingredients = tuple(ingredients)
        content = _cbor_size([definition, frame(bytes(_USUAL_SIZE)).start])
        expected = self._larger.get(media_type)
        store = bytes(_USUAL_SIZE if expected is None or ingredients else content + expected)
        for _ in range(_ATTEMPTS):
            place = frame(store)
            bound = {**definition, "assertions": [*definition["assertions"], _binding(place)]}
            signed = self.sign(bound, media_type, place.data, ingredients=ingredients, embed=False)
            if len(signed.store) == len(store):
                break
            store = signed.store
        else:
            raise MarkingError(f"{media_type}: the manifest has another size at each signature; sign it in a sidecar")
        if not ingredients:
            self._larger[media_type] = len(store) - content
        data = frame(signed.store).data
        if Assessment.of_store(self.read_inside(media_type, data, signed.store)).integrity is not Integrity.INTACT:
            raise MarkingError(f"{media_type}: the manifest does not fit the document it was put into")
        return Signed(data=data, store=signed.store, timestamp=signed.timestamp)

    def sign_unseen(
        self, definition: dict[str, Any], content: str, *, ingredients: Iterable[Ingredient] = ()
    ) -> Signed:
        """Return *content*, plain text in form C, with a manifest of *definition* in invisible characters behind it.

        Signs until what is not signed can be made to fit. Raises MarkingError when that fails.
        """
        ingredients, data = tuple(ingredients), content.encode()
        described = 4 * _cbor_size([definition, len(data)])
        size = described + self._larger.get(PLAIN, 4 * _USUAL_SIZE)
        for _ in range(_MOST_SIGNATURES):
            place = Framed(data + bytes(size), len(data), size)
            bound = {**definition, "assertions": [*definition["assertions"], _binding(place)]}
            signed = self.sign(bound, PLAIN, place.data, ingredients=ingredients, embed=False)
            least = invisible_size(padded(signed.store, 0))
            if not ingredients:
                self._larger[PLAIN] = least + 3 * _FILLING - described
            about = (size - least) // 3
            if not 0 <= about <= _MOST_FILLING:
                size = least + 3 * _FILLING
                continue
            for filling in range(max(0, about - _REACH), about + _REACH):
                store = padded(signed.store, filling)
                if invisible_size(store) == size:
                    return Signed(data=data + invisible(store).encode(), store=store, timestamp=signed.timestamp)
            size += 1
        raise MarkingError(f"{PLAIN}: no manifest has the size that it names; sign it in a sidecar")

    def read_inside(self, media_type: str, data: bytes, store: bytes) -> dict[str, Any]:
        """Return the validated manifest *store*, which stands inside the document *data*.

        Raises UnreadableError for one that cannot be read.
        """
        found = self.read(media_type, data, store=store)
        if found is None:
            raise UnreadableError("no manifest is in it")
        if is_only_a_frame(_excluded(store, found["active_manifest"], data)):
            codes = found["validation_results"]["activeManifest"]
            codes["failure"] = [one for one in codes.get("failure") or [] if one.get("explanation") != _ELSEWHERE]
        return found


def padded(store: bytes, size: int) -> bytes:
    """Return the manifest *store* with *size* zeros to fill up the signature of its last manifest (C2PA 2.4, 10.4.2).

    Raises MarkingError for a store that does not end in a signature which was filled up.
    """
    key = store.rfind(_PAD)
    if key < 0:
        raise MarkingError("a signature has no padding that would make it fit; sign in a sidecar")
    start, length = _byte_string(store, key + len(_PAD))
    if store[start : start + length].strip(b"\0"):
        raise MarkingError("a signature is filled up with something else than zeros; sign in a sidecar")
    head = _byte_string_head(size)
    shorter = bytearray(store[: key + len(_PAD)] + head + bytes(size) + store[start + length :])
    for box in _boxes_at_the_end(store):
        shorter[box : box + 4] = (len(shorter) - box).to_bytes(4, "big")
    return bytes(shorter)


def _boxes_at_the_end(store: bytes) -> Iterator[int]:
    """Yield where the boxes begin that end where *store* does (ISO 19566-5, 8): from the outermost to the innermost."""
    box = 0
    while store[box + 4 : box + 8] == b"jumb":
        yield box
        box += 8
        while 8 <= (size := int.from_bytes(store[box : box + 4], "big")) < len(store) - box:
            box += size
    yield box


def _byte_string(data: bytes, place: int) -> tuple[int, int]:
    """Return where the CBOR byte string at *place* has its first byte, and how many it has (RFC 8949, 3.1)."""
    size = data[place] - 0x40
    if size < 24:
        return place + 1, size
    wide = 1 << (size - 24)
    return place + 1 + wide, int.from_bytes(data[place + 1 : place + 1 + wide], "big")


def _byte_string_head(size: int) -> bytes:
    wide = _head_size(size) - 1
    return bytes([0x57 + wide.bit_length()]) + size.to_bytes(wide, "big") if wide else bytes([0x40 + size])


def _binding(place: Framed) -> dict[str, Any]:
    """Return the hash of the document without its frame (C2PA 2.4, 18.5; the range as of A.7.1.3 and A.9.4)."""
    hashed = hashlib.sha256(place.data[: place.start])
    hashed.update(place.data[place.start + place.length :])
    data = {
        "exclusions": [{"start": place.start, "length": place.length}],
        "alg": "sha256",
        "hash": list(hashed.digest()),
        "pad": [],
    }
    return {"label": _HASH, "created": True, "data": data}


def _cbor_size(value: Any) -> int:
    """Return how many bytes JSON-ready *value* takes in CBOR (RFC 8949, 3), in which assertions are held."""
    match value:
        case bool() | None:
            return 1
        case int():
            return _head_size(abs(value))
        case str():
            return _head_size(size := len(value.encode())) + size
        case dict():
            return _head_size(len(value)) + sum(_cbor_size(one) for item in value.items() for one in item)
        case list() | tuple():
            return _head_size(len(value)) + sum(map(_cbor_size, value))
    return 9


def _head_size(number: int) -> int:
    return 1 if number < 24 else 2 if number < 2**8 else 3 if number < 2**16 else 5 if number < 2**32 else 9


def _excluded(store: bytes, label: str, data: bytes) -> bytes:
    """Return the bytes of *data* that the manifest *label* leaves out of its hash; b"" where it is not one stretch.

    The engine does not say, and c2patxt reads it out of any manifest in its own frame.
    """
    with extra("text"):
        import c2patxt

    try:
        manifest = c2patxt.extract(invisible(store))
    except c2patxt.C2paTextError:
        return b""
    match manifest.hash_data if manifest is not None and manifest.manifest_label == label else None:
        case {"exclusions": [{"start": int(start), "length": int(length)}]} if start >= 0 and length >= 0:
            return data[start : start + length]
    return b""
