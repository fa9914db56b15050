"""What the rows of a robustness measurement come to: rates with their intervals, misses, and the project's bars."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from rich.console import Console
from rich.table import Table

from benchmarks.intervals import at_most, wilson

Row = dict[str, object]

CLASSES = ("value", "geometry", "chain", "regeneration")
KINDS = ("photograph", "hard")
# Least exact rates, by size, class and kind of picture; then the quality of photographs, and CPU milliseconds at 1 MP.
RATES = {
    1024: {
        ("value", "photograph"): 0.99,
        ("value", "hard"): 0.90,
        ("geometry", "photograph"): 0.97,
        ("chain", "photograph"): 0.95,
        ("regeneration", "photograph"): 0.80,
    },
    512: {("value", "photograph"): 0.95, ("geometry", "photograph"): 0.90, ("chain", "photograph"): 0.80},
}
PSNR_MEAN = {1024: 45.0, 512: 42.0}
PSNR_LEAST = {1024: 40.0}
SSIM_LEAST = {1024: 0.985}
MILLISECONDS = {1024: {"embed without its check": 20, "embed": 60, "detect": 40, "detect in an unmarked picture": 300}}


def summary(rows: Sequence[Row], groups: dict[str, str], *, validates: bool) -> dict[str, object]:
    """Return what *rows* say of one peer."""
    found: dict[str, object] = {"pictures": _pictures(rows), "quality": _quality(rows)}
    found["skipped"] = _by_picture(row for row in rows if "skipped" in row)
    rows = [row for row in rows if "skipped" not in row]
    order = list(dict.fromkeys(groups.values()))
    found["classes"] = {
        group: {kind: cell for kind in KINDS if (cell := _rate(_these(rows, groups, group, kind)))} for group in order
    }
    found["attacks"] = {
        attack: {kind: [_exact(these), len(these)] for kind in KINDS if (these := _under(rows, attack, kind))}
        for attack in dict.fromkeys(row["attack"] for row in rows)
    }
    found["misses"] = _by_picture(row for row in rows if row["outcome"] == "missed")
    found["errors"] = dict(Counter(row["error"] for row in rows if "error" in row).most_common(12))
    found["wrong_payloads"] = None
    found["false_positives"] = None
    if validates:
        found["wrong_payloads"] = _by_picture(row for row in rows if row["outcome"] == "wrong")
        looked = [row for row in rows if "unmarked" in row]
        if looked:
            hits = [row for row in looked if row["unmarked"]["outcome"] == "wrong"]
            found["false_positives"] = {
                "n": len(looked),
                "hits": len(hits),
                "rate_at_most": round(at_most(len(hits), len(looked)), 5),
                "where": _by_picture(hits),
            }
    return found


def bars(size: int, result: dict[str, object]) -> list[dict[str, object]]:
    """Return each bar that the project has for pictures of *size*, what was measured, and whether it is met."""
    found = []

    def bar(name: str, limit: float, measured: float | None, *, least: bool) -> None:
        if measured is not None:
            met = measured >= limit if least else measured <= limit
            found.append({"bar": name, "at least" if least else "at most": limit, "measured": measured, "met": met})

    quality = result["quality"].get("photograph", {})
    for name, limits, key in (
        ("mean PSNR of photographs, dB", PSNR_MEAN, "psnr_mean"),
        ("least PSNR of a photograph, dB", PSNR_LEAST, "psnr_least"),
        ("least SSIM of a photograph", SSIM_LEAST, "ssim_least"),
    ):
        if size in limits:
            bar(name, limits[size], quality.get(key), least=True)
    for (group, kind), limit in RATES.get(size, {}).items():
        cell = result["classes"].get(group, {}).get(kind)
        bar(f"exact rate, {group}, {kind}s", limit, cell["rate"] if cell else None, least=True)
    wrong = sum(len(attacks) for attacks in result["wrong_payloads"].values())
    bar("wrong payloads", 0, wrong, least=False)
    if result["false_positives"]:
        bar("false positives", 0, result["false_positives"]["hits"], least=False)
    for what, limit in MILLISECONDS.get(size, {}).items():
        bar(f"CPU ms at 1 MP, {what}", limit, result["speed"]["cpu_ms"].get(what), least=False)
    return found


def show(result: dict[str, object], console: Console) -> None:
    """Print the results of one size."""
    table = Table(title=f"exact payload, {len(result['attacks'])} attacks, photographs / hard pictures")
    table.add_column("")
    for name in result["peers"]:
        table.add_column(name)
    for group in dict.fromkeys(result["attacks"].values()):
        table.add_row(group, *(_both(peer["classes"].get(group, {})) for peer in result["peers"].values()))
    console.print(table)
    for name, peer in result["peers"].items():
        console.print(f"{name}: {peer['quality']}\n  {peer['speed']['cpu_ms']}")
    for name, why in result["not_measured"].items():
        console.print(f"{name}: not measured, {why}")
    ours = result["peers"].get("disclose")
    for entry in ours["bars"] if ours else ():
        console.print(("[green]met[/]   " if entry["met"] else "[red]missed[/] ") + str(entry))
    if ours:
        weak = Counter(attack for attacks in ours["misses"].values() for attack in attacks)
        console.print(f"most missed: {dict(weak.most_common(15))}")
        console.print(f"wrong payloads: {ours['wrong_payloads']}; false positives: {ours['false_positives']}")


def _both(cells: dict[str, dict[str, object]]) -> str:
    return " / ".join(f"{cells[kind]['exact']}/{cells[kind]['n']}" if kind in cells else "–" for kind in KINDS)


def _these(rows: Sequence[Row], groups: dict[str, str], group: str, kind: str) -> list[Row]:
    return [row for row in rows if groups[row["attack"]] == group and row["kind"] == kind]


def _under(rows: Sequence[Row], attack: str, kind: str) -> list[Row]:
    return [row for row in rows if row["attack"] == attack and row["kind"] == kind]


def _exact(rows: Sequence[Row]) -> int:
    return sum(row["outcome"] == "exact" for row in rows)


def _rate(rows: Sequence[Row]) -> dict[str, object] | None:
    if not rows:
        return None
    exact = _exact(rows)
    interval = [round(bound, 4) for bound in wilson(exact, len(rows))]
    return {"exact": exact, "n": len(rows), "rate": round(exact / len(rows), 4), "interval": interval}


def _pictures(rows: Sequence[Row]) -> dict[str, Row]:
    kept = ("kind", "psnr", "ssim", "not_marked")
    return {row["picture"]: {key: row[key] for key in kept if key in row} for row in rows}


def _quality(rows: Sequence[Row]) -> dict[str, Row]:
    found = {}
    for kind in KINDS:
        those = [about for about in _pictures(rows).values() if about["kind"] == kind and "psnr" in about]
        if those:
            psnr, ssim = [about["psnr"] for about in those], [about["ssim"] for about in those]
            found[kind] = {
                "psnr_mean": round(sum(psnr) / len(psnr), 2),
                "psnr_least": min(psnr),
                "ssim_mean": round(sum(ssim) / len(ssim), 4),
                "ssim_least": min(ssim),
            }
    return found


def _by_picture(rows: Iterable[Row]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for row in rows:
        found.setdefault(row["picture"], []).append(row["attack"])
    return found
