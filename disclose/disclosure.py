"""Disclosure: the one statement that every layer carries, and the identifier that ties the layers together."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, fields, replace
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, Self

from disclose.errors import ProfileError
from disclose.lineage import Contribution, Part, in_order, lineage_of
from disclose.spelling import suggestion

LONGEST_TEXT = 4096
"""Characters of one field of a disclosure."""

_VOCABULARY = "http://cv.iptc.org/newscodes/digitalsourcetype/"


class DigitalSourceType(StrEnum):
    """How content came to be: the IPTC Digital Source Type vocabulary, without its retired terms."""

    TRAINED_ALGORITHMIC_MEDIA = "trainedAlgorithmicMedia"
    COMPOSITE_WITH_TRAINED_ALGORITHMIC_MEDIA = "compositeWithTrainedAlgorithmicMedia"
    COMPOSITE_SYNTHETIC = "compositeSynthetic"
    ALGORITHMIC_MEDIA = "algorithmicMedia"
    ALGORITHMICALLY_ENHANCED = "algorithmicallyEnhanced"
    COMPOSITE = "composite"
    COMPOSITE_CAPTURE = "compositeCapture"
    COMPUTATIONAL_CAPTURE = "computationalCapture"
    DATA_DRIVEN_MEDIA = "dataDrivenMedia"
    DIGITAL_CAPTURE = "digitalCapture"
    DIGITAL_CREATION = "digitalCreation"
    HUMAN_EDITS = "humanEdits"
    NEGATIVE_FILM = "negativeFilm"
    POSITIVE_FILM = "positiveFilm"
    PRINT = "print"
    SCREEN_CAPTURE = "screenCapture"
    VIRTUAL_RECORDING = "virtualRecording"

    @property
    def uri(self) -> str:
        """The term's address as it stands in XMP and C2PA (``http``, as IPTC publishes it)."""
        return _VOCABULARY + self.value

    @property
    def is_generated(self) -> bool:
        """Whether the term says that a machine made the content, or a part of it that matters."""
        return self in _GENERATED

    @classmethod
    def parse(cls, text: str) -> Self | None:
        """Return the term that *text* names (a bare term or its URI, in any case), or None."""
        term = text.strip().rstrip("/").rsplit("/", 1)[-1].casefold()
        return next((member for member in cls if member.value.casefold() == term), None)


_GENERATED = frozenset(
    {
        DigitalSourceType.TRAINED_ALGORITHMIC_MEDIA,
        DigitalSourceType.COMPOSITE_WITH_TRAINED_ALGORITHMIC_MEDIA,
        DigitalSourceType.COMPOSITE_SYNTHETIC,
        DigitalSourceType.ALGORITHMIC_MEDIA,
    }
)


