"""Lineage: who contributed what to a model, from the first who shared it to the one who deployed it."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, fields
from enum import StrEnum
from typing import Any, Self
from urllib.parse import quote

MOST_CONTRIBUTIONS = 32
MOST_DATASETS = 64
LONGEST_TEXT = 512
"""Characters of one field. Every marked file and every record carries the lineage, so it stays small."""

_HUB_IDENTIFIER = re.compile(r"[A-Za-z0-9][\w.-]{0,95}/[A-Za-z0-9][\w.-]{0,95}", re.ASCII)


class Part(StrEnum):
    """What a contributor did. Those between the first and the last are the relations a Hugging Face card names."""

    SHARED = "shared"
    FINE_TUNED = "fine-tuned"
    ADAPTED = "adapted"
    QUANTIZED = "quantized"
    MERGED = "merged"
    DERIVED = "derived"
    DEPLOYED = "deployed"


@dataclass(frozen=True, kw_only=True)
class Contribution:
    """One contribution: a model that somebody shared or made from another, or its deployment.

    ``identifier`` is the model's, as on a hub ("org/model"), ``version`` its revision there, ``datasets`` what its
    documentation says it was trained on. What is not known stays empty. Raises ValueError beyond the limits above.

    >>> Contribution(role=Part.SHARED, name="sketch", identifier="acme/sketch", version="0a1b").purl
    'pkg:huggingface/acme/sketch@0a1b'
    """

    role: Part
    name: str
    identifier: str | None = None
    licence: str | None = None
    version: str | None = None
    url: str | None = None
    datasets: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        texts = {name: getattr(self, name) for name in _TEXTS}
        for name, value in (*texts.items(), *(("datasets", value) for value in self.datasets)):
            if value is None and name != "name":
                continue
            if not isinstance(value, str) or not 0 < len(value) <= LONGEST_TEXT:
                raise ValueError(f"{name} of a contribution is text of 1 to {LONGEST_TEXT} characters")
        if len(self.datasets) > MOST_DATASETS:
            raise ValueError(f"a contribution names at most {MOST_DATASETS} datasets; these are {len(self.datasets)}")

    @property
    def contributor(self) -> str | None:
        """Who contributed: the deployer, or the account that the identifier begins with; None where unknown."""
        if self.role is Part.DEPLOYED:
            return self.name
        return self.identifier.split("/")[0] if self.identifier and is_hub_identifier(self.identifier) else None

    @property
    def purl(self) -> str | None:
        """The package URL (purl type ``huggingface``) of a model that has a hub's identifier, or None."""
        if self.role is Part.DEPLOYED or self.identifier is None or not is_hub_identifier(self.identifier):
            return None
        # The purl type's definition writes the version, a commit, in lower case.
        version = "" if self.version is None else "@" + quote(self.version.lower(), safe="")
        return f"pkg:huggingface/{self.identifier}{version}"

    def to_dict(self) -> dict[str, Any]:
        """Return the contribution as JSON-ready values, empty fields left out."""
        values = ((field.name, getattr(self, field.name)) for field in fields(self))
        return {
            name: list(value) if isinstance(value, tuple) else str(value)
            for name, value in values
            if value is not None and value != ()
        }

    @classmethod
    def from_dict(cls, values: Any) -> Self:
        """Read what :meth:`to_dict` wrote; raises ValueError or KeyError on anything else."""
        if not isinstance(values, dict):
            raise ValueError("a contribution is an object")
        datasets = values.get("datasets", ())
        if not isinstance(datasets, (list, tuple)):
            raise ValueError("datasets of a contribution are a list")
        texts = {name: values[name] for name in _TEXTS if name in values}
        return cls(role=Part(values["role"]), datasets=tuple(datasets), **{"name": values["name"], **texts})


_TEXTS = ("name", "identifier", "licence", "version", "url")


def is_hub_identifier(text: str) -> bool:
    """Whether *text* has the form of a model's name on the Hugging Face Hub, "org/model"."""
    return ".." not in text and _HUB_IDENTIFIER.fullmatch(text) is not None


def in_order(contributions: Iterable[Contribution]) -> tuple[Contribution, ...]:
    """Return each contribution once, in the order given; raises ValueError for more than MOST_CONTRIBUTIONS."""
    once: dict[tuple[str, str], Contribution] = {}
    for contribution in contributions:
        is_deployment = contribution.role is Part.DEPLOYED
        model = contribution.identifier or contribution.name
        once.setdefault(("deployed", contribution.name) if is_deployment else ("model", model), contribution)
        if len(once) > MOST_CONTRIBUTIONS:
            raise ValueError(f"a lineage has at most {MOST_CONTRIBUTIONS} contributions")
    return tuple(once.values())


def lineage_of(values: Any) -> tuple[Contribution, ...]:
    """Read a list of what :meth:`Contribution.to_dict` wrote; raises ValueError or KeyError on anything else."""
    if not isinstance(values, (list, tuple)) or len(values) > MOST_CONTRIBUTIONS:
        raise ValueError(f"a lineage is a list of at most {MOST_CONTRIBUTIONS} contributions")
    return in_order(Contribution.from_dict(value) for value in values)
