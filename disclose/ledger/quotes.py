"""The log that finds quotations: keyed hashes of phrases of every answer issued, and of no answer the words.

Every phrase is hashed under the tenant's own key, so whoever reads the log without it can neither read nor guess what
was answered, and two tenants' logs have nothing in common. Deleting the key makes a tenant's log meaningless at once.
The log is not part of the ledger's chain: what it holds is deleted when its time is over
(Code of Practice on Transparency of AI-Generated Content, sub-measure 1.1.3).
"""

from __future__ import annotations

import hashlib
import heapq
import math
import time
import unicodedata
from bisect import bisect_left, bisect_right
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import accumulate, chain, repeat
from typing import Any

from sqlalchemy import Connection, func, insert, select

from disclose.disclosure import Identifier
from disclose.ledger import phrases
from disclose.ledger.erasure import delete_quotations
from disclose.ledger.store import Ledger
from disclose.ledger.tables import QUOTED_ANSWERS
from disclose.media import text, text_shingles

COMMON = 10
"""A phrase that so many answers hold already is not stored for another: it tells nothing apart."""
FEWEST_PHRASES = 12
"""A text with fewer phrases than this is too short to be looked for."""
_MOST_CANDIDATES = 8
# What so many phrases leave to chance, no number can hold.
_ENOUGH = 500
_BATCH = 500
_COUNTED_FOR = 60.0
_BEGINNING = 4096

# How often an unrelated text that shares a phrase with an answer shares the next too, and how much more often for each
# word between the two. Where the two overlap it is a half or less (benchmarks/text_fingerprint.py, "next_shared"); but
# with that 6 of 21,364 unrelated texts matched, by seven words in a row or so that anyone writes.
_NEXT_SHARED, _NEXT_SHARED_PER_WORD, _MOST_SHARED = 0.06, 0.0005, 0.3
# Others that repeat a passage may hold other phrases of it: those within so many words, and so many phrases, count.
_NEARBY, _NEIGHBOURS = 12, 6
# So many others halve what a phrase says: an answer given in a few versions is still known, boilerplate is not.
_FEW_OTHERS = 6.0
# A phrase is as telling as its new words have letters, up to so many a word on average, and says nothing with one or
# less: numbers count up, single letters stand in lists, and the tables of two languages share both.
_LETTERS = 3


@dataclass(frozen=True, kw_only=True)
class Passage:
    """The characters ``start`` to ``end`` of the text in question: a stretch of words that an answer holds too."""

    start: int
    end: int


@dataclass(frozen=True, kw_only=True)
class Quotation:
    """An answer that the text in question repeats, whole or in part.

    ``shared`` of its ``phrases`` recorded phrases stand in ``passages``, which are ``share`` of the words of the text.
    ``p_value`` bounds the chance that any of the ``searched`` answers would share as much with an unrelated text.
    ``is_exact`` says that the wording is the very same, but for case and spacing.
    """

    identifier: Identifier
    issued: datetime
    shared: int
    phrases: int
    share: float
    passages: tuple[Passage, ...]
    p_value: float
    searched: int
    is_exact: bool = False


