"""Write the README's tables from the committed results.

    python -m benchmarks.readme

A test holds the README to what this writes, so that no figure in it is ever typed.
"""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

from benchmarks.common import RESULTS
from benchmarks.intervals import percent
from benchmarks.text_tables import texts
from disclose.detector.forgeries import table as forgeries

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


def engine_speed() -> str:
    """Return the tables of what the image watermark alone costs, how that grows, and which bars are not met."""
    found = json.loads((RESULTS / "speed.json").read_text())["engine"]
    machine, sizes, to_pillow = found["machine"], found["by size"], "to Pillow's JPEG"
    lines = [
        "The image watermark alone, over six photographs of 1 MP, in CPU milliseconds of one thread (median and range,"
        f" {found['runs']} runs each, {machine['processor']}, Python {machine['python']}); `×` is the ratio to"
        " Pillow's JPEG of the same picture:",
        "",
        "| at 1 MP | median | range | × |",
        "|---|---|---|---|",
    ]
    for name, row in found["at 1 MP"].items():
        low, high = row["range"]
        cells = (name, f"{row['median']:.0f}", f"{low:.0f}–{high:.0f}", f"{row[to_pillow]:.1f}")
        lines.append("| " + " | ".join(cells) + " |")
    names = list(next(iter(sizes.values())))
    lines += [
        "",
        "How it grows, one picture in four sizes, in CPU milliseconds (and for each MP); `search` is what a full"
        " detection takes beyond a fast one:",
        "",
        "| MP | " + " | ".join(names) + " |",
        "|---" * (len(names) + 1) + "|",
    ]
    for megapixels, row in sizes.items():
        medians = {name: row[name]["median"] for name in names}
        each = {name: f" ({median / float(megapixels):.0f})" for name, median in medians.items() if name != "search"}
        cells = [f"{median:.0f}{each.get(name, '')}" for name, median in medians.items()]
        lines.append(f"| {megapixels} | " + " | ".join(cells) + " |")
    lines += ["", _threads_and_memory(found)]
    bars = found["bars"]
    lost = [_bar(bar) for bar in bars if bar["met"] is False]
    unsure = [_bar(bar) for bar in bars if bar["met"] is None]
    lines += ["", f"{sum(bar['met'] is True for bar in bars)} of our {len(bars)} bars are met" + _but(lost)]
    if unsure:
        lines[-1] += f" Left open, the second core being in use by others: {'; '.join(unsure)}."
    return "\n".join(lines)


def credentials() -> str:
    """Return the table of what signing and verifying cost, and which bars are not met."""
    found = json.loads((RESULTS / "speed.json").read_text())["credentials"]
    machine = found["machine"]
    lines = [
        "Content Credentials alone, pictures of 1 MP, an ES256 key in a file, in milliseconds on the clock (median of"
        f" {found['runs']} runs, {machine['processor']}, Python {machine['python']}):",
        "",
        "| | sign | verify | look at an unsigned one | Pillow's JPEG | bytes added |",
        "|---|---|---|---|---|---|",
    ]
    for name, row in found["formats"].items():
        times = [
            f"{row[kind]['median']:.1f}" for kind in ("sign", "verify", "look at an unsigned one", "Pillow's JPEG")
        ]
        lines.append(f"| {name} | " + " | ".join(times) + f" | {row['added bytes']:,} |")
    if (grown := found["memory grown, MB"]) is not None:
        lines += ["", f"2,000 signings and readings leave {grown:.1f} MB behind."]
    lost = [_bar(bar) for bar in found["bars"] if not bar["met"]]
    lines += ["", f"{len(found['bars']) - len(lost)} of our {len(found['bars'])} bars are met" + _but(lost)]
    return "\n".join(lines)


def gradio() -> str:
    """Return the table of what an event of a disclosed Gradio app takes beyond marking, and what a crowd waits."""
    found = json.loads((RESULTS / "gradio.json").read_text())
    events, at_once, machine = found["events"], found["at once"], found["machine"]
    width, height = found["pixels"]
    lines = [
        f"Events of a Gradio app (Gradio {found['gradio']}), with and without the door, in milliseconds on the clock"
        f" (medians of {events['text']['pairs']} pairs, pictures of {width}×{height}, {machine['processor']}, Python"
        f" {machine['python']}, load {found['load before']} on {machine['cores']} cores); the bar is"
        f" {events['text']['at most']:.0f} ms beyond marking:",
        "",
        "| event | plain | disclosed | added | marking alone | beyond marking (middle half) | met |",
        "|---|---|---|---|---|---|---|",
    ]
    for name, row in events.items():
        low, high = row["quartiles"]
        cells = [f"{row[one]:.0f}" for one in ("plain", "disclosed", "added", "marking")]
        cells += [
            f"{row['beyond marking']:.1f} ({low:.0f} to {high:.0f})",
            {True: "yes", False: "**no**", None: "open"}[row["met"]],
        ]
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    waits = [
        f"{row['median'] / 1000:.1f} s, the last {row['last'] / 1000:.1f} s, {name}" for name, row in at_once.items()
    ]
    count = at_once["plain"]["sessions"]
    lines += ["", f"{count} sessions that ask at once for a picture of 256 px wait (median) {'; '.join(waits)}."]
    return "\n".join(lines)


