"""Presets: what a situation asks for, as data: values, what else has to be set, and the clauses both serve."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from disclose.configuration.requirements import Requirement, When

DEFAULT_LAYERS = ("image_watermark", "iptc", "c2pa", "fingerprint", "text_fingerprint", "ledger")


@dataclass(frozen=True, kw_only=True)
class Choice:
    """A value that a preset gives to a setting, and the clause behind it."""

    value: Any
    clause: str


@dataclass(frozen=True, kw_only=True)
class Preset:
    """A situation; ``jurisdictions`` are those whose rules for a role are held up to the profile."""

    meaning: str
    jurisdictions: tuple[str, ...] = ()
    choices: Mapping[str, Choice] = field(default_factory=dict)
    requirements: tuple[Requirement, ...] = ()


_DEVELOPMENT = Preset(
    meaning="on a developer's machine: the development identity, nothing asked for",
    choices={
        "timestamp_outage": Choice(value="unstamped", clause="none: what is made here is not published"),
    },
)
_EU = Preset(
    meaning="published in the European Union",
    jurisdictions=("eu",),
    choices={
        "layers": Choice(value=DEFAULT_LAYERS, clause="AI Act Art. 50(2); Code of Practice, Measure 1.1 (two layers)"),
        "timestamp_outage": Choice(value="fail", clause="Code of Practice, Sub-measure 1.1.1"),
        "keep_manifests": Choice(value=True, clause="Guidelines C(2026) 5054 ¶76 (detection by an open standard)"),
    },
    requirements=(
        Requirement(
            setting="layers",
            holds="c2pa",
            clause="AI Act Art. 50(2); Code of Practice, Sub-measure 1.1.1",
            reason="digitally signed metadata is the first of two layers",
        ),
        Requirement(
            setting="layers",
            holds="image_watermark",
            clause="AI Act Art. 50(2); Code of Practice, Sub-measure 1.1.2",
            reason="an imperceptible watermark is the second of two layers",
        ),
        Requirement(
            setting="timestamp_url",
            when=When.SIGNED_AS_ONESELF,
            clause="Code of Practice, Sub-measure 1.1.1",
            reason="signed metadata is time-stamped; name a time-stamping authority (RFC 3161)",
        ),
        Requirement(
            setting="statement.detector",
            clause="Guidelines C(2026) 5054 ¶69-70; Code of Practice, Measure 3.4",
            reason="a mark without a detector does not suffice; say where anyone can check, as an address",
        ),
        Requirement(
            setting="statement.provider",
            binding=False,
            clause="Code of Practice, Measure 1.3",
            reason="the provider's name in the metadata is encouraged",
        ),
        Requirement(
            setting="statement.system",
            binding=False,
            clause="Code of Practice, Measure 1.3",
            reason="the system's name in the metadata is encouraged",
        ),
        Requirement(
            setting="role",
            binding=False,
            clause="AI Act Art. 3(3)-(4)",
            reason="duties differ between providers and deployers; say which you are",
        ),
    ),
)
_CALIFORNIA = Preset(
    meaning="publicly accessible in California",
    jurisdictions=("california",),
    choices={
        "layers": Choice(value=DEFAULT_LAYERS, clause="California BPC 22757.3(a)(2)-(4)"),
        "keep_manifests": Choice(value=True, clause="California BPC 22757.2 (the tool gives system provenance data)"),
    },
    requirements=(
        Requirement(
            setting="statement.provider",
            clause="California BPC 22757.3(a)(1)(A)",
            reason="the latent disclosure names the provider",
        ),
        Requirement(
            setting="statement.system",
            clause="California BPC 22757.3(a)(1)(B)",
            reason="the latent disclosure names the system",
        ),
        Requirement(
            setting="statement.version",
            clause="California BPC 22757.3(a)(1)(B)",
            reason="the latent disclosure names the system's version",
        ),
        Requirement(
            setting="layers",
            holds="c2pa",
            clause="California BPC 22757.3(a)(2)-(4)",
            reason="the latent disclosure follows a widely recognised standard",
        ),
        Requirement(
            setting="layers",
            holds="image_watermark",
            clause="California BPC 22757.3(a)(2)-(4)",
            reason="the latent disclosure is permanent or extraordinarily difficult to remove",
        ),
        Requirement(
            setting="layers",
            holds="ledger",
            clause="California BPC 22757.3(a)(1)-(2)",
            reason="a watermark holds an id only; the record behind it holds the five fields",
        ),
        Requirement(
            setting="statement.detector",
            binding=False,
            clause="California BPC 22757.2",
            reason="a free verification tool has to be offered; naming it in every output leads people to it",
        ),
    ),
)
_CHINA = Preset(
    meaning="offered to the public in mainland China",
    jurisdictions=("china",),
    choices={
        "layers": Choice(
            value=("label", *DEFAULT_LAYERS, "aigc"),
            clause="China Labelling Measures Art. 3-5; GB 45438-2025 5.2, 6.1 and Annex E",
        ),
        "label_language": Choice(value="zh-Hans", clause="GB 45438-2025 5.2"),
    },
    requirements=(
        Requirement(
            setting="layers",
            holds="aigc",
            clause="China Labelling Measures Art. 5; GB 45438-2025 6.1",
            reason="files carry the implicit label in their metadata",
        ),
        Requirement(
            setting="aigc_producer",
            clause="China Labelling Measures Art. 5; GB 45438-2025 Annex E",
            reason="ContentProducer is not to be empty: give the code that stands for the provider",
        ),
        Requirement(
            setting="layers",
            holds="label",
            when=When.NOT_LABELLED_ELSEWHERE,
            clause="China Labelling Measures Art. 4; GB 45438-2025 5.2",
            reason="what is downloaded or copied carries a label that people see; draw it with the layer 'label', or"
            " by your own means and say so with labelled_elsewhere",
        ),
    ),
)


def _union(*presets: Preset) -> Preset:
    layers = tuple(dict.fromkeys(layer for preset in presets for layer in preset.choices["layers"].value))
    clause = "; ".join(preset.choices["layers"].clause for preset in presets)
    others = {name: choice for preset in presets for name, choice in preset.choices.items()}
    needed: dict[tuple[str, str], Requirement] = {}
    # Where one preset asks for what another merely encourages, it is asked for.
    for requirement in sorted((one for preset in presets for one in preset.requirements), key=lambda one: -one.binding):
        needed.setdefault((requirement.setting, requirement.holds), requirement)
    return Preset(
        meaning="published everywhere: what the EU, California and China ask for together",
        jurisdictions=tuple(name for preset in presets for name in preset.jurisdictions),
        choices={**others, "layers": Choice(value=layers, clause=clause)},
        requirements=tuple(needed.values()),
    )


PRESETS = {
    "development": _DEVELOPMENT,
    "eu": _EU,
    "california": _CALIFORNIA,
    "china": _CHINA,
    "global": _union(_EU, _CALIFORNIA, _CHINA),
}
