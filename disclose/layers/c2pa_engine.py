"""The C2PA engine: one module that owns c2pa-python, its settings, and what must not outlive a fork.

Its settings are set here and nowhere else: thumbnails off (they add up to 1.6 MB), no network but the time-stamping
authority while signing, and the extended key usages that claim signers really have. Contexts and signing engines made
before a fork are not valid in the child, so each process makes its own.
"""

from __future__ import annotations

import io
import json
import logging
import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal

from disclose.errors import MarkingError, UnreadableError
from disclose.layers.c2pa_manifest import STATEMENT, TRAINING, WATERMARK
from disclose.signing.callback import GuardedCallback
from disclose.signing.time_limit import within
from disclose.signing.timestamp import host_of, shown

if TYPE_CHECKING:
    import c2pa

    from disclose.signing import Signer, TrustList

_log = logging.getLogger(__name__)
# Slowest pace at which a file is hashed, signed and verified; 37 MB a second was measured.
_BYTES_PER_SECOND = 5_000_000
# Base labels of the assertions that we make ourselves: all others are taken for gathered (C2PA 2.2, 10.3.2).
_CREATED = (
    "c2pa.actions",
    "c2pa.ai-disclosure",
    "c2pa.metadata",
    "c2pa.ingredient",
    TRAINING,
    STATEMENT,
    WATERMARK,
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
    """The signed file, or the file as it was where the manifest *store* stands beside it.

    ``timestamp`` is None where no time-stamping authority was asked.
    """

    data: bytes
    store: bytes
    timestamp: Literal["stamped", "unavailable"] | None = None


class Engine:
    """Signs as *signer* and reads with the anchors of *trust*; both are asked when first needed."""

    def __init__(self, *, signer: Callable[[], Signer], trust: Callable[[], TrustList]) -> None:
        self._signer = signer
        self._trust = trust
        # No locks: one that another thread holds at the moment of a fork would never open in the child.
        self._contexts: dict[tuple[int, str | None, bool], c2pa.Context] = {}
        self._signers: dict[int, Signer] = {}
        self._native: dict[int, c2pa.Signer] = {}

    @property
    def signer(self) -> Signer:
        """Who signs."""
        process = os.getpid()
        if process not in self._signers:
            self._signers.setdefault(process, self._signer())
        return self._signers[process]

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
        request = _Request(json.dumps(definition), media_type, data, tuple(ingredients), embed)
        signer = self.signer
        if signer.timestamp_url is None:
            return self._signed(request, signer)
        try:
            return self._stamped(request, signer, signer.timestamp_url)
        except _NoStampError as error:
            if signer.timestamp_outage == "fail":
                raise MarkingError(
                    f"{error}; try again, name another authority as timestamp_url, or go on without stamps in an"
                    ' outage with timestamp_outage="unstamped"'
                ) from error
            signed = self._signed(request, replace(signer, timestamp_url=None))
            _log.warning("signed without a time-stamp: %s", error)
            return replace(signed, timestamp="unavailable")

    def _stamped(self, request: _Request, signer: Signer, url: str) -> Signed:
        """Return *request* signed and time-stamped; raises _NoStampError when the authority is the reason why not."""
        seconds = signer.time_limit if signer.sign is None else 2 * signer.time_limit
        seconds += request.size / _BYTES_PER_SECOND
        try:
            return replace(within(seconds, lambda: self._signed(request, signer)), timestamp="stamped")
        except TimeoutError as error:
            raise _NoStampError(
                f"the time-stamping authority {shown(url)} gave no time-stamp within {signer.time_limit:g} seconds"
            ) from error

    def _signed(self, request: _Request, signer: Signer) -> Signed:
        import c2pa

        url = signer.timestamp_url
        # The time-stamp comes after the signature: to know who failed, the signature has to pass through here.
        callback = None if signer.private_key is not None and url is None else GuardedCallback(signer)
        native = self._native_signer(signer) if callback is None else _native_signer(signer, callback)
        source, signed = io.BytesIO(request.data), io.BytesIO()
        try:
            builder = c2pa.Builder(request.definition, context=self._context(None if url is None else host_of(url)))
            if not request.embed:
                builder.set_no_embed()
            for one in request.ingredients:
                described = {"title": one.title, "relationship": one.relationship, "label": one.label}
                builder.add_ingredient(json.dumps(described), one.media_type, io.BytesIO(one.data))
            store = builder.sign(native, request.media_type, source, signed)
        except c2pa.C2paError as error:
            if callback is not None and callback.failure is not None:
                raise callback.failure from callback.failure.__cause__
            if url is not None and callback is not None and callback.has_signed and _is_of_signing(error):
                raise _NoStampError(f"the time-stamping authority {shown(url)} gave no time-stamp: {error}") from error
            raise MarkingError(f"{request.media_type}, signed by {signer.subject}: {error}") from error
        return Signed(data=signed.getvalue() if request.embed else request.data, store=bytes(store))

    def read(self, media_type: str, data: bytes, *, store: bytes | None = None) -> dict[str, Any] | None:
        """Return the validated manifest store of *data*, or of *store* which stands beside it, or None.

        Raises UnreadableError for a store that is there and cannot be read.
        """
        return self._read(media_type, data, store, self._context())

    def _read(self, media_type: str, data: bytes, store: bytes | None, context: c2pa.Context) -> dict[str, Any] | None:
        import c2pa

        try:
            if store is not None:
                reader = c2pa.Reader(media_type, io.BytesIO(data), store, context=context)
            else:
                reader = c2pa.Reader.try_create(media_type, io.BytesIO(data), context=context)
            if reader is None:
                return None
            found: dict[str, Any] = json.loads(reader.json())
            return found
        except c2pa.C2paError as error:
            raise UnreadableError(str(error)) from error

    def is_own(self, media_type: str, data: bytes, *, store: bytes | None = None) -> bool:
        """Whether a certificate of ours, present or retired, signed the active manifest, and is trusted as such.

        A serial number alone proves nothing, because whoever issues certificates chooses it: the certificate has to
        come from one of our own issuers, or from the trust list, and not have expired unless it was time-stamped.
        """
        found = self._read(media_type, data, store, self._context(own=True))
        manifest = {} if found is None else found["manifests"].get(found.get("active_manifest"), {})
        if (manifest.get("signature_info") or {}).get("cert_serial_number") not in self.signer.serial_numbers:
            return False
        codes = (found or {}).get("validation_results", {}).get("activeManifest", {})
        return any(one.get("code") == "signingCredential.trusted" for one in codes.get("success") or [])

    def _context(self, host: str | None = None, *, own: bool = False) -> c2pa.Context:
        """Return this process's context; it may speak to *host* and to nobody else, and trusts our *own* issuers."""
        import c2pa

        key = (os.getpid(), host, own)
        if key not in self._contexts:
            trust = self._trust()
            if own:
                trust = replace(trust, anchors=trust.anchors + self.signer.issuers.decode("ascii"))
            settings = c2pa.Settings.from_dict(_settings(trust, host))
            self._contexts.setdefault(key, c2pa.Context(settings=settings))
        return self._contexts[key]

    def _native_signer(self, signer: Signer) -> c2pa.Signer:
        """Return this process's signing engine for a key at hand."""
        process = os.getpid()
        if process not in self._native:
            self._native.setdefault(process, _native_signer(signer))
        return self._native[process]


@dataclass(frozen=True)
class _Request:
    definition: str
    media_type: str
    data: bytes = field(repr=False)
    ingredients: tuple[Ingredient, ...]
    embed: bool

    @property
    def size(self) -> int:
        return len(self.data) + sum(len(one.data) for one in self.ingredients)


class _NoStampError(MarkingError):
    """The time-stamping authority gave no stamp, and nothing else was wrong."""


def _native_signer(signer: Signer, callback: GuardedCallback | None = None) -> c2pa.Signer:
    import c2pa

    try:
        if callback is None:
            algorithm = signer.algorithm.encode()
            return c2pa.Signer.from_info(c2pa.C2paSignerInfo(algorithm, signer.certificates, signer.private_key, None))
        algorithm = c2pa.C2paSigningAlg[signer.algorithm.upper()]
        return c2pa.Signer.from_callback(callback, algorithm, signer.certificates.decode("ascii"), signer.timestamp_url)
    except c2pa.C2paError as error:
        raise MarkingError(f"cannot sign as {signer.subject}: {error}; see disclose keys doctor") from error


def _is_of_signing(error: Exception) -> bool:
    import c2pa

    return isinstance(error, c2pa.C2paError.Signature)


def _settings(trust: TrustList, host: str | None) -> dict[str, Any]:
    return {
        "trust": trust.settings(),
        "verify": {"remote_manifest_fetch": False, "ocsp_fetch": False, "verify_after_sign": True},
        "core": {"allowed_network_hosts": [] if host is None else [host]},
        "builder": {"thumbnail": {"enabled": False}, "created_assertion_labels": list(_CREATED)},
    }