def asgi() -> str:
    """Return the table of what the ASGI door costs where it has nothing to mark, and what a soak has shown."""
    found = json.loads((RESULTS / "asgi.json").read_text())
    machine, loads = found["machine"], list(found["load before"].values())
    lines = [
        "An ASGI application with and without `DiscloseMiddleware`, in turns (`python -m benchmarks.asgi`,"
        f" {machine['processor']}, Python {machine['python']}, load {min(loads)} to {max(loads)} on"
        f" {machine['cores']} cores; medians, with their 95 % intervals, or with"
        " all there is where there are fewer than 6 pairs):",
        "",
        "| | without | with | measured | bar | met |",
        "|---|---|---|---|---|---|",
        _cost("CPU of a request to a trivial route, µs", found["CPU"], "×"),
    ]
    for server, row in found["throughput"].items():
        lines.append(_cost(f"requests a second, {server}", row, "×"))
        by_time = {**row, **row["by CPU seconds of the server"]}
        lines.append(_cost("the same, by the server's CPU time", by_time, "×", bare=True))
        if (floor := row.get("of a header alone")) is not None:
            lines.append(f"| the same, of the least middleware that adds a header | | | {floor} × | | |")
    for row in found["first bytes"]:
        name = {"chat": "a chat", "events": "an unknown stream"}[row["stream"]]
        lines.append(
            _cost(f"first byte of {name}, {row['at once']} at once, begun {row['begun']}, ms", row, " ms more")
        )
    for row in found["memory"]:
        name = {"chat": "chats", "events": "unknown streams"}[row["stream"]]
        lines.append(_cost(f"KB for each of {row['open']} open {name}", row, " KB more"))
    return "\n".join([*lines, "", _soak()])


def _cost(name: str, row: dict[str, object], unit: str, *, bare: bool = False) -> str:
    kind = "at least" if "at least" in row else "at most"
    values = [value for key, value in row.items() if key.startswith(("plain, ", "disclosed, "))]
    cells = ["", ""] if bare else [f"{value:,}" for value in values]
    low, high = row.get("interval", (None, None))
    few = f", all of {row['pairs']}" if row.get("pairs", 6) < 6 else ""
    spread = "" if low is None else f" ({low:.2f} to {high:.2f}{few})"
    met = {True: "yes", False: "**no**", None: "open"}[row["met"]]
    measured = f"{row['measured']:.2f}{unit}{spread}"
    return "| " + " | ".join([name, *cells, measured, f"{kind} {row[kind]:g}", met]) + " |"


def _soak() -> str:
    found = json.loads((RESULTS / "asgi_soak.json").read_text())
    return (
        f"{_soaked(found, 'python -m benchmarks.asgi_soak')} The allocator of the C library keeps a heap for each"
        " thread, and they fill up with pieces; with two in all:"
        f" {_soaked(json.loads((RESULTS / 'asgi_soak_arenas.json').read_text()), 'MALLOC_ARENA_MAX=2')}"
    )


def _soaked(found: dict[str, object], how: str) -> str:
    memory, files = found["memory"], found["open files at half and at the end"]
    return (
        f"{found['seconds'] / 60:.0f} minutes of mixed traffic (`{how}`):"
        f" {found['responses']:,} responses, each held against what the application sent, {found['files verified']:,}"
        f" different marked files verified; {found['wrong']} wrong,"
        f" {found['errors that the application did not send']} errors that the application did not send. The memory of"
        f" the server changed by {memory['growth, %']:+.1f} % along the second half (at most {memory['at most']:g} %,"
        f" {'met' if memory['met'] else '**not met**'}: {memory['MB at half']:.0f} MB,"
        f" {memory['slope, MB an hour']:+.1f} MB an hour), its open files from {files[0]} to {files[1]}."
    )


