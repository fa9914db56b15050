"""What the README shows a newcomer is what happens."""

import json
import os
import re
import runpy
import shlex
import shutil
import socket
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from pictures import decoded, encoded, photograph
from system_parts import need

import disclose
from disclose.configuration.file import NAMED_BY
from disclose.configuration.settings import SETTINGS
from disclose.profile import Profile
from disclose.signing import Signer

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text()
SNIPPETS = re.findall(r"```(\w+)\n(.*?)```", README, re.DOTALL)
PYTHON = [code for language, code in SNIPPETS if language == "python"]
COMPLETE = [code for code in PYTHON if "import" in code]
SHELL = [code for language, code in SNIPPETS if language == "sh"]


def run_python(code, folder):
    return subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code], capture_output=True, text=True, cwd=folder, check=False
    )


@pytest.mark.parametrize("code", COMPLETE, ids=["function", "gradio", "conversation", "asgi", "texts"])
def test_every_complete_snippet_runs(code, tmp_path):
    done = run_python(code, tmp_path)
    assert done.returncode == 0, done.stderr
    if "print(disclose.verify" in code:
        assert done.stdout.strip() == "disclosed"


def test_the_before_and_after_runs_and_its_comments_are_true(tmp_path):
    before, after = (code for code in PYTHON if "import" not in code)
    (tmp_path / "photo.jpg").write_bytes(encoded(photograph("coffee", 600, 400), "JPEG"))
    setting = (
        "import disclose, types\nfrom PIL import Image\n"
        "picture = Image.open('photo.jpg').convert('RGB')\nprompt = 'a boat'\n"
        "def pipe(prompt): return types.SimpleNamespace(images=[picture])\n"
    )
    undetermined = "\nassert disclose.verify('boat.png').outcome == 'undetermined'\n"
    disclosed = (
        "\nassert disclose.verify('boat.png').outcome == 'disclosed'\n"
        "Image.open('boat.png').resize((480, 320)).crop((20, 20, 460, 300)).save('shot.jpg', quality=80)\n"
        "assert disclose.verify('shot.jpg').outcome == 'disclosed'\n"
    )
    done = run_python(setting + before + undetermined + after + disclosed, tmp_path)
    assert done.returncode == 0, done.stderr


def test_the_commands_run_as_they_stand(tmp_path):
    (commands,) = (code for code in SHELL if "disclose mark" in code)
    (tmp_path / "boat.png").write_bytes(encoded(photograph("coffee", 600, 400)))
    for line in commands.splitlines():
        command = f"{sys.executable} -m {line}"
        done = subprocess.run(command, shell=True, capture_output=True, text=True, cwd=tmp_path, check=False)  # noqa: S602
        assert done.returncode == 0, (line, done.stderr)