@dataclass(frozen=True, kw_only=True)
class Identifier:
    """The leading *length* bits of a 128-bit disclosure id.

    Carriers hold as many leading bits as fit them, so two findings agree when one is a prefix of the other.

    >>> whole = Identifier.parse("0123456789abcdef0123456789abcdef")
    >>> whole.leading(64).agrees_with(whole)
    True
    """

    value: int
    length: int = 128

    def __post_init__(self) -> None:
        if not 0 < self.length <= 128 or not 0 <= self.value < 1 << self.length:
            raise ValueError(f"an identifier has 1 to 128 bits; got {self.value:#x} in {self.length} bits")

    @classmethod
    def new(cls) -> Self:
        """Return 128 fresh random bits."""
        return cls(value=secrets.randbits(128))

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read what ``str()`` wrote: hexadecimal digits, with ``/bits`` where a digit is not full."""
        digits, _, bits = text.strip().lower().removeprefix("urn:uuid:").replace("-", "").partition("/")
        length = int(bits) if bits else 4 * len(digits)
        return cls(value=int(digits, 16) >> (4 * len(digits) - length), length=length)

    def __str__(self) -> str:
        digits = -(-self.length // 4)
        text = f"{self.value << (4 * digits - self.length):0{digits}x}"
        return text if self.length % 4 == 0 else f"{text}/{self.length}"

    def leading(self, bits: int) -> Identifier:
        """Return the first *bits* bits, all of them when there are no more."""
        if bits >= self.length:
            return self
        return Identifier(value=self.value >> (self.length - bits), length=bits)

    def agrees_with(self, other: Identifier) -> bool:
        """Whether one of the two is a prefix of the other."""
        shared = min(self.length, other.length)
        return self.leading(shared) == other.leading(shared)

    def completed(self) -> Identifier:
        """Return a whole identifier that begins with this one, its missing bits random."""
        missing = 128 - self.length
        return Identifier(value=self.value << missing | (secrets.randbits(missing) if missing else 0))


class Action(StrEnum):
    """Whether a system made the content or altered what was there (California SB 942 §22757.3, C2PA actions)."""

    CREATED = "created"
    ALTERED = "altered"


@dataclass(frozen=True, kw_only=True)
class Disclosure:
    """Who made what, with which system, when: the statement behind every mark.

    Prompts and people's names have no field here: they are personal or business data
    (Code of Practice on Transparency of AI-Generated Content, sub-measure 1.1.1). ``lineage`` names those who
    contributed to the model, the first first, each once. ``public`` says that whoever is named, as in ``on_behalf_of``,
    agreed to be: a detector repeats no personal data otherwise (California BPC 22757.2).
    """

    id: Identifier
    system: str
    created: datetime
    provider: str | None = None
    version: str | None = None
    model: str | None = None
    action: Action = Action.CREATED
    source_type: DigitalSourceType = DigitalSourceType.TRAINED_ALGORITHMIC_MEDIA
    detector: str | None = None
    on_behalf_of: str | None = None
    lineage: tuple[Contribution, ...] = ()
    public: bool = False

    @property
    def model_contribution(self) -> Contribution | None:
        """The model that made the content, with what is known of it: the last of the lineage before its deployment."""
        return next((one for one in reversed(self.lineage) if one.role is not Part.DEPLOYED), None)

    @classmethod
    def new(cls, **statement: Any) -> Self:
        """Return a fresh disclosure of *statement*, whose keys are this class's fields.

        Raises ProfileError for a key that is no field, by name, for a missing ``system`` and for a field that is too
        long.
        """
        allowed = [field.name for field in fields(cls)]
        for name in statement:
            if name not in allowed:
                raise ProfileError(f"{name!r} is not part of a disclosure; {suggestion(name, allowed)}")
        if not statement.get("system"):
            raise ProfileError("a disclosure names the system that made the content: pass system='…'")
        action = Action(statement.pop("action", Action.CREATED))
        source_type = statement.pop("source_type", None) or _USUAL_SOURCE_TYPE[action]
        parsed = DigitalSourceType.parse(source_type)
        if parsed is None:
            raise ProfileError(f"{source_type!r} is not an IPTC digital source type")
        for name, value in statement.items():
            if isinstance(value, str) and len(value) > LONGEST_TEXT:
                raise ProfileError(f"{name} has {len(value)} characters; a disclosure holds {LONGEST_TEXT} at most")
        if not isinstance(statement.get("public", False), bool):
            raise ProfileError("public of a disclosure is True or False")
        try:
            statement["lineage"] = in_order(statement.get("lineage") or ())
        except (ValueError, AttributeError) as error:
            raise ProfileError(f"lineage is a tuple of Contribution: {error}") from error
        statement.setdefault("id", Identifier.new())
        statement.setdefault("created", datetime.now(UTC).replace(microsecond=0))
        return cls(action=action, source_type=parsed, **statement)

    def with_id(self, identifier: Identifier) -> Self:
        """Return the same statement under *identifier*."""
        return replace(self, id=identifier)

    def to_dict(self) -> dict[str, Any]:
        """Return the statement as JSON-ready values, absent fields left out: text, the lineage as a list."""
        texts = (field.name for field in fields(self) if field.name not in ("lineage", "public"))
        values = ((name, getattr(self, name)) for name in texts)
        text = {
            name: value.strftime("%Y-%m-%dT%H:%M:%SZ") if isinstance(value, datetime) else str(value)
            for name, value in values
            if value is not None
        }
        lineage = {"lineage": [one.to_dict() for one in self.lineage]} if self.lineage else {}
        return text | lineage | ({"public": True} if self.public else {})

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Self:
        """Read what :meth:`to_dict` wrote; raises ValueError or KeyError on anything else."""
        known = {field.name: values[field.name] for field in fields(cls) if field.name in values}
        lineage = lineage_of(known.pop("lineage", ()))
        # Anything but the plain word is no consent.
        public = known.pop("public", False) is True
        text = {name: _short(name, value) for name, value in known.items()}
        source_type = DigitalSourceType.parse(text.pop("source_type", DigitalSourceType.TRAINED_ALGORITHMIC_MEDIA))
        if source_type is None:
            raise ValueError(f"unknown digital source type {values['source_type']!r}")
        return cls(
            id=Identifier.parse(text.pop("id")),
            system=text.pop("system"),
            created=datetime.fromisoformat(text.pop("created")),
            action=Action(text.pop("action", Action.CREATED)),
            source_type=source_type,
            lineage=lineage,
            public=public,
            **text,
        )


def _short(name: str, value: Any) -> str:
    """Return *value* as text; what others wrote may be of any kind and any size."""
    if not isinstance(value, (str, int, float)) or len(text := str(value)) > LONGEST_TEXT:
        raise ValueError(f"{name} of a disclosure is text of at most {LONGEST_TEXT} characters")
    return text


_USUAL_SOURCE_TYPE = {
    Action.CREATED: DigitalSourceType.TRAINED_ALGORITHMIC_MEDIA,
    Action.ALTERED: DigitalSourceType.COMPOSITE_WITH_TRAINED_ALGORITHMIC_MEDIA,
}