def ledger() -> str:
    """Return the table of what a record takes, how fast the ledger is, and what it lost when it was killed."""
    found = json.loads((RESULTS / "ledger.json").read_text())
    stores = {"SQLite": found["sqlite"], "PostgreSQL": found["postgresql"]}
    pictures = [store["pictures"] for store in stores.values()]
    large = [store["large"] for store in stores.values()]
    appended = [store[f"append_{callers}_callers"] for callers in (1, 32) for store in stores.values()]
    kills = [store["kills"] for store in stores.values()]
    together = [store["append_2_processes"] for store in stores.values()]
    rows = {
        f"bytes that the record of a picture takes, with all indexes and the tree (at most {pictures[0]['at_most']})": [
            f"{row['bytes_per_record']:.0f} among {row['records']:,}{'' if row['met'] else ': **not met**'}"
            for row in pictures
        ],
        "appended a second by one caller, each on disk": [f"{row['records_per_second']:,}" for row in appended[:2]],
        "by 32 callers at once": [f"{row['records_per_second']:,}" for row in appended[2:]],
        "by two processes with 16 callers each": [f"{row['records_per_second']:,}" for row in together],
        "found by an identifier, ms (median)": [
            f"{row['id_milliseconds_median']:.1f} among {row['records']:,}" for row in large
        ],
        "checked a second by `disclose ledger verify`": [f"{row['verified_per_second']:,.0f}" for row in large],
        "writers killed; records acknowledged, and lost": [
            f"{row['kills']}; {row['acknowledged']:,}, {row['lost']}" for row in kills
        ],
        "load of the two cores while 32 callers appended, and while entries were looked for and checked": [
            f"{many['load_of_the_machine']:.1f}, {row['load_of_the_machine']:.1f}"
            for many, row in zip(appended[2:], large, strict=True)
        ],
    }
    machine = found["machine"]
    lines = [
        f"The ledger (`python -m benchmarks.ledger`, {machine['processor']}, {machine['cores']} cores that others used"
        " too):",
        "",
        "| | " + " | ".join(stores) + " |",
        "|---|---|---|",
        *(f"| {words} | " + " | ".join(cells) + " |" for words, cells in rows.items()),
        "",
        _likeness(found["memory"]["likeness"]),
    ]
    return "\n".join(lines)


def _likeness(found: Any) -> str:
    """Return a sentence on the search for pictures that look alike."""
    random, alike = (found[kind]["eight_views_within_70_bits"] for kind in ("random", "near_duplicates_of_photographs"))
    return (
        f"A picture is looked for among the fingerprints of {found['hashes']:,}, turned and mirrored in all eight ways"
        f" and within 70 of 256 bits, in {random['milliseconds_median']:.1f} ms (99 % within"
        f" {random['milliseconds_p99']:.1f}) where they are random, and in {alike['milliseconds_median']:.1f} ms"
        f" ({alike['milliseconds_p99']:.1f}) where there are near duplicates of it. The bar is 5 ms."
    )


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
        "genuine": "crops, turns, negatives, screenshots, shown on a page → `disclosed`",
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


def robustness() -> str:
    """Return, for each size, the table of what our watermark and its peers survive, and which bars are not met."""
    found = json.loads((RESULTS / "robustness.json").read_text())
    return "\n\n".join(_robustness_at(size, result) for size, result in found.items())


def calibration() -> str:
    """Return how many unmarked crops were examined, what was found in them, and what had been claimed."""
    efforts = json.loads((RESULTS / "calibration.json").read_text())["efforts"]
    lines = [
        "Unmarked crops of photographs, textures, screenshots, drawings, noise, gradients, tilings and periodic"
        " patterns, and of pictures with *another* key's mark (`benchmarks/calibration.py`). A mark is reported where p"
        " is at most 1e-6. In brackets: what is claimed at most.",
        "",
        "| effort | crops | payloads reported | p of presence ≤ 0.1 (10 %) | ≤ 0.01 (1 %) | ≤ 0.001 (0.1 %) | ≤ 1e-6"
        " | one place and payload, ≤ 0.001 (0.1 %) |",
        "|---" * 8 + "|",
    ]
    for effort, entry in efforts.items():
        found = entry["summary"]
        rates = found["rates"]
        seen = [f"{100 * rates[claimed]['presence'] / found['crops']:.2g} %" for claimed in ("0.1", "0.01", "0.001")]
        one = rates["0.001"]
        cells = [
            effort,
            f"{found['crops']:,}",
            f"{found['payloads_reported']} (at most {found['bound_at_95']:.1g} at 95 %)",
            *seen,
            str(rates["1e-06"]["presence"]),
            f"{100 * one['statistic'] / one['of_statistics']:.2g} % of {one['of_statistics']:,}",
        ]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


TABLES = {
    "forgeries": forgeries,
    "robustness": robustness,
    "calibration": calibration,
    "speed": speed,
    "engine speed": engine_speed,
    "credentials": credentials,
    "asgi": asgi,
    "gradio": gradio,
    "texts": texts,
    "ledger": ledger,
    "copy attack": copy_attack,
}


