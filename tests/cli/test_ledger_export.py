"""The export of a ledger appears whole or not at all."""

from click.testing import CliRunner
from ledgers import append, forge

from disclose.cli import commands
from disclose.profile import Profile


def test_an_export_that_finds_a_gap_leaves_no_file(tmp_path, monkeypatch):
    monkeypatch.setenv("DISCLOSE_HOME", str(tmp_path / "disclose"))
    with Profile(folder=tmp_path / "disclose").ledger() as ledger:
        for _ in range(3):
            append(ledger)
        ledger.checkpoint()
        forge(ledger, "DELETE FROM entries WHERE number = 3")
    (tmp_path / "export.jsonl").write_text("an earlier one")
    done = CliRunner().invoke(commands, ["ledger", "export", str(tmp_path / "export.jsonl")])
    assert done.exit_code != 0
    assert [one.name for one in tmp_path.iterdir() if one.is_file()] == ["export.jsonl"]
    assert (tmp_path / "export.jsonl").read_text() == "an earlier one"
