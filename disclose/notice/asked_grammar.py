"""The grammar of questions about a system's nature: the tables of ``asked.toml`` as patterns over folded words."""

from __future__ import annotations

import re
import tomllib
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

WORD = re.compile(r"[^\W_]+")
"""A word of folded text."""

_SHORTEST_MISSPELT = 4
_MOST_MISSPELT = 2
_REPEATS = 10
_ALIKE = str.maketrans({"ł": "l", "ø": "o", "đ": "d", "ı": "i", "æ": "ae", "œ": "oe", "ъ": "ь"})
# Accents, and what Arabic writes above and below its letters. Not the marks of kana, which make other sounds.
_MARKS = re.compile("[\u0300-\u036f\u0610-\u061a\u064b-\u065f\u0670\u0640\u200b-\u200f\u2066-\u2069]")
_SHARED_PATTERNS = (
    "{self} {mod}* {nature} {more}*",
    "{other} {mod}* {nature} {more}*",
    "{self} {mod}* {real} {tail}*",
    "{said} {mod}* {nature} {more}* ?",
    "{said} {mod}* {real} {tail}* ?",
    "{there} {mod}* {nature} {place} {tail}*",
    "{there} {mod}* {real} {place} {tail}*",
    "{mod}* {nature} {or} {mod}* {nature} {tail}*",
)
_OF_SENTENCES = ("{you}? {mod}* {nature} {tail}* ?",)
WORD_CLASSES = ("lead", "mod", "or", "tail")


@dataclass(frozen=True, kw_only=True)
class Clause:
    """Words that stand between two marks; ``is_sentence`` if these are the marks of a sentence."""

    words: tuple[str, ...]
    is_question: bool
    is_sentence: bool


@dataclass(frozen=True, kw_only=True)
class Grammar:
    """The patterns of one language, compiled when a clause first needs them."""

    spaced: bool
    clause: str
    sentence: str
    keys: frozenset[str]
    vocabulary: frozenset[str]
    distinct: frozenset[str]
    misspelt: Mapping[str, tuple[str, ...]]

    def asks(self, clause: Clause) -> bool:
        """Whether *clause* as a whole is such a question."""
        # A clause matches as a whole, so a word that no pattern has settles it.
        if self.spaced:
            if sum(word not in self.vocabulary for word in clause.words) > _MOST_MISSPELT:
                return False
            words = [self._spelt(word) for word in clause.words]
            if self.keys.isdisjoint(words) or not self.vocabulary.issuperset(words):
                return False
            text = " ".join(words) + " "
        else:
            text = "".join(clause.words)
            if not self.vocabulary.issuperset(text):
                return False
        pattern = self.sentence if clause.is_sentence else self.clause
        return _matcher(pattern).fullmatch(text + ("?" if clause.is_question else "")) is not None

    def _spelt(self, word: str) -> str:
        """Return the key word that *word* is with one letter wrong, or *word* itself."""
        if word in self.vocabulary or word in self.distinct or not _SHORTEST_MISSPELT <= len(word) <= 24:
            return word
        for reduced in (word, *_deletions(word)):
            for candidate in self.misspelt.get(reduced, ()):
                if _is_misspelt(word, candidate):
                    return candidate
        return word


def folded(text: str) -> str:
    """Return *text* without case, accents and the letters that keyboards lack."""
    bare = _MARKS.sub("", unicodedata.normalize("NFKD", text.casefold().translate(_ALIKE)))
    return unicodedata.normalize("NFC", bare)


@cache
def _tables() -> dict[str, dict[str, Any]]:
    tables: dict[str, dict[str, Any]] = tomllib.loads(files(__package__).joinpath("asked.toml").read_text("utf-8"))
    return tables


@cache
def words_of(name: str) -> frozenset[str]:
    """Return the words of the class *name* in all languages."""
    return frozenset(word for table in _tables().values() for word in _words(table.get(name, "")))


@cache
def grammars() -> dict[str, Grammar]:
    """Return the grammars by language."""
    return {language: _grammar(table) for language, table in _tables().items()}


@cache
def _matcher(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern)


