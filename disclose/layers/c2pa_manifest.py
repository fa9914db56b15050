"""The C2PA manifest: what ours says, and what there is to be read in anybody's.

Written for C2PA 2.4: the specification's version in the claim generator, every action listed or said not to be
(18.15), a digital source type wherever one is due and nowhere else, and the AI disclosure of 18.28, which no
validator checks, so it is made from a type here. Nothing of a prompt is ever written.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from enum import StrEnum
from typing import Any

from disclose.asset import Asset
from disclose.disclosure import DigitalSourceType, Disclosure, Identifier
from disclose.lineage import Contribution, Part
from disclose.version import __version__

STATEMENT = "io.github.disclose-ai.statement"
WATERMARK = "io.github.disclose-ai.watermark"
"""Labels of our own assertions (C2PA 2.2, 6.2: entity-specific labels in reverse-domain form)."""

PARENT = "parent"
TRAINING = "cawg.training-mining"
_UNSUITABLE_FOR = ("cawg.ai_inference", "cawg.ai_generative_training", "cawg.ai_training", "cawg.data_mining")
_TOOL = {"name": "disclose", "version": __version__}
_DEEPEST_HISTORY = 32
_LEAST_BITS = 61
"""Of an identifier that a watermark carries; a shorter one would agree with too many."""


class Relationship(StrEnum):
    """How an ingredient went into the content (C2PA 2.2, 18.16)."""

    PARENT_OF = "parentOf"
    INPUT_TO = "inputTo"
    COMPONENT_OF = "componentOf"


def definition(
    asset: Asset, disclosure: Disclosure, *, has_parent: bool, inputs: tuple[str, ...] = (), training_mining: bool
) -> dict[str, Any]:
    """Return the manifest that says *disclosure* of *asset*; *inputs* are the labels of what went in beside a parent.

    Each model of the lineage goes in as an ingredient of its own, the deployment only in the statement. With
    *training_mining* the content is reserved from training and mining (CAWG training and data mining 1.1).
    """
    models = [_model(one, f"model-{number}") for number, one in enumerate(_models(disclosure), 1)]
    inputs = (*inputs, *(model["label"] for model in models))
    assertions = [
        {"label": "c2pa.actions.v2", "created": True, "data": _actions(asset, disclosure, has_parent, inputs)},
        {"label": "c2pa.ai-disclosure", "created": True, "data": _ai_disclosure(disclosure)},
    ]
    if (watermark := asset.mark_of("image_watermark")) is not None:
        block = {"scope": {}, "value": watermark.details["value"]}
        data = {"alg": watermark.details["alg"], "blocks": [block]}
        assertions.append({"label": WATERMARK, "created": True, "data": data})
    if training_mining:
        entries = {name: {"use": "notAllowed"} for name in _UNSUITABLE_FOR}
        assertions.append({"label": TRAINING, "created": True, "data": {"entries": entries}})
    assertions.append({"label": STATEMENT, "created": True, "data": dict(disclosure.to_dict())})
    return {
        "claim_generator_info": [{**_TOOL, "specVersion": "2.4.0"}],
        "format": asset.media_type,
        "assertions": assertions,
        "ingredients": models,
    }


def _actions(asset: Asset, disclosure: Disclosure, has_parent: bool, inputs: tuple[str, ...]) -> dict[str, Any]:
    when = disclosure.created.strftime("%Y-%m-%dT%H:%M:%SZ")
    agent = {"name": disclosure.system} | ({"version": disclosure.version} if disclosure.version else {})
    made: dict[str, Any] = {"when": when, "softwareAgent": agent, "digitalSourceType": disclosure.source_type.uri}
    if inputs:
        made["parameters"] = {"ingredientIds": list(inputs)}
    actions: list[dict[str, Any]] = [{"action": "c2pa.created", **made}]
    if has_parent:
        # A file is opened and not made (18.15.4.7): the opening has no source type of its own.
        opened = {"action": "c2pa.opened", "parameters": {"ingredientIds": [PARENT]}}
        actions = [opened, {"action": "c2pa.edited", **made}]
    if asset.mark_of("image_watermark") is not None:
        # "Unbound", because a soft binding may only name an algorithm from the C2PA list; ours is stated under
        # our own label in the same shape.
        actions.append({"action": "c2pa.watermarked.unbound", "when": when, "softwareAgent": _TOOL})
    return {"allActionsIncluded": not has_parent, "actions": actions}


def _ai_disclosure(disclosure: Disclosure) -> dict[str, Any]:
    # The type names the model's format; the generic term claims no more than is known. How much a person oversaw
    # is not guessed.
    last = next(reversed(_models(disclosure)), None)
    name = disclosure.model or (last.name if last is not None else disclosure.system)
    said = {"modelType": "c2pa.types.model", "modelName": name}
    return said if last is None or last.purl is None else {**said, "modelIdentifier": last.purl}


def _models(disclosure: Disclosure) -> list[Contribution]:
    """Return the models that others were made from, and at the end the one that made the content."""
    return [one for one in disclosure.lineage if one.role is not Part.DEPLOYED]


def _model(contribution: Contribution, label: str) -> dict[str, Any]:
    """Return *contribution* as an ingredient without data (C2PA 2.2, 18.16.9: the type of what is not a picture)."""
    described = {
        "title": contribution.name,
        "label": label,
        "relationship": Relationship.INPUT_TO,
        "format": "application/octet-stream",
        "data_types": [{"type": "c2pa.types.model"}],
    }
    if contribution.purl is not None:
        described["instance_id"] = contribution.purl
    if contribution.url is not None:
        described["informational_URI"] = contribution.url
    return described


def active(store: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the manifest of *store* that speaks for the file; the others are its history, or nobody's."""
    found: Mapping[str, Any] = store.get("manifests", {}).get(store.get("active_manifest"), {})
    return found


