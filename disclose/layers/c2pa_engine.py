"""The C2PA engine: one module that owns c2pa-python, its settings, and what must not outlive a fork.

Its settings are set here and nowhere else: thumbnails off (they add up to 1.6 MB), no network of any kind, and the
extended key usages that claim signers really have. Contexts and signing engines made before a fork are not valid in
the child, so each process makes its own.
"""

from __future__ import annotations

import io
import json
import os
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

from disclose.errors import MarkingError, UnreadableError
from disclose.signing.trust import EXTENDED_KEY_USAGES

if TYPE_CHECKING:
    import c2pa

    from disclose.signing import Signer, TrustList

# Base labels of the assertions that we make ourselves: all others are taken for gathered (C2PA 2.2, 10.3.2).
_CREATED = (
    "c2pa.actions",
    "c2pa.ai-disclosure",
    "c2pa.metadata",
    "c2pa.ingredient",
    "cawg.training-mining",
    "io.github.disclose-ai.statement",
    "io.github.disclose-ai.watermark",
)


@dataclass(frozen=True, kw_only=True)
class Ingredient:
    """What the content was made from: its encoded *data* and how it went in (parentOf, inputTo, componentOf)."""

    label: str
    relationship: str
    media_type: str
    data: bytes
    title: str


@dataclass(frozen=True, kw_only=True)
class Signed:
    """The signed file, or the file as it was where the manifest *store* stands beside it."""

    data: bytes
    store: bytes


class Engine:
    """Signs as *signer* and reads with the anchors of *trust*; both are asked when first needed."""

    def __init__(self, *, signer: Callable[[], Signer], trust: Callable[[], TrustList]) -> None:
        self._signer = signer
        self._trust = trust
        self._lock = threading.Lock()
        self._contexts: dict[int, c2pa.Context] = {}
        self._signers: dict[int, tuple[Signer, c2pa.Signer]] = {}

    @property
    def signer(self) -> Signer:
        """Who signs."""
        return self._signer()

    def sign(
        self,
        definition: dict[str, Any],
        media_type: str,
        data: bytes,
        *,
        ingredients: Iterable[Ingredient] = (),
        embed: bool = True,
    ) -> Signed:
        """Return *data* with a manifest of *definition*, in it or, unless *embed*, beside it.

        Raises MarkingError when signing fails; what comes out has been read back and verified.
        """
        import c2pa

        _, engine = self._signing_engine()
        source, signed = io.BytesIO(data), io.BytesIO()
        try:
            builder = c2pa.Builder(json.dumps(definition), context=self._context())
            if not embed:
                builder.set_no_embed()
            for one in ingredients:
                described = {"title": one.title, "relationship": one.relationship, "label": one.label}
                builder.add_ingredient(json.dumps(described), one.media_type, io.BytesIO(one.data))
            store = builder.sign(engine, media_type, source, signed)
        except c2pa.C2paError as error:
            raise MarkingError(f"cannot sign {media_type}: {error}") from error
        return Signed(data=signed.getvalue() if embed else data, store=bytes(store))

    def read(self, media_type: str, data: bytes, *, store: bytes | None = None) -> dict[str, Any] | None:
        """Return the validated manifest store of *data*, or of *store* which stands beside it, or None.

        Raises UnreadableError for a store that is there and cannot be read.
        """
        import c2pa

        try:
            if store is not None:
                reader = c2pa.Reader(media_type, io.BytesIO(data), store, context=self._context())
            else:
                reader = c2pa.Reader.try_create(media_type, io.BytesIO(data), context=self._context())
            if reader is None:
                return None
            found: dict[str, Any] = json.loads(reader.json())
            return found
        except c2pa.C2paError as error:
            raise UnreadableError(str(error)) from error

    def _context(self) -> c2pa.Context:
        import c2pa

        with self._lock:
            process = os.getpid()
            if process not in self._contexts:
                self._contexts[process] = c2pa.Context(settings=c2pa.Settings.from_dict(_settings(self._trust())))
            return self._contexts[process]

    def _signing_engine(self) -> tuple[Signer, c2pa.Signer]:
        import c2pa

        with self._lock:
            process = os.getpid()
            if process not in self._signers:
                signer = self._signer()
                info = c2pa.C2paSignerInfo(signer.algorithm.encode(), signer.certificates, signer.private_key, None)
                try:
                    self._signers[process] = signer, c2pa.Signer.from_info(info)
                except c2pa.C2paError as error:
                    raise MarkingError(f"cannot sign as {signer.subject}: {error}") from error
            return self._signers[process]


@cache
def embeddable() -> frozenset[str]:
    """Return the media types into which this version of the library can write a manifest."""
    import c2pa

    return frozenset(c2pa.Builder.get_supported_mime_types())


def _settings(trust: TrustList) -> dict[str, Any]:
    settings: dict[str, Any] = {
        "trust": {"trust_config": EXTENDED_KEY_USAGES},
        "verify": {"remote_manifest_fetch": False, "ocsp_fetch": False, "verify_after_sign": True},
        "core": {"allowed_network_hosts": []},
        "builder": {"thumbnail": {"enabled": False}, "created_assertion_labels": list(_CREATED)},
    }
    if trust.anchors:
        settings["trust"]["trust_anchors"] = trust.anchors
    return settings
