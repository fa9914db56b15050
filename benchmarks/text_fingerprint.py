"""Are quotations and edited copies of 100,000 answers found, are other texts left alone, and at what cost?

    python -m benchmarks.text_fingerprint --texts ROOT --packages SITE_PACKAGES --database FILE

See ``benchmarks/text_corpus.py`` for what ROOT holds. The database is kept, and taken as it is when it is there.
Documentation repeats itself: recall is that of answers not repeated in others. Unrelated texts come from other
projects; one that has eight words in a row from the log is a quotation in fact, left out and counted. The result is in
``results/text_fingerprint.json``.
"""

from __future__ import annotations

import argparse
import json
import random
import time
from collections import Counter, defaultdict
from pathlib import Path

from benchmarks.common import machine, write
from benchmarks.intervals import at_most, wilson
from benchmarks.text_corpus import STORED, UNRELATED, documentation, edited, passages, quoted
from disclose.disclosure import Identifier
from disclose.layers.text_fingerprint import FALSE_MATCHES
from disclose.ledger import Ledger
from disclose.ledger.quotes import QuoteLog
from disclose.media.text import words

KEY = b"the key of a benchmark: no secret"
ANSWERS, UNRELATED_TEXTS, SAMPLED, TRIALS = 100_000, 10_000, 1_000, 500
_RUN = 8
_OVERLAP = 8
_EDITS = {f"{rate:.0%} of words replaced": rate for rate in (0.1, 0.2, 0.3, 0.5)}
_QUOTES = {f"{share:.0%} quoted": share for share in (0.5, 0.25)}


def corpus(root: Path, packages: Path, seed: int = 5) -> tuple[list[str], list[str]]:
    """Return the answers to be logged, no two of them alike, and texts from elsewhere."""
    numbers = random.Random(seed)  # noqa: S311
    found = list(dict.fromkeys(passages(root, STORED)))
    numbers.shuffle(found)
    seen: set[int] = set()
    stored = []
    for one in found:
        runs = set(_runs(one, _OVERLAP, step=4))
        if runs and len(runs & seen) < 0.3 * len(runs):
            stored.append(one)
        seen |= runs
        if len(stored) == ANSWERS:
            break
    elsewhere = [*passages(root, UNRELATED), *passages(Path("/usr/share"), UNRELATED)]
    for package in sorted(packages.iterdir()):
        if package.name in _PACKAGES:
            elsewhere += documentation(package)
    elsewhere = list(dict.fromkeys(elsewhere))
    numbers.shuffle(elsewhere)
    return stored, elsewhere


_PACKAGES = frozenset(
    {"django", "matplotlib", "networkx", "numpy", "pandas", "PIL", "scipy", "skimage", "sklearn", "sqlalchemy", "torch"}
)


def _runs(passage: str, length: int, step: int = 1) -> list[int]:
    folded = [word.folded for word in words(passage)]
    return [
        hash(" ".join(folded[start : start + length])) for start in range(0, max(1, len(folded) - length + 1), step)
    ]


def unrelated(stored: list[str], elsewhere: list[str]) -> tuple[list[str], int]:
    """Return the texts of *elsewhere* that share no run of eight words with any of *stored*, and how many do."""
    asked = {run for one in elsewhere for run in _runs(one, _RUN)}
    repeated = {run for one in stored for run in _runs(one, _RUN) if run in asked}
    free = [one for one in elsewhere if repeated.isdisjoint(_runs(one, _RUN))]
    return free, len(elsewhere) - len(free)


def alone(stored: list[str], sample: list[int]) -> list[int]:
    """Return those of *sample* of which no tenth stands in other answers too: what these quote leads to many."""
    runs = {number: set(_runs(stored[number], _OVERLAP)) for number in sample}
    asked = set().union(*runs.values())
    held = Counter(run for one in stored for run in set(_runs(one, _OVERLAP)) if run in asked)
    return [number for number in sample if sum(held[run] > 1 for run in runs[number]) < 0.1 * len(runs[number])]


