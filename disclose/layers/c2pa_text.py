"""Content Credentials inside a text: in the head of HTML, in a comment of Markdown, in invisible characters elsewhere.

Opt-in, for whole documents, and the smallest change breaks them. HTML (C2PA 2.4, A.7) and Markdown (A.9) hold 5 kB of
Base64. Plain text (A.8) gets some 2,700 invisible characters (11 kB), which a model that reads the text again takes
for thousands of tokens, and some three signatures, for not each has the size that it names; c2patxt, which shares no
code with what signs, reads it.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterator, Mapping
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Self
from uuid import UUID

from disclose.asset import Asset, Mark
from disclose.disclosure import Action, Disclosure, Identifier
from disclose.errors import MarkingError, UnreadableError, UnsupportedError, extra
from disclose.evidence import Basis, Binding, Evidence, Integrity, Time, Trust
from disclose.layer import Plane
from disclose.layers.c2pa_codes import Assessment, failures
from disclose.layers.c2pa_document import DocumentEngine
from disclose.layers.c2pa_engine import Ingredient, Signed
from disclose.layers.c2pa_manifest import PARENT, Relationship, active, definition, source_type_of, statement_of
from disclose.media import text, text_frames, text_tag, text_zones
from disclose.registry import Resources

if TYPE_CHECKING:
    from c2patxt import Verdict
    from cryptography.x509 import Certificate

    from disclose.signing import Signer, TrustList

_GENERATOR = "disclose"
_INSTANCE = "xmp:iid:"
_SOURCE_TYPE = "http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia"
_WHOLE = "an intact signed manifest in the text, for the whole of it"
_SEVERAL = "more than one signed manifest in the text, where there may be one (C2PA 2.4, A.7.1 and A.9.5)"


class C2paTextLayer:
    """Signs a text in itself. It changes the text, so it goes before whatever signs or records the whole."""

    name = "c2pa_text"
    plane = Plane.CONTENT
    media = ("text/plain", text_frames.MARKDOWN, text_frames.HTML)

    def __init__(self, *, signer: Callable[[], Signer], trust: Callable[[], TrustList]) -> None:
        self._signer = signer
        self._trust = trust
        self._engine = DocumentEngine(signer=signer, trust=trust)

    @classmethod
    def from_resources(cls, resources: Resources) -> Self:
        """Return the layer with the profile's signer and trust list."""
        return cls(signer=resources.signer, trust=resources.trust)

    def mark(self, asset: Asset, disclosure: Disclosure) -> Asset:
        """Return *asset* with a signed manifest in its text; plain text comes back in Unicode's form C.

        Raises MarkingError for a text that carries a manifest already or has no place for one (plain text: that does
        not end in plain prose; HTML: without a head).
        """
        if asset.media_type in (text_frames.MARKDOWN, text_frames.HTML):
            return self._signed_visibly(asset, disclosure)
        return self._signed_invisibly(asset, disclosure)

    def detect(self, asset: Asset) -> Iterator[Evidence]:
        """Yield what the manifest in *asset* says, and whether it belongs to the whole of this very text."""
        content = text.decode(asset.data)
        if found := list(text_frames.visible_frames(content)):
            yield self._document_finding(asset, found[0].manifest) if len(found) == 1 else self._broken(_SEVERAL)
        if asset.media_type != text_frames.HTML and text_frames.holds_invisible(content):
            yield from self._invisible_findings(content)

    def _signed_invisibly(self, asset: Asset, disclosure: Disclosure) -> Asset:
        name, content = asset.name or "the text", unicodedata.normalize("NFC", text.decode(asset.data))
        # A pointer may stand there already.
        visible = text_tag.RUN.sub("", content)
        if text_frames.holds_invisible(content):
            raise MarkingError(f"cannot sign {name} in itself: it carries a manifest already, and may do so once")
        if text_zones.places(visible)[-1:] != [len(visible.rstrip())]:
            raise MarkingError(
                f"cannot sign {name} in itself: it does not end in plain prose, and code, data, addresses and numbers"
                " are never touched; sign it in a sidecar, with the layer c2pa"
            )
        manifest, ingredients = _described(asset, disclosure)
        manifest["instance_id"] = f"{_INSTANCE}{UUID(int=disclosure.id.completed().value)}"
        try:
            signed = self._engine.sign_unseen(manifest, content, ingredients=ingredients)
        except MarkingError as error:
            raise MarkingError(f"cannot sign {name} in itself: {error}") from error
        if not self._is_intact(signed.data.decode()):
            raise MarkingError(f"cannot sign {name} in itself: the manifest does not fit the text it was put into")
        return self._marked(asset, signed, characters=len(signed.data.decode()) - len(content))

    def _signed_visibly(self, asset: Asset, disclosure: Disclosure) -> Asset:
        name, content = asset.name or "the text", _exactly(asset.data)
        manifest, ingredients = _described(asset, disclosure)
        try:
            signed = self._engine.sign_inside(
                manifest,
                asset.media_type,
                lambda store: text_frames.framed(content, asset.media_type, store),
                ingredients=ingredients,
            )
        except (MarkingError, UnsupportedError) as error:
            raise MarkingError(f"cannot sign {name} in itself: {error}") from error
        return self._marked(asset, signed)

    def _marked(self, asset: Asset, signed: Signed, **noted: Any) -> Asset:
        details = {"alg": self._engine.signer.algorithm, "certificate": self._engine.signer.fingerprint, **noted}
        if signed.timestamp is not None:
            details["timestamp"] = signed.timestamp
        marked = asset.with_data(signed.data).with_manifest(signed.store)
        return marked.with_mark(Mark(layer=self.name, details=details))

    def _document_finding(self, asset: Asset, manifest: bytes) -> Evidence:
        try:
            store = self._engine.read_inside(asset.media_type, asset.data, manifest)
        except UnreadableError as error:
            return self._broken(f"a signed manifest in the text that cannot be read: {error}")
        said, assessment = active(store), Assessment.of_store(store)
        statement, source_type = statement_of(said), source_type_of(store)
        return Evidence(
            layer=self.name,
            basis=Basis.METADATA,
            binding=Binding.HARD,
            integrity=assessment.integrity,
            trust=assessment.trust,
            time=assessment.time,
            id=None if statement is None else statement.id,
            generated=source_type is not None and source_type.is_generated,
            source_type=source_type,
            disclosure=statement,
            summary=_summary(
                intact=assessment.integrity is Integrity.INTACT, trusted=assessment.trust is Trust.TRUSTED
            ),
            details={
                "failures": failures((store.get("validation_results") or {}).get("activeManifest") or {}),
                "meanings": dict(assessment.meanings),
            },
        )

    def _broken(self, summary: str) -> Evidence:
        return Evidence(layer=self.name, basis=Basis.METADATA, integrity=Integrity.BROKEN, summary=summary)

    def _invisible_findings(self, content: str) -> Iterator[Evidence]:
        import c2patxt

        verdict = self._verdict(content)
        if verdict.state is not c2patxt.Provenance.UNMARKED:
            yield self._finding(verdict)

    def _is_intact(self, content: str) -> bool:
        import c2patxt

        return self._verdict(content).state in (c2patxt.Provenance.VALID, c2patxt.Provenance.TRUSTED)

    def _verdict(self, content: str) -> Verdict:
        with extra("text"):
            import c2patxt

        anchors = self._trust().anchors
        context = c2patxt.VerifyContext(
            anchors_pem=anchors.encode() if anchors else None, trust_evaluator=_IssuedByAnchor()
        )
        return c2patxt.verify(content, context=context)

    def _finding(self, verdict: Verdict) -> Evidence:
        import c2patxt

        intact = verdict.state in (c2patxt.Provenance.VALID, c2patxt.Provenance.TRUSTED)
        trusted = verdict.state is c2patxt.Provenance.TRUSTED
        claim = verdict.manifest.claim if verdict.manifest is not None else {}
        assertions = verdict.manifest.assertions if verdict.manifest is not None else {}
        stated = [{"label": label, "data": data} for label, data in assertions.items()]
        statement = statement_of({"assertions": stated}) if intact else None
        return Evidence(
            layer=self.name,
            basis=Basis.METADATA,
            binding=Binding.HARD,
            integrity=Integrity.INTACT if intact else Integrity.BROKEN,
            trust=Trust.TRUSTED if trusted else Trust.UNTRUSTED if intact else Trust.UNKNOWN,
            time=Time.STATED if intact else Time.UNKNOWN,
            id=statement.id if statement is not None else _identifier(claim) if intact else None,
            generated=intact and _SOURCE_TYPE in str(assertions),
            disclosure=statement,
            summary=_summary(intact=intact, trusted=trusted),
            details={"failures": [str(status.code) for status in verdict.failure]},
        )


