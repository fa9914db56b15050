"""The processes that examine: as many as there are processors, each with one thread for its sums."""

import multiprocessing
import os
from pathlib import Path

from disclose.detector.pool import Pool
from disclose.profile import Profile


def test_an_examiner_keeps_to_one_processor_and_the_host_to_its_own_settings(tmp_path, monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "7")
    monkeypatch.delenv("MKL_NUM_THREADS", raising=False)
    before = set(multiprocessing.active_children())
    with Pool(Profile(folder=tmp_path), processes=1, seconds=60) as pool:
        pool.warm()
        (examiner,) = set(multiprocessing.active_children()) - before
        settings = Path(f"/proc/{examiner.pid}/environ").read_bytes().split(b"\0")
    assert {b"OMP_NUM_THREADS=1", b"OPENBLAS_NUM_THREADS=1", b"MKL_NUM_THREADS=1"} <= set(settings)
    assert os.environ["OMP_NUM_THREADS"] == "7"
    assert "MKL_NUM_THREADS" not in os.environ
