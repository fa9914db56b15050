"""Evidence and verdicts: what was found, on what basis, and what that amounts to."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, NoReturn, Self

from disclose.disclosure import DigitalSourceType, Disclosure, Identifier


class Basis(StrEnum):
    """What a finding rests on; a detector has to name it (Code of Practice, measure 2.3)."""

    METADATA = "metadata"
    WATERMARK = "watermark"
    FINGERPRINT = "fingerprint"
    RECORD = "record"
    LABEL = "label"


class Binding(StrEnum):
    """How firmly a finding is tied to the content at hand (C2PA: hard and soft binding)."""

    HARD = "hard"
    SOFT = "soft"
    NONE = "none"


class Integrity(StrEnum):
    """Whether the mark, and what it is bound to, are as they were issued."""

    INTACT = "intact"
    BROKEN = "broken"
    UNKNOWN = "unknown"


class Trust(StrEnum):
    """Whether the maker of the mark is known. Untrusted is not invalid, and it is not verified."""

    TRUSTED = "trusted"
    UNTRUSTED = "untrusted"
    UNKNOWN = "unknown"


class Time(StrEnum):
    """Whether the moment is vouched for by a time-stamping authority or only stated."""

    STAMPED = "stamped"
    STATED = "stated"
    UNKNOWN = "unknown"


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """One finding by one layer: its basis, three separate axes, and a p-value where there is one.

    ``generated`` is whether the finding says that a machine made or altered the content, ``source_type`` how it
    says so, ``disclosure`` the whole statement where one was found. ``ingredients`` are the identifiers of what the
    finding declares the content to be made from. ``details`` is JSON-ready and belongs to the layer: geometry,
    certificate subjects, distances.
    """

    layer: str
    basis: Basis
    summary: str
    binding: Binding = Binding.NONE
    integrity: Integrity = Integrity.UNKNOWN
    trust: Trust = Trust.UNKNOWN
    time: Time = Time.UNKNOWN
    p_value: float | None = None
    id: Identifier | None = None
    generated: bool = False
    source_type: DigitalSourceType | None = None
    disclosure: Disclosure | None = None
    ingredients: tuple[Identifier, ...] = ()
    details: Mapping[str, Any] = field(default_factory=dict)

    @property
    def is_bound(self) -> bool:
        """Whether an intact mark is tied to this very content."""
        return self.integrity is Integrity.INTACT and self.binding is not Binding.NONE

    def to_dict(self) -> dict[str, Any]:
        """Return the finding as JSON-ready values."""
        return {
            "layer": self.layer,
            "basis": self.basis.value,
            "binding": self.binding.value,
            "integrity": self.integrity.value,
            "trust": self.trust.value,
            "time": self.time.value,
            "p_value": self.p_value,
            "id": None if self.id is None else str(self.id),
            "summary": self.summary,
            "generated": self.generated,
            "source_type": None if self.source_type is None else self.source_type.value,
            "details": dict(self.details),
        }


class Outcome(StrEnum):
    """What all evidence amounts to. There is no value for "made by a person"."""

    DISCLOSED = "disclosed"
    CONTESTED = "contested"
    INDICATED = "indicated"
    UNDETERMINED = "undetermined"


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """All evidence about one asset and what it amounts to."""

    outcome: Outcome
    evidence: tuple[Evidence, ...] = ()
    disclosure: Disclosure | None = None

    @classmethod
    def weigh(cls, evidence: Iterable[Evidence]) -> Self:
        """Return the verdict that *evidence* supports.

        A mark that is broken, copied or contradicted outweighs everything; then an intact mark bound to this
        content; then any sign at all. Evidence that says nothing about generation never moves the outcome up.
        """
        found = tuple(evidence)
        bound = [item for item in found if item.is_bound and item.generated]
        # A statement bound to the bytes speaks for this file; one bound to the picture for what it was made from.
        firmest_first = sorted(bound, key=lambda item: item.binding is not Binding.HARD)
        disclosure = next((item.disclosure for item in firmest_first if item.disclosure is not None), None)
        if any(item.integrity is Integrity.BROKEN for item in found) or _disagree(bound):
            outcome = Outcome.CONTESTED
        elif bound:
            outcome = Outcome.DISCLOSED
        elif any(item.generated for item in found):
            outcome = Outcome.INDICATED
        else:
            outcome = Outcome.UNDETERMINED
        if disclosure is None:
            disclosure = next((item.disclosure for item in found if item.disclosure is not None), None)
        return cls(outcome=outcome, evidence=found, disclosure=disclosure)

    def __bool__(self) -> NoReturn:
        raise TypeError("a verdict is not true or false: compare verdict.outcome with one of disclose.Outcome")

    @property
    def is_unexamined(self) -> bool:
        """Whether all there is to say is that no layer looks for marks in content of this kind."""
        return is_unexamined(self.outcome, (item.layer for item in self.evidence))

    def explain(self, lang: str = "en") -> str:
        """Return the verdict as plain sentences in *lang* (English where the language is not there yet)."""
        wording = _WORDING.get(lang.split("-")[0].lower(), _WORDING["en"])
        if self.is_unexamined:
            return wording["unexamined"]
        sentence = wording[self.outcome.value]
        if self.outcome is Outcome.DISCLOSED and self.disclosure is not None:
            maker = self.disclosure.system + (f" {self.disclosure.version}" if self.disclosure.version else "")
            if self.disclosure.provider:
                maker += f" ({self.disclosure.provider})"
            sentence += " " + wording["maker"].format(maker=maker, time=f"{self.disclosure.created:%Y-%m-%d %H:%M} UTC")
        if any(item.trust is Trust.UNTRUSTED for item in self.evidence):
            sentence += " " + wording["untrusted"]
        return sentence

    def to_dict(self) -> dict[str, Any]:
        """Return outcome, statement and evidence as JSON-ready values."""
        return {
            "outcome": self.outcome.value,
            "disclosure": None if self.disclosure is None else self.disclosure.to_dict(),
            "evidence": [item.to_dict() for item in self.evidence],
        }

    def to_json(self) -> str:
        """Return :meth:`to_dict` as one line of JSON."""
        return json.dumps(self.to_dict(), ensure_ascii=False)


def is_unexamined(outcome: str, layers: Iterable[str]) -> bool:
    """Whether evidence from *layers*, which amounts to *outcome*, says no more than that no layer was asked."""
    return outcome == Outcome.UNDETERMINED and set(layers) == {"verifier"}


def _disagree(bound: list[Evidence]) -> bool:
    """Whether *bound* name different identifiers, leaving aside marks that came with a declared ingredient.

    A collage shows the pictures that it is made from, and their watermarks with them. Anybody can declare a picture
    that was taken from elsewhere, so only a signer who is known is believed.
    """
    declared = [one for item in bound if _is_believed(item, bound) for one in item.ingredients]
    named = [item.id for item in bound if item.id is not None and not _came_with(item, declared)]
    return any(not one.agrees_with(other) for one in named for other in named)


def _is_believed(item: Evidence, bound: list[Evidence]) -> bool:
    """Whether *item* speaks for the very bytes, by a trusted signer or as the ledger has it of these bytes."""
    known = item.trust is Trust.TRUSTED or any(_is_record_of(item, other) for other in bound)
    return known and item.binding is Binding.HARD


def _is_record_of(item: Evidence, other: Evidence) -> bool:
    recorded = other.basis is Basis.RECORD and other.binding is Binding.HARD
    return recorded and item.id is not None and other.id is not None and item.id.agrees_with(other.id)


def _came_with(item: Evidence, declared: list[Identifier]) -> bool:
    soft = item.id if item.binding is Binding.SOFT else None
    return soft is not None and any(one.agrees_with(soft) for one in declared)


_WORDING = {
    "en": {
        "disclosed": "An intact mark bound to this content says that it was generated or altered by a machine.",
        "contested": "Marks were found, but they are broken, contradict each other or were copied from other content.",
        "indicated": "There are weak signs of generation by a machine, and nothing that is bound to this content.",
        "undetermined": "No mark was found. This says nothing about where the content came from.",
        "unexamined": "Files of this kind are not searched for marks here. This says nothing about where the content "
        "came from.",
        "maker": "It names {maker}, {time}.",
        "untrusted": "The signer is not on a trust list.",
    },
    "de": {
        "disclosed": "Eine unversehrte, an diesen Inhalt gebundene Kennzeichnung sagt, dass er maschinell erzeugt oder "
        "verändert wurde.",
        "contested": "Es gibt Kennzeichnungen, doch sie sind beschädigt, widersprechen sich oder wurden von anderem "
        "Inhalt kopiert.",
        "indicated": "Es gibt schwache Anzeichen maschineller Erzeugung, aber nichts an diesen Inhalt Gebundenes.",
        "undetermined": "Keine Kennzeichnung gefunden. Das sagt nichts über die Herkunft des Inhalts.",
        "unexamined": "In Dateien dieser Art wird hier nicht nach Kennzeichnungen gesucht. Das sagt nichts über die "
        "Herkunft des Inhalts.",
        "maker": "Sie nennt {maker}, {time}.",
        "untrusted": "Der Unterzeichner steht auf keiner Vertrauensliste.",
    },
    "fr": {
        "disclosed": "Un marquage intact lié à ce contenu indique qu’il a été généré ou modifié par une machine.",
        "contested": "Des marquages ont été trouvés, mais ils sont altérés, contradictoires ou copiés d’ailleurs.",
        "indicated": "Il y a de faibles signes de génération par une machine, sans rien qui soit lié à ce contenu.",
        "undetermined": "Aucun marquage trouvé. Cela ne dit rien de l’origine du contenu.",
        "unexamined": "On ne cherche pas ici de marquage dans les fichiers de ce type. Cela ne dit rien de l’origine "
        "du contenu.",
        "maker": "Il désigne {maker}, {time}.",
        "untrusted": "Le signataire ne figure sur aucune liste de confiance.",
    },
}