def _described(asset: Asset, disclosure: Disclosure) -> tuple[dict[str, Any], list[Ingredient]]:
    """Return what the manifest of *asset* says, and what it was made from."""
    parent = asset.upstream if disclosure.action is Action.ALTERED else None
    sources = [] if parent is None else [(PARENT, Relationship.PARENT_OF, asset.media_type, parent)]
    inputs = [f"input-{number}" for number, _ in enumerate(asset.inputs, 1)]
    sources += [
        (label, Relationship.INPUT_TO, one.media_type, one.data)
        for label, one in zip(inputs, asset.inputs, strict=True)
    ]
    manifest = definition(asset, disclosure, has_parent=parent is not None, inputs=tuple(inputs), training_mining=False)
    return manifest, [
        Ingredient(label=label, relationship=relationship, media_type=kind, data=data, title=label)
        for label, relationship, kind, data in sources
    ]


def _summary(*, intact: bool, trusted: bool) -> str:
    what = _WHOLE if intact else "a signed manifest in the text that does not match it, or cannot be checked"
    return f"{what}: signer {'on a trust list' if trusted else 'not on a trust list'}"


def _exactly(data: bytes) -> str:
    """Return the text of *data*, a byte order mark included."""
    begins = "\ufeff" if data.startswith(b"\xef\xbb\xbf") else ""
    return begins + text.decode(data)


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
