"""Content Credentials: sign a C2PA 2.4 manifest into a file or beside it, and read one back on three separate axes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, Self

from disclose.asset import Asset, Mark, holds_manifest
from disclose.disclosure import Action, Disclosure, Identifier
from disclose.errors import MarkingError, UnreadableError
from disclose.evidence import Basis, Binding, Evidence, Integrity, Trust
from disclose.layer import Carried, Plane
from disclose.layers.c2pa_codes import Assessment, failures
from disclose.layers.c2pa_engine import Engine, Ingredient
from disclose.layers.c2pa_manifest import (
    PARENT,
    STATEMENT,
    WATERMARK,
    Relationship,
    active,
    definition,
    source_type_of,
    statement_of,
    watermarks_of,
)
from disclose.registry import Resources

if TYPE_CHECKING:
    from disclose.signing import Signer, TrustList

__all__ = ["STATEMENT", "WATERMARK", "C2paLayer"]

_EMBEDDED = (
    *("image/png", "image/jpeg", "image/webp", "image/gif", "image/tiff", "image/avif", "image/heic"),
    *("image/svg+xml", "audio/wav", "audio/mpeg", "audio/flac", "audio/mp4", "video/mp4", "video/quicktime"),
    *("video/x-msvideo", "application/pdf"),
)


class C2paLayer:
    """Signs the disclosure into the file. What somebody else signed before stays, as the parent ingredient.

    A file of a kind that holds no manifest gets it *beside* it, as the asset's sidecar (C2PA 2.2, 11.4).
    """

    name = "c2pa"
    plane = Plane.CONTAINER
    media = _EMBEDDED
    beside = ("*/*",)
    keeps_history = True

    def __init__(
        self,
        *,
        signer: Callable[[], Signer],
        trust: Callable[[], TrustList],
        training_mining: bool = False,
    ) -> None:
        self._engine = Engine(signer=signer, trust=trust)
        self._training_mining = training_mining

    @classmethod
    def from_resources(cls, resources: Resources) -> Self:
        """Return the layer with the profile's signer and trust list."""
        return cls(
            signer=resources.signer,
            trust=resources.trust,
            training_mining=resources.training_mining,
        )

    def mark(self, asset: Asset, disclosure: Disclosure) -> Asset:
        """Return *asset* with a signed manifest, in the file or as its sidecar; raises MarkingError when that fails."""
        parent = self._parent(asset, disclosure)
        inputs = tuple(
            Ingredient(
                label=f"input-{number}",
                relationship=Relationship.INPUT_TO,
                media_type=one.media_type,
                data=one.data,
                title=f"input {number}",
            )
            for number, one in enumerate(asset.inputs, 1)
        )
        manifest = definition(
            asset,
            disclosure,
            has_parent=parent is not None,
            inputs=tuple(one.label for one in inputs),
            training_mining=self._training_mining,
        )
        ingredients = inputs if parent is None else (parent, *inputs)
        embed = asset.media_type in self.media
        try:
            signed = self._engine.sign(manifest, asset.media_type, asset.data, ingredients=ingredients, embed=embed)
        except MarkingError as error:
            raise MarkingError(f"cannot sign {asset.name or 'the asset'}: {error}") from error
        signer = self._engine.signer
        details = {"alg": signer.algorithm, "certificate": signer.fingerprint}
        if signed.timestamp is not None:
            details["timestamp"] = signed.timestamp
        marked = asset.with_data(signed.data).with_mark(Mark(layer=self.name, details=details))
        marked = marked.with_manifest(signed.store)
        return marked if embed else marked.with_sidecar(signed.store)

    def detect(self, asset: Asset) -> Iterator[Evidence]:
        """Yield what the file's active manifest says, and one more finding for each damaged ingredient."""
        if not asset.is_encoded:
            return
        store = self._read(asset.data, asset.media_type, asset.sidecar)
        if isinstance(store, Evidence):
            yield store
        elif store is not None:
            yield self._finding(store)
            yield from _ingredient_findings(store)

    def carried(self, asset: Asset) -> Carried | None:
        """Return the statement of an intact manifest that this very signer made, or one of its retired certificates."""
        if asset.upstream is None:
            return None
        store = self._read(asset.upstream, asset.media_type, asset.sidecar)
        if store is None or isinstance(store, Evidence):
            return None
        found = self._finding(store)
        if not (found.is_bound and found.disclosure is not None):
            return None
        if not self._engine.is_own(asset.media_type, asset.upstream, store=asset.sidecar):
            return None
        statement = found.disclosure
        return Carried(mark=Mark(layer=self.name), identifier=statement.id, disclosure=statement, whole=True)

    def _parent(self, asset: Asset, disclosure: Disclosure) -> Ingredient | None:
        """Return what *asset* came from, if it was altered or somebody had signed it: history is never dropped."""
        if asset.upstream is None:
            return None
        signed_before = self._read(asset.upstream, asset.media_type, None) is not None
        if not signed_before and asset.sidecar is not None:
            # The engine takes an ingredient's manifest from its file alone, and history is never dropped silently.
            raise MarkingError(
                f"cannot sign {asset.name or 'the asset'}: its Content Credentials stand in a sidecar, which cannot be"
                " kept as history: sign a copy of the file without its sidecar, and keep the original beside it"
            )
        if disclosure.action is not Action.ALTERED and not signed_before:
            return None
        return Ingredient(
            label=PARENT,
            relationship=Relationship.PARENT_OF,
            media_type=asset.media_type,
            data=asset.upstream,
            title="parent",
        )

    def _read(self, data: bytes, media_type: str, sidecar: bytes | None) -> dict[str, Any] | Evidence | None:
        """Return the manifest store of *data*, evidence of one that cannot be read, or None."""
        in_file = media_type in self.media and holds_manifest(data)
        if not in_file and sidecar is None:
            return None
        try:
            return self._engine.read(media_type, data, store=None if in_file else sidecar)
        except UnreadableError as error:
            return Evidence(
                layer=self.name,
                basis=Basis.METADATA,
                integrity=Integrity.BROKEN,
                summary=f"a C2PA manifest is there but cannot be read: {error}",
            )

    def _finding(self, store: dict[str, Any]) -> Evidence:
        manifest = active(store)
        results = store.get("validation_results") or {}
        assessment = Assessment.of_store(store)
        integrity, trust = assessment.integrity, assessment.trust
        statement = statement_of(manifest)
        source_type = source_type_of(store)
        ingredients = tuple(_ingredients(store))
        signature = manifest.get("signature_info") or {}
        signed_by = signature.get("common_name") or signature.get("issuer") or "an unnamed signer"
        generator = next((item.get("name") for item in manifest.get("claim_generator_info") or []), "an unnamed tool")
        return Evidence(
            layer=self.name,
            basis=Basis.METADATA,
            binding=Binding.HARD,
            integrity=integrity,
            trust=trust,
            time=assessment.time,
            id=None if statement is None else statement.id,
            generated=source_type is not None and source_type.is_generated,
            source_type=source_type,
            disclosure=statement,
            ingredients=ingredients,
            summary=f"{_INTEGRITY_WORDS[integrity]}, written by {generator}, signed by {signed_by}:"
            f" {_TRUST_WORDS[trust]}",
            details={
                "serial_number": signature.get("cert_serial_number"),
                "signer": signed_by,
                "signed_at": signature.get("time"),
                "failures": failures(results.get("activeManifest") or {}),
                "meanings": dict(assessment.meanings),
                "ingredients": [item.get("title") for item in manifest.get("ingredients") or []],
                "ingredient_ids": [str(one) for one in ingredients],
            },
        )


