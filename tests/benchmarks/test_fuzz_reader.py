"""The fuzzer of the reader: a few hundred files here, a hundred thousand in ``benchmarks/results/fuzz_reader.json``."""

import json
import os
import signal
import sys
from collections import Counter
from pathlib import Path

# The benchmarks are run from the repository and not installed.
sys.path.insert(0, str(Path(__file__).parents[2]))

from benchmarks import fuzz_reader
from benchmarks.common import RESULTS


def test_four_hundred_mutated_files_neither_crash_nor_hang_nor_misbehave():
    found = fuzz_reader.run(400)
    assert (found["files"], found["crashes"], found["hangs"], found["misbehaved"]) == (400, [], [], {})
    assert sum(count for said in found["said"].values() for key, count in said.items() if key == "c2pa: broken") > 100


def test_the_changes_follow_from_the_seed():
    files = {"image/png": bytes(range(256)) * 20, "image/gif": b"jumb" * 900}
    for number in range(40):
        assert fuzz_reader.mutated(files, number) == fuzz_reader.mutated(files, number)
    assert fuzz_reader.mutated(files, 2) != fuzz_reader.mutated(files, 2, seed=1)


class Clumsy:
    """A layer that lets a foreign error through."""

    name = "clumsy"

    def detect(self, asset):
        raise OSError(f"no idea what {asset.media_type} is")


def test_an_error_of_a_layer_is_counted_as_misbehaviour():
    said = fuzz_reader.read(b"text", (Clumsy(),))
    assert said == {"MISBEHAVED clumsy: OSError: no idea what text/plain is": 1}


def dying(files, first, last, seed, position, results):
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    for number in range(first, last):
        position.value = number
        if number == 3:
            os.kill(os.getpid(), signal.SIGSEGV)
        if number == 5:
            signal.setitimer(signal.ITIMER_REAL, 0.05)
            signal.pause()
        results.send((number, list(files)[number % len(files)], Counter({"read": 1}), 0.0, 1))
    results.close()


def test_what_dies_or_hangs_is_counted_and_the_reading_goes_on():
    found = fuzz_reader.run(8, work=dying)
    assert [(one["number"], one["cause"]) for one in found["crashes"]] == [(3, "SIGSEGV")]
    assert [(one["number"], one["cause"]) for one in found["hangs"]] == [(5, "SIGALRM")]
    assert found["files"] == 8
    assert sum(said.get("read", 0) for said in found["said"].values()) == 6


def test_an_empty_file_is_refused_which_is_no_misbehaviour():
    assert fuzz_reader.read(b"", ()) == {"open: UnreadableError": 1}


def test_the_result_that_is_committed_saw_a_hundred_thousand_files_and_nothing_that_misbehaved():
    found = json.loads((RESULTS / "fuzz_reader.json").read_text())
    assert found["files"] >= 100_000
    assert (found["crashes"], found["hangs"], found["misbehaved"]) == ([], [], {})
