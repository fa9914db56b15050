"""Content Credentials: sign a C2PA 2.4 manifest into a file, and read one back on three separate axes.

This module owns c2pa-python. Its settings are set here and nowhere else: thumbnails off (they add up to 1.6 MB),
no network of any kind, and the extended key usages that claim signers really have.
"""

from __future__ import annotations

import io
import json
import os
import threading
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, Self

from disclose.asset import Asset, Mark
from disclose.disclosure import Action, DigitalSourceType, Disclosure
from disclose.errors import MarkingError
from disclose.evidence import Basis, Binding, Evidence, Integrity, Trust
from disclose.layer import Carried, Plane
from disclose.layers.c2pa_codes import axes, failures
from disclose.registry import Resources
from disclose.signing.trust import EXTENDED_KEY_USAGES

if TYPE_CHECKING:
    import c2pa

    from disclose.signing import Signer, TrustList

STATEMENT = "io.github.disclose-ai.statement"
WATERMARK = "io.github.disclose-ai.watermark"
"""Labels of our own assertions (C2PA 2.2, 6.2: entity-specific labels in reverse-domain form)."""

_CREATED = ("c2pa.actions", "c2pa.ai-disclosure", "c2pa.metadata", "c2pa.ingredient", STATEMENT, WATERMARK)
_DEEPEST_HISTORY = 32


class C2paLayer:
    """Signs the disclosure into the file. What somebody else signed before stays, as the parent ingredient."""

    name = "c2pa"
    plane = Plane.CONTAINER
    media = ("image/png", "image/jpeg", "image/webp", "image/gif", "image/tiff", "image/avif")

    def __init__(self, *, signer: Callable[[], Signer], trust: Callable[[], TrustList]) -> None:
        self._signer = signer
        self._trust = trust
        self._lock = threading.Lock()
        self._contexts: dict[int, c2pa.Context] = {}
        self._signers: dict[int, tuple[Signer, c2pa.Signer]] = {}

    @classmethod
    def from_resources(cls, resources: Resources) -> Self:
        """Return the layer with the profile's signer and trust list."""
        return cls(signer=resources.signer, trust=resources.trust)

    def mark(self, asset: Asset, disclosure: Disclosure) -> Asset:
        """Return *asset* with a signed manifest; raises MarkingError when signing fails."""
        import c2pa

        signer, engine = self._engine()
        parent = asset.upstream if self._has_parent(asset, disclosure) else None
        definition = _manifest(asset, disclosure, has_parent=parent is not None)
        source, signed = io.BytesIO(asset.data), io.BytesIO()
        try:
            builder = c2pa.Builder(definition, context=self._context())
            if parent is not None:
                ingredient = {"title": "parent", "relationship": "parentOf", "label": "parent"}
                builder.add_ingredient(json.dumps(ingredient), asset.media_type, io.BytesIO(parent))
            builder.sign(engine, asset.media_type, source, signed)
        except c2pa.C2paError as error:
            raise MarkingError(f"cannot sign {asset.name or asset.media_type}: {error}") from error
        details = {"alg": signer.algorithm, "certificate": signer.fingerprint}
        return asset.with_data(signed.getvalue()).with_mark(Mark(layer=self.name, details=details))

    def detect(self, asset: Asset) -> Iterator[Evidence]:
        """Yield what the file's active manifest says, and one more finding for each damaged ingredient."""
        if not asset.is_encoded:
            return
        store = self._read(asset.data, asset.media_type)
        if isinstance(store, Evidence):
            yield store
        elif store is not None:
            yield self._finding(store)
            yield from _ingredient_findings(store)

    def carried(self, asset: Asset) -> Carried | None:
        """Return the statement of an intact manifest that this very signer made."""
        if asset.upstream is None:
            return None
        store = self._read(asset.upstream, asset.media_type)
        if store is None or isinstance(store, Evidence):
            return None
        found = self._finding(store)
        own = found.details.get("serial_number") == self._signer().serial_number
        if not (own and found.is_bound and found.disclosure is not None):
            return None
        statement = found.disclosure
        return Carried(mark=Mark(layer=self.name), identifier=statement.id, disclosure=statement, whole=True)

    def _has_parent(self, asset: Asset, disclosure: Disclosure) -> bool:
        if asset.upstream is None:
            return False
        return disclosure.action is Action.ALTERED or self._read(asset.upstream, asset.media_type) is not None

    def _read(self, data: bytes, media_type: str) -> dict[str, Any] | Evidence | None:
        """Return the manifest store of *data*, evidence of one that cannot be read, or None."""
        if b"jumb" not in data:
            # Every manifest store is a JUMBF box; to look for one this way is a hundred times as fast as to parse.
            return None
        import c2pa

        try:
            reader = c2pa.Reader.try_create(media_type, io.BytesIO(data), context=self._context())
            return None if reader is None else json.loads(reader.json())
        except c2pa.C2paError as error:
            # A damaged picture raises too; only one that shows the traces of a manifest store has lost one.
            if b"c2pa" not in data:
                return None
            return Evidence(
                layer=self.name,
                basis=Basis.METADATA,
                integrity=Integrity.BROKEN,
                summary=f"a C2PA manifest is there but cannot be read: {error}",
            )

    def _finding(self, store: dict[str, Any]) -> Evidence:
        manifest = store.get("manifests", {}).get(store.get("active_manifest"), {})
        codes = store.get("validation_results", {}).get("activeManifest", {})
        integrity, trust, time = axes(codes)
        statement = _statement(manifest)
        source_type = _source_type(store, manifest)
        signature = manifest.get("signature_info") or {}
        signed_by = signature.get("common_name") or signature.get("issuer") or "an unnamed signer"
        generator = next((item.get("name") for item in manifest.get("claim_generator_info") or []), "an unnamed tool")
        return Evidence(
            layer=self.name,
            basis=Basis.METADATA,
            binding=Binding.HARD,
            integrity=integrity,
            trust=trust,
            time=time,
            id=None if statement is None else statement.id,
            generated=source_type is not None and source_type.is_generated,
            source_type=source_type,
            disclosure=statement,
            summary=f"{_INTEGRITY_WORDS[integrity]}, written by {generator}, signed by {signed_by}:"
            f" {_TRUST_WORDS[trust]}",
            details={
                "serial_number": signature.get("cert_serial_number"),
                "signer": signed_by,
                "signed_at": signature.get("time"),
                "failures": failures(codes),
                "ingredients": [item.get("title") for item in manifest.get("ingredients") or []],
            },
        )

    def _context(self) -> c2pa.Context:
        """Return this process's context; one made before a fork is not valid in the child."""
        import c2pa

        with self._lock:
            process = os.getpid()
            if process not in self._contexts:
                self._contexts[process] = c2pa.Context(settings=c2pa.Settings.from_dict(_settings(self._trust())))
            return self._contexts[process]

    def _engine(self) -> tuple[Signer, c2pa.Signer]:
        """Return this process's signing engine and the signer behind it."""
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


