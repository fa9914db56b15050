"""The C2PA engine for documents that hold their manifest in their own text: HTML and Markdown (C2PA 2.4, A.7 and A.9).

c2pa-rs 0.91 has no handler for either in its wheel, but signs and reads manifests beside any file, with whatever
bytes left out of the hash that the manifest names. So the manifest is framed here; and that what is left out is the
frame and nothing else, which the engine cannot know, is checked here.

The frame has to be as large as the manifest that names its size. c2pa-rs makes placeholders of it
(``c2pa_builder_data_hashed_placeholder``), which c2pa-python 0.38 does not hand on; but it fills signatures up to a
fixed size, so that one manifest tells how large the next will be, and only the first document is signed twice.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from disclose.errors import MarkingError, UnreadableError, extra
from disclose.evidence import Integrity
from disclose.layers.c2pa_codes import Assessment
from disclose.layers.c2pa_engine import Engine, Ingredient, Signed
from disclose.media.text_frames import Framed, invisible, is_only_a_frame

if TYPE_CHECKING:
    from disclose.signing import Signer, TrustList

_USUAL_SIZE = 5000
_ATTEMPTS = 4
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
