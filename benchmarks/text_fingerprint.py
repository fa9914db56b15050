"""Are quotations and edited copies of 100,000 answers found, are other texts left alone, and at what cost?

    python -m benchmarks.text_fingerprint --texts ROOT --packages SITE_PACKAGES --database FILE [--postgresql URL]

See ``benchmarks/text_corpus.py`` for what ROOT holds. The database is kept, and taken as it is when it is there and
holds these answers; so are the texts, in FILE.json beside it, for to read them takes longer than all the rest.
Documentation repeats itself: recall is that of answers not repeated in others. Unrelated texts come from other
projects; one that has eight words in a row from the log is a quotation in fact, left out and counted. The rule and its
limit were chosen with the texts called "unrelated" and "held out" at hand (the latter are handbooks of commands in
English and in languages that the log has none in, and what other packages say of themselves). Those called "fresh"
(more such languages, handbooks of calls, more packages) were read once for each rule, when it had been chosen: one that
found two in a hundred more of the quarters matched five of them, and was given up for the present one. Of both, those
that quote are reported beside the rest. PostgreSQL holds the same log, written by 500 answers a transaction. The result
is in ``results/text_fingerprint.json``.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import sqlite3
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from itertools import chain, pairwise
from pathlib import Path

from sqlalchemy import insert

from benchmarks.common import machine, write
from benchmarks.intervals import at_most, wilson
from benchmarks.text_corpus import HELD_OUT, STORED, UNRELATED, documentation, edited, passages, quoted
from disclose.disclosure import Identifier
from disclose.layers.text_fingerprint import FALSE_MATCHES
from disclose.ledger import Ledger, phrases
from disclose.ledger.quotes import QuoteLog
from disclose.ledger.tables import QUOTED_ANSWERS
from disclose.media.text import columns, words
from disclose.media.text_shingles import probes, shingles

KEY = b"the key of a benchmark: no secret"
ANSWERS, UNRELATED_TEXTS, HELD_OUT_TEXTS, SAMPLED, TRIALS = 100_000, 10_000, 15_000, 4_000, 2_000
_RUN = 8
_TIMES = 5
_OVERLAP = 8
_EDITS = {f"{rate:.0%} of words replaced": rate for rate in (0.1, 0.2, 0.3, 0.5)}
_QUOTES = {f"{share:.0%} quoted": share for share in (0.5, 0.25)}


def corpus(root: Path, packages: Path, seed: int = 5) -> tuple[list[str], list[str]]:
    """Return the answers to be logged, no two of them alike, and texts from elsewhere."""
    numbers = random.Random(seed)  # noqa: S311
    found = list(dict.fromkeys(passages(root, STORED)))
    numbers.shuffle(found)
    stored = _unlike_each_other(found, ANSWERS)
    elsewhere = [*passages(root, UNRELATED), *passages(Path("/usr/share"), UNRELATED)]
    elsewhere = list(dict.fromkeys([*elsewhere, *_described(packages, _PACKAGES)]))
    numbers.shuffle(elsewhere)
    return stored, elsewhere


def kept(path: Path, root: Path, packages: Path) -> dict:
    """Return what :func:`sets` does, read from *path* where it was written by an earlier run."""
    if not path.exists():
        path.write_text(json.dumps(sets(*corpus(root, packages), packages)))
    return json.loads(path.read_text())


def sets(stored: list[str], elsewhere: list[str], packages: Path) -> dict:
    """Return the answers ``stored``, a ``sample`` of them by number, and the texts that are held against them."""
    apart = {
        "held_out": held_out(packages, HELD_OUT, _HELD_OUT),
        "fresh": held_out(packages, _FRESH_HANDBOOKS, _FRESH),
    }
    sample = random.Random(1).sample(range(len(stored)), SAMPLED)  # noqa: S311
    held = holders(stored, [*elsewhere, *chain(*apart.values()), *(stored[number] for number in sample)])
    return {
        "stored": stored,
        "sample": sample,
        "alone": alone(held, stored, sample),
        "free": unrelated(held, elsewhere),
        "left_out": len(quoting(held, elsewhere)),
        "apart": {
            name: {"that quote nothing": unrelated(held, texts), "that quote": quoting(held, texts)}
            for name, texts in apart.items()
        },
    }


def held_out(packages: Path, folders: tuple[str, ...], names: frozenset[str], seed: int = 7) -> list[str]:
    """Return texts of *folders* and *packages* in use, none of which repeats three tenths of those before it."""
    found = [*passages(Path("/usr/share"), folders), *_described(packages, names)]
    random.Random(seed).shuffle(found)  # noqa: S311
    return _unlike_each_other(found, HELD_OUT_TEXTS)


def _unlike_each_other(found: list[str], most: int) -> list[str]:
    """Return the first *most* of the texts *found* none of which repeats three tenths of those before it."""
    seen: set[int] = set()
    chosen = []
    for one in found:
        runs = set(_runs(one, _OVERLAP, step=4))
        if runs and len(runs & seen) < 0.3 * len(runs):
            chosen.append(one)
        seen |= runs
        if len(chosen) == most:
            break
    return chosen


def _described(packages: Path, names: frozenset[str]) -> Iterator[str]:
    for package in sorted(packages.iterdir()):
        if package.name in names:
            yield from documentation(package)


_PACKAGES = frozenset(
    {"django", "matplotlib", "networkx", "numpy", "pandas", "PIL", "scipy", "skimage", "sklearn", "sqlalchemy", "torch"}
)
_HELD_OUT = frozenset({"accelerate", "fsspec", "gguf", "huggingface_hub", "mpmath", "sympy", "transformers"})

_FRESH = frozenset(
    {"fastapi", "fontTools", "gradio", "hypothesis", "jinja2", "joblib", "mdurl", "narwhals", "opentelemetry", "pip"}
    | {"playwright", "psutil", "pydantic", "pygments", "pypdf", "requests", "rich", "setuptools", "tifffile", "urllib3"}
)
_FRESH_HANDBOOKS = tuple(f"man/{one}" for one in ("man2", "man3", "hr", "pt", "ro", "sl", "sr", "uk", "zh_TW"))


def _runs(passage: str, length: int, step: int = 1) -> list[int]:
    folded = columns(passage).folded
    return [
        hash(" ".join(folded[start : start + length])) for start in range(0, max(1, len(folded) - length + 1), step)
    ]


def holders(stored: list[str], asked: Iterable[str]) -> Counter[int]:
    """Return how many of *stored* hold each run of eight words that stands in a text of *asked*."""
    wanted = {run for one in asked for run in _runs(one, _RUN)}
    return Counter(run for one in stored for run in wanted.intersection(_runs(one, _RUN)))


def unrelated(held: Counter[int], elsewhere: list[str]) -> list[str]:
    """Return the texts of *elsewhere* that share no run of eight words with any answer."""
    return [one for one in elsewhere if not any(run in held for run in _runs(one, _RUN))]


def quoting(held: Counter[int], elsewhere: list[str]) -> list[str]:
    """Return the texts of *elsewhere* that share a run of eight words with an answer."""
    return [one for one in elsewhere if any(run in held for run in _runs(one, _RUN))]


def alone(held: Counter[int], stored: list[str], sample: list[int]) -> list[int]:
    """Return those of *sample* of which no tenth stands in other answers too: what these quote leads to many."""
    runs = {number: set(_runs(stored[number], _RUN)) for number in sample}
    return [number for number in sample if sum(held[run] > 1 for run in runs[number]) < 0.1 * len(runs[number])]


def built(path: Path, stored: list[str]) -> tuple[QuoteLog, float]:
    """Return the log of *stored* in *path*, and the seconds it took to write it."""
    exists = path.exists()
    log = QuoteLog(Ledger(path), KEY)
    for number in range(0, len(stored), 1000) if exists else ():
        if not any(one.is_exact and one.identifier.value == number for one in log.find(stored[number])):
            raise SystemExit(f"{path} holds other answers than these: give another file")
    start = time.process_time()
    if not exists:
        items = [(one, Identifier(value=number)) for number, one in enumerate(stored)]
        for first in range(0, len(items), 5000):
            log.add_all(items[first : first + 5000])
    return log, time.process_time() - start


def recall(log: QuoteLog, stored: list[str], chosen: list[int], alter) -> dict[str, object]:
    """Return how often the altered text leads to its own answer, over all and by script."""
    found, tried, by_script = 0, 0, defaultdict(lambda: [0, 0])
    shared = []
    for number in chosen:
        hit = [one for one in log.find(alter(stored[number])) if one.identifier.value == number]
        is_found = bool(hit) and hit[0].p_value <= FALSE_MATCHES
        script = _script(stored[number])
        found += is_found
        tried += 1
        by_script[script][0] += is_found
        by_script[script][1] += 1
        shared.append(hit[0].shared if hit else 0)
    return {
        "recall": round(found / tried, 4),
        "recall_95": [round(bound, 4) for bound in wilson(found, tried)],
        "tried": tried,
        "median_shared": sorted(shared)[len(shared) // 2],
        "scripts": {name: {"found": one, "of": of} for name, (one, of) in sorted(by_script.items())},
    }


def _script(passage: str) -> str:
    found = words(passage[:2000])
    if 2 * sum(word.is_character for word in found) > len(found):
        return "without spaces"
    return "Latin" if sum(word.folded.isascii() for word in found) > 0.5 * len(found) else "other"


def chance(log: QuoteLog, texts: list[str], matches: Path | None = None) -> dict[str, object]:
    """Return what *texts* that are unrelated to the log share with it, and how the p-values of that are spread.

    What matches, or nearly, is written to *matches*, to be read.
    """
    p_values, shared = [], Counter()
    for one in texts:
        found = log.find(one)
        p_values.append(min((quotation.p_value for quotation in found), default=1.0))
        if matches and p_values[-1] <= 0.01:
            best = found[0]
            with matches.open("a") as stream:
                where = [one[span.start : span.end] for span in best.passages]
                stream.write(json.dumps([best.p_value, best.identifier.value, where, one], ensure_ascii=False) + "\n")
        shared[max((quotation.shared for quotation in found), default=0)] += 1
    limits = (0.1, 0.01, 0.001, 1e-4, 1e-5, 1e-6)
    return {
        "texts": len(texts),
        "false_matches": sum(p <= FALSE_MATCHES for p in p_values),
        "false_matches_at_most_95": at_most(sum(p <= FALSE_MATCHES for p in p_values), len(texts)),
        "p_values_at_most": {f"{limit:g}": sum(p <= limit for p in p_values) for limit in limits},
        "most_phrases_shared": dict(sorted(shared.items())),
    }


def next_shared(log: QuoteLog, texts: list[str]) -> dict[str, object]:
    """Return how often *texts* that share so many phrases in a row with an answer share the next that overlaps too."""
    begun: Counter[int] = Counter()
    continued: Counter[int] = Counter()
    for one in texts:
        every = list(probes(shingles(columns(one), KEY)))
        with log._ledger.connection() as connection:  # noqa: SLF001
            held, _ = phrases.holders(connection, [phrase.hash for phrase in every])
        before: dict[int, int] = {}
        for last, phrase in pairwise(chain([None], every)):
            overlaps = last is not None and phrase.first <= last.last
            found = held.get(phrase.hash, ())
            if overlaps:
                begun.update(before.values())
                continued.update(before[number] for number in found if number in before)
            before = {number: before.get(number, 0) * overlaps + 1 for number in found}
    return {
        str(number): {"of": begun[number], "shared": round(continued[number] / begun[number], 4)}
        for number in sorted(begun)
    }


def speed(log: QuoteLog, texts: list[str], server: int | None = None) -> dict[str, object]:
    """Return the milliseconds of a look-up: of the processor, by the clock, and of the process *server*.

    Each text is looked for five times, of which the quickest counts: what else the machine does is not measured. Of
    the server it is the mean, for its clock is coarse.
    """
    spent, passed = [], []
    there = _worked(server) if server else 0.0
    for one in texts:
        times = []
        for _ in range(_TIMES):
            start, since = time.process_time(), time.perf_counter()
            log.find(one)
            times.append((1000 * (time.process_time() - start), 1000 * (time.perf_counter() - since)))
        spent.append(min(processor for processor, _ in times))
        passed.append(min(clock for _, clock in times))
    found: dict[str, object] = {"processor": _quantiles(spent), "wall": _quantiles(passed)}
    number = _TIMES * len(texts)
    return found | ({"server": round(1000 * (_worked(server) - there) / number, 2)} if server else {})


def _worked(process: int) -> float:
    """Return the seconds that the processor has worked for *process*."""
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _quantiles(values: list[float]) -> dict[str, float]:
    ordered = sorted(values)
    return {name: round(ordered[int(rank * len(ordered))], 2) for name, rank in (("median", 0.5), ("99 %", 0.99))}


def changes(log: QuoteLog, texts: list[str], clock: Callable[[], float] = time.process_time) -> dict[str, object]:
    """Return what it costs to add *texts*, one after the other and at once, and to delete one of them, and the rest."""
    few, many = texts[1:101], texts[101:]
    start = clock()
    for one in few:
        log.add(one, Identifier(value=1 << 100))
    alone, start = clock() - start, clock()
    log.add_all([(one, Identifier(value=1 << 100)) for one in many])
    added = clock() - start
    log.add(texts[0], Identifier(value=1 << 101))
    seconds = []
    for value in (1 << 101, 1 << 100):
        start = clock()
        log.delete(Identifier(value=value))
        seconds.append(round(clock() - start, 2))
    return {
        "milliseconds_to_add": round(1000 * added / len(many), 2),
        "milliseconds_to_add_alone": round(1000 * alone / len(few), 2),
        "seconds_to_delete": {"one": seconds[0], f"{len(texts) - 1} at once": seconds[1]},
    }


def copied(path: Path, ledger: Ledger) -> dict[str, object]:
    """Copy the log in *path* into an empty *ledger* in PostgreSQL, and return what it takes there."""
    seconds = 0.0
    with closing(sqlite3.connect(path)) as source:
        columns = [one.name for one in QUOTED_ANSWERS.columns]
        answers = source.execute(f"SELECT {', '.join(columns)} FROM quoted_answers ORDER BY number").fetchall()  # noqa: S608
        held = defaultdict(list)
        for number, one in source.execute("SELECT answer, hash FROM quoted_phrases"):
            held[number].append(one)
    for first in range(0, len(answers), 500):
        some = answers[first : first + 500]
        start = time.perf_counter()
        with ledger.connection(writing=True) as connection:
            rows = [dict(zip(columns, row, strict=True)) for row in some]
            connection.execute(insert(QUOTED_ANSWERS).returning(QUOTED_ANSWERS.c.number), rows)
            phrases.add(connection, {row["number"]: held[row["number"]] for row in rows})
        seconds += time.perf_counter() - start
    with ledger.connection(writing=True) as connection:
        connection.exec_driver_sql("SELECT setval('quoted_answers_number_seq', max(number)) FROM quoted_answers")
        connection.exec_driver_sql("ANALYZE")
        sizes = {
            name: int(connection.exec_driver_sql(f"SELECT pg_total_relation_size('{name}')").scalar_one())
            for name in ("quoted_answers", "quoted_buckets")
        }
    return {
        "bytes_an_answer": round(sum(sizes.values()) / len(answers)),
        "bytes_of_its_phrases": round(sizes["quoted_buckets"] / len(answers)),
        "milliseconds_to_write_one_of_500": round(1000 * seconds / len(answers), 2),
    }


def in_postgresql(path: Path, url: str, halves: list[str], free: list[str]) -> dict[str, object]:
    """Return what :func:`main` measures of the log in *path*, copied into the database at *url*."""
    with Ledger(url, key=path.with_suffix(".pem")) as ledger:
        result, log = copied(path, ledger), QuoteLog(ledger, KEY)
        with ledger.connection() as connection:
            server = int(connection.exec_driver_sql("SELECT pg_backend_pid()").scalar_one())
            result["version"] = str(connection.exec_driver_sql("SHOW server_version").scalar_one()).split()[0]
        result["milliseconds_a_look_up"] = {
            "half of an answer": speed(log, halves[:500], server),
            "an unrelated text": speed(log, free[:500], server),
        }
        found = (any(one.identifier.value == number for one in log.find(text)) for number, text in enumerate(halves))
        result["halves_found"] = round(sum(found) / len(halves), 3)
        return result | changes(log, free[-501:], time.perf_counter)


def main():
    parser = argparse.ArgumentParser()
    for name in ("texts", "packages", "database"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    parser.add_argument("--postgresql", metavar="URL", help="an empty database, to be filled with the same log")
    parser.add_argument("--matches", metavar="FILE", type=Path, help="where held-out texts that match are written")
    given = parser.parse_args()
    texts = kept(given.database.with_suffix(".json"), given.texts, given.packages)
    stored, free = texts["stored"], texts["free"]
    log, seconds = built(given.database, stored)
    size = given.database.stat().st_size
    result: dict[str, object] = {
        "answers": len(stored),
        "mean_words": round(sum(len(words(one)) for one in stored[:2000]) / min(2000, len(stored))),
        "limit": FALSE_MATCHES,
    }
    for name, apart in texts["apart"].items():
        matches = {"that quote nothing": given.matches}
        result[name] = {what: chance(log, some, matches.get(what)) for what, some in apart.items()}
        print(json.dumps(result[name]), flush=True)
    halves = [quoted(one, 0.5, random.Random(number)) for number, one in enumerate(stored[:1000])]  # noqa: S311
    result["milliseconds_a_look_up"] = {
        "half of an answer": speed(log, halves[:500]),
        "an unrelated text": speed(log, free[:500]),
    }
    print(json.dumps(result["milliseconds_a_look_up"]), flush=True)
    result |= measured(log, stored, free, texts["sample"], texts["alone"])
    result["left_out_as_quoting"] = texts["left_out"]
    result["bytes_an_answer"] = round(size / len(stored))
    if seconds > 60:
        result["minutes_to_build"] = round(seconds / 60, 1)
    result |= changes(log, free[-501:])
    result["machine"] = machine()
    print(write("text_fingerprint", result), flush=True)
    if given.postgresql:
        result["postgresql"] = in_postgresql(given.database, given.postgresql, halves, free)
        print(write("text_fingerprint", result))


def measured(
    log: QuoteLog, stored: list[str], free: list[str], sample: list[int], chosen: list[int]
) -> dict[str, object]:
    """Return how often *chosen* answers of a *sample* are found in *log*, and texts that are *free* of any."""
    numbers = random.Random(1)  # noqa: S311
    vocabulary = sorted({word for one in free[:2000] for word in one.split()})
    tests = {name: lambda one, rate=rate: edited(one, rate, numbers, vocabulary) for name, rate in _EDITS.items()}
    tests |= {name: lambda one, share=share: quoted(one, share, numbers) for name, share in _QUOTES.items()}
    tests["25% quoted inside other text"] = lambda one: (
        f"{numbers.choice(free)}\n\n{quoted(one, 0.25, numbers)}\n\n{numbers.choice(free)}"
    )
    result: dict[str, object] = {"sampled": len(sample), "of_which_alone": len(chosen)}
    result["recall"] = {name: recall(log, stored, chosen[:TRIALS], alter) for name, alter in tests.items()}
    print(json.dumps(result["recall"]), flush=True)
    result["unrelated"] = chance(log, free[:UNRELATED_TEXTS])
    result["next_shared"] = next_shared(log, free[:UNRELATED_TEXTS])
    print(json.dumps(result["unrelated"]), flush=True)
    return result


if __name__ == "__main__":
    main()