def _grammar(table: dict[str, Any]) -> Grammar:
    spaced = table.get("spaced", True)
    classes = {
        name: _alternatives(value, spaced=spaced, by_word=name in WORD_CLASSES)
        for name, value in table.items()
        if isinstance(value, str) and "{" not in value and name not in ("quoting", "distinct")
    }
    classes["nature"] = _longest_first({*classes["human"], *classes["machine"]})
    for name, value in table.items():
        if isinstance(value, str) and "{" in value:
            parts = re.findall(r"{(\w+)}", value)
            classes[name] = _longest_first({word for part in parts for word in classes[part]})
    patterns = [*table["patterns"], *(_SHARED_PATTERNS if spaced else ())]
    clause = [_compiled(pattern, classes, spaced=spaced) for pattern in patterns]
    clause += [_one_of(classes["whole"], spaced=spaced) + _any_of(classes["tail"], spaced=spaced)]
    alone = [_compiled(pattern, classes, spaced=spaced) for pattern in _OF_SENTENCES if spaced]
    lead = _any_of(classes["lead"], spaced=spaced)
    leading = f"{lead}(?:{'|'.join(part for part in clause if part)})"
    named = {word for phrase in classes["nature"] for word in phrase.split()}
    asked = {
        word
        for name in ("whole", "real", "that_you", "you_are", "with")
        for phrase in classes.get(name, ())
        for word in phrase.split()
    }
    misspelt: dict[str, list[str]] = {}
    for word in sorted(named):
        if spaced and len(word) >= _SHORTEST_MISSPELT:
            for reduced in {word, *_deletions(word)}:
                misspelt.setdefault(reduced, []).append(word)
    literals = [element for pattern in patterns for element in pattern.split() if element.isalpha()]
    phrases = [phrase for phrases in classes.values() for phrase in phrases] + literals
    return Grammar(
        spaced=spaced,
        clause=rf"{leading}\??",
        sentence=rf"(?:{'|'.join([leading, *alone])})\??",
        keys=frozenset(named | asked),
        vocabulary=frozenset(part for phrase in phrases for part in (phrase.split() if spaced else phrase)),
        distinct=frozenset(_words(table["distinct"])),
        misspelt={reduced: tuple(words) for reduced, words in misspelt.items()},
    )


def _alternatives(value: str, *, spaced: bool, by_word: bool) -> tuple[str, ...]:
    """Return the phrases of a class as they stand in a clause, the longest first."""
    phrases = value.split() if by_word else value.split("|")
    joined = (" " if spaced else "").join
    if by_word and spaced:
        return _longest_first(set(_words(value)))
    return _longest_first({joined(_words(phrase)) for phrase in phrases} - {""})


def _longest_first(phrases: set[str]) -> tuple[str, ...]:
    return tuple(sorted(phrases, key=lambda phrase: (-len(phrase), phrase)))


def _compiled(pattern: str, classes: Mapping[str, tuple[str, ...]], *, spaced: bool) -> str:
    """Return *pattern* as a regular expression; repetitions are bounded."""
    built = ""
    for element in pattern.split():
        named = re.fullmatch(r"{(\w+)}([*?]?)", element)
        if element == "?":
            built += r"(?=\?)"
        elif named is None:
            built += re.escape(element) + (" " if spaced else "")
        elif named[1] == "more":
            built += _more(classes, spaced=spaced)
        elif named[2] == "*":
            built += _any_of(classes[named[1]], spaced=spaced)
        elif not classes[named[1]]:
            # A language without such words has no such questions.
            return ""
        else:
            built += _one_of(classes[named[1]], spaced=spaced) + named[2]
    return built


def _more(classes: Mapping[str, tuple[str, ...]], *, spaced: bool) -> str:
    """Return what may follow what one can be: the tail's words, and "or" with what else one can be."""
    other = _one_of(classes["or"], spaced=spaced) + _any_of(classes["mod"], spaced=spaced)
    other += _one_of(classes["nature"], spaced=spaced)
    return f"(?:{other}|{_one_of(classes['tail'], spaced=spaced)}){{0,{_REPEATS}}}"


def _one_of(phrases: tuple[str, ...], *, spaced: bool) -> str:
    return f"(?:(?:{'|'.join(map(re.escape, phrases))}){' ' if spaced else ''})"


def _any_of(phrases: tuple[str, ...], *, spaced: bool) -> str:
    return f"{_one_of(phrases, spaced=spaced)}{{0,{_REPEATS}}}" if phrases else ""


def _words(text: str) -> list[str]:
    return WORD.findall(folded(text))


def _deletions(word: str) -> list[str]:
    return [word[:index] + word[index + 1 :] for index in range(len(word))]


def _is_misspelt(word: str, key: str) -> bool:
    """Whether one letter is missing, too many or wrong, or two neighbours are swapped (Damerau 1964).

    Short words have too many neighbours that mean something: of these only two swapped or one doubled letter count.
    """
    if len(word) != len(key):
        longer, shorter = (word, key) if len(word) > len(key) else (key, word)
        doubled = any(longer[at] == longer[at + 1] for at in range(len(longer) - 1))
        return len(longer) - len(shorter) == 1 and shorter in _deletions(longer) and (len(key) > 4 or doubled)
    wrong = [index for index, (one, two) in enumerate(zip(word, key, strict=True)) if one != two]
    if len(wrong) == 2 and wrong[1] == wrong[0] + 1:
        first, second = wrong
        return word[first] == key[second] and word[second] == key[first]
    return len(wrong) == 1 and len(key) > 4
