"""Model cards: the lineage of a model, read from Hugging Face cards that lie on disk; nothing is ever fetched.

A card is a README.md whose YAML front matter says ``license``, ``base_model``, ``base_model_relation``, ``datasets``
and ``model_name`` (huggingface.co/docs/hub/model-cards). A card that is missing or broken is logged and never stops
marking. It is logged, and not raised by ``warnings.warn``, because a service that turns warnings into errors would
otherwise stop marking over documentation.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from disclose.errors import InputError, extra
from disclose.lineage import (
    LONGEST_TEXT,
    MOST_CONTRIBUTIONS,
    MOST_DATASETS,
    Contribution,
    Part,
    in_order,
    is_hub_identifier,
)
from disclose.media import files

LARGEST_CARD = 1 << 20
"""Bytes of a card; a larger file is not one."""

_log = logging.getLogger(__name__)
_CARD = "README.md"
_PARTS = {
    "finetune": Part.FINE_TUNED,
    "adapter": Part.ADAPTED,
    "quantized": Part.QUANTIZED,
    "merge": Part.MERGED,
}
_COMMIT = re.compile(r"[0-9a-f]{40}")
# One room for the deployment, which is known apart from the cards.
_MOST_MODELS = MOST_CONTRIBUTIONS - 1


@dataclass(frozen=True, kw_only=True)
class _Card:
    """A model as its card describes it, and the identifiers of the models it was made from."""

    contribution: Contribution | None
    bases: tuple[str, ...]


def lineage(card: Path, *, bases: Iterable[Path] = (), model: str | None = None) -> tuple[Contribution, ...]:
    """Return the models that led to the one *card* describes, the first first, that one last.

    *bases* are cards of base models, or folders in which they lie as ``org/model/README.md``, ``org--model.md`` or a
    Hugging Face cache does; the folders around *card* are searched as well. *model* is its identifier where the path
    does not tell. Raises ExtraMissingError without the extra ``cards``.
    """
    own = _read(card, _identifier_of(card) or model)
    if own is None:
        return ()
    folders = (*bases, *_around(card))
    contributions = [] if own.contribution is None else [own.contribution]
    known = {own.contribution.identifier} if own.contribution is not None else set()
    waiting = list(own.bases)
    while waiting and len(contributions) < _MOST_MODELS:
        identifier = waiting.pop(0)
        if identifier in known:
            continue
        known.add(identifier)
        found = next(_cards_of(identifier, folders), None)
        base = None if found is None else _read(found, identifier)
        bare = Contribution(role=Part.SHARED, name=identifier.split("/")[1], identifier=identifier)
        contributions.append(bare if base is None or base.contribution is None else base.contribution)
        waiting += () if base is None else base.bases
    if waiting:
        _log.warning("the lineage of %s is longer than the %s models that are kept", card, _MOST_MODELS)
    return in_order(reversed(contributions))


def _read(path: Path, identifier: str | None) -> _Card | None:
    """Return what the card at *path* says of the model *identifier*; logs why where that is nothing."""
    with extra("cards"):
        from huggingface_hub import ModelCard
        from yaml import YAMLError
    try:
        if path.is_file() and path.stat().st_size > LARGEST_CARD:
            raise ValueError(f"it has more than {LARGEST_CARD} bytes")
        # A broken table of results says nothing about the lineage, so it does not spoil it.
        data = ModelCard(files.read(path).decode(), ignore_metadata_errors=True).data
    except (InputError, ValueError, TypeError, OSError, RecursionError, YAMLError) as error:
        _log.warning("no lineage from the model card %s: %s", path, str(error).splitlines()[0] if str(error) else error)
        return None
    values = {name: value for name, value in vars(data).items() if value is not None}
    if not values:
        _log.warning("no lineage from the model card %s: it has no YAML front matter between two lines of ---", path)
        return None
    bases = tuple(base for base in _texts(path, "base_model", values) if _is_named(path, base))
    name = _text(path, "model_name", values) or (identifier.split("/")[-1] if identifier else None)
    if name is None:
        _log.warning("the model card %s names no model: set its model_name, or statement.model", path)
        return _Card(contribution=None, bases=bases)
    contribution = Contribution(
        role=_part(path, values, bases),
        name=name,
        identifier=identifier,
        licence=_licence(path, values),
        version=_revision_of(path),
        datasets=tuple(_texts(path, "datasets", values))[:MOST_DATASETS],
    )
    return _Card(contribution=contribution, bases=bases)


def _part(path: Path, values: dict[str, Any], bases: tuple[str, ...]) -> Part:
    relation = _text(path, "base_model_relation", values)
    if relation is None:
        return Part.DERIVED if bases else Part.SHARED
    if relation not in _PARTS:
        _log.warning("model card %s: base_model_relation %r is none of %s", path, relation[:40], ", ".join(_PARTS))
    return _PARTS.get(relation, Part.DERIVED)


def _licence(path: Path, values: dict[str, Any]) -> str | None:
    # "other" is the Hub's word for a licence that license_name names.
    licences = ", ".join(_texts(path, "license", values))
    named = _text(path, "license_name", values) if licences == "other" else None
    return (named or licences)[:LONGEST_TEXT] or None


def _text(path: Path, name: str, values: dict[str, Any]) -> str | None:
    return next(iter(_texts(path, name, values)), None)


def _texts(path: Path, name: str, values: dict[str, Any]) -> list[str]:
    """Return the texts of *name*, which may stand alone or in a list; logs and leaves out what is no short text."""
    value = values.get(name)
    given = value if isinstance(value, list) else [] if value is None else [value]
    kept = [item.strip() for item in given if isinstance(item, str) and 0 < len(item.strip()) <= LONGEST_TEXT]
    if len(kept) < len(given):
        _log.warning("model card %s: %s holds something other than short text, which was left out", path, name)
    return kept


def _is_named(path: Path, base: str) -> bool:
    if not is_hub_identifier(base):
        _log.warning("model card %s: the base model %r is no identifier such as org/model; left out", path, base[:60])
        return False
    return True


def _identifier_of(card: Path) -> str | None:
    """Return the identifier that the path of a card in a Hugging Face cache tells, or None."""
    snapshots = card.parent.parent
    kind, _, name = snapshots.parent.name.partition("--")
    if snapshots.name != "snapshots" or kind != "models":
        return None
    identifier = name.replace("--", "/", 1)
    return identifier if is_hub_identifier(identifier) else None


def _revision_of(card: Path) -> str | None:
    """Return the commit that the path of a card in a Hugging Face cache tells, or None."""
    return card.parent.name if card.parent.parent.name == "snapshots" and _COMMIT.fullmatch(card.parent.name) else None


def _around(card: Path) -> tuple[Path, ...]:
    """Return the folders in which cards of other models lie beside *card*."""
    if card.parent.parent.name == "snapshots":
        return (card.parents[3],) if len(card.parents) > 3 else ()
    return tuple(card.absolute().parents[:3])


def _cards_of(identifier: str, places: Iterable[Path]) -> Iterator[Path]:
    """Yield the cards of the model *identifier* that lie in *places*."""
    organisation, model = identifier.split("/")
    for place in places:
        if place.is_file():
            if place.stem == f"{organisation}--{model}" or place.parent.parts[-2:] == (organisation, model):
                yield place
            continue
        cached = place / f"models--{organisation}--{model}"
        usual = (place / organisation / model / _CARD, place / f"{organisation}--{model}.md", *_of_cache(cached))
        yield from (path for path in usual if path.is_file())


def _of_cache(folder: Path) -> Iterator[Path]:
    """Yield the card of the revision that a cached repository calls main, or of the only one that is there."""
    main = folder / "refs" / "main"
    snapshots = sorted((folder / "snapshots").glob("*")) if folder.is_dir() else []
    if main.is_file() and _COMMIT.fullmatch(revision := main.read_text("ascii", "replace").strip()):
        yield folder / "snapshots" / revision / _CARD
    elif len(snapshots) == 1:
        yield snapshots[0] / _CARD
