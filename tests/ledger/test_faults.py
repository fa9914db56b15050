"""Faults, as the benchmark makes them fifty times over: here a few times, to see that nothing is lost."""

import secrets
import sys
from pathlib import Path

import pytest
from ledgers import append
from postgresql import Server

# The benchmarks are run from the repository and not installed.
sys.path.insert(0, str(Path(__file__).parents[2]))

from benchmarks.ledger_faults import fill_the_disk, kill_writers, stop_the_server
from disclose.errors import LedgerError
from disclose.ledger import Ledger


def test_killing_the_writers_loses_doubles_and_breaks_nothing(place):
    done = kill_writers(str(place["location"]), place["key"], 2, threads=4)
    assert done["acknowledged"] > 0
    assert (done["lost"], done["doubled"], done["broken"]) == (0, 0, [])


def test_a_full_disk_refuses_what_it_cannot_keep_and_keeps_the_rest(tmp_path):
    done = fill_the_disk(tmp_path)
    assert done["refused"] == 3
    assert "ledger.sqlite" in done["reason"]
    assert done["acknowledged"] > 5
    assert (done["lost"], done["doubled"], done["broken"]) == (0, 0, None)


def test_a_database_that_goes_and_comes_back_is_used_again(tmp_path):
    server = Server()
    try:
        url = server.database(f"test_{secrets.token_hex(6)}")
        with Ledger(url, key=tmp_path / "key.pem") as ledger:
            done = stop_the_server(server, ledger)
    finally:
        server.close()
    assert "cannot use the ledger" in done["refused"]
    assert (done["lost"], done["broken"]) == (0, None)


@pytest.mark.parametrize("how", ["removed", "replaced"])
def test_a_file_that_was_taken_away_is_not_written_to(how, tmp_path):
    path = tmp_path / "ledger.sqlite"
    with Ledger(path) as ledger:
        append(ledger)
        path.rename(tmp_path / "taken.sqlite")
        if how == "replaced":
            Ledger(path).close()
        with pytest.raises(LedgerError, match="was opened"):
            append(ledger)
