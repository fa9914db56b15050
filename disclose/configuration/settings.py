"""Settings: all that a profile can be told, in one table, with the clause that each serves."""

from __future__ import annotations

from dataclasses import dataclass

from disclose.configuration.kinds import (
    CODE,
    LEDGER,
    NAME_SET,
    NAMES,
    PATH,
    PATHS,
    POSITIVE,
    REFERENCE,
    REFERENCES,
    TEXT,
    URL,
    YES_NO,
    Kind,
    one_of,
)
from disclose.disclosure import Action, DigitalSourceType

STATEMENT = "statement."
"""What the names of settings begin with that fill the statement of every disclosure."""


@dataclass(frozen=True, kw_only=True)
class Setting:
    """A setting: ``name`` as in code and in a file, ``variable`` as in the environment, ``clause`` where it has one."""

    name: str
    kind: Kind
    clause: str = ""
    variable: str = ""

    @property
    def environment(self) -> str:
        """The environment variable that sets it."""
        return "DISCLOSE_" + (self.variable or self.name.removeprefix(STATEMENT).upper())


ROLES = ("model publisher", "provider", "deployer")
PRESETS = ("development", "eu", "california", "china", "global")
_TABLE = (
    Setting(name="preset", kind=one_of(*PRESETS)),
    Setting(name="role", kind=one_of(*ROLES), clause="AI Act Art. 3(3)-(4), 25, 50"),
    Setting(name="folder", kind=PATH, variable="HOME", clause="AI Act Art. 50(2); Code of Practice, Sub-measure 1.1.3"),
    Setting(name="ledger_url", kind=LEDGER, clause="Code of Practice, Sub-measure 1.1.3"),
    Setting(name="ledger_password_file", kind=PATH, clause="Code of Practice, Sub-measure 1.1.3 (access control)"),
    Setting(name="ledger_retention", kind=POSITIVE, clause="Code of Practice, Sub-measure 1.1.3 (retention limits)"),
    Setting(name="keep_manifests", kind=YES_NO, clause="Guidelines C(2026) 5054 ¶76; C2PA 2.3 Soft Binding API"),
    Setting(name="layers", kind=NAMES, clause="AI Act Art. 50(2); Code of Practice, Measure 1.1"),
    Setting(name="also_read", kind=NAMES, clause="Code of Practice, Sub-measure 2.1.4"),
    Setting(name="optional", kind=NAME_SET, clause="Code of Practice, Measure 1.1 (exceptions)"),
    Setting(name="production", kind=YES_NO, clause="Code of Practice, Sub-measure 1.1.1"),
    Setting(name="certificates", kind=PATH, clause="Code of Practice, Sub-measure 1.1.1"),
    Setting(name="private_key", kind=PATH, clause="Code of Practice, Sub-measure 1.1.1"),
    Setting(name="signer_reference", kind=REFERENCE, clause="Code of Practice, Sub-measure 1.1.1"),
    Setting(name="retired_certificates", kind=PATHS, clause="Code of Practice, Sub-measure 2.1.4"),
    Setting(name="timestamp_url", kind=URL, clause="Code of Practice, Sub-measure 1.1.1"),
    Setting(name="timestamp_outage", kind=one_of("fail", "unstamped"), clause="Code of Practice, Sub-measure 1.1.1"),
    Setting(name="trust_anchors", kind=PATH, clause="Guidelines C(2026) 5054 ¶76"),
    Setting(name="watermark_key_file", kind=PATH, clause="Code of Practice, Sub-measure 1.1.2"),
    Setting(name="text_key_files", kind=PATHS, clause="Code of Practice, Sub-measure 1.1.2"),
    Setting(name="tokenizers", kind=REFERENCES, clause="Code of Practice, Sub-measure 1.1.2"),
    Setting(name="strength", kind=POSITIVE, clause="Code of Practice, Sub-measure 1.1.2"),
    Setting(name="legacy_message", kind=TEXT),
    Setting(name="label_language", kind=TEXT, clause="Guidelines C(2026) 5054 ¶142; GB 45438-2025 5.2"),
    Setting(name="aigc_producer", kind=CODE, clause="China Labelling Measures Art. 5; GB 45438-2025 Annex E"),
    Setting(name="training_mining", kind=YES_NO),
    Setting(name="deepfakes", kind=YES_NO, clause="AI Act Art. 3(60), 50(4)"),
    Setting(
        name="labelled_elsewhere",
        kind=YES_NO,
        clause="AI Act Art. 50(4); Guidelines C(2026) 5054 ¶117; China Labelling Measures Art. 4",
    ),
    Setting(name="media", kind=NAMES, clause="AI Act Art. 50(2); Code of Practice, Measure 1.1"),
    Setting(name="routes", kind=NAMES, clause="Guidelines C(2026) 5054 ¶30 (which functions are concerned)"),
    Setting(name="notice", kind=YES_NO, clause="AI Act Art. 50(1), 50(5); Guidelines C(2026) 5054 ¶35-38, 141"),
    Setting(name="obvious", kind=TEXT, clause="AI Act Art. 50(1); Guidelines C(2026) 5054 ¶42-45"),
    Setting(name="m2m", kind=TEXT, clause="Guidelines C(2026) 5054 ¶30"),
    Setting(name="assistive", kind=TEXT, clause="Guidelines C(2026) 5054 ¶30"),
    Setting(name="model_card", kind=PATH, clause="Code of Practice, Measure 1.3; AI Act Art. 53(1)(b)"),
    Setting(name="base_cards", kind=PATHS, clause="Code of Practice, Measure 1.3"),
    Setting(
        name="statement.system", kind=TEXT, clause="California BPC 22757.3(a)(1)(B); Code of Practice, Measure 1.3"
    ),
    Setting(name="statement.version", kind=TEXT, clause="California BPC 22757.3(a)(1)(B)"),
    Setting(
        name="statement.provider", kind=TEXT, clause="California BPC 22757.3(a)(1)(A); Code of Practice, Measure 1.3"
    ),
    Setting(name="statement.model", kind=TEXT, clause="Code of Practice, Measure 1.3"),
    Setting(
        name="statement.detector", kind=TEXT, clause="Guidelines C(2026) 5054 ¶69-70; Code of Practice, Measure 3.4"
    ),
    Setting(name="statement.on_behalf_of", kind=TEXT, clause="AI Act Art. 50(1); Guidelines C(2026) 5054 ¶31"),
    Setting(name="statement.action", kind=one_of(*Action), clause="California BPC 22757.3(a)(1)(E)"),
    Setting(
        name="statement.source_type",
        kind=one_of(*DigitalSourceType),
        clause="Code of Practice, Sub-measure 1.1.1; IPTC Digital Source Type",
    ),
)
SETTINGS = {setting.name: setting for setting in _TABLE}
VARIABLES = {setting.environment: setting for setting in _TABLE}
