"""Which answers of the quotation logs hold a phrase: the phrases' hashes in SQLite, and in PostgreSQL.

SQLite keeps a row for each phrase of each answer, of a dozen bytes. In PostgreSQL such a row and its index take 80
bytes, so that many share one there: a bucket holds the phrases with the same last 16 bits, of the 65,536 answers whose
numbers begin alike (a span). Each is a posting of six bytes: the other 32 bits of the hash, and of the answer's number
the last 16.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, FromClause, Select, delete, func, select, text

from disclose.ledger.tables import QUOTED_ANSWERS, QUOTED_BUCKETS, QUOTED_PHRASES

_AT_ONCE = 4000
_HASH = (1 << 48) - 1
_LAST = (1 << 16) - 1
_REST, _POSTING = 4, 6
_REST_BITS = (1 << 32) - 1
_RANGE = 1 << 12
# Up to so many answers are cheaper looked for in the server than here.
_FEW = 16
MOST_ALIKE = 8
"""So many answers of the same wording are returned, of which there may be any number: a system repeats itself."""
_FIRST = "SELECT answer FROM quoted_phrases WHERE hash = ? ORDER BY answer LIMIT ?"


def add(connection: Connection, phrases: Mapping[int, Collection[int]]) -> None:
    """Write down the *phrases* of new answers: hashes of 48 bits by the answer's number, each once."""
    if connection.dialect.name == "sqlite":
        rows = sorted((one, number) for number, hashes in phrases.items() for one in hashes)
        if rows:
            connection.exec_driver_sql("INSERT INTO quoted_phrases (hash, answer) VALUES (?, ?)", rows)
        return
    pairs = [(one & _HASH, number) for number, hashes in phrases.items() for one in hashes]
    hashes, numbers = [one for one, _ in pairs], [number for _, number in pairs]
    connection.exec_driver_sql(_APPEND, (hashes, numbers))


def holders(
    connection: Connection, hashes: Sequence[int], wordings: Sequence[int] = ()
) -> tuple[dict[int, list[int]], dict[int, list[int]]]:
    """Return the numbers of the answers that hold each of *hashes*, and each of *wordings*, for those that any holds.

    A phrase is recorded for few answers, and a wording for all: of these, up to MOST_ALIKE are returned, the first.
    """
    found: dict[int, list[int]] = defaultdict(list)
    alike: dict[int, list[int]] = {}
    if connection.dialect.name == "sqlite":
        for one, number in asked(connection, "SELECT hash, answer FROM quoted_phrases WHERE hash", hashes):
            found[one].append(number)
        for one in dict.fromkeys(wordings):
            if some := connection.exec_driver_sql(_FIRST, (one, MOST_ALIKE)).scalars().all():
                alike[one] = list(some)
        return found, alike
    given = list(dict.fromkeys([*hashes, *wordings]))
    for start in range(0, len(given), _AT_ONCE):
        some = given[start : start + _AT_ONCE]
        listed = _listed(one & _HASH for one in some)
        buckets, postings = connection.exec_driver_sql(_HOLDING.format(listed)).one()
        for place, number in _held(some, bytes(buckets or b""), bytes(postings or b"")):
            found[some[place]].append(number)
    alike = {one: sorted(found.pop(one))[:MOST_ALIKE] for one in wordings if one in found}
    return found, alike


def pairs(connection: Connection) -> FromClause:
    """Return all phrases as a table of one row for each: ``hash`` and ``answer``."""
    if connection.dialect.name == "sqlite":
        return QUOTED_PHRASES
    return text(_PAIRS).columns(QUOTED_PHRASES.c.hash, QUOTED_PHRASES.c.answer).subquery()


def _listed(numbers: Iterable[int]) -> str:
    """Return *numbers* as a constant of PostgreSQL, bigint[].

    In the statement, for pg8000 waits for three answers of the server where a statement has parameters, and for one
    where it has none; and it takes as long to find the places of parameters as the server to find the phrases.
    """
    return f"'{{{','.join(map(str, numbers))}}}'::bigint[]"


def _held(hashes: Sequence[int], buckets: bytes, postings: bytes) -> Iterator[tuple[int, int]]:
    """Return the places of those among *hashes* that an answer holds, with its number, from what _HOLDING gives."""
    import numpy

    found = numpy.frombuffer(buckets, [("place", ">i2"), ("span", ">i4"), ("postings", ">i4")])
    held = numpy.frombuffer(postings, [("rest", ">u4"), ("last", ">u2")])
    rests = numpy.array(hashes, numpy.int64) >> 16 & _REST_BITS
    bucket = numpy.repeat(numpy.arange(len(found)), found["postings"])
    place = found["place"] - 1
    is_it = held["rest"] == rests[place][bucket]
    bucket = bucket[is_it]
    numbers = (found["span"][bucket].astype(numpy.int64) << 16) | held["last"][is_it]
    return zip(place[bucket].tolist(), numbers.tolist(), strict=True)


