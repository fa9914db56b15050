"""disclose: every output of an AI system leaves with a disclosure that people can see and machines can check.

Mark what a function makes, mark a file, check a file::

    import disclose

    @disclose.marked(system="Acme Studio", version="2.1", provider="Acme GmbH")
    def draw(prompt): ...

    disclose.mark("picture.png", system="Acme Studio").save("picture.disclosed.png")
    disclose.verify("picture.disclosed.png").outcome        # Outcome.DISCLOSED

:func:`marked`, :func:`mark` and :func:`verify` are the verbs; :class:`Asset`, :class:`Disclosure`,
:class:`Evidence` and :class:`Verdict` the nouns; :class:`Profile` says how a deployment marks. Everything is
imported when it is first used, so that ``import disclose`` costs next to nothing.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from disclose.version import __version__

if TYPE_CHECKING:
    from disclose.asset import Asset, Mark
    from disclose.disclosure import Action, DigitalSourceType, Disclosure, Identifier
    from disclose.errors import DiscloseError
    from disclose.evidence import Evidence, Outcome, Verdict
    from disclose.integrations.functions import mark, marked, verify
    from disclose.lineage import Contribution
    from disclose.profile import Profile

_HOMES = {
    "Action": "disclosure",
    "Asset": "asset",
    "Contribution": "lineage",
    "DigitalSourceType": "disclosure",
    "DiscloseError": "errors",
    "Disclosure": "disclosure",
    "Evidence": "evidence",
    "Identifier": "disclosure",
    "Mark": "asset",
    "Outcome": "evidence",
    "Profile": "profile",
    "Verdict": "evidence",
    "mark": "integrations.functions",
    "marked": "integrations.functions",
    "verify": "integrations.functions",
}

__all__ = [
    "Action",
    "Asset",
    "Contribution",
    "DigitalSourceType",
    "DiscloseError",
    "Disclosure",
    "Evidence",
    "Identifier",
    "Mark",
    "Outcome",
    "Profile",
    "Verdict",
    "__version__",
    "mark",
    "marked",
    "verify",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'disclose' has no attribute {name!r}")
    value = getattr(import_module(f"disclose.{_HOMES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__
