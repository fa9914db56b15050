"""Content Credentials inside plain text: the manifest as invisible characters after the last one (C2PA 2.4, A.8).

Opt-in, for whole documents: it adds some 1,800 characters (7 kB), which a model that reads the text again takes for
thousands of tokens, and the smallest change breaks it. c2patxt writes and reads the frame; it signs with Ed25519 and
with a key at hand only. Markdown has A.9 and HTML A.7: a reference in the document to the manifest beside it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Self
from uuid import UUID

from disclose.asset import Asset, Mark
from disclose.disclosure import Disclosure, Identifier
from disclose.errors import IdentityError, MarkingError, extra
from disclose.evidence import Basis, Binding, Evidence, Integrity, Time, Trust
from disclose.layer import Plane
from disclose.media import text, text_zones
from disclose.registry import Resources

if TYPE_CHECKING:
    from c2patxt import Verdict
    from cryptography.x509 import Certificate

    from disclose.signing import Signer, TrustList

_GENERATOR = "disclose"
_INSTANCE = "xmp:iid:"
_SOURCE_TYPE = "http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia"


class C2paTextLayer:
    """Signs a text in itself. It changes the text, so it goes before whatever signs or records the whole."""

    name = "c2pa_text"
    plane = Plane.CONTENT
    media = ("text/plain",)

    def __init__(self, *, signer: Callable[[], Signer], trust: Callable[[], TrustList]) -> None:
        self._signer = signer
        self._trust = trust

    @classmethod
    def from_resources(cls, resources: Resources) -> Self:
        """Return the layer with the profile's signer and trust list."""
        return cls(signer=resources.signer, trust=resources.trust)

    def mark(self, asset: Asset, disclosure: Disclosure) -> Asset:
        """Return *asset*, in Unicode's form C, with a signed manifest after its last character.

        Raises MarkingError for a text that does not end in plain prose or carries a manifest already, IdentityError
        for a signer without an Ed25519 key at hand.
        """
        with extra("text"):
            import c2patxt

        content = text.decode(asset.data)
        if text_zones.places(content)[-1:] != [len(content.rstrip())]:
            raise MarkingError(
                f"cannot sign {asset.name or 'the text'} in itself: it does not end in plain prose, and code, data,"
                " addresses and numbers are never touched; sign it in a sidecar, with the layer c2pa"
            )
        said = c2patxt.Disclosure(
            media_type=asset.media_type,
            model_type=c2patxt.ModelType.GENERIC,
            model_name=disclosure.model or disclosure.system,
        )
        instance = f"{_INSTANCE}{UUID(int=disclosure.id.completed().value)}"
        context = c2patxt.EmbedContext(instance_id=instance, when=disclosure.created, generator_name=_GENERATOR)
        try:
            signed = c2patxt.embed(content, self._native_signer(), said, context=context)
        except (c2patxt.C2paTextError, ValueError) as error:
            raise MarkingError(f"cannot sign {asset.name or 'the text'} in itself: {error}") from error
        mark = Mark(layer=self.name, details={"characters": len(signed) - len(content)})
        return asset.with_data(signed.encode()).with_mark(mark)

    def detect(self, asset: Asset) -> Iterator[Evidence]:
        """Yield what the manifest in *asset* says, and whether it belongs to the whole of this very text."""
        with extra("text"):
            import c2patxt

        content = text.decode(asset.data)
        anchors = self._trust().anchors
        context = c2patxt.VerifyContext(
            anchors_pem=anchors.encode() if anchors else None, trust_evaluator=_IssuedByAnchor()
        )
        verdict = c2patxt.verify(content, context=context)
        if verdict.state is not c2patxt.Provenance.UNMARKED:
            yield self._finding(verdict)

    def _native_signer(self) -> Any:
        import c2patxt
        from cryptography import x509
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
        from cryptography.hazmat.primitives.serialization import load_pem_private_key

        signer = self._signer()
        key = None if signer.private_key is None else load_pem_private_key(signer.private_key, None)
        if not isinstance(key, Ed25519PrivateKey):
            raise IdentityError(
                f"cannot sign texts in themselves as {signer.subject}: that takes an Ed25519 key in a file, and this"
                f" one is {signer.algorithm}; see disclose keys, or sign in a sidecar, with the layer c2pa"
            )
        chain = tuple(x509.load_pem_x509_certificates(signer.certificates))
        # Conformance of certificates is what disclose keys doctor tells; a development identity has none.
        return c2patxt.Signer(private_key=key, certificates=chain, allow_nonconformant=True)

    def _finding(self, verdict: Verdict) -> Evidence:
        import c2patxt

        intact = verdict.state in (c2patxt.Provenance.VALID, c2patxt.Provenance.TRUSTED)
        trusted = verdict.state is c2patxt.Provenance.TRUSTED
        claim = verdict.manifest.claim if verdict.manifest is not None else {}
        assertions = verdict.manifest.assertions if verdict.manifest is not None else {}
        whole = (
            "an intact signed manifest in the text, for the whole of it"
            if intact
            else ("a signed manifest in the text that does not match it, or cannot be checked")
        )
        return Evidence(
            layer=self.name,
            basis=Basis.METADATA,
            binding=Binding.HARD,
            integrity=Integrity.INTACT if intact else Integrity.BROKEN,
            trust=Trust.TRUSTED if trusted else Trust.UNTRUSTED if intact else Trust.UNKNOWN,
            time=Time.STATED if intact else Time.UNKNOWN,
            id=_identifier(claim) if intact else None,
            generated=intact and _SOURCE_TYPE in str(assertions),
            summary=f"{whole}: signer {'on a trust list' if trusted else 'not on a trust list'}",
            details={"failures": [str(status.code) for status in verdict.failure]},
        )


class _IssuedByAnchor:
    """Trusts a chain whose every certificate was issued by the next, and the last one by an anchor or is one."""

    def is_trusted(self, chain: list[Certificate], anchors: list[Certificate]) -> bool:
        from cryptography.exceptions import InvalidSignature

        try:
            for issued, issuer in pairwise(chain):
                issued.verify_directly_issued_by(issuer)
        except (InvalidSignature, ValueError, TypeError):
            return False
        return any(chain[-1] == anchor or _is_issued_by(chain[-1], anchor) for anchor in anchors)


def _is_issued_by(certificate: Certificate, issuer: Certificate) -> bool:
    from cryptography.exceptions import InvalidSignature

    try:
        certificate.verify_directly_issued_by(issuer)
    except (InvalidSignature, ValueError, TypeError):
        return False
    return True


def _identifier(claim: Mapping[str, Any]) -> Identifier | None:
    """Return the identifier that our own manifests name as their instance; others' instances are no identifiers."""
    info, instance = claim.get("claim_generator_info"), claim.get("instanceID")
    named = info.get("name") if isinstance(info, dict) else None
    if named != _GENERATOR or not isinstance(instance, str) or not instance.startswith(_INSTANCE):
        return None
    try:
        return Identifier(value=UUID(instance.removeprefix(_INSTANCE)).int)
    except ValueError:
        return None
