"""Roles: who is responsible for what, as data: duties, their clauses, and what is left to people.

A list of clauses that settings serve, and no statement that anybody meets them.
"""

from __future__ import annotations

from dataclasses import dataclass

from disclose.configuration.requirements import Requirement, When


@dataclass(frozen=True, kw_only=True)
class Duty:
    """What ``clause`` asks of a role; ``served_by`` what of this project helps, ``yours`` what no software does."""

    clause: str
    asks: str
    served_by: str = ""
    yours: str = ""
    requirements: tuple[Requirement, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Role:
    """A role of the AI Act (Regulation (EU) 2024/1689) or beside it."""

    definition: str
    duties: tuple[Duty, ...]


_MACHINE_READABLE = "AI Act Art. 50(2); Code of Practice, Measure 1.1"
_DOCUMENTATION = "AI Act Art. 53(1)(b); Code of Practice, Measure 1.3"
_VISIBLE = "AI Act Art. 50(4); Code of Practice, Section 2, Measure 1.1"

ROLES = {
    "model publisher": Role(
        definition="shares a model or its weights. The model alone is not yet an AI system, though an open licence"
        " exempts no system from Art. 50 (AI Act Art. 2(12); Guidelines C(2026) 5054 ¶19-27)",
        duties=(
            Duty(
                clause=_DOCUMENTATION,
                asks="Document the model for those who build on it: what it is, what it was made from, its licence.",
                served_by="model_card: the lineage that every disclosure carries",
                yours="Art. 53 concerns general-purpose models, with an exception for free and open ones (53(2)).",
                requirements=(
                    Requirement(
                        setting="model_card", clause=_DOCUMENTATION, reason="those who build on a model need its card"
                    ),
                ),
            ),
            Duty(
                clause="Code of Practice, Measure 1.2",
                asks="Say in the licence or the documentation that marks are not to be removed.",
                yours="the text of your licence and your card",
            ),
            Duty(
                clause="California BPC 22757.3(b), 22757.3.2",
                asks="Tell licensees of their duties; sites that offer weights ask for systems that place disclosures.",
                served_by="example code that marks by default",
                yours="the notice to licensees",
            ),
        ),
    ),
    "provider": Role(
        definition="develops an AI system, or has it developed, and offers it under its own name or trademark"
        " (AI Act Art. 3(3)), also when the model within is somebody else's",
        duties=(
            Duty(
                clause="AI Act Art. 50(1), 50(5); Guidelines C(2026) 5054 ¶35-38",
                asks="Tell people at the first interaction that they deal with an AI system.",
                served_by="the notice of the Gradio and ASGI doors",
                yours="interfaces that stand behind no door, such as telephones",
            ),
            Duty(
                clause=_MACHINE_READABLE,
                asks="Mark synthetic audio, images, video and text in a machine-readable way.",
                served_by="layers: signed metadata and an imperceptible watermark",
                requirements=(
                    Requirement(
                        setting="layers",
                        holds="c2pa",
                        clause=_MACHINE_READABLE,
                        reason="signed metadata marks the file",
                    ),
                    Requirement(
                        setting="layers",
                        holds="image_watermark",
                        clause=_MACHINE_READABLE,
                        reason="a watermark marks what remains when metadata is lost",
                    ),
                ),
            ),
            Duty(
                clause="Guidelines C(2026) 5054 ¶69-70; Code of Practice, Commitment 2",
                asks="Make detection available, free of charge.",
                served_by="disclose verify, and statement.detector to say where",
                yours="running a detector, or naming one",
            ),
            Duty(
                clause="Code of Practice, Measures 4.1-4.2",
                asks="Keep a record of how each measure is met, and test before release and regularly.",
                yours="the record and its dates",
            ),
        ),
    ),
    "deployer": Role(
        definition="uses an AI system under its authority, other than privately (AI Act Art. 3(4)). Under your own"
        " name or trademark you offer it as its provider (Art. 3(3); for high-risk systems Art. 25(1))",
        duties=(
            Duty(
                clause=_VISIBLE,
                asks="Label deepfakes so that people see it; the provider's machine-readable mark is no substitute.",
                served_by="the layer 'label', where deepfakes is set",
                yours="artistic and satirical works may show it in another place (Guidelines C(2026) 5054 ¶122-124)",
                requirements=(
                    Requirement(
                        setting="layers",
                        holds="label",
                        when=When.WITH_DEEPFAKES,
                        clause=_VISIBLE,
                        reason="deepfakes carry a label that people see; draw it with the layer 'label', or by your own"
                        " means and say so with labelled_elsewhere",
                    ),
                ),
            ),
            Duty(
                clause="AI Act Art. 50(4) second subparagraph; Guidelines C(2026) 5054 ¶133-138",
                asks="Label published text on matters of public interest, unless a person reviewed its substance and"
                " somebody named holds editorial responsibility.",
                yours="the review, and the name",
            ),
            Duty(
                clause="AI Act Art. 50(3)",
                asks="Tell people who are exposed to emotion recognition or biometric categorisation.",
                yours="that notice names the function; a general one does not suffice",
            ),
            Duty(
                clause="Code of Practice, Measure 1.2",
                asks="Keep the marks that arrive with what you use.",
                served_by="every layer: foreign metadata survives, earlier manifests become ingredients",
            ),
        ),
    ),
}
