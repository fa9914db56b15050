"""Notice: wording in several languages, and the script that shows it before anything else can be used."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from importlib.resources import files

from disclose.notice.languages import ALIASES, best
from disclose.notice.wording import WORDING, Wording

ELEMENT_ID = "disclose-notice"
"""The id of the element that holds the notice; a page that has one shows no second."""


@dataclass(frozen=True, kw_only=True)
class Notice:
    """What people are told at the first interaction; ``fallback`` is the language for all who read none of the others.

    The reader's browser chooses the language, so a page that was cached or shared still speaks to each reader.
    """

    wording: Mapping[str, Wording] = field(default_factory=lambda: WORDING)
    fallback: str = "en"

    def __post_init__(self) -> None:
        if self.fallback not in self.wording:
            raise ValueError(f"there is no wording in {self.fallback!r}; there is {', '.join(self.wording)}")

    def language_for(self, tags: Iterable[str]) -> str:
        """Return the first language of *tags* (BCP 47, most wanted first) that there is wording in.

        >>> Notice().language_for(["gsw", "de-CH", "en"])
        'de'
        >>> Notice().language_for(["zh-TW"])
        'zh-Hant'
        """
        return best(tags, self.wording) or self.fallback

    def to_script(self, *, asks: bool = True) -> str:
        """Return a JavaScript function without parameters that shows the notice: a banner that stays, and a dialog.

        Running it again changes nothing. In a frame it shows the banner alone, since a dialog there may open
        where nobody sees it; unless it *asks*, it does so everywhere. The element it makes takes what is to be said
        later: ``tell(text, report)``.
        """
        show = files(__package__).joinpath("notice.js").read_text("utf-8").strip()
        texts = _json({language: asdict(wording) for language, wording in self.wording.items()})
        given = (_json(ELEMENT_ID), texts, _json(self.fallback), _json(dict(ALIASES)), _json(asks))
        return f"() => ({show})({', '.join(given)})"

    def to_html(self) -> str:
        """Return a script element that shows the notice, for the end of a page's body."""
        return f"<script>({self.to_script()})()</script>"


def _json(value: object) -> str:
    # Escaped like this, no wording can end the script element it stands in (HTML, 13.2.5.4).
    return json.dumps(value).replace("<", "\\u003c")
