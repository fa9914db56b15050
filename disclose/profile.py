"""Profile: how a deployment marks, with which layers, keys and records."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal, Self, TypeVar

from disclose import registry
from disclose.configuration import file
from disclose.configuration.presets import DEFAULT_LAYERS, PRESETS
from disclose.configuration.requirements import Requirement, unmet
from disclose.configuration.roles import ROLES
from disclose.configuration.settings import SETTINGS, STATEMENT
from disclose.configuration.sources import checked, effective
from disclose.disclosure import Disclosure, Identifier
from disclose.errors import IdentityError, ProfileError
from disclose.lineage import LONGEST_TEXT, Contribution, Part, is_hub_identifier
from disclose.marker import Marker
from disclose.media import files
from disclose.signing import Signer, TrustList
from disclose.verifier import Verifier

if TYPE_CHECKING:
    from disclose.ledger import Ledger
    from disclose.notice.proof import NoticeProof
    from disclose.notice.schedule import Schedule

ALSO_READ = ("legacy_watermark", "aigc", "c2pa_text")
"""Layers that the world's files are read by, though nothing is marked by them unless a profile's layers say so."""
UNNAMED_SYSTEM = "unnamed AI system"
_NOT_IN_PRODUCTION = (
    "production=True refuses the development identity: nobody vouches for it. Set certificates and private_key"
    " (or DISCLOSE_CERTIFICATES and DISCLOSE_PRIVATE_KEY) to a chain from your authority"
)

_Built = TypeVar("_Built")


def _usual_folder() -> Path:
    from platformdirs import user_data_path

    return user_data_path("disclose", appauthor=False)


@dataclass(frozen=True, kw_only=True, eq=False)
class Profile:
    """How a deployment marks with ``layers`` and verifies with them and ``also_read``.

    ``folder`` holds the ledger and the development identity. Secrets are named by file and never stand in a
    profile. ``statement`` fills what a call leaves open: system, version, provider, model, detector, on_behalf_of.
    ``preset`` names the situation whose clauses hold it to a standard (its values come with :meth:`load`), ``role``
    the one in which it marks, ``origins`` where each setting was found.
    ``production=True`` refuses the development identity. ``legacy_message`` names the published message that the
    layer ``legacy_watermark`` writes where ``layers`` has it. ``aigc_producer`` is the code that the layer ``aigc``
    writes as ContentProducer (GB 45438-2025, Annex E). ``training_mining`` states that what is made is not to be
    trained on or mined (CAWG Training and Data Mining assertion, "notAllowed").

    The ledger is a SQLite file in ``folder``, unless ``ledger_url`` names another file or a PostgreSQL database, whose
    password stands in ``ledger_password_file``. Records older than ``ledger_retention`` days are erased.
    With ``keep_manifests`` the manifest that each output was signed with is kept beside its record (4 KB, more with
    time-stamps and a history), so that a file that lost it can recover it by its watermark.

    ``signer_reference``, "package.module:function", returns the signer of a key that is no file, such as one in a KMS.
    What ``retired_certificates`` (PEM) signed is still this deployment's own. ``timestamp_url`` is that of an RFC 3161
    authority; when it does not answer, ``timestamp_outage`` says whether marking fails or goes on unstamped.
    ``trust_anchors`` is a PEM file, a folder of them, or a ``trust.toml``.

    With ``text_key_files`` (whose names tell the keys apart; one in ``.vllm.key`` or ``.sglang.key`` was given to that
    engine) and ``tokenizers``, "package.module:function" that takes a text and returns its token ids without
    special tokens, texts are searched for the watermark of those keys.

    ``label_language`` is that of the visible label, where ``layers`` has "label".

    ``deepfakes`` says that what is made resembles existing persons, places or events (AI Act Art. 3(60)), and
    ``labelled_elsewhere`` that a label people see is put on it by other means. ``model_card`` is the README.md of the
    model, ``base_cards`` the cards of its base models, or folders that hold them.

    ``media``, ``routes`` and ``notice`` are what the doors of web applications go by where code says nothing else;
    ``obvious``, ``m2m`` or ``assistive`` is the written reason for which their pages go without a notice.
    """

    preset: str | None = None
    role: str | None = None
    folder: Path = field(default_factory=_usual_folder)
    layers: tuple[str, ...] = DEFAULT_LAYERS
    also_read: tuple[str, ...] = ALSO_READ
    optional: frozenset[str] = frozenset()
    ledger_url: str | None = None
    ledger_password_file: Path | None = None
    ledger_retention: float | None = None
    keep_manifests: bool = False
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
    text_key_files: tuple[Path, ...] = ()
    tokenizers: tuple[str, ...] = ()
    strength: float = 1.0
    legacy_message: str | None = None
    label_language: str = "en"
    aigc_producer: str | None = None
    training_mining: bool = False
    deepfakes: bool = False
    labelled_elsewhere: bool = False
    media: tuple[str, ...] = ()
    routes: tuple[str, ...] = ()
    notice: bool = True
    obvious: str | None = None
    m2m: str | None = None
    assistive: str | None = None
    model_card: Path | None = None
    base_cards: tuple[Path, ...] = ()
    origins: Mapping[str, str] = field(default_factory=dict, repr=False)
    _built: dict[tuple[int, str], Any] = field(default_factory=dict, init=False, repr=False)
    _building: threading.RLock = field(default_factory=threading.RLock, init=False, repr=False)

    def __post_init__(self) -> None:
        for name, value in self.values().items():
            if name in SETTINGS and value is not None and not name.startswith(STATEMENT):
                object.__setattr__(self, name, checked(SETTINGS[name], value, name))

    @classmethod
    def load(cls, **settings: Any) -> Self:
        """Return the profile that *settings* and, behind them, environment, file and preset describe.

        The file is ``disclose.toml``, or ``[tool.disclose]`` in ``pyproject.toml``, found from the working directory
        upwards or named by DISCLOSE_CONFIG; relative paths in it begin at its folder. Every setting has a variable,
        as a rule DISCLOSE_ and its name. Raises ProfileError for what is misspelt or of another kind, naming the
        source, the setting and what was expected.
        """
        found = effective(settings)
        values = {name: one.value for name, one in found.items() if not name.startswith(STATEMENT)}
        statement = {
            name.removeprefix(STATEMENT): one.value for name, one in found.items() if name.startswith(STATEMENT)
        }
        origins = {name: one.origin for name, one in found.items()}
        return cls(**values, statement=MappingProxyType(statement), origins=MappingProxyType(origins))

    def values(self) -> dict[str, Any]:
        """Return the value of each setting by its name, those of the statement as ``statement.system`` and so on."""
        own = {name: getattr(self, name) for name in SETTINGS if not name.startswith(STATEMENT)}
        return {**own, **{STATEMENT + name: value for name, value in self.statement.items()}}

    def requirements(self) -> tuple[Requirement, ...]:
        """Return what the preset asks for and, where the AI Act applies, the role."""
        if self.preset is None:
            return ()
        preset = PRESETS[self.preset]
        duties = ROLES[self.role].duties if self.role is not None and "eu" in preset.jurisdictions else ()
        return (*preset.requirements, *(one for duty in duties for one in duty.requirements))

    def missing(self, **statement: Any) -> tuple[Requirement, ...]:
        """Return the requirements that this profile, completed by *statement*, does not meet."""
        if not (requirements := self.requirements()):
            return ()
        given = {STATEMENT + name: value for name, value in statement.items()}
        return unmet(requirements, {**self.values(), **given})

    def disclosure(self, **statement: Any) -> Disclosure:
        """Return a fresh disclosure of *statement*, completed by the profile's own.

        Raises ProfileError when the preset's clauses ask for more than both say.
        """
        given = {name: value for name, value in statement.items() if value is not None}
        self._refuse(one for one in self.missing(**given) if one.is_of_the_statement)
        whole = {"system": UNNAMED_SYSTEM, **self.statement, **given}
        return Disclosure.new(**{"lineage": self.lineage(whole.get("provider")), **whole})

    def lineage(self, deployer: str | None = None) -> tuple[Contribution, ...]:
        """Return who contributed to the model, by its card, and *deployer*, else the provider of the statement.

        Empty without a ``model_card``. A card that is missing or broken is logged once and leaves nothing.
        """
        models = self._once("lineage", self._models) if self.model_card is not None else ()
        name = deployer or self.statement.get("provider")
        if not models or not name or len(name) > LONGEST_TEXT:
            return models
        return (*models, Contribution(role=Part.DEPLOYED, name=name))

    def _models(self) -> tuple[Contribution, ...]:
        # Here and not above: most deployments have no card, and reading one brings in a library of its own.
        from disclose import model_card

        assert self.model_card is not None
        named = self.statement.get("model")
        known = named if isinstance(named, str) and is_hub_identifier(named) else None
        return model_card.lineage(self.model_card, bases=self.base_cards, model=known)

    def _refuse(self, lacking: Iterable[Requirement]) -> None:
        """Raise ProfileError naming what is *lacking* and its clauses, unless it is merely encouraged."""
        if found := [str(one) for one in lacking if one.binding]:
            raise ProfileError(f"the preset {self.preset!r} asks for more: " + "; ".join(found))

    def for_production(self) -> Profile:
        """Return this profile with the development identity refused."""
        return self if self.production else self._once("production", self._with_production)

    def _with_production(self) -> Profile:
        return replace(self, production=True, origins={**self.origins, "production": "code"})

    def marker(self) -> Marker:
        """Return this process's marker."""
        # Refused before the first output and not at it: whoever deploys this should see it at once.
        self._refuse(one for one in self.missing() if not one.is_of_the_statement)
        self._check_manifests()
        self.lineage()
        if self.production:
            self.signer()
        return self._once(
            "marker",
            lambda: Marker(self._layers(self.layers), optional=self.optional, complete=self._complete_identifier),
        )

    def _check_manifests(self) -> None:
        """Raise ProfileError where manifests are to be kept, on more than a preset's word, and there will be none."""
        lacking = [name for name in ("c2pa", "ledger") if name not in self.layers]
        if self.keep_manifests and lacking and not self.origins.get("keep_manifests", "").startswith("preset "):
            raise ProfileError(
                f"keep_manifests needs the layers c2pa and ledger, and layers lacks {' and '.join(lacking)}: add"
                f" {'them' if len(lacking) > 1 else 'it'}, or set keep_manifests to false"
            )

    def verifier(self) -> Verifier:
        """Return this process's verifier."""
        return self._once("verifier", lambda: Verifier(self._layers(self.read_by), ledger=self.ledger))

    def ledger(self) -> Ledger:
        """Return this process's connection to the ledger."""
        # Here and not above: SQLAlchemy takes longer to import than many commands take to run.
        from disclose.ledger import Ledger

        days = self.ledger_retention
        return self._once(
            "ledger",
            lambda: Ledger(
                self.ledger_url or self.folder / "ledger.sqlite",
                key=self.folder / "ledger_key.pem",
                password_file=self.ledger_password_file,
                retention=None if days is None else timedelta(days=days),
            ),
        )

    def notices(self) -> NoticeProof:
        """Return what records that notices were sent and shown, and to the sessions of which outputs."""
        from disclose.notice.proof import NoticeProof

        return self._once("notices", lambda: NoticeProof.open(self.ledger(), self.folder))

    def schedule(self) -> Schedule:
        """Return the rules of when notices are due where the preset offers the system; the EU's where it says none."""
        from disclose.notice.schedule import Schedule

        known = {rule.jurisdiction for rule in Schedule.load().rules}
        offered = () if self.preset is None else PRESETS[self.preset].jurisdictions
        return Schedule.load(*([one for one in offered if one in known] or ["eu"]))

    def signer(self) -> Signer:
        """Return the signer; raises IdentityError for a development identity in production."""
        return self._once("signer", self._load_signer)

    def trust(self) -> TrustList:
        """Return the trust list; an empty one trusts nobody."""
        if self.trust_anchors is None:
            return TrustList()
        anchors = self.trust_anchors
        return self._once("trust", lambda: TrustList.from_path(anchors))

    def _load_signer(self) -> Signer:
        signer = self._bare_signer()
        if self.production and signer.is_development:
            raise IdentityError(_NOT_IN_PRODUCTION)
        for path in self.retired_certificates:
            signer = signer.with_retired(_certificates(path))
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
        watermarks = ("text_watermark",) if self.text_key_files or self.tokenizers else ()
        return tuple(dict.fromkeys((*self.layers, *self.also_read, *watermarks)))

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
            folder=self.folder,
            watermark_key=key,
            text_keys={path.stem: files.read(path) for path in self.text_key_files},
            tokenizers=self.tokenizers,
            strength=self.strength,
            legacy_message=self.legacy_message,
            label_language=self.label_language,
            aigc_producer=self.aigc_producer,
            training_mining=self.training_mining,
            keep_manifests=self.keep_manifests,
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


def _certificates(path: Path) -> bytes:
    """Return the PEM file of a retired certificate, leaf first; the authorities behind it tell it from a copy."""
    from cryptography import x509

    data = files.read(path)
    try:
        x509.load_pem_x509_certificates(data)
        return data
    except ValueError as error:
        raise IdentityError(f"cannot read the retired certificate {path}: {error}; expected PEM, leaf first") from error


def default_profile() -> Profile:
    """Return the profile of environment and file as they are now; the same object as long as both stay."""
    described = tuple(sorted(item for item in os.environ.items() if item[0].startswith("DISCLOSE_")))
    return _profile_of(described, file.stamp(file.find()))


@lru_cache(maxsize=8)
def _profile_of(described: tuple[tuple[str, str], ...], written: tuple[object, ...]) -> Profile:
    return Profile.load()
