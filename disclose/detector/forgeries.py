"""Forgeries: what the detector says of the usual ones, as a table; the tests make each and hold it to its row."""

from __future__ import annotations

from dataclasses import dataclass

from disclose.evidence import Outcome


@dataclass(frozen=True, kw_only=True)
class Forgery:
    """An attack, the outcome it gets, and what the evidence shows."""

    name: str
    attack: str
    outcome: Outcome
    because: str


FORGERIES = (
    Forgery(
        name="copied watermark",
        attack="The watermark of an issued picture is embedded in another picture.",
        outcome=Outcome.CONTESTED,
        because="The identifier is on record, with the fingerprint of another picture; the distance is given.",
    ),
    Forgery(
        name="replayed manifest",
        attack="The signed manifest of an issued picture is put into another file.",
        outcome=Outcome.CONTESTED,
        because="The hash that was signed is not that of these bytes.",
    ),
    Forgery(
        name="invented identifier",
        attack="A picture is given a watermark with an identifier that nobody issued.",
        outcome=Outcome.INDICATED,
        because="Anyone can embed with the public key, and no record at hand explains the identifier.",
    ),
    Forgery(
        name="two marks that disagree",
        attack="An issued picture is signed again elsewhere under another identifier.",
        outcome=Outcome.CONTESTED,
        because="Two intact marks bound to this content name different identifiers.",
    ),
    Forgery(
        name="stolen ingredient",
        attack="An issued picture is shown in another, and declared as its ingredient by an unknown signer.",
        outcome=Outcome.CONTESTED,
        because="Anyone can declare it. Of a trusted signer it is believed, and the collage is what that signer says.",
    ),
    Forgery(
        name="unsigned claim",
        attack="A photograph is given the metadata value trainedAlgorithmicMedia.",
        outcome=Outcome.INDICATED,
        because="Anyone can write it; it is bound to nothing.",
    ),
)


def table() -> str:
    """Return the table in Markdown, for the documentation."""
    rows = [f"| {one.name} | {one.attack} | `{one.outcome.value}` | {one.because} |" for one in FORGERIES]
    return "\n".join(("| forgery | what is done | outcome | because |", "|---|---|---|---|", *rows))


__doc__ = f"{__doc__}\n{table()}\n"