def statement_of(manifest: Mapping[str, Any]) -> Disclosure | None:
    """Return the disclosure that *manifest* carries under our label, or None."""
    for data in _assertions(manifest, STATEMENT):
        try:
            return Disclosure.from_dict(data)
        except (ValueError, KeyError, TypeError):
            # Anyone can sign anything under our label; what is not a statement is not one of ours.
            return None
    return None


def watermarks_of(manifest: Mapping[str, Any]) -> Iterator[Identifier]:
    """Yield the identifiers that *manifest* says its content carries as a watermark."""
    for data in _assertions(manifest, WATERMARK):
        blocks = data.get("blocks")
        for block in blocks if isinstance(blocks, list) else ():
            try:
                identifier = Identifier.parse(block["value"])
            except (ValueError, KeyError, TypeError, AttributeError):
                # Anyone can sign anything under our label.
                continue
            if identifier.length >= _LEAST_BITS:
                yield identifier


def source_type_of(store: Mapping[str, Any]) -> DigitalSourceType | None:
    """Return the first source type that says "generated" in the active manifest or its parents, else the first."""
    first: DigitalSourceType | None = None
    for manifest in _history(store):
        for label in ("c2pa.actions.v2", "c2pa.actions"):
            for data in _assertions(manifest, label):
                for action in data.get("actions") or []:
                    found = DigitalSourceType.parse(str(action.get("digitalSourceType", "")))
                    if found is not None and found.is_generated:
                        return found
                    first = first or found
    return first


def _history(store: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """Yield the active manifest, its parent, and so on; what no parent links to does not count."""
    manifest = active(store)
    for _ in range(_DEEPEST_HISTORY):
        yield manifest
        parents = (item for item in manifest.get("ingredients") or [] if item.get("relationship") == "parentOf")
        parent = next((item.get("active_manifest") for item in parents), None)
        if parent not in store.get("manifests", {}):
            return
        manifest = store["manifests"][parent]


def _assertions(manifest: Mapping[str, Any], label: str) -> list[dict[str, Any]]:
    found = manifest.get("assertions") or []
    return [item["data"] for item in found if item.get("label") == label and isinstance(item.get("data"), dict)]