class QuoteLog:
    """The quotation log of one tenant, in the database of *ledger*, under that tenant's *key* (32 bytes).

    Raises LedgerError wherever the database cannot be used, ValueError for a key that is too short to be one.
    """

    def __init__(self, ledger: Ledger, key: bytes) -> None:
        if not 16 <= len(key) <= 64:
            raise ValueError(f"the key of a quotation log has 16 to 64 bytes, and this one {len(key)}")
        self._ledger = ledger
        self._key = key
        self._counted: tuple[dict[bytes, int], float] = ({}, -math.inf)
        self._tenant, self._earlier = (
            hashlib.blake2b(name, key=key, digest_size=8, person=b"disclose-tenant").digest()
            for name in (b"tenant, of phrases under AES", b"tenant")
        )

    def add(self, answer: str, identifier: Identifier, *, issued: datetime | None = None) -> int:
        """Record *answer*, issued under *identifier*, and return how many phrases of it were stored.

        An answer that was recorded word for word before is only named again.
        """
        return self.add_all([(answer, identifier)], issued=issued)[0]

    def add_all(self, answers: Iterable[tuple[str, Identifier]], *, issued: datetime | None = None) -> list[int]:
        """Record many *answers* with their identifiers at once, all or none of them; see :meth:`add`."""
        when = int((issued or datetime.now(UTC)).timestamp())
        prepared = [(text.columns(answer), identifier) for answer, identifier in answers]
        added: list[int] = []
        with self._ledger.connection(writing=True) as connection:
            for start in range(0, len(prepared), _BATCH):
                added += self._add(connection, prepared[start : start + _BATCH], when)
        return added

    def _add(self, connection: Connection, answers: Sequence[tuple[text.Words, Identifier]], when: int) -> list[int]:
        every = [text_shingles.shingles(words, self._key) for words, _ in answers]
        digests = [self._digest(words) for words, _ in answers]
        wordings = [_wording(one) for one in digests]
        first = chain.from_iterable(text_shingles.sketch(one).hashes.tolist() for one in every)
        held: dict[int, int] = {}
        known = _count(connection, list(first), held, wordings)
        kept: list[list[int]] = []
        values: list[dict[str, Any]] = []
        for (words, identifier), digest, wording, some in zip(answers, digests, wordings, every, strict=True):
            hashes = [] if wording in known else _sketched(connection, some, held)
            kept.append([*hashes, wording])
            # The next of these answers may repeat this one.
            known.add(wording)
            for one in hashes:
                held[one] += 1
            values.append(
                {
                    "tenant": self._tenant,
                    "identifier": identifier.value.to_bytes(16, "big"),
                    "digest": digest,
                    "words": len(words),
                    "phrases": len(hashes),
                    "issued": when,
                }
            )
        query = insert(QUOTED_ANSWERS).returning(QUOTED_ANSWERS.c.number, sort_by_parameter_order=True)
        numbers = connection.execute(query, values).scalars().all()
        phrases.add(connection, dict(zip(numbers, kept, strict=True)))
        return [one["phrases"] for one in values]

    def find(self, question: str) -> list[Quotation]:
        """Return the answers that *question* repeats, the surest first, at most eight; [] where it repeats none.

        What is returned may be a chance: hold ``p_value`` against a limit.
        """
        words = text.columns(question)
        digest = self._digest(words)
        wording = _wording(digest)
        exact: list[int] = []
        likely: dict[int, tuple[list[text_shingles.Shingle], float]] = {}
        with self._ledger.connection() as connection, text.uncollected(len(words)):
            counted = self._about(connection)
            for shingles in self._hashes(counted):
                every = text_shingles.probes(shingles(words, self._key))
                postings, alike = phrases.holders(connection, every.hashes.tolist(), [wording])
                exact += alike.get(wording, [])
                likely |= _likely(every, postings, words)
            rows = self._rows(connection, [*exact, *likely]) if exact or likely else {}
        found = []
        for number in dict.fromkeys([*exact, *likely]):
            if number in rows:
                shared, chance = likely.get(number, ([], 1.0))
                is_exact = number in exact and rows[number].digest == digest
                about: dict[str, Any] = {"p_value": chance, "searched": sum(counted.values()), "is_exact": is_exact}
                found.append(_quotation(rows[number], shared, words, **about))
        return sorted(found, key=lambda one: (not one.is_exact, one.p_value))[:_MOST_CANDIDATES]

    def too_short(self, question: str) -> bool:
        """Whether *question* has too few phrases for anything to be said of it."""
        # A long text says so by its beginning: ten megabytes need not be hashed again.
        return all(
            len(text_shingles.shingles(text.columns(part), self._key)) <= FEWEST_PHRASES - is_whole
            for part, is_whole in ((question[:_BEGINNING], False), (question, True))
        )

    def delete(self, identifier: Identifier) -> int:
        """Delete every answer recorded under *identifier* and return how many there were.

        Nothing else is written meanwhile: half a second with 100,000 answers, and in proportion with more; PostgreSQL
        takes up to two for many answers, and none to speak of where nothing is left of 65,536 in a row.
        """
        return self._delete(QUOTED_ANSWERS.c.identifier == identifier.value.to_bytes(16, "big"))

    def delete_before(self, moment: datetime) -> int:
        """Delete the answers issued before *moment* (with its time zone) and return how many: a retention's end."""
        if moment.tzinfo is None:
            raise ValueError(f"{moment} has no time zone: use datetime.now(UTC) - timedelta(…)")
        return self._delete(QUOTED_ANSWERS.c.issued < int(moment.timestamp()))

    def delete_all(self) -> int:
        """Delete all that this tenant's log holds and return how many answers that were."""
        return self._delete(self._is_own())

    def __len__(self) -> int:
        with self._ledger.connection() as connection:
            return sum(self._size(connection).values())

    def _hashes(self, counted: Mapping[bytes, int]) -> tuple[text_shingles.Hash, ...]:
        """Return how the phrases of the answers there are were hashed."""
        now = text_shingles.shingles
        return (now, text_shingles.earlier_shingles) if self._earlier in counted else (now,)

    def _delete(self, condition: Any) -> int:
        with self._ledger.connection(writing=True) as connection:
            return delete_quotations(connection, self._is_own() & condition)

    def _is_own(self) -> Any:
        return QUOTED_ANSWERS.c.tenant.in_([self._tenant, self._earlier])

    def _rows(self, connection: Connection, numbers: list[int]) -> dict[int, Any]:
        found = phrases.asked(connection, "SELECT * FROM quoted_answers WHERE number", numbers)
        return {row.number: row for row in found if bytes(row.tenant) in (self._tenant, self._earlier)}

    def _size(self, connection: Connection) -> dict[bytes, int]:
        """Return how many answers there are of each kind: hashed as now, and as before."""
        tenant = QUOTED_ANSWERS.c.tenant
        query = select(tenant, func.count()).where(self._is_own()).group_by(tenant)
        return {bytes(kind): number for kind, number in connection.execute(query)}

    def _about(self, connection: Connection) -> dict[bytes, int]:
        """Return the numbers of answers as they were at most a minute ago: to count takes longer than to search."""
        size, moment = self._counted
        if time.monotonic() - moment > _COUNTED_FOR:
            size = self._size(connection)
            self._counted = (size, time.monotonic())
        return size

    def _digest(self, words: text.Words) -> bytes:
        wording = " ".join(words.folded).encode("utf-8", "surrogatepass")
        return hashlib.blake2b(wording, key=self._key, digest_size=16, person=b"disclose-exact").digest()


