"""Languages: which of those at hand a reader is spoken to in, and which way it is written."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Literal

Direction = Literal["ltr", "rtl"]

ALIASES: Mapping[str, str] = MappingProxyType(
    {
        "iw": "he",
        "no": "nb",
        "nn": "nb",
        "zh": "zh-hans",
        "zh-tw": "zh-hant",
        "zh-hk": "zh-hant",
        "zh-mo": "zh-hant",
        "cmn": "zh-hans",
        "cmn-hant": "zh-hant",
        "cmn-tw": "zh-hant",
        "yue": "zh-hant",
        "yue-cn": "zh-hans",
        "yue-hans": "zh-hans",
    }
)
"""Tags, in lower case, whose readers read another: former codes, kin, and the script that a region writes (CLDR)."""

_RIGHT_TO_LEFT = frozenset({"ar", "arc", "ckb", "dv", "fa", "he", "iw", "ps", "sd", "syr", "ug", "ur", "yi"})


def direction(language: str) -> Direction:
    """Return the direction that *language* (BCP 47) is written in, as the attribute ``dir`` of HTML has it.

    >>> direction("he-IL"), direction("de")
    ('rtl', 'ltr')
    """
    return "rtl" if _normal(language).split("-")[0] in _RIGHT_TO_LEFT else "ltr"


def best(wanted: str | Iterable[str], available: Iterable[str]) -> str | None:
    """Return the first of *available* that serves *wanted* (BCP 47, most wanted first), or None where none does.

    A tag is shortened from its end until something fits (RFC 4647, 3.4, lookup), so pt-BR is served by pt; the
    script in "notice.js" goes the same way with the same aliases.

    >>> best(["sr-RS", "zh-TW", "en"], ["en", "zh-Hans", "zh-Hant"])
    'zh-Hant'
    """
    known = {_normal(language): language for language in available}
    for tag in [wanted] if isinstance(wanted, str) else wanted:
        parts = _normal(tag).split("-")
        for length in range(len(parts), 0, -1):
            shortened = "-".join(parts[:length])
            for name in (shortened, ALIASES.get(shortened)):
                if name in known:
                    return known[name]
    return None


def _normal(tag: str) -> str:
    return tag.strip().replace("_", "-").lower()
