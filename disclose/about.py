"""About: what a deployment says of its AI system in one document, for people and for machines."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from disclose.profile import Profile

WELL_KNOWN = "/.well-known/ai-disclosure"
"""Where the document lies (RFC 8615). The name is in no registry yet."""

_SAID = ("system", "version", "provider", "model", "detector", "on_behalf_of")


def about(profile: Profile, **statement: Any) -> dict[str, Any]:
    """Return, as JSON-ready values, what *profile* and *statement* say of the system: who, with what, how to check.

    ``layers`` are the techniques by which its outputs are marked, ``detector`` is where anyone can check them (Code of
    Practice, Measure 3.4), ``lineage`` names who contributed to the model. What is not known is left out.
    """
    given = {**profile.statement, **{name: value for name, value in statement.items() if value is not None}}
    lineage = given.get("lineage", profile.lineage(given.get("provider")))
    values = {
        **{name: given.get(name) for name in _SAID},
        "role": profile.role,
        "layers": list(profile.layers),
        "lineage": [one.to_dict() for one in lineage],
    }
    return {name: value for name, value in values.items() if value}