def _count(
    connection: Connection, hashes: Sequence[int], held: dict[int, int], wordings: Sequence[int] = ()
) -> set[int]:
    """Write down in *held* how many answers hold each of *hashes*, and return which of *wordings* any has."""
    found, alike = phrases.holders(connection, list(dict.fromkeys(hashes)), wordings)
    held.update(dict.fromkeys(hashes, 0))
    held.update((one, len(some)) for one, some in found.items())
    return set(alike)


def _sketched(connection: Connection, every: text_shingles.Phrases, held: dict[int, int]) -> list[int]:
    """Return the hashes that stand for a text of the phrases *every*, without those that many answers hold already."""
    while True:
        hashes: list[int] = text_shingles.sketch(every).hashes.tolist()
        _count(connection, [one for one in hashes if one not in held], held)
        common = {one for one in hashes if held[one] >= COMMON}
        if not common:
            return hashes
        every = every.without(common)


def _likely(
    every: text_shingles.Phrases, postings: Mapping[int, Sequence[int]], words: text.Words
) -> dict[int, tuple[list[text_shingles.Shingle], float]]:
    """Return the answers that share most of a text's phrases, what they share, and the chance of it where below one."""
    shared: dict[int, list[text_shingles.Shingle]] = defaultdict(list)
    for one in every.among(postings):
        for number in postings[one.hash]:
            shared[number].append(one)
    starts = Starts.of(postings)
    # A single phrase never tells anything.
    several = ((number, some) for number, some in shared.items() if len(some) > 1)
    most = heapq.nlargest(_MOST_CANDIDATES, several, key=lambda one: len(one[1]))
    chances = ((number, some, by_chance(some, postings, number, starts, words)) for number, some in most)
    return {number: (some, chance) for number, some, chance in chances if chance < 1}


@dataclass(frozen=True, kw_only=True)
class Starts:
    """How often a text shares a phrase with an answer: ``rare`` of them where fewer than COMMON answers hold it."""

    rare: int
    all: int

    @classmethod
    def of(cls, postings: Mapping[int, Sequence[int]]) -> Starts:
        """Return those of the answers that hold each phrase of a text."""
        numbers = list(map(len, postings.values()))
        return cls(rare=sum(number for number in numbers if number < COMMON), all=sum(numbers))


