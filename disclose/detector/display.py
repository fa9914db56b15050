"""Display: what a page shows beside a verdict, a small copy of the picture, where the mark lies, and the history."""

from __future__ import annotations

import base64
import io
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from disclose.asset import Asset, holds_manifest
from disclose.errors import DiscloseError
from disclose.evidence import Basis, Evidence, Verdict

if TYPE_CHECKING:
    from disclose.profile import Profile

_LONGEST_SIDE = 640
_DEEPEST, _WIDEST = 6, 12


def shown(profile: Profile, asset: Asset, verdict: Verdict) -> dict[str, Any]:
    """Return ``sha256``, ``media_type``, and ``picture`` and ``history``, which are None where there is none."""
    return {
        "sha256": asset.sha256,
        "media_type": asset.media_type,
        "picture": _picture(profile, asset, verdict),
        "history": _history(profile, asset),
    }


def _picture(profile: Profile, asset: Asset, verdict: Verdict) -> dict[str, Any] | None:
    try:
        content = asset.content
    except DiscloseError:
        return None
    copy = content.image.convert("RGB")
    copy.thumbnail((_LONGEST_SIDE, _LONGEST_SIDE))
    buffer = io.BytesIO()
    copy.save(buffer, "JPEG", quality=82)
    marked = next((one for one in verdict.evidence if "matrix" in one.details), None)
    return {
        "width": content.size[0],
        "height": content.size[1],
        "data": base64.b64encode(buffer.getvalue()).decode("ascii"),
        "outline": None if marked is None else _outline(profile, content.size, marked),
    }


def _outline(profile: Profile, size: tuple[int, int], found: Evidence) -> list[list[float]]:
    """Return the corners of the picture that was marked, in pixels of the one at hand.

    A mark repeats in tiles and tells only how the pictures lie over each other up to whole tiles, so the place is the
    one that covers most of the picture. Without a record of its size, the mark is said to lie everywhere.
    """
    import numpy

    from disclose.watermark.image.tile import TILE

    width, height = size
    everywhere: list[list[float]] = [[0.0, 0.0], [width, 0.0], [width, height], [0.0, height]]
    canonical = _recorded_size(profile, found)
    if canonical is None:
        return everywhere
    matrix = numpy.vstack([numpy.array(found.details["matrix"], float), [0.0, 0.0, 1.0]])
    try:
        back = numpy.linalg.inv(matrix)
    except numpy.linalg.LinAlgError:
        return everywhere
    seen = _moved(matrix, everywhere)
    middle = seen.mean(axis=0) - numpy.array(canonical) / 2
    corner = numpy.round(middle / TILE) * TILE
    right, bottom = corner + numpy.array(canonical)
    frame = [[corner[0], corner[1]], [right, corner[1]], [right, bottom], [corner[0], bottom]]
    return [[round(float(x), 1), round(float(y), 1)] for x, y in _moved(back, frame)]


def _moved(matrix: Any, points: list[list[float]]) -> Any:
    import numpy

    return (numpy.column_stack([numpy.array(points, float), numpy.ones(len(points))]) @ matrix.T)[:, :2]


def _recorded_size(profile: Profile, found: Evidence) -> tuple[int, int] | None:
    """Return the canonical width and height of the picture on record under the mark's identifier."""
    if found.id is None or found.basis is not Basis.WATERMARK:
        return None
    try:
        records = profile.ledger().find(found.id)
    except DiscloseError:
        return None
    from disclose.media.likeness import CELL, Structure

    for record in records:
        mark = record.mark_of("fingerprint")
        if mark is not None and "structure" in mark.details:
            rows, columns = Structure.from_text(mark.details["structure"]).brighter.shape
            return columns * CELL, rows * CELL
    return None


def _history(profile: Profile, asset: Asset) -> dict[str, Any] | None:
    """Return the active manifest and what it was made from, as a tree."""
    from disclose.layers.c2pa import C2paLayer
    from disclose.layers.c2pa_engine import Engine

    if asset.media_type not in C2paLayer.media or not holds_manifest(asset.data):
        return None
    try:
        store = Engine(signer=profile.signer, trust=profile.trust).read(asset.media_type, asset.data)
    except DiscloseError:
        return None
    return None if store is None else _node(store, store.get("active_manifest"), "active", 0)


def _node(store: Mapping[str, Any], label: object, relationship: str, depth: int) -> dict[str, Any]:
    manifest = (store.get("manifests") or {}).get(label) or {}
    ingredients = (manifest.get("ingredients") or [])[:_WIDEST] if depth < _DEEPEST else []
    signature = manifest.get("signature_info") or {}
    return {
        "relationship": relationship,
        "tool": _system(manifest)
        or next((str(one.get("name")) for one in manifest.get("claim_generator_info") or []), None),
        "signer": signature.get("issuer") or signature.get("common_name"),
        "signed_at": signature.get("time"),
        "sources": [
            _node(store, one.get("active_manifest"), str(one.get("relationship")), depth + 1) for one in ingredients
        ],
    }


def _system(manifest: Mapping[str, Any]) -> str | None:
    """Return the system that the first action names: the claim generator is only what wrote the manifest."""
    for assertion in manifest.get("assertions") or []:
        if not str(assertion.get("label", "")).startswith("c2pa.actions"):
            continue
        for action in (assertion.get("data") or {}).get("actions") or []:
            agent = action.get("softwareAgent")
            if name := agent.get("name") if isinstance(agent, Mapping) else agent:
                return str(name)
    return None
