"""Write the README's tables from the committed results.

    python -m benchmarks.readme

A test holds the README to what this writes, so that no figure in it is ever typed.
"""

from __future__ import annotations

import json
from pathlib import Path

from benchmarks.common import RESULTS

README = Path(__file__).parent.parent / "README.md"


def speed() -> str:
    """Return the table of what marking costs, beside merely saving with Pillow."""
    found = json.loads((RESULTS / "speed.json").read_text())
    machine = found["machine"]
    stops = list(next(iter(found["results"].values()))["stops"])
    lines = [
        f"What marking costs, in CPU milliseconds of one thread (median of {_runs(found)} runs, {machine['processor']},"
        f" Python {machine['python']}); `×` is the ratio to saving the same picture with Pillow's defaults:",
        "",
        "| picture | " + " | ".join(stops) + " | in all | Pillow's save | × |",
        "|---" * (len(stops) + 4) + "|",
    ]
    for name, row in found["results"].items():
        cells = [f"{row['stops'][stop]:.0f}" for stop in stops]
        cells += [f"**{row['marking']:.0f}**", f"{row['saving_with_pillow']:.0f}", f"{row['ratio']:.1f}"]
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def copy_attack() -> str:
    """Return the table of genuine parts against copied marks."""
    summary = json.loads((RESULTS / "copy_attack.json").read_text())["summary"]
    lines = [
        "Telling a part of the marked picture from a mark copied to another photograph (`benchmarks/copy_attack.py`):",
        "",
        "| | pictures | right verdict | wrong verdict | structure that agrees | PDQ distance, limit 89 of 256 |",
        "|---|---|---|---|---|---|",
    ]
    names = {
        "genuine": "crops, turns, negatives, screenshots → `disclosed`",
        "copied": "copied marks → `contested`",
    }
    for kind, words in names.items():
        row = summary[kind]
        low, high = row["structure_agreement"]
        near, far = row["pdq_distance"]
        bound = f" (at most {300 / row['n']:.0f} % at 95 %)" if row["wrong"] == 0 else ""
        cells = (
            words,
            row["n"],
            row["right"],
            f"{row['wrong']}{bound}",
            f"{low:.0%} to {high:.0%}",
            f"{near} to {far}",
        )
        lines.append("| " + " | ".join(str(cell) for cell in cells) + " |")
    return "\n".join(lines)


TABLES = {"speed": speed, "copy attack": copy_attack}


def filled(text: str) -> str:
    """Return the README's *text* with every table as the results have it."""
    for name, table in TABLES.items():
        begin, end = f"<!-- begin {name} -->", f"<!-- end {name} -->"
        before, _, rest = text.partition(begin)
        _, _, after = rest.partition(end)
        text = f"{before}{begin}\n{table()}\n{end}{after}"
    return text


def _runs(found: dict[str, dict[str, dict[str, object]]]) -> object:
    return next(iter(found["results"].values()))["runs"]


if __name__ == "__main__":
    README.write_text(filled(README.read_text()))
    print(f"wrote {', '.join(TABLES)} into {README.name}")