def filled(text: str) -> str:
    """Return the README's *text* with every table as the results have it."""
    for name, table in TABLES.items():
        begin, end = f"<!-- begin {name} -->", f"<!-- end {name} -->"
        before, _, rest = text.partition(begin)
        _, _, after = rest.partition(end)
        text = f"{before}{begin}\n{table()}\n{end}{after}"
    return text


def _robustness_at(size: str, result: dict[str, object]) -> str:
    peers = result["peers"]
    groups = Counter(result["attacks"].values())
    counted = ", ".join(f"{count} of {group}" for group, count in groups.items())
    lines = [
        f"Pictures of **{size} px**, {len(result['attacks'])} attacks ({counted}): how often the whole payload came"
        " back, with the 95 % interval:",
        "",
        "| | " + " | ".join(f"**{name}**" if name == "disclose" else name for name in peers) + " |",
        "|---" * (len(peers) + 1) + "|",
    ]
    rows = [(f"{group}, photographs", group, "photograph") for group in groups]
    rows.append(("value, hard pictures (logos, pages, dark …)", "value", "hard"))
    table = {
        words: [_rate(peer["classes"].get(group, {}).get(kind)) for peer in peers.values()]
        for words, group, kind in rows
    }
    table["bits"] = [str(peer["bits"]) for peer in peers.values()]
    table["PSNR of photographs: mean, least"] = [_quality(peer, "psnr", ".1f") for peer in peers.values()]
    table["SSIM of photographs: mean, least"] = [_quality(peer, "ssim", ".3f") for peer in peers.values()]
    table["wrong payloads"] = [_wrong(peer) for peer in peers.values()]
    table["payloads in unmarked pictures"] = [_false(peer) for peer in peers.values()]
    table[f"CPU ms at {_megapixels(peers)} MP: embed, detect"] = [_times(peer) for peer in peers.values()]
    lines += [f"| {words} | " + " | ".join(cells) + " |" for words, cells in table.items()]
    for name, why in result["not_measured"].items():
        lines += ["", f"Not measured: {name} ({why})."]
    if "disclose" in peers:
        bars = peers["disclose"]["bars"]
        lost = [_bar(bar) for bar in bars if not bar["met"]]
        lines += ["", f"{len(bars) - len(lost)} of our {len(bars)} bars at this size are met" + _but(lost)]
    return "\n".join(lines)


def _rate(cell: dict[str, object] | None) -> str:
    if cell is None:
        return "–"
    low, high = (100 * bound for bound in cell["interval"])
    return f"{percent(cell['rate'])} ({low:.0f}–{high:.0f}), n = {cell['n']}"


def _quality(peer: dict[str, object], measure: str, form: str) -> str:
    quality = peer["quality"].get("photograph")
    return f"{quality[f'{measure}_mean']:{form}}, {quality[f'{measure}_least']:{form}}" if quality else "–"


def _wrong(peer: dict[str, object]) -> str:
    if peer["returns_bits_always"]:
        return "returns bits always"
    return str(sum(len(attacks) for attacks in peer["wrong_payloads"].values()))


def _false(peer: dict[str, object]) -> str:
    if peer["returns_bits_always"]:
        return "returns bits always"
    found = peer["false_positives"]
    return f"{found['hits']} in {found['n']} (at most {100 * found['rate_at_most']:.2g} %)" if found else "–"


def _times(peer: dict[str, object]) -> str:
    times = peer["speed"]["cpu_ms"]
    return f"{times['embed']:.0f}, {times['detect']:.0f}" if "detect" in times else "–"


def _megapixels(peers: dict[str, dict[str, object]]) -> str:
    return f"{next(iter(peers.values()))['speed']['megapixels']:.2g}"


def _bar(bar: dict[str, object]) -> str:
    kind = "at least" if "at least" in bar else "at most"
    return f"{bar['bar']} {bar['measured']} ({kind} {bar[kind]})"


def _but(lost: list[str]) -> str:
    return f"; not yet: {'; '.join(lost)}." if lost else "."


def _threads_and_memory(found: dict[str, dict]) -> str:
    threads = ", ".join(f"{name} {row['median']:.2f} times" for name, row in found["two threads"].items())
    memory = " and ".join(f"{name} {planes:.1f}" for name, planes in found["memory"].items())
    return (
        f"What two threads gain over one with 16 pictures, on the clock: {threads} (the load of the machine was"
        f" {found['load before']} before, on {found['machine']['cores']} cores). At 50 MP the peak of memory, in"
        f" float32 planes of the picture beside it and its copy: {memory}."
    )


def _runs(found: dict[str, dict[str, dict[str, object]]]) -> object:
    return next(iter(found["results"].values()))["runs"]


def main() -> None:
    """Write the tables into the README."""
    README.write_text(filled(README.read_text()))
    print(f"wrote {', '.join(TABLES)} into {README.name}")


if __name__ == "__main__":
    main()
