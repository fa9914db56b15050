"""How often is a question about the system's nature recognised, and how often is something else taken for one?

Two sets: the phrases that the patterns were made with, and those that were written down before and not looked at
while they were made; what came to stand in both counts to the first alone. Both have one author, so the second
measures what the patterns leave out, and not yet how people out there ask. Run with ``python -m benchmarks.asked``;
the result is in ``results/asked.json``.
"""

from __future__ import annotations

import json
import time
import tomllib
from pathlib import Path

from benchmarks.common import RESULTS
from benchmarks.intervals import percent, wilson
from disclose.notice.asked import asks_about_nature
from disclose.notice.asked_grammar import WORD, folded

_FILES = Path(__file__).parent.parent / "tests" / "notice" / "asked"
_SETS = {"made with": ("phrasings_main", "phrasings_more"), "held out": ("held_out",)}


def measure(names, known=frozenset()):
    """Return the counts by language, and over all, of phrases not *known*, without telling the language."""
    by_language = {}
    for name in names:
        for language, table in tomllib.loads((_FILES / f"{name}.toml").read_text("utf-8")).items():
            asks, other = ([one for one in _lines(table[kind]) if _bare(one) not in known] for kind in table)
            by_language[language] = _figures(
                found=sum(map(asks_about_nature, asks)), asked=len(asks),
                wrong=sum(map(asks_about_nature, other)), other=len(other),
            )  # fmt: skip
    counts = {key: sum(row[key] for row in by_language.values()) for key in ("found", "asked", "wrong", "other")}
    return {"all": _figures(**counts), "languages": by_language}


def _lines(value):
    return value if isinstance(value, list) else value.strip().split("\n")


def _bare(phrase):
    return " ".join(WORD.findall(folded(phrase)))


def _made_with():
    tables = [tomllib.loads((_FILES / f"{name}.toml").read_text("utf-8")) for name in _SETS["made with"]]
    return {_bare(one) for table in tables for row in table.values() for value in row.values() for one in _lines(value)}


def _figures(*, found, asked, wrong, other):
    return {
        "found": found,
        "asked": asked,
        "wrong": wrong,
        "other": other,
        "recall": round(found / asked, 4),
        "recall_95": [round(bound, 4) for bound in wilson(found, asked)],
        "precision": round(found / (found + wrong), 4),
        "precision_95": [round(bound, 4) for bound in wilson(found, found + wrong)],
        "false_alarms": round(wrong / other, 4),
        "false_alarms_95": [round(bound, 4) for bound in wilson(wrong, other)],
    }


def microseconds(text, rounds=500):
    asks_about_nature(text)
    start = time.perf_counter()
    for _ in range(rounds):
        asks_about_nature(text)
    return round((time.perf_counter() - start) / rounds * 1e6)


def main():
    result = {"made with": measure(_SETS["made with"]), "held out": measure(_SETS["held out"], _made_with())}
    result["microseconds"] = {
        "a question of twelve words": microseconds("Hi, could you please help me with my taxes for this year?"),
        "a page of 3,000 characters": microseconds("I need the price list of next year, please. " * 68, 50),
    }
    (RESULTS / "asked.json").write_text(json.dumps(result, indent=1) + "\n")
    for name in _SETS:
        print(name)
        for language, row in (*result[name]["languages"].items(), ("all", result[name]["all"])):
            low, high = row["recall_95"]
            print(
                f"  {language:4} recall {percent(row['recall']):>7} of {row['asked']} "
                f"({percent(low)} to {percent(high)})"
                f"  precision {percent(row['precision']):>7} of {row['found'] + row['wrong']}"
                f"  false alarms {row['wrong']} of {row['other']}"
            )
    print(result["microseconds"])


if __name__ == "__main__":
    main()
