"""Labels for people: the words and signs that stand on or beside content, as SVG, HTML and text.

The main element is a capital "AI" in all languages, with "generated" or "modified" as its second line (Code of
Practice on Transparency of AI-Generated Content, Section 2, Measure 1.1). The sign is drawn by us; it is not the
European Commission's icon. Labels in pixels are drawn by :mod:`disclose.media.label_drawing`.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from html import escape
from importlib.resources import files
from typing import Literal

from disclose.disclosure import Action
from disclose.notice.wording import Text, wording

Kind = Literal["generated", "modified"]
MAIN = "AI"
"""The main element, in all languages."""
_BADGE_STYLE = (
    "display:inline-block;padding:.2em .6em;border:1px solid #fff;border-radius:.4em;background:#1e2433;color:#fff;"
    "font:600 .875rem/1.4 sans-serif"
)


def kind_of(action: Action) -> Kind:
    """Return the kind of label for what a system created or altered."""
    return "generated" if action is Action.CREATED else "modified"


def second_line(kind: Kind, language: str | Iterable[str]) -> tuple[str, str]:
    """Return what stands below "AI", without repeating it, and its language (BCP 47).

    >>> second_line("generated", "en"), second_line("modified", "de-AT")
    (('generated', 'en'), ('KI-bearbeitet', 'de'))
    """
    text = _words(kind, language)
    words = text.headline
    return (words.removeprefix(MAIN).lstrip("- ") if words.startswith(MAIN) else words), text.language


def svg(kind: Kind, language: str | Iterable[str] = "en") -> str:
    """Return the sign as a stand-alone SVG with an accessible name: a plate with "AI", solid or half filled.

    It inherits ``color``: the plate takes the colour of the text around it, and the letters are cut out of it.
    """
    text, description = _words(kind, language), _description(kind, language)
    return (
        _template(kind)
        .replace("{language}", escape(text.language))
        .replace("{title}", escape(text.headline))
        .replace("{description}", escape(description.removesuffix(":")))
        .strip()
    )


def badge(language: str | Iterable[str] = "en") -> str:
    """Return the badge that stands by a conversation throughout, as HTML without scripts or styles from elsewhere.

    White on near black: more than 15 to 1, where WCAG 2.1 (1.4.3) asks for 4.5.
    """
    text = wording("badge", language)
    label, tag = escape(text.label), escape(text.language)
    attributes = f'lang="{tag}" dir="{text.direction}" aria-label="{label}" title="{label}" style="{_BADGE_STYLE}"'
    return f'<span class="disclose-badge" role="note" {attributes}>{escape(text.headline)}</span>'


def text_prefix(language: str | Iterable[str] = "en") -> str:
    """Return what stands before a generated text, at its top (Code of Practice, Section 2, 1.2.2(f))."""
    return f"{wording('text_prefix', language).headline} "


def labelled(text: str, language: str | Iterable[str] = "en", *, paragraph: bool = False) -> str:
    r"""Return *text* with :func:`text_prefix` at its top, once, and nothing where there is no text.

    In Markdown the prefix is a *paragraph* of its own, so that a heading, a list or code below stays what it is.

    >>> labelled("A red house."), labelled("# A house", "de", paragraph=True)
    ('AI-generated text: A red house.', 'KI-generierter Text:\n\n# A house')
    """
    if not text or unlabelled(text, language) != text:
        return text
    prefix = text_prefix(language)
    return f"{prefix.rstrip()}\n\n{text}" if paragraph else f"{prefix}{text}"


def unlabelled(text: str, language: str | Iterable[str] = "en") -> str:
    """Return *text* without what :func:`labelled` put before it: a model is not to learn from its own label."""
    prefix = text_prefix(language)
    paragraph = f"{prefix.rstrip()}\n\n"
    return text.removeprefix(paragraph) if text.startswith(paragraph) else text.removeprefix(prefix)


def alternative_text(kind: Kind, description: str, language: str | Iterable[str] = "en") -> str:
    """Return *description* of a picture with the label before it, for those who hear it.

    >>> alternative_text("generated", "A red house.")
    'AI-generated image: A red house.'
    """
    return f"{_description(kind, language)} {description}".strip()


def _words(kind: Kind, language: str | Iterable[str]) -> Text:
    return wording(f"image_{kind}", language)


def _description(kind: Kind, language: str | Iterable[str]) -> str:
    return wording(f"alt_text_{kind}", language).headline


@cache
def _template(kind: Kind) -> str:
    return files(__package__).joinpath(f"label_{kind}.svg").read_text("utf-8")