def built(path: Path, stored: list[str]) -> tuple[QuoteLog, float]:
    """Return the log of *stored* in *path*, and the seconds it took to write it."""
    exists = path.exists()
    log = QuoteLog(Ledger(path), KEY)
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


def chance(log: QuoteLog, texts: list[str]) -> dict[str, object]:
    """Return what *texts* that are unrelated to the log share with it, and how the p-values of that are spread."""
    p_values, shared = [], Counter()
    for one in texts:
        found = log.find(one)
        p_values.append(min((quotation.p_value for quotation in found), default=1.0))
        shared[max((quotation.shared for quotation in found), default=0)] += 1
    limits = (0.1, 0.01, 0.001, 1e-4, 1e-5, 1e-6)
    return {
        "texts": len(texts),
        "false_matches": sum(p <= FALSE_MATCHES for p in p_values),
        "false_matches_at_most_95": at_most(sum(p <= FALSE_MATCHES for p in p_values), len(texts)),
        "p_values_at_most": {f"{limit:g}": sum(p <= limit for p in p_values) for limit in limits},
        "most_phrases_shared": dict(sorted(shared.items())),
    }


def speed(log: QuoteLog, texts: list[str]) -> dict[str, float]:
    """Return the milliseconds of a look-up: by the processor's time, for the machine has other work."""
    spent = []
    for one in texts:
        start = time.process_time()
        log.find(one)
        spent.append(1000 * (time.process_time() - start))
    spent.sort()
    return {"median": round(spent[len(spent) // 2], 2), "95 %": round(spent[int(0.95 * len(spent))], 2)}


def main():
    parser = argparse.ArgumentParser()
    for name in ("texts", "packages", "database"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    given = parser.parse_args()
    stored, elsewhere = corpus(given.texts, given.packages)
    free, overlapping = unrelated(stored, elsewhere)
    print(len(stored), "answers,", len(free), "unrelated texts,", overlapping, "that quote the log", flush=True)
    log, seconds = built(given.database, stored)
    result = measured(log, stored, free) | {"left_out_as_quoting": overlapping}
    result["bytes_an_answer"] = round(given.database.stat().st_size / len(stored))
    result["milliseconds_to_add"] = round(1000 * seconds / len(stored), 2)
    result["machine"] = machine()
    print(write("text_fingerprint", result))


def measured(log: QuoteLog, stored: list[str], free: list[str]) -> dict[str, object]:
    """Return all figures of *log*, which holds *stored*, with texts that are *free* of anything in it."""
    numbers = random.Random(1)  # noqa: S311
    vocabulary = sorted({word for one in free[:2000] for word in one.split()})
    tests = {name: lambda one, rate=rate: edited(one, rate, numbers, vocabulary) for name, rate in _EDITS.items()}
    tests |= {name: lambda one, share=share: quoted(one, share, numbers) for name, share in _QUOTES.items()}
    tests["25% quoted inside other text"] = lambda one: (
        f"{numbers.choice(free)}\n\n{quoted(one, 0.25, numbers)}\n\n{numbers.choice(free)}"
    )
    result: dict[str, object] = {
        "answers": len(stored),
        "mean_words": round(sum(len(words(one)) for one in stored[:2000]) / min(2000, len(stored))),
        "limit": FALSE_MATCHES,
    }
    sample = numbers.sample(range(len(stored)), SAMPLED)
    chosen = alone(stored, sample)
    result["sampled"], result["of_which_alone"] = SAMPLED, len(chosen)
    result["recall"] = {name: recall(log, stored, chosen[:TRIALS], alter) for name, alter in tests.items()}
    print(json.dumps(result["recall"]), flush=True)
    result["unrelated"] = chance(log, free[:UNRELATED_TEXTS])
    print(json.dumps(result["unrelated"]), flush=True)
    halves = [quoted(one, 0.5, numbers) for one in stored[:300]]
    result["milliseconds_a_look_up"] = {
        "half of an answer": speed(log, halves),
        "an unrelated text": speed(log, free[:300]),
    }
    print(json.dumps(result["milliseconds_a_look_up"]), flush=True)
    return result


if __name__ == "__main__":
    main()