def _manifest(asset: Asset, disclosure: Disclosure, *, has_parent: bool) -> str:
    """Return the manifest definition of a C2PA 2.4 claim (actions: 18.15, AI disclosure: 18.28)."""
    from disclose.version import __version__

    tool = {"name": "disclose", "version": __version__}
    agent = {"name": disclosure.system} | ({"version": disclosure.version} if disclosure.version else {})
    when = disclosure.created.strftime("%Y-%m-%dT%H:%M:%SZ")
    origin = {"when": when, "softwareAgent": agent, "digitalSourceType": disclosure.source_type.uri}
    actions: list[dict[str, Any]] = [{"action": "c2pa.created", **origin}]
    if has_parent:
        opened = {"action": "c2pa.opened", "parameters": {"ingredientIds": ["parent"]}}
        actions = [opened, {"action": "c2pa.edited", **origin}]
    assertions = [{"label": "c2pa.ai-disclosure", "created": True, "data": _ai_disclosure(disclosure)}]
    if (watermark := asset.mark_of("image_watermark")) is not None:
        # "Unbound", because a soft binding may only name an algorithm from the C2PA list; ours is stated under
        # our own label in the same shape.
        actions.append({"action": "c2pa.watermarked.unbound", "when": when, "softwareAgent": tool})
        block = {"scope": {}, "value": watermark.details["value"]}
        data = {"alg": watermark.details["alg"], "blocks": [block]}
        assertions.append({"label": WATERMARK, "created": True, "data": data})
    done = {"allActionsIncluded": not has_parent, "actions": actions}
    assertions.insert(0, {"label": "c2pa.actions.v2", "created": True, "data": done})
    assertions.append({"label": STATEMENT, "created": True, "data": dict(disclosure.to_dict())})
    definition = {
        "claim_generator_info": [{**tool, "specVersion": "2.4.0"}],
        "format": asset.media_type,
        "assertions": assertions,
    }
    return json.dumps(definition)


def _ai_disclosure(disclosure: Disclosure) -> dict[str, Any]:
    # The type names the model's format; the generic term claims no more than is known. How much a person oversaw
    # is not guessed.
    return {"modelType": "c2pa.types.model", "modelName": disclosure.model or disclosure.system}


def _assertions(manifest: Mapping[str, Any], label: str) -> list[dict[str, Any]]:
    found = manifest.get("assertions") or []
    return [item["data"] for item in found if item.get("label") == label and isinstance(item.get("data"), dict)]


def _statement(manifest: Mapping[str, Any]) -> Disclosure | None:
    for data in _assertions(manifest, STATEMENT):
        try:
            return Disclosure.from_dict(data)
        except (ValueError, KeyError, TypeError):
            # Anyone can sign anything under our label; what is not a statement is not one of ours.
            return None
    return None


def _source_type(store: Mapping[str, Any], manifest: Mapping[str, Any]) -> DigitalSourceType | None:
    """Return the first source type that says "generated" in the manifest or its parents, else the first at all."""
    first: DigitalSourceType | None = None
    for _ in range(_DEEPEST_HISTORY):
        for label in ("c2pa.actions.v2", "c2pa.actions"):
            for data in _assertions(manifest, label):
                for action in data.get("actions") or []:
                    found = DigitalSourceType.parse(str(action.get("digitalSourceType", "")))
                    if found is not None and found.is_generated:
                        return found
                    first = first or found
        parents = [item for item in manifest.get("ingredients") or [] if item.get("relationship") == "parentOf"]
        parent = next((item.get("active_manifest") for item in parents), None)
        if parent not in store.get("manifests", {}):
            return first
        manifest = store["manifests"][parent]
    return first


def _ingredient_findings(store: Mapping[str, Any]) -> Iterator[Evidence]:
    """Yield a finding for each ingredient that fails: the state of the whole file does not show it."""
    manifest = store.get("manifests", {}).get(store.get("active_manifest"), {})
    for ingredient in manifest.get("ingredients") or []:
        codes = (ingredient.get("validation_results") or {}).get("activeManifest") or {}
        if not failures(codes):
            continue
        broken = axes(codes)[0] is Integrity.BROKEN
        said = "does not match what was signed" if broken else "is signed by someone not on a trust list"
        yield Evidence(
            layer=C2paLayer.name,
            basis=Basis.METADATA,
            summary=f"an earlier version, from which this file was made, {said}",
            details={"failures": failures(codes), "relationship": ingredient.get("relationship")},
        )
