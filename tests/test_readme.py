"""What the README shows a newcomer is what happens."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
from pictures import encoded, photograph

from disclose.configuration.file import NAMED_BY
from disclose.configuration.settings import SETTINGS
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
