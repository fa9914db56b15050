"""Does any damaged or hostile file crash the reader, hang it, or make it raise what it should not?

    python -m benchmarks.fuzz_reader --files 100000

Signed files of every format are mutated: bits flipped, bytes set to extremes, ends cut off, parts cut out, doubled or
brought over from another format, lengths falsified, boxes put in. Half of the changes aim at the manifest. Each file
is opened (which sniffs its type) and read by the layers ``c2pa`` and ``iptc`` in a process of its own, with a limit
on memory and on time: what dies or hangs there is counted, and the reading goes on with the next file. The changes
follow from the seed; the signatures are new each time, so ``--keep`` saves what crashed, hung, misbehaved, or took more
than a second or 500 MB. Needs the environment of the tests (``.[dev]``).
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import resource
import signal
import struct
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy

# The small files of the tests are the seeds here, and tests are not installed.
sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from media_files import media_types, small_file

from benchmarks.common import machine, write
from disclose.asset import Asset
from disclose.disclosure import Disclosure
from disclose.errors import InputError
from disclose.evidence import Evidence
from disclose.layers.c2pa import C2paLayer
from disclose.layers.iptc import IptcLayer
from disclose.signing import Signer, TrustList

# The engine asks for as much memory as a hostile value says it is long (up to 4 GB for a file of 5 KB, c2pa-rs
# 0.91.3) and copes when there is none: whoever reads strangers' files needs a limit like this one.
MEMORY = 1536 << 20
SECONDS, PATIENCE = 10, 120
SEED = 20261122
_CLOCKS = ("SIGPROF", "SIGALRM")
_EXTREMES = (0, 1, 2, 7, 8, 0x7F, 0x80, 0xFF, 0x7FFF, 0xFFFF, 0x10000, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF)


def signed_files() -> dict[str, bytes]:
    """Return one small signed file of every format."""
    with TemporaryDirectory() as folder:
        signer = Signer.development(Path(folder, "identity"))
    layer = C2paLayer(signer=lambda: signer, trust=TrustList)
    statement = Disclosure.new(system="Fuzzed", version="1")
    return {kind: layer.mark(Asset.open(small_file(kind)), statement).data for kind in media_types()}


def mutated(files: dict[str, bytes], number: int, seed: int = SEED) -> tuple[str, bytes]:
    """Return the *number*-th mutated file and the media type of the file that it was made from."""
    chance = numpy.random.default_rng((seed, number))
    kind = list(files)[number % len(files)]
    data = bytearray(files[kind])
    for _ in range(int(chance.choice((1, 1, 1, 2, 4, 16)))):
        change = CHANGES[int(chance.integers(len(CHANGES)))]
        if data:
            change(data, _place(data, chance), chance, files)
    return kind, bytes(data)


def _place(data: bytearray, chance: numpy.random.Generator) -> int:
    start = data.find(b"jumb")
    if start >= 0 and chance.random() < 0.5:
        return int(chance.integers(max(0, start - 64), min(len(data), start + 4400)))
    return int(chance.integers(len(data)))


def _flip(data, place, chance, files):
    data[place] ^= 1 << int(chance.integers(8))


def _extreme(data, place, chance, files):
    data[place] = (0, 1, 0x7F, 0x80, 0xFE, 0xFF)[int(chance.integers(6))]


def _noise(data, place, chance, files):
    size = int(chance.integers(1, 33))
    data[place : place + size] = chance.bytes(size)


def _truncate(data, place, chance, files):
    del data[place:]


def _cut(data, place, chance, files):
    del data[place : place + int(chance.integers(1, 400))]


def _double(data, place, chance, files):
    part = data[place : place + int(chance.integers(1, 2000))]
    data[place:place] = part * int(chance.integers(1, 4))


def _splice(data, place, chance, files):
    other = files[list(files)[int(chance.integers(len(files)))]]
    start = int(chance.integers(len(other)))
    part = other[start : start + int(chance.integers(1, 4000))]
    data[place : place + (len(part) if chance.random() < 0.5 else 0)] = part


def _length(data, place, chance, files):
    """Falsify a length: the four bytes before the name of a box, or any others."""
    if chance.random() < 0.7:
        name = (b"jumb", b"jumd", b"cbor", b"json", b"uuid", b"meta", b"caBX", b"C2PA")[int(chance.integers(8))]
        found = data.find(name, place)
        place = found - 4 if found >= 4 else place
    value = _EXTREMES[int(chance.integers(len(_EXTREMES)))]
    if chance.random() < 0.3:
        value = (int.from_bytes(data[place : place + 4], "big") + int(chance.integers(-9, 10))) & 0xFFFFFFFF
    data[place : place + 4] = struct.pack(("<I", ">I")[int(chance.integers(2))], value)


def _box(data, place, chance, files):
    name = (b"jumb", b"jumd", b"cbor", b"uuid", b"free", b"mdat", b"moov", b"brob")[int(chance.integers(8))]
    body = chance.bytes(int(chance.integers(0, 64)))
    for _ in range(int(chance.choice((1, 1, 2, 40)))):
        body = struct.pack(">I", len(body) + 8) + name + body
    data[place:place] = body


def _cbor(data, place, chance, files):
    """Put in nested or boundless CBOR: arrays, maps, tags, and strings that say they are long."""
    opening = (b"\x81", b"\x9f", b"\xa1\x60", b"\xbf", b"\xc1", b"\x9b" + b"\xff" * 8, b"\x5b" + b"\x7f" * 8, b"\x7f")
    data[place : place + 9] = opening[int(chance.integers(len(opening)))] * int(chance.choice((1, 3, 300)))


CHANGES = (_flip, _flip, _extreme, _noise, _truncate, _cut, _double, _splice, _length, _length, _box, _cbor)


def read(data: bytes, layers: tuple[C2paLayer | IptcLayer, ...]) -> Counter[str]:
    """Return what came of reading *data*: findings by integrity, refusals by kind, and, misbehaving, other errors."""
    said: Counter[str] = Counter()
    try:
        asset = Asset.open(data)
    except InputError as error:
        return Counter({f"open: {type(error).__name__}": 1})
    for layer in layers:
        try:
            found = list(layer.detect(asset))
            assert all(isinstance(item, Evidence) and json.dumps(item.to_dict()) for item in found)
            said[f"{layer.name}: {found[0].integrity.value if found else 'nothing'}"] += 1
        except InputError as error:
            said[f"{layer.name}: {type(error).__name__}"] += 1
        except Exception as error:
            said[f"MISBEHAVED {layer.name}: {type(error).__name__}: {str(error)[:120]}"] += 1
    return said


def _work(files, first, last, seed, position, results) -> None:
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    # The native library cannot be interrupted, so a file that takes too long ends the process.
    signal.signal(signal.SIGPROF, signal.SIG_DFL)
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    # libtiff complains on standard error, past every logger.
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
    layers = (C2paLayer(signer=_nobody, trust=TrustList), IptcLayer())
    for number in range(first, last):
        position.value = number
        kind, data = mutated(files, number, seed)
        # Work is limited as such, whatever else the machine does, and waiting by the clock.
        signal.setitimer(signal.ITIMER_PROF, SECONDS)
        signal.setitimer(signal.ITIMER_REAL, PATIENCE)
        started = time.process_time()
        said = read(data, layers)
        seconds = time.process_time() - started
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.setitimer(signal.ITIMER_REAL, 0)
        results.send((number, kind, said, seconds, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024))
    results.close()


def _nobody() -> Signer:
    raise AssertionError("reading needs no signer")


def run(count: int, *, seed: int = SEED, keep: Path | None = None, work: Callable[..., None] | None = None) -> dict:
    """Read *count* mutated files and return what happened; what is remarkable is kept in the folder *keep*.

    *work* reads them in a process of its own; it is given as a parameter so that a test can show what one does that
    dies or hangs.
    """
    files, context = signed_files(), multiprocessing.get_context("spawn")
    said: dict[str, Counter[str]] = {kind: Counter() for kind in files}
    examples: dict[str, int] = {}
    deaths: list[dict[str, object]] = []
    remarkable: list[dict[str, object]] = []
    done, slowest, memory, started, first = 0, 0.0, 0, time.perf_counter(), 0
    while first < count:
        position = context.Value("q", first)
        receiver, sender = context.Pipe(duplex=False)
        worker = context.Process(target=work or _work, args=(files, first, count, seed, position, sender))
        worker.start()
        sender.close()
        while True:
            try:
                number, kind, one, seconds, peak = receiver.recv()
            except EOFError:
                break
            said[kind].update(one)
            if seconds > 1 or peak > memory + 500 or any(key.startswith("MISBEHAVED") for key in one):
                _keep(keep, files, number, seed)
                remarkable.append({"number": number, "media_type": kind, "seconds": round(seconds, 2), "peak_mb": peak})
            done, slowest, memory = done + 1, max(slowest, seconds), max(memory, peak)
            for key in one:
                examples.setdefault(key, number)
        worker.join()
        receiver.close()
        first = count
        if worker.exitcode:
            first = position.value + 1
            kind = list(files)[position.value % len(files)]
            _keep(keep, files, position.value, seed)
            cause = signal.Signals(-worker.exitcode).name if worker.exitcode < 0 else f"exit {worker.exitcode}"
            deaths.append({"number": position.value, "media_type": kind, "cause": cause})
    total = sum(said.values(), Counter())
    wrong = {key: {"files": total[key], "example": examples[key]} for key in total if key.startswith("MISBEHAVED")}
    return {
        "machine": machine(),
        "seed": seed,
        "files": done + len(deaths),
        "seconds": round(time.perf_counter() - started, 1),
        "slowest_cpu_seconds": round(slowest, 3),
        "peak_memory_megabytes": memory,
        "memory_limit_megabytes": MEMORY >> 20,
        "cpu_seconds_limit": SECONDS,
        "crashes": [death for death in deaths if death["cause"] not in _CLOCKS],
        "hangs": [death for death in deaths if death["cause"] in _CLOCKS],
        "misbehaved": wrong,
        "remarkable": remarkable[:50],
        "said": {kind: dict(sorted(counter.items())) for kind, counter in said.items()},
    }


def _keep(folder: Path | None, files: dict[str, bytes], number: int, seed: int) -> None:
    if folder is not None:
        folder.mkdir(parents=True, exist_ok=True)
        kind, data = mutated(files, number, seed)
        (folder / f"{number}-{kind.replace('/', '-')}").write_bytes(data)


def main() -> None:
    """Run the benchmark and write its result."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--files", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--name", default="fuzz_reader", help="name of the result")
    parser.add_argument("--keep", type=Path, help="folder for the files that were remarkable")
    options = parser.parse_args()
    found = run(options.files, seed=options.seed, keep=options.keep)
    print({key: value for key, value in found.items() if key not in ("said", "machine")})
    print(write(options.name, found))


if __name__ == "__main__":
    main()