_INTEGRITY_WORDS = {
    Integrity.INTACT: "an intact signed manifest",
    Integrity.BROKEN: "a signed manifest that does not match this content",
    Integrity.UNKNOWN: "a signed manifest that could not be checked in full",
}
_TRUST_WORDS = {
    Trust.TRUSTED: "signer on a trust list",
    Trust.UNTRUSTED: "signer not on a trust list",
    Trust.UNKNOWN: "signer not checked",
}


def _ingredients(store: Mapping[str, Any]) -> Iterator[Identifier]:
    """Yield the identifiers of the watermarks that went into the content with an ingredient whose manifest was intact.

    An earlier version is not among them: a file that was signed again is the same picture under another identifier.
    """
    manifests = store.get("manifests") or {}
    for ingredient in active(store).get("ingredients") or []:
        went_in = ingredient.get("relationship") in (Relationship.COMPONENT_OF, Relationship.INPUT_TO)
        if went_in and Assessment.of(ingredient.get("validation_results") or {}).integrity is Integrity.INTACT:
            yield from watermarks_of(manifests.get(ingredient.get("active_manifest")) or {})


def _ingredient_findings(store: Mapping[str, Any]) -> Iterator[Evidence]:
    """Yield a finding for each ingredient that fails: the state of the whole file does not show it."""
    for ingredient in active(store).get("ingredients") or []:
        results = ingredient.get("validation_results") or {}
        failed = failures(results.get("activeManifest") or {})
        if not failed:
            continue
        broken = Assessment.of(results).integrity is Integrity.BROKEN
        said = "does not match what was signed" if broken else "is signed by someone not on a trust list"
        yield Evidence(
            layer=C2paLayer.name,
            basis=Basis.METADATA,
            summary=f"{_ORIGINS.get(str(ingredient.get('relationship')), _ORIGINS['parentOf'])} {said}",
            details={"failures": failed, "relationship": ingredient.get("relationship")},
        )


_ORIGINS = {
    "parentOf": "an earlier version, from which this file was made,",
    "inputTo": "an input to the system that made this file",
    "componentOf": "a part of this file",
}
