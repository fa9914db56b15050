"""The README's tables of texts: what becomes of an answer, and whether it is known again."""

from __future__ import annotations

import json
from typing import Any

from benchmarks.common import RESULTS

_HANDLINGS = (
    ("nothing: its first 50 tokens", "first 50 tokens", None),
    ("nothing: its first 200 tokens", "first 200 tokens", None),
    ("10 % of the words replaced", "10% of words replaced", "10% of words replaced"),
    ("20 % of the words replaced", "20% of words replaced", "20% of words replaced"),
    ("30 % of the words replaced", "30% of words replaced", "30% of words replaced"),
    ("50 % of the words replaced", "50% of words replaced", "50% of words replaced"),
    ("half of it quoted alone", None, "50% quoted"),
    ("a quarter of it quoted in another text", None, "25% quoted inside other text"),
    ("half of it quoted in a person's text", "half quoted inside human text", None),
)


def texts() -> str:
    """Return the table of how often an answer is known by its watermark and by the quotation log."""
    marks = json.loads((RESULTS / "text.json").read_text())
    log = json.loads((RESULTS / "text_fingerprint.json").read_text())
    schemes = [marks["power"][name] for name in ("gumbel, T = 1", "gumbel, T = 0.5")]
    entropies = [f"{one['mean_entropy_nats']:.1f} nats a token" for one in schemes]
    lines = [
        f"Answers of SmolLM2-135M, {schemes[0]['answers']} with each setting, found at p ≤ 1e-6 with key and tokenizer"
        f" (`benchmarks/text.py`); and quotations found among {log['answers']:,} answers of {log['mean_words']} words"
        " on average (`benchmarks/text_fingerprint.py`). Replaced words are other words at random, no paraphrase.",
        "",
        f"| what was done | watermark, {entropies[0]} | watermark, {entropies[1]} | quotation log |",
        "|---|---|---|---|",
    ]
    for words, handling, quotation in _HANDLINGS:
        cells = [words]
        cells += ["–" if handling is None else _share(one["handlings"][handling]["found_at_1e-6"]) for one in schemes]
        cells.append("–" if quotation is None else _share(log["recall"][quotation]["recall"]))
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join([*lines, "", _unrelated(marks, log), "", *_costs(log)])


def _costs(log: dict[str, Any]) -> list[str]:
    """Return the table of what the quotation log takes in each store."""
    server = log["postgresql"]
    lines = [
        f"What the log takes with {log['answers']:,} answers, in SQLite and in PostgreSQL {server['version']}, on two"
        " cores that others used too: of five look-ups for each text the quickest counts. Adding and deleting are timed"
        " by the processor in SQLite, and by the clock in PostgreSQL. There an answer takes more of a smaller log,"
        " where fewer phrases share a row:",
        "",
        "| | SQLite | PostgreSQL |",
        "|---|---|---|",
    ]
    for what, name in (("half of an answer", "half of an answer"), ("any other text", "an unrelated text")):
        cells = [_times(one["milliseconds_a_look_up"][name]) for one in (log, server)]
        lines.append(f"| to look for {what} | " + " | ".join(cells) + " |")
    rows = (
        ("an answer takes", "bytes_an_answer", "{:,} bytes"),
        ("to add one of hundreds", "milliseconds_to_add", "{:.1f} ms"),
        ("to add one alone", "milliseconds_to_add_alone", "{:.1f} ms"),
    )
    lines += [f"| {what} | {form.format(log[name])} | {form.format(server[name])} |" for what, name, form in rows]
    seconds = [one["seconds_to_delete"]["one"] for one in (log, server)]
    return [*lines, f"| to delete one with all of its phrases | {seconds[0]:.1f} s | {seconds[1]:.1f} s |"]


def _times(found: dict[str, Any]) -> str:
    there = f" and {found['server']:.1f} of the server" if "server" in found else ""
    return f"{found['processor']['median']:.1f} ms{there} ({found['wall']['median']:.1f} by the clock)"


def _unrelated(marks: dict[str, dict], log: dict[str, dict]) -> str:
    null = marks["null"]["schemes"]["gumbel, text and parts"]
    unrelated, fresh = log["unrelated"], log["fresh"]["that quote nothing"]
    return (
        f"In texts without a mark: of {null['examined']:,} examinations of people's texts the least p was"
        f" {null['least_p']:.0e}, and {unrelated['false_matches']} of {unrelated['texts']:,} unrelated texts matched"
        f" the log (at most {100 * unrelated['false_matches_at_most_95']:.2g} % at 95 %); of"
        f" {fresh['texts']:,} others, which had refused a looser rule, {fresh['false_matches']}."
    )


def _share(rate: float) -> str:
    return f"{100 * rate:.0f} %"
