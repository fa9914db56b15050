"""Which watermarks survive what happens to pictures, at what cost in quality and time?

    python -m benchmarks.robustness                           # our engine and every installed peer, our own attacks
    python -m benchmarks.robustness --images DIR --attacks FILE.py --size 1024 --limit N --json OUT
    python -m benchmarks.robustness --plot                    # only draw the plot of the results there are

Each picture is scaled to *size*, marked with 64 bits of its own, attacked, and read; a hit is the exact payload. A
folder's pictures count as photographs, and those in a folder called ``hard`` as hard. An attack file has ``ATTACKS``,
names to functions of uint8 RGB, and ``GROUP``, names to classes. Results of other sizes and peers in OUT are kept.
"""

from __future__ import annotations

import os

for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[variable] = "1"

import argparse
import hashlib
import importlib.util
import json
import multiprocessing
import statistics
import subprocess
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy
import PIL
from PIL import Image, ImageOps
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

from benchmarks import pictures, readme, robustness_summary
from benchmarks.common import RESULTS, encoded, machine
from benchmarks.peers import PEERS, Peer, UnavailableError, release
from disclose.errors import DiscloseError

BATCH = 10  # attacks that a worker takes at once; a peer marks a picture once for them
TIMED = 5  # photographs that are timed

Attacks = tuple[dict[str, Callable[[numpy.ndarray], numpy.ndarray]], dict[str, str]]


@dataclass(frozen=True, kw_only=True)
class Task:
    """What every worker needs to know."""

    images: Path | None
    attacks: Path | None
    size: int
    unmarked: bool


def measured(task: Task, peers: dict[str, int | None], workers: int, console: Console) -> dict[str, object]:
    """Return the results of all *peers*, each with its limit of pictures, at the size of *task*."""
    functions, groups = attacks_of(task.attacks)
    absent = {}
    found: dict[str, dict[str, object]] = {}
    jobs = []
    for name, limit in peers.items():
        try:
            peer = _peer(name)
        except UnavailableError as reason:
            absent[name] = str(reason)
            continue
        chosen = pictures.names(task.images, limit)
        console.print(f"timing {name} …")
        found[name] = _about(peer, chosen) | {"speed": _speed(task, peer, chosen)}
        for picture in chosen:
            attacks = list(functions)
            jobs += [(name, picture, attacks[start : start + BATCH]) for start in range(0, len(attacks), BATCH)]
    rows = {name: [] for name in found}
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, TimeRemainingColumn(), console=console) as progress:
        bar = progress.add_task(f"{len(functions)} attacks at {task.size} px", total=sum(len(job[2]) for job in jobs))
        for name, batch in _done(task, jobs, workers):
            rows[name] += batch
            progress.advance(bar, len(batch))
    for name, about in found.items():
        about |= robustness_summary.summary(rows[name], groups, validates=not about["returns_bits_always"])
    if "disclose" in found:
        found["disclose"]["bars"] = robustness_summary.bars(task.size, found["disclose"])
    return {
        "images": str(task.images.name) if task.images else "the project's own",
        "attack_file": str(task.attacks.name) if task.attacks else "benchmarks/attacks.py",
        "attacks": {name: groups[name] for name in functions},
        "peers": found,
        "not_measured": absent,
    }


def attacks_of(path: Path | None) -> Attacks:
    """Return ``ATTACKS`` and ``GROUP`` of the file at *path*, or the project's own."""
    if path is None:
        from benchmarks import attacks as module
    else:
        specification = importlib.util.spec_from_file_location("attack_file", path)
        module = importlib.util.module_from_spec(specification)
        specification.loader.exec_module(module)
    lost = set(module.ATTACKS) - set(module.GROUP)
    if lost:
        raise SystemExit(f"These attacks have no class in GROUP: {', '.join(sorted(lost))}")
    return dict(module.ATTACKS), dict(module.GROUP)


def merged(path: Path, size: int, result: dict[str, object]) -> dict[str, object]:
    """Return what is in *path* with *result* in it: other sizes stay, and other peers of the same measurement."""
    whole = json.loads(path.read_text()) if path.exists() else {}
    before = whole.get(str(size), {})
    if all(before.get(part) == result[part] for part in ("images", "attack_file", "attacks")):
        peers = before["peers"] | result["peers"]
        absent = before["not_measured"] | result["not_measured"]
        order = [name for name in PEERS if name in peers]
        result = result | {
            "peers": {name: peers[name] for name in order},
            "not_measured": {name: why for name, why in absent.items() if name not in peers},
        }
    return dict(sorted((whole | {str(size): result}).items(), key=lambda entry: -int(entry[0])))