@contextmanager
def running(command, folder):
    """Run the README's *command* for a detector on a free port, and give its address."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = str(free.getsockname()[1])
    arguments = [sys.executable, "-m", *shlex.split(command, comments=True), "--port", port, "--processes", "1"]
    process = subprocess.Popen(arguments, env={**os.environ, "DISCLOSE_HOME": str(folder)}, cwd=folder)
    try:
        address, deadline = f"http://127.0.0.1:{port}", time.monotonic() + 60
        while True:
            try:
                assert httpx.get(f"{address}/health").is_success
                break
            except httpx.TransportError:
                assert process.poll() is None, "the detector did not start"
                assert time.monotonic() < deadline, "the detector does not answer"
                time.sleep(0.1)
        yield address
    finally:
        process.terminate()
        try:
            process.wait(timeout=30)
        finally:
            process.kill()


@pytest.fixture
def shot(tmp_path):
    """Put a picture that was issued here and has lost its metadata where the README has it."""
    profile = Profile(folder=tmp_path, keep_manifests=True)
    marked = disclose.mark(encoded(photograph("coffee", 600, 400)), profile, system="Acme Studio").data
    (tmp_path / "shot.jpg").write_bytes(encoded(decoded(marked), "JPEG", quality=90))
    return tmp_path


def commands(word):
    """Return the lines of the one snippet in which *word* stands."""
    (code,) = (code for code in SHELL if word in code)
    return code.splitlines()


def test_the_detector_answers_as_it_is_asked(shot):
    need(bool(shutil.which("exiftool")), "apt-get install libimage-exiftool-perl")
    need(bool(shutil.which("curl")), "apt-get install curl")
    assert [printed(line, shot) for line in commands("exiftool")] == [""]
    _, serving = commands('".[serve]"')
    with running(serving, shot) as address:
        lines = [line.replace("http://127.0.0.1:8000", address) for line in commands("/v1/verify")]
        found, _, checked = [printed(line, shot) for line in lines]
    assert json.loads(found)["outcome"] == "disclosed"
    assert "intact" in checked


def test_a_lost_manifest_is_found_as_it_is_asked_for(shot):
    need(bool(shutil.which("curl")), "apt-get install curl")
    serving, asking = commands("/matches/byContent")
    with running(serving, shot) as address:
        (match,) = json.loads(printed(asking.replace("http://127.0.0.1:8000", address), shot))["matches"]
        described = httpx.get(f"{address}/openapi.json").json()["paths"]
        recovered = httpx.get(f"{address}/manifests/{match['manifestId']}")
    assert match["manifestId"].startswith("urn:c2pa:")
    assert recovered.headers["Content-Type"] == "application/c2pa"
    named = re.findall(r"`(/(?:matches|manifests)/[^`]+)`", README)
    assert len(named) == 3
    assert set(named) <= described.keys()


def printed(line, folder):
    command = re.sub(r"^disclose ", f"{sys.executable} -m disclose ", line)
    surroundings = {**os.environ, "DISCLOSE_HOME": str(folder)}
    caught = {"capture_output": True, "text": True, "check": False}
    done = subprocess.run(command, shell=True, cwd=folder, env=surroundings, **caught)  # noqa: S602
    assert done.returncode == 0, (line, done.stderr)
    return done.stdout


def test_every_row_of_forgeries_names_a_test_that_there_is():
    (row,) = re.findall(r"`(test_\w+)\[…\]`", README)
    script = runpy.run_path(str(ROOT / "tests" / "detector" / "test_forgeries.py"))
    (parameters,) = (mark for mark in script[row].pytestmark if mark.name == "parametrize")
    tested = [parameters.kwargs["ids"](one) for one in parameters.args[1]]
    table = README.partition("<!-- begin forgeries -->\n")[2].partition("\n<!-- end")[0].splitlines()[2:]
    names = [line.split(" | ")[0].removeprefix("| ") for line in table]
    assert names
    assert names == tested


def test_the_test_command_is_the_one_that_continuous_integration_runs():
    command = 'pip install -e ".[dev]" && pytest'
    assert f"{command}\n" in SHELL
    (pattern,) = re.findall(r"--line-regexp '([^']+)' README\.md", (ROOT / ".ci" / "run").read_text())
    assert re.fullmatch(pattern, command)


def test_the_tables_are_those_of_the_results(monkeypatch):
    monkeypatch.syspath_prepend(ROOT)
    from benchmarks.readme import filled

    assert filled(README) == README


def test_the_pictures_it_shows_are_there():
    shown = re.findall(r"!\[[^]]*\]\(([^)]+)\)", README)
    assert shown
    for path in shown:
        assert (ROOT / path).read_bytes().startswith(b"\x89PNG")


def test_the_variables_it_names_are_those_that_are_read():
    named = set(re.findall(r"`(DISCLOSE_[A-Z_]+)`", README)) - {"DISCLOSE_", NAMED_BY}
    assert named
    assert named <= {setting.environment for setting in SETTINGS.values()}


def test_the_profile_it_shows_leaves_nothing_missing(tmp_path):
    (profile,) = (code for language, code in SNIPPETS if language == "toml")
    (tmp_path / "disclose.toml").write_text(profile)
    for name, source in {"chain.pem": "certificates.pem", "key.pem": "private_key.pem"}.items():
        Signer.development(tmp_path / "identity")
        (tmp_path / name).write_bytes((tmp_path / "identity" / source).read_bytes())
    (tmp_path / "README.md").write_text("---\nlicense: mit\nbase_model: acme/base\n---\n# acme/sketch\n")
    for command in ("show", "check"):
        done = subprocess.run(
            [sys.executable, "-m", "disclose", "profile", command],
            capture_output=True,
            text=True,
            cwd=tmp_path,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        assert "Acme Studio" in done.stdout or command == "check"
