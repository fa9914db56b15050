"""Profile: how a deployment marks, with which layers, keys and records."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal, Self, TypeVar

from disclose import registry
from disclose.disclosure import Disclosure, Identifier
from disclose.errors import IdentityError, ProfileError
from disclose.marker import Marker
from disclose.media import files
from disclose.signing import Signer, TrustList
from disclose.verifier import Verifier

if TYPE_CHECKING:
    from disclose.ledger import Ledger

DEFAULT_LAYERS = ("image_watermark", "iptc", "c2pa", "fingerprint", "ledger")
ALSO_READ = ("legacy_watermark",)
"""Layers that the world's pictures are read by, though nothing is marked by them unless a profile's layers say so."""
UNNAMED_SYSTEM = "unnamed AI system"
_NOT_IN_PRODUCTION = (
    "production=True refuses the development identity: nobody vouches for it. Set certificates and private_key"
    " (or DISCLOSE_CERTIFICATES and DISCLOSE_PRIVATE_KEY) to a chain from your authority"
)

_Built = TypeVar("_Built")
_VARIABLES = {
    "DISCLOSE_HOME": "folder",
    "DISCLOSE_PRODUCTION": "production",
    "DISCLOSE_CERTIFICATES": "certificates",
    "DISCLOSE_PRIVATE_KEY": "private_key",
    "DISCLOSE_TRUST_ANCHORS": "trust_anchors",
    "DISCLOSE_WATERMARK_KEY_FILE": "watermark_key_file",
}


def _usual_folder() -> Path:
    from platformdirs import user_data_path

    return user_data_path("disclose", appauthor=False)


@dataclass(frozen=True, kw_only=True, eq=False)
class Profile:
    """How a deployment marks with ``layers`` and verifies with them and ``also_read``.

    ``folder`` holds the ledger and the development identity. Secrets are named by file and never stand in a
    profile. ``statement`` fills what a call leaves open: system, version, provider, model, detector, on_behalf_of.
    ``production=True`` refuses the development identity. ``legacy_message`` names the published message that the
    layer ``legacy_watermark`` writes where ``layers`` has it. ``aigc_producer`` is the code that the layer ``aigc``
    writes as ContentProducer (GB 45438-2025, Annex E). ``training_mining`` states that what is made is not to be
    trained on or mined (CAWG Training and Data Mining assertion, "notAllowed").

    ``signer_reference``, "package.module:function", returns the signer of a key that is no file, such as one in a KMS.
    What ``retired_certificates`` (PEM) signed is still this deployment's own. ``timestamp_url`` is that of an RFC 3161
    authority; when it does not answer, ``timestamp_outage`` says whether marking fails or goes on unstamped.
    ``trust_anchors`` is a PEM file, a folder of them, or a ``trust.toml``.
    """

    folder: Path = field(default_factory=_usual_folder)
    layers: tuple[str, ...] = DEFAULT_LAYERS
    also_read: tuple[str, ...] = ALSO_READ
    optional: frozenset[str] = frozenset()
    statement: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))
    production: bool = False
    certificates: Path | None = None
    private_key: Path | None = None
    signer_reference: str | None = None
    retired_certificates: tuple[Path, ...] = ()
    timestamp_url: str | None = None
    timestamp_outage: Literal["fail", "unstamped"] = "fail"
    trust_anchors: Path | None = None
    watermark_key_file: Path | None = None
    strength: float = 1.0
    legacy_message: str | None = None
    aigc_producer: str | None = None
    training_mining: bool = False
    _built: dict[tuple[int, str], Any] = field(default_factory=dict, init=False, repr=False)
    _building: threading.RLock = field(default_factory=threading.RLock, init=False, repr=False)

    @classmethod
    def load(cls, **settings: Any) -> Self:
        """Return the profile that *settings* and, behind them, the environment describe.

        The variables are DISCLOSE_HOME, DISCLOSE_PRODUCTION, DISCLOSE_CERTIFICATES, DISCLOSE_PRIVATE_KEY,
        DISCLOSE_TRUST_ANCHORS and DISCLOSE_WATERMARK_KEY_FILE. A misspelt one is refused by name.
        """
        found: dict[str, Any] = {}
        for variable, text in os.environ.items():
            if not variable.startswith("DISCLOSE_") or not text:
                continue
            if variable not in _VARIABLES:
                raise ProfileError(f"the environment variable {variable} is unknown; there are {', '.join(_VARIABLES)}")
            name = _VARIABLES[variable]
            found[name] = _is_yes(variable, text) if name == "production" else Path(text)
        return cls(**{**found, **settings})

    def disclosure(self, **statement: Any) -> Disclosure:
        """Return a fresh disclosure of *statement*, completed by the profile's own."""
        given = {name: value for name, value in statement.items() if value is not None}
        return Disclosure.new(**{"system": UNNAMED_SYSTEM, **self.statement, **given})

    def for_production(self) -> Profile:
        """Return this profile with the development identity refused."""
        return self if self.production else self._once("production", lambda: replace(self, production=True))

    def marker(self) -> Marker:
        """Return this process's marker."""
        if self.production:
            # Refused before the first output and not at it: whoever deploys this should see it at once.
            self.signer()
        return self._once(
            "marker",
            lambda: Marker(self._layers(self.layers), optional=self.optional, complete=self._complete_identifier),
        )

    def verifier(self) -> Verifier:
        """Return this process's verifier."""
        return self._once("verifier", lambda: Verifier(self._layers(self.read_by), ledger=self.ledger))

    def ledger(self) -> Ledger:
        """Return this process's connection to the ledger."""
        # Here and not above: SQLAlchemy takes longer to import than many commands take to run.
        from disclose.ledger import Ledger

        return self._once("ledger", lambda: Ledger(self.folder / "ledger.sqlite"))

    def signer(self) -> Signer:
        """Return the signer; raises IdentityError for a development identity in production."""
        return self._once("signer", self._load_signer)

    def trust(self) -> TrustList:
        """Return the trust list; an empty one trusts nobody."""
        if self.trust_anchors is None:
            return TrustList()
        anchors = self.trust_anchors
        return self._once("trust", lambda: TrustList.from_file(anchors))

    def retired(self) -> frozenset[str]:
        """Return the serial numbers (decimal) of all certificates whose files are this deployment's own."""
        return self.signer().serial_numbers

    def _load_signer(self) -> Signer:
        signer = self._bare_signer()
        if self.production and signer.is_development:
            raise IdentityError(_NOT_IN_PRODUCTION)
        for path in self.retired_certificates:
            try:
                signer = signer.with_retired(files.read(path))
            except IdentityError as error:
                raise IdentityError(f"{path}: {error}") from error
        if self.timestamp_url is None:
            return signer
        return signer.with_timestamps(self.timestamp_url, outage=self.timestamp_outage)

    def _bare_signer(self) -> Signer:
        if self.signer_reference is not None:
            if self.certificates is not None or self.private_key is not None:
                raise ProfileError("signer_reference stands for certificates and private_key: set the one or the other")
            return Signer.from_reference(self.signer_reference)
        if self.certificates is not None and self.private_key is not None:
            return Signer.from_files(self.certificates, self.private_key)
        if self.certificates is not None or self.private_key is not None:
            raise ProfileError("signing needs both certificates and private_key; only one of them is set")
        if self.production:
            # Nothing is to be made that would be refused a moment later.
            raise IdentityError(_NOT_IN_PRODUCTION)
        return Signer.development(self.folder / "identity")

    @property
    def read_by(self) -> tuple[str, ...]:
        """The names of the layers that verifying asks, each once."""
        return tuple(dict.fromkeys((*self.layers, *self.also_read)))

    def _layers(self, names: tuple[str, ...]) -> tuple[Any, ...]:
        # One object a name: what a layer remembers of a picture serves marking and verifying alike.
        def made(name: str) -> Callable[[], Any]:
            return lambda: registry.create(name, self.resources())

        return tuple(self._once(f"layer {name}", made(name)) for name in names)

    def resources(self) -> registry.Resources:
        """Return what the layers of this profile may draw on."""
        key = None if self.watermark_key_file is None else files.read(self.watermark_key_file)
        return registry.Resources(
            signer=self.signer,
            trust=self.trust,
            ledger=self.ledger,
            watermark_key=key,
            strength=self.strength,
            legacy_message=self.legacy_message,
            aigc_producer=self.aigc_producer,
            training_mining=self.training_mining,
            retired=self.retired,
        )

    def _complete_identifier(self, found: Identifier) -> Identifier:
        """Return the whole identifier that *found* begins: the one on record, or a new one."""
        records = self.ledger().find(found) if "ledger" in self.layers else []
        return records[0].disclosure.id if records else found.completed()

    def _once(self, name: str, build: Callable[[], _Built]) -> _Built:
        """Return what *build* made for this process: handles to files and engines do not survive a fork."""
        key = (os.getpid(), name)
        if key not in self._built:
            with self._building:
                if key not in self._built:
                    self._built[key] = build()
        return self._built[key]  # type: ignore[no-any-return]


def _is_yes(variable: str, text: str) -> bool:
    if text.lower() in ("1", "true", "yes", "on"):
        return True
    if text.lower() in ("0", "false", "no", "off"):
        return False
    raise ProfileError(f"{variable}={text!r} is neither yes nor no: use 1 or 0")


def default_profile() -> Profile:
    """Return the profile of the environment as it is now; the same object as long as the environment stays."""
    described = tuple(sorted(item for item in os.environ.items() if item[0].startswith("DISCLOSE_")))
    return _profile_of(described)


@lru_cache(maxsize=8)
def _profile_of(described: tuple[tuple[str, str], ...]) -> Profile:
    return Profile.load()