def remove(connection: Connection, doomed: Select[Any]) -> None:
    """Remove all phrases of the answers whose numbers *doomed* selects."""
    if connection.dialect.name == "sqlite":
        connection.execute(delete(QUOTED_PHRASES).where(QUOTED_PHRASES.c.answer.in_(doomed)))
        return
    spans: dict[int, list[int]] = defaultdict(list)
    for number in connection.execute(doomed).scalars():
        spans[number >> 16].append(number & _LAST)
    for span, numbers in spans.items():
        within = QUOTED_ANSWERS.c.number.between(span << 16, span << 16 | _LAST)
        if connection.execute(select(func.count()).where(within)).scalar_one() == len(numbers):
            connection.execute(delete(QUOTED_BUCKETS).where(QUOTED_BUCKETS.c.span == span))
        else:
            _take_out(connection, span, numbers)


def _take_out(connection: Connection, span: int, numbers: Sequence[int]) -> None:
    """Take out of the buckets of *span* what belongs to the answers *numbers*, given by their last 16 bits."""
    import numpy

    is_doomed = numpy.zeros(_LAST + 1, bool)
    is_doomed[list(numbers)] = True
    query, given = (_OF_FEW, [list(numbers)]) if len(numbers) <= _FEW else (_OF_SPAN, [])
    for first in range(0, _LAST + 1, _RANGE):
        rows = connection.exec_driver_sql(query, (span, first, first + _RANGE, *given)).all()
        postings = numpy.frombuffer(b"".join(bytes(one) for _, one in rows), numpy.uint8).reshape(-1, _POSTING)
        kept = ~is_doomed[postings[:, _REST] * numpy.intp(256) + postings[:, _REST + 1]]
        left = {}
        start = 0
        for bucket, one in rows:
            some = slice(start, start := start + len(one) // _POSTING)
            if not kept[some].all():
                left[bucket] = postings[some][kept[some]].tobytes()
        if left:
            connection.exec_driver_sql(_REPLACE, (list(left), list(left.values()), span))
    connection.execute(delete(QUOTED_BUCKETS).where(QUOTED_BUCKETS.c.span == span, QUOTED_BUCKETS.c.postings == b""))


def asked(connection: Connection, query: str, numbers: Sequence[int]) -> Iterator[Any]:
    """Return the rows of *query*, which ends before the condition, for *numbers*."""
    # As text, for to assemble a statement takes as long as to run it.
    is_sqlite = connection.dialect.name == "sqlite"
    for start in range(0, len(numbers), _AT_ONCE):
        some = list(numbers[start : start + _AT_ONCE])
        # In SQLite one parameter for all: a list of them in the statement would be parsed anew for every text.
        condition = "IN (SELECT value FROM json_each(?))" if is_sqlite else f"= ANY({_listed(some)})"
        yield from connection.exec_driver_sql(f"{query} {condition}", (json.dumps(some),) if is_sqlite else ()).all()


# Buckets in order, each once: whoever writes a row twice in one statement is refused.
_APPEND = """
INSERT INTO quoted_buckets AS held (bucket, span, postings)
SELECT CAST(hash & 65535 AS int), CAST(answer >> 16 AS int),
       string_agg(substring(int8send((hash >> 16 << 16) | (answer & 65535)) FROM 3), '')
FROM unnest(CAST(%s AS bigint[]), CAST(%s AS bigint[])) AS given (hash, answer)
GROUP BY 1, 2 ORDER BY 1, 2
ON CONFLICT (bucket, span) DO UPDATE SET postings = held.postings || excluded.postings
"""
# All in one row, for pg8000 takes longer over many than the server.
_HOLDING = """
SELECT string_agg(int2send(CAST(place AS smallint)) || int4send(span) || int4send(length(postings) / 6), ''),
       string_agg(postings, '')
FROM unnest({}) WITH ORDINALITY AS given (hash, place)
JOIN quoted_buckets ON bucket = CAST(hash & 65535 AS int)
 AND position(substring(int8send(hash) FROM 3 FOR 4) IN postings) > 0
"""
_OF_SPAN = "SELECT bucket, postings FROM quoted_buckets WHERE span = %s AND bucket >= %s AND bucket < %s"
_OF_FEW = """
SELECT bucket, postings FROM quoted_buckets WHERE span = %s AND bucket >= %s AND bucket < %s AND EXISTS (
 SELECT FROM unnest(CAST(%s AS int[])) AS given (answer)
 WHERE position(substring(int4send(answer) FROM 3) IN postings) > 0)
"""
# Of 48 bits alone, the negative entries that stand for a whole wording are known by its digest.
_PAIRS = """
SELECT CASE WHEN hash = 281474976710655 - prefix THEN -1 - prefix ELSE hash END AS hash, answer
FROM (
 SELECT (posting >> 16 << 16) | bucket AS hash, (span << 16) | CAST(posting & 65535 AS int) AS answer FROM (
  SELECT bucket, span, CAST(CAST('x' || encode(substring(postings FROM place FOR 6), 'hex') AS bit(48)) AS bigint)
   AS posting
  FROM quoted_buckets, generate_series(1, length(postings), 6) AS place
 ) AS packed
) AS held
JOIN (
 SELECT number, CAST(CAST('x' || encode(substring(digest FOR 6), 'hex') AS bit(48)) AS bigint) AS prefix
 FROM quoted_answers
) AS wording ON number = answer
"""
_REPLACE = """
UPDATE quoted_buckets SET postings = given.postings
FROM unnest(CAST(%s AS int[]), CAST(%s AS bytea[])) AS given (bucket, postings)
WHERE quoted_buckets.bucket = given.bucket AND span = %s
"""