def by_chance(
    shared: Sequence[text_shingles.Shingle],
    postings: Mapping[int, Sequence[int]],
    answer: int,
    starts: Starts,
    words: text.Words,
) -> float:
    """Return a bound on the chance that an unrelated text shares the phrases *shared* with *answer* or any other.

    A chain of shared phrases may begin wherever the text shares one, and each further phrase is shared as rarely as
    unrelated texts were seen to share one. Chains that hold a rare phrase begin at one, and all others anywhere: each
    of the two kinds gets half of the bound. A phrase that stands where other answers repeat the text too is boilerplate
    by so much, and counts the less the more of those there are. One whose words were all met in phrases before it is no
    news: two texts on one subject share its terms. Nor are new numbers, signs and single letters, where there is no
    more than a letter a word.
    """
    shared = shared[:_ENOUGH]
    is_rare = any(len(postings[one.hash]) < COMMON for one in shared)
    logarithm = math.log(2 * (max((starts.rare if is_rare else starts.all) - len(shared), 0) + 1))
    if not shared or logarithm + (len(shared) - 1) * math.log(_NEXT_SHARED) >= 0:
        # Not even phrases that say all a phrase can say would tell it from chance.
        return 1.0
    met: set[str] = set()
    end = -1
    for index, (one, others) in enumerate(zip(shared, _others_near(shared, postings, answer), strict=True)):
        added = slice(max(one.first, end + 1), one.last + 1)
        number = max(1, added.stop - added.start)
        letters = sum(map(_letters, words.folded[added], words.are_characters[added], repeat(met)))
        met.update(words.folded[added])
        gap, end = max(one.first - end - 1, 0), one.last
        if index > 0:
            news = min(1.0, letters / (_LETTERS * number)) if letters > number else 0.0
            prior = min(_MOST_SHARED, _NEXT_SHARED + _NEXT_SHARED_PER_WORD * gap)
            logarithm += news * math.log(prior) / (1 + (others / _FEW_OTHERS) ** 2)
    return min(1.0, math.exp(logarithm))


def _others_near(
    shared: Sequence[text_shingles.Shingle], postings: Mapping[int, Sequence[int]], answer: int
) -> list[int]:
    """Return for each of the phrases *shared* with *answer* how many others that repeat the text stand near it too."""
    held = Counter(chain.from_iterable(postings[one.hash] for one in shared))
    rivals = {other for other, number in held.items() if number > 1 and other != answer}
    if not rivals:
        return [0] * len(shared)
    firsts = [one.first for one in shared]
    more, reached = [0] * (len(shared) + 1), dict.fromkeys(rivals, 0)
    for index, one in enumerate(shared):
        start = bisect_left(firsts, one.first - _NEARBY, max(0, index - _NEIGHBOURS), index)
        end = bisect_right(firsts, one.first + _NEARBY, index, min(len(shared), index + _NEIGHBOURS + 1))
        for other in rivals.intersection(postings[one.hash]):
            # Each of them counts once at each phrase, wherever around it it stands.
            more[max(start, reached[other])] += 1
            more[end] -= 1
            reached[other] = end
    return list(accumulate(more[:-1]))


def _letters(folded: str, is_character: bool, met: Collection[str]) -> int:
    """Return how many letters a word is made of, a syllable of Hangul being two or three; none where it was *met*."""
    if folded in met:
        return 0
    if is_character:
        return _LETTERS
    if folded.isascii():
        return len(folded) if folded.isalpha() else sum(map(str.isalpha, folded))
    return sum(map(str.isalpha, unicodedata.normalize("NFD", folded)))


def _quotation(
    row: Any,
    shared: Sequence[text_shingles.Shingle],
    words: Sequence[text.Word],
    *,
    is_exact: bool,
    p_value: float,
    searched: int,
) -> Quotation:
    reach = 2 * max(1, row.words // max(1, row.phrases)) + 3
    runs = [(0, len(words) - 1)] if is_exact and words else _runs(shared, reach)
    covered = sum(last - first + 1 for first, last in runs)
    return Quotation(
        identifier=Identifier(value=int.from_bytes(row.identifier, "big")),
        issued=datetime.fromtimestamp(row.issued, UTC),
        shared=len(shared),
        phrases=row.phrases,
        share=covered / max(1, len(words)),
        passages=tuple(Passage(start=words[first].start, end=words[last].end) for first, last in runs),
        p_value=p_value,
        searched=searched,
        is_exact=is_exact,
    )


def _runs(shared: Sequence[text_shingles.Shingle], reach: int) -> list[tuple[int, int]]:
    """Return the stretches of words that *shared* phrases stand in, joined where no more than *reach* words part them.

    The log holds some phrases of an answer and not all, so that those in between may be shared too.
    """
    runs: list[tuple[int, int]] = []
    for one in shared:
        if runs and one.first - runs[-1][1] <= reach:
            runs[-1] = (runs[-1][0], max(runs[-1][1], one.last))
        else:
            runs.append((one.first, one.last))
    return runs


def _wording(digest: bytes) -> int:
    """Return the entry that stands for a whole wording among the phrases: negative, where no phrase is."""
    return -1 - int.from_bytes(digest[: text_shingles.HASH_BYTES], "big")
