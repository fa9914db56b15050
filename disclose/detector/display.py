"""Display: what a page shows beside a verdict, a small copy of the picture, where the mark lies, and the history."""

from __future__ import annotations

import base64
import io
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from PIL import Image

from disclose.asset import Asset, holds_manifest
from disclose.detector.outline import Points, outline
from disclose.errors import DiscloseError
from disclose.evidence import Basis, Evidence, Integrity, Verdict

if TYPE_CHECKING:
    from disclose.profile import Profile

_LONGEST_SIDE = 640
_DEEPEST, _WIDEST = 6, 12
_ORIENTATION = 0x0112
_SIDEWAYS = 5
"""From this orientation on, width and height change places."""
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


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
    orientation = _orientation(asset)
    copy = content.image.convert("RGB")
    copy.thumbnail((_LONGEST_SIDE, _LONGEST_SIDE))
    if (turn := _TURNS.get(orientation)) is not None:
        copy = copy.transpose(turn)
    buffer = io.BytesIO()
    copy.save(buffer, "JPEG", quality=82)
    marked = next((one for one in verdict.evidence if "matrix" in one.details and not _is_copied(one, verdict)), None)
    points = None if marked is None else _turned(outline(profile, content.luma, marked), content.size, orientation)
    width, height = content.size if orientation < _SIDEWAYS else content.size[::-1]
    return {
        "width": width,
        "height": height,
        "data": base64.b64encode(buffer.getvalue()).decode("ascii"),
        "outline": None if points is None else [[round(x, 1), round(y, 1)] for x, y in points],
    }


def _is_copied(mark: Evidence, verdict: Verdict) -> bool:
    """Whether another picture than the one at hand was given *mark*, so that it lies nowhere in this one."""
    compared = [one for one in verdict.evidence if one.basis is Basis.FINGERPRINT and one.id == mark.id]
    return any(one.integrity is Integrity.BROKEN for one in compared)


def _turned(points: Points, size: tuple[int, int], orientation: int) -> Points:
    """Return *points* of a picture of *size* where they lie once it is turned as its *orientation* says."""
    width, height = size
    match orientation:
        case 2:
            return [(width - x, y) for x, y in points]
        case 3:
            return [(width - x, height - y) for x, y in points]
        case 4:
            return [(x, height - y) for x, y in points]
        case 5:
            return [(y, x) for x, y in points]
        case 6:
            return [(height - y, x) for x, y in points]
        case 7:
            return [(height - y, width - x) for x, y in points]
        case 8:
            return [(y, width - x) for x, y in points]
        case _:
            return points


def _orientation(asset: Asset) -> int:
    """Return how the picture is to be turned when it is shown (EXIF 2.32, 4.6.5), 1 for not at all."""
    if asset.media_type == "image/tiff":
        # Pillow turns these by itself when it decodes them.
        return 1
    try:
        with Image.open(io.BytesIO(asset.data)) as unread:
            said = unread.getexif().get(_ORIENTATION, 1)
    except Exception:
        # Whatever is wrong with metadata, the picture was decoded and can be shown.
        return 1
    return said if said in _TURNS else 1


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
