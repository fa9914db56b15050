"""``disclose check``, driven as a shell drives it."""

import json
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from disclose.cli import check as module
from disclose.errors import TooLargeError, UnreadableError
from disclose.notice import catalogues
from disclose.notice.linter import PLACES

GOOD = "You are interacting with an AI system."


def run(*arguments, stdin=None):
    return CliRunner().invoke(module.check, [str(argument) for argument in arguments], input=stdin)


def objects(done):
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_a_notice_that_says_what_it_is_has_status_zero():
    done = run(GOOD)
    assert (done.exit_code, "nothing found" in done.stdout) == (0, True)


def test_findings_are_printed_with_their_clause_and_have_status_one():
    done = run("I am your assistant.", GOOD)
    assert done.exit_code == 1
    shown = " ".join(done.stdout.split())
    assert "assistant-alone AI Act Art. 50(1), (5); Guidelines C(2026) 5054 ¶38, ¶142" in shown
    assert "You are interacting with an AI system." in shown


def test_findings_are_one_json_object_an_input():
    done = run("Services on this website use AI", GOOD, "--json")
    first, second = objects(done)
    assert (first["input"], [item["rule"] for item in first["findings"]]) == (
        "Services on this website use AI",
        ["uses-ai"],
    )
    assert set(first["findings"][0]) == {"rule", "clause", "message", "advice", "language"}
    assert second["findings"] == []
    assert done.exit_code == 1


def test_the_way_a_notice_is_shown_is_asked_for():
    options = ("--place", "footer", "--font-size", "9", "--contrast", "2", "--hidden", "--needs-action")
    (found,) = objects(run(GOOD, *options, "--after-first-output", "--json"))
    assert [item["rule"] for item in found["findings"]] == [
        *("only-in-footer", "hidden", "needs-action", "too-late", "too-small", "too-faint")
    ]


def test_every_place_can_be_given():
    assert tuple(PLACES) == module._PLACES


@pytest.mark.parametrize(
    ("name", "content", "status"),
    [
        ("notice.txt", GOOD, 0),
        ("notice.txt", "\ufeffIch bin Ihr Assistent.\r\n", 1),
        ("page.html", f"<!doctype html><p>{GOOD}</p>", 0),
        ("page.html", f"<!doctype html><footer>{GOOD}</footer>", 1),
        ("page", f"<html><nav>{GOOD}</nav></html>", 1),
    ],
)
def test_a_file_is_read_and_a_page_is_searched(tmp_path, name, content, status):
    (tmp_path / name).write_text(content, encoding="utf-8")
    assert run(tmp_path / name).exit_code == status


def test_standard_input_is_read():
    assert run("-", stdin=GOOD).exit_code == 0
    assert run("-", stdin="Hello").exit_code == 1


def test_what_cannot_be_read_is_said_so(tmp_path):
    (tmp_path / "picture.png").write_bytes(b"\x89PNG\xff")
    (tmp_path / "long.txt").write_text("AI " * 2_000_000)
    (tmp_path / "folder.d").mkdir()
    for name, error in (
        ("picture.png", UnreadableError),
        ("missing.txt", UnreadableError),
        ("folder.d", UnreadableError),
        ("long.txt", TooLargeError),
    ):
        raised = run(tmp_path / name).exception
        assert isinstance(raised, error)
        assert name in str(raised)


def test_without_an_input_it_asks_for_one():
    done = run()
    assert (done.exit_code, "give the text" in done.stderr) == (2, True)


def test_a_long_text_is_no_file_name():
    assert run(f"{GOOD} " * 200).exit_code == 0


def test_escape_sequences_do_not_reach_the_terminal():
    done = run("\x1b[31mYour assistant")
    assert "\x1b" not in done.stdout


def test_every_language_is_listed_with_its_review():
    listed = objects(run("--languages", "--json"))
    assert [item["language"] for item in listed] == list(catalogues())
    by_language = {item["language"]: item for item in listed}
    assert (by_language["he"]["name"], by_language["he"]["direction"]) == ("עברית", "rtl")
    assert all(item["review"] and item["by"] and item["on"] for item in listed)
    table = run("--languages")
    assert (table.exit_code, "machine-drafted" in table.stdout) == (0, True)


def test_a_broken_catalogue_stops_no_other_command():
    import subprocess

    code = "import sys, disclose.cli.check; print('disclose.notice' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
    assert Path(module.__file__).name == "check.py"