def _done(task: Task, jobs: list[tuple], workers: int) -> Iterator[tuple[str, list[dict[str, object]]]]:
    if workers == 1:
        _prepare(task)
        for job in jobs:
            yield job[0], _batch(job)
        return
    # Fresh interpreters: torch and OpenCV have threads that a fork would leave in the middle of something.
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(workers, context, _prepare, (task,)) as pool:
        for job, batch in zip(jobs, pool.map(_batch, jobs), strict=True):
            yield job[0], batch


_task: Task


def _prepare(task: Task) -> None:
    global _task  # one task in the life of a worker
    _task = task
    for cached in (_peer, _picture, _marked, _functions):
        cached.cache_clear()
    warnings.simplefilter("ignore")  # a peer's; ours are errors in the tests


def _batch(job: tuple[str, tuple[str, str], list[str]]) -> list[dict[str, object]]:
    """Return what became of one picture's mark under some attacks."""
    peer_name, (name, kind), attacks = job
    peer, picture = _peer(peer_name), _picture(name, kind)
    marked, about = _marked(peer_name, name, kind)
    rows = []
    for attack in attacks:
        row = {"picture": name, "kind": kind, "attack": attack, **about}
        change = _functions()[attack]
        try:
            attacked = None if marked is None else change(marked.copy())
            unmarked = change(picture.pixels.copy()) if _task.unmarked and peer.validates else None
        except Exception as error:  # an attack that cannot be made on this picture says nothing about a watermark
            rows.append(row | {"skipped": f"{type(error).__name__}: {error}"[:120]})
            continue
        if attacked is not None:
            row |= _outcome(peer, attacked, payload_for(name, peer.bits))
        if unmarked is not None:
            # Nothing was put in, so a payload found here is a false positive whatever it is.
            row["unmarked"] = _outcome(peer, unmarked, None)
        rows.append(row)
    return rows


def _outcome(peer: Peer, pixels: numpy.ndarray, payload: int | None) -> dict[str, object]:
    try:
        found = peer.detect(numpy.ascontiguousarray(pixels))
    except Exception as error:  # a peer may refuse or break on any size; that is a miss, and said
        return {"outcome": "missed", "error": f"{type(error).__name__}: {error}"[:120]}
    if found is None:
        return {"outcome": "missed"}
    if found == payload:
        return {"outcome": "exact"}
    return {"outcome": "wrong" if peer.validates else "missed"}


def payload_for(name: str, bits: int) -> int:
    """Return the payload of the picture called *name*: random, and always the same."""
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big") >> (64 - bits)


@lru_cache(maxsize=8)
def _peer(name: str) -> Peer:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return PEERS[name]()


@lru_cache(maxsize=2)
def _picture(name: str, kind: str) -> pictures.Picture:
    return pictures.load(name, kind, _task.size, _task.images)


@lru_cache(maxsize=2)
def _marked(peer_name: str, name: str, kind: str) -> tuple[numpy.ndarray | None, dict[str, object]]:
    """Return the marked picture and what marking did to its quality; None if it cannot be marked."""
    peer, original = _peer(peer_name), _picture(name, kind).pixels
    try:
        marked = peer.embed(original, payload_for(name, peer.bits))
    except Exception as error:  # every attack on it then counts as missed
        return None, {"outcome": "missed", "not_marked": f"{type(error).__name__}: {error}"[:200]}
    psnr = peak_signal_noise_ratio(original, marked, data_range=255) if (original != marked).any() else 99.0
    ssim = structural_similarity(
        original, marked, channel_axis=2, data_range=255, gaussian_weights=True, sigma=1.5, use_sample_covariance=False
    )
    return marked, {"psnr": round(float(psnr), 2), "ssim": round(float(ssim), 4)}


@lru_cache(maxsize=1)
def _functions() -> dict[str, Callable[[numpy.ndarray], numpy.ndarray]]:
    return attacks_of(_task.attacks)[0]


def _about(peer: Peer, chosen: Sequence[tuple[str, str]]) -> dict[str, object]:
    return {
        "version": release(peer.package),
        "commit": _commit() if peer.name == "disclose" else None,
        "machine": machine() | {"pillow": PIL.__version__},
        "bits": peer.bits,
        "returns_bits_always": not peer.validates,
        "n_pictures": {kind: sum(1 for _, its in chosen if its == kind) for kind in ("photograph", "hard")},
    }


