"""Asked: whether somebody asks a system about its nature, told by patterns, without a model.

Whenever a system is asked, its answer says that it is an AI system (Guidelines C(2026) 5054, ¶40). The patterns are
data (``asked.toml``), one table a language, and are held against whole clauses, so that "are you human?" asks and
"are you a human rights lawyer?" does not. How often they are right is measured by ``benchmarks/asked.py``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise
from typing import TypeVar

from disclose.notice.asked_grammar import WORD, Clause, folded, grammars, words_of

LONGEST_TEXT = 8000
"""Of longer texts the beginning and the end are read, half of this many characters each."""

_Item = TypeVar("_Item")
_LONGEST_CLAUSE = 30
_MOST_SENTENCES = 64
_MOST_CLAUSES = 32
_ABBREVIATION = re.compile(r"\ba\.\s?i\.?(?!\w)")
# A question in quotation marks is somebody else's.
_QUOTED = re.compile(r'"[^"\n]{1,300}"|“[^”\n]{1,300}”|„[^“”\n]{1,300}[“”]|«[^»\n]{1,300}»|「[^」\n]{1,300}」')
_SENTENCE = re.compile(r"([^.!?;:…\n()¿¡?？！。；：؟—–]*)([.!?;:…\n()¿¡？！。；：؟—–]|$)")
# In program code a question mark is an operator: "app?.close()", "root ??= …".
_OPERATOR = re.compile(r"\?{1,2}(?==|\.\w)")
_QUESTION_MARKS = ("?", "？", "؟")
_COLONS = (":", "：")


def asks_about_nature(text: str, language: str | None = None) -> bool:
    """Whether *text* asks if its reader is a person or a machine.

    *language* (BCP 47) narrows the patterns to that language and English; without it, or without patterns in it, all
    are tried. Case, accents, punctuation, politeness and one wrong letter in a key word make no difference.

    >>> asks_about_nature("Sorry, but are you a robto?"), asks_about_nature("Are you hungry?")
    (True, False)
    """
    known = grammars()
    wanted = (language or "").lower().replace("_", "-").split("-")[0]
    chosen = {wanted, "en"} if wanted in known else known.keys()
    tried = [grammar for name, grammar in known.items() if name in chosen]
    clauses = _ends(list(dict.fromkeys(_clauses(_shortened(text)))), _MOST_CLAUSES)
    return any(grammar.asks(clause) for clause in clauses for grammar in tried)


def _shortened(text: str) -> str:
    half = LONGEST_TEXT // 2
    return text if len(text) <= LONGEST_TEXT else f"{text[:half]}\n{text[-half:]}"


def _ends(items: list[_Item], most: int) -> list[_Item]:
    """Return *items*, or the first and the last of them: people ask at the beginning or at the end."""
    return items if len(items) <= most else items[: most // 2] + items[-(most // 2) :]


def _clauses(text: str) -> Iterator[Clause]:
    """Yield the sentences of *text* and their clauses, without what is quoted."""
    text = _OPERATOR.sub(" ", _ABBREVIATION.sub("ai ", folded(text)))
    unquoted = _QUOTED.sub(" ", text)
    text = unquoted if WORD.search(unquoted) else text
    sentences = [found for found in _SENTENCE.findall(text) if found != ("", "")]
    skipping = False
    for sentence, mark in _ends(sentences, _MOST_SENTENCES):
        if not skipping and sentence.strip():
            yield from _clauses_of(sentence, is_question=mark in _QUESTION_MARKS)
        if mark in _COLONS and not words_of("quoting").isdisjoint(WORD.findall(sentence)):
            skipping = True
        elif mark == "\n":
            skipping = False


def _clauses_of(sentence: str, *, is_question: bool) -> Iterator[Clause]:
    parts: list[tuple[str, ...]] = []
    for words in map(tuple, map(WORD.findall, re.split("[,،，、]", sentence))):
        if words and parts and words[0] in words_of("binding"):
            parts[-1] += words
        elif words:
            parts.append(words)
    whole = tuple(word for words in parts for word in words)
    candidates = [(whole, True)]
    if not words_of("quoting").isdisjoint(parts[0] if parts else ()):
        parts = []
    if 1 < len(parts) <= _MOST_CLAUSES:
        candidates += [(words, False) for words in parts]
        # "You are a robot, right?" after whatever stands before it.
        candidates += [((*before, *last), False) for before, last in pairwise(parts)]
    elif len(parts) > _MOST_CLAUSES:
        candidates = [(words, False) for words in _ends(parts, _MOST_CLAUSES // 2)]
    for words, is_sentence in candidates:
        if 0 < len(words) <= _LONGEST_CLAUSE:
            yield Clause(words=words, is_question=is_question, is_sentence=is_sentence)
