import json
import shutil
import subprocess
import sys

from system_parts import need

from disclose.demo.story import tell

EXPECTED = ["disclosed", "disclosed", "disclosed", "contested", "contested", "undetermined", "indicated"]


def test_every_line_of_the_story_holds(profile):
    lines = list(tell(profile))
    assert [line.outcome for line in lines] == EXPECTED
    assert all(line.holds for line in lines), [line for line in lines if not line.holds]


def test_a_line_that_does_not_hold_fails_the_story(profile, monkeypatch):
    from disclose.demo import story

    monkeypatch.setattr(story, "_forged", lambda original, marked: story.photograph("coffee"))
    assert [line.holds for line in tell(profile)] == [True, True, True, True, False, True, True]


def test_the_command_tells_it_without_touching_the_user_s_ledger(tmp_path):
    done = subprocess.run(
        [sys.executable, "-W", "error", "-m", "disclose", "demo", "--once", "--json"], capture_output=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert [json.loads(line)["outcome"] for line in done.stdout.splitlines()] == EXPECTED
    assert not (tmp_path / "home").exists()


def test_the_story_opens_no_connection(tmp_path):
    need(shutil.which("strace") is not None, "apt-get install strace")
    trace = tmp_path / "trace"
    command = ["strace", "-f", "-qq", "-e", "trace=network", "-o", trace]
    done = subprocess.run(
        [*command, sys.executable, "-m", "disclose", "demo", "--once"], capture_output=True, check=False, timeout=110
    )
    assert done.returncode == 0, done.stderr
    assert "AF_INET" not in trace.read_text()


def test_the_tracer_would_have_seen_a_connection(tmp_path):
    need(shutil.which("strace") is not None, "apt-get install strace")
    trace = tmp_path / "trace"
    code = "import socket; socket.socket().connect_ex(('127.0.0.1', 9))"
    command = ["strace", "-f", "-qq", "-e", "trace=network", "-o", trace, sys.executable, "-c", code]
    subprocess.run(command, check=True)
    assert "AF_INET" in trace.read_text()