def _commit() -> str | None:
    folder = Path(__file__).parent.parent
    try:
        named = subprocess.run(
            ["git", "describe", "--always", "--dirty"],  # noqa: S607
            capture_output=True,
            text=True,
            cwd=folder,
            check=True,
        )
    except (OSError, subprocess.CalledProcessError):
        return None
    return named.stdout.strip()


def _speed(task: Task, peer: Peer, chosen: Sequence[tuple[str, str]]) -> dict[str, object]:
    """Return median CPU milliseconds on squares of *size*, before the workers start, beside saving the same as PNG."""
    names = [entry for entry in chosen if entry[1] == "photograph"][:TIMED] or list(chosen[:1])
    times: dict[str, list[float]] = {}

    def clocked(what: str, do: Callable[[], object]) -> object:
        started = time.process_time()
        result = do()
        times.setdefault(what, []).append(1000 * (time.process_time() - started))
        return result

    for warm, (name, kind) in enumerate([names[0], *names]):
        if warm == 0 and peer.name != "disclose":
            continue  # only ours is quick enough for its caches to matter
        whole = Image.fromarray(pictures.load(name, kind, task.size, task.images).pixels)
        square = ImageOps.fit(whole, (task.size, task.size), Image.Resampling.LANCZOS)
        pixels, payload = numpy.array(square), payload_for(name, peer.bits)
        try:
            marked = clocked("embed", lambda: peer.embed(pixels, payload))  # noqa: B023
            if hasattr(peer, "embed_unchecked"):
                clocked("embed without its check", lambda: peer.embed_unchecked(pixels, payload))  # noqa: B023
            clocked("detect", lambda: peer.detect(marked))  # noqa: B023
            if peer.validates:
                clocked("detect in an unmarked picture", lambda: peer.detect(pixels))  # noqa: B023
        except DiscloseError:
            continue
        clocked("save as PNG", lambda: encoded(square, "PNG"))  # noqa: B023
        clocked("save as JPEG", lambda: encoded(square, "JPEG", quality=90))  # noqa: B023
        if warm == 0:
            times.clear()
    medians = {what: round(statistics.median(values), 1) for what, values in times.items()}
    reference = medians.get("save as PNG")
    return {
        "megapixels": round(task.size**2 / 1e6, 2),
        "n": len(times.get("detect", ())),
        "cpu_ms": medians,
        "times_saving_as_png": {what: round(value / reference, 2) for what, value in medians.items() if reference},
    }


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, print and write the results, draw them, and bring the README up to date with the project's own."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--images", type=Path, help="folder of pictures (default: the project's own)")
    parser.add_argument("--attacks", type=Path, help="Python file with ATTACKS and GROUP (default: the project's own)")
    parser.add_argument("--size", type=int, default=1024, help="longer side of every picture (default 1024)")
    parser.add_argument("--limit", type=int, help="pictures for our engine (default: all)")
    parser.add_argument("--peers", nargs="+", choices=PEERS, default=list(PEERS), help="default: all installed")
    parser.add_argument("--peer-limit", type=int, default=3, help="pictures for each other peer, which are slow")
    parser.add_argument("--unmarked", action="store_true", help="also look for payloads in attacked unmarked pictures")
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    parser.add_argument(
        "--json", type=Path, help="where the results go (default: the project's, or here if not its own)"
    )
    parser.add_argument("--plot", action="store_true", help="measure nothing, draw the results there are")
    chosen = parser.parse_args(arguments)
    console = Console()
    own = chosen.images is None and chosen.attacks is None
    chosen.json = chosen.json or (RESULTS if own else Path()) / "robustness.json"
    if not chosen.plot:
        task = Task(images=chosen.images, attacks=chosen.attacks, size=chosen.size, unmarked=chosen.unmarked)
        limits = {name: chosen.limit if name == "disclose" else chosen.peer_limit for name in chosen.peers}
        whole = merged(chosen.json, chosen.size, measured(task, limits, chosen.workers, console))
        chosen.json.write_text(json.dumps(whole, indent=1) + "\n")
        robustness_summary.show(whole[str(chosen.size)], console)
        console.print(f"wrote {chosen.json}")
    if chosen.plot or chosen.json.parent == RESULTS:
        from benchmarks.robustness_plot import draw

        console.print(f"drew {draw(json.loads(chosen.json.read_text()), chosen.json.with_suffix('.png'))}")
        if chosen.json.parent == RESULTS:
            readme.main()


if __name__ == "__main__":
    main()
