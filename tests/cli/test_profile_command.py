import json
import os
import subprocess
import sys

import pytest

DISCLOSE = [sys.executable, "-W", "error", "-m", "disclose"]
CARD = "---\nlicense: mit\nbase_model: acme/sketch\nbase_model_relation: finetune\nmodel_name: Boats\n---\n"


def run(*arguments, cwd, **environment):
    command = [*DISCLOSE, "profile", *arguments]
    return subprocess.run(
        command, capture_output=True, text=True, cwd=cwd, env={**os.environ, **environment}, check=False
    )


@pytest.fixture
def project(tmp_path):
    (tmp_path / "project").mkdir()
    return tmp_path / "project"


def configured(project, text):
    (project / "disclose.toml").write_text(text)
    return project


def settings(done):
    assert done.returncode == 0, done.stderr
    return {one["name"]: one for one in json.loads(done.stdout)["settings"]}


def test_show_says_of_each_setting_what_it_is_where_it_came_from_and_what_it_serves(project):
    configured(project, 'preset = "eu"\ntimestamp_url = "http://stamps.example"\n[statement]\nprovider = "Acme"')
    found = settings(run("show", "--json", cwd=project, DISCLOSE_SYSTEM="Studio"))
    assert found["timestamp_url"] == {
        "name": "timestamp_url",
        "value": "http://stamps.example",
        "from": f"{project / 'disclose.toml'}: timestamp_url",
        "clause": "Code of Practice, Sub-measure 1.1.1",
    }
    assert found["statement.system"]["from"] == "DISCLOSE_SYSTEM"
    assert found["layers"]["from"] == "preset eu"
    assert "Measure 1.1" in found["layers"]["clause"]
    assert found["strength"]["from"] == "default"
    assert found["folder"]["from"] == "DISCLOSE_HOME"


def test_piped_there_is_one_line_a_setting_and_no_colour(project):
    done = run("show", cwd=configured(project, 'role = "deployer"'))
    lines = [line.split("\t") for line in done.stdout.splitlines()]
    assert all(len(line) == 4 for line in lines)
    assert ["role", "deployer", f"{project / 'disclose.toml'}: role"] == lines[1][:3]
    assert any(line[0] == "duty" and "Art. 50(4)" in line[3] for line in lines)
    assert "\x1b" not in done.stdout


def test_a_terminal_gets_a_table_the_role_and_the_lineage(project):
    (project / "card.md").write_text(CARD)
    configured(project, 'role = "provider"\nmodel_card = "card.md"\n[statement]\nprovider = "Acme\\u001b[31m"')
    code = (
        "import os, pty, sys\n"
        "status = pty.spawn([sys.executable, '-m', 'disclose', 'profile', 'show'])\n"
        "sys.exit(os.waitstatus_to_exitcode(status))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        cwd=project,
        stdin=subprocess.DEVNULL,
        env={**os.environ, "COLUMNS": "120", "TERM": "xterm-256color"},
        check=False,
    )
    assert done.returncode == 0, done.stdout
    for expected in (
        "serves",
        "fine-tuned: Boats",
        "shared: sketch",
        "served by",
        "whether duties are met".capitalize(),
    ):
        assert expected in done.stdout
    assert "Acme�[31m" in done.stdout


def test_check_names_what_is_missing_by_clause_and_setting_with_status_one(project):
    done = run("check", cwd=configured(project, 'preset = "california"'))
    assert done.returncode == 1
    assert "22757.3(a)(1)(A)" in done.stdout
    assert "DISCLOSE_PROVIDER" in done.stdout
    complete = '\n[statement]\nprovider = "Acme"\nsystem = "Studio"\nversion = "2"'
    done = run("check", cwd=configured(project, f'preset = "california"{complete}'))
    assert done.returncode == 0, done.stdout
    assert "Nothing is missing" in done.stdout


def test_check_finds_files_that_are_not_there(project):
    configured(project, 'trust_anchors = "anchors.pem"\ncertificates = "c.pem"\nprivate_key = "k.pem"')
    done = run("check", "--json", cwd=project)
    assert done.returncode == 1
    missing = " ".join(json.loads(done.stdout)["missing"])
    assert "anchors.pem" in missing
    assert "c.pem" in missing


def test_check_advises_where_marking_is_weaker_than_the_clause(project):
    configured(
        project, 'preset = "eu"\noptional = ["image_watermark"]\n[statement]\ndetector = "https://check.example"'
    )
    done = run("check", "--json", cwd=project)
    assert done.returncode == 0
    advice = " ".join(json.loads(done.stdout)["advice"])
    assert "files may leave without it" in advice
    assert "development identity" in advice


def test_looking_makes_nothing(project, tmp_path):
    for command in ("show", "check"):
        assert run(command, cwd=project, DISCLOSE_HOME=str(tmp_path / "untouched")).returncode == 0
    assert not (tmp_path / "untouched").exists()


def test_neither_command_says_that_anybody_complies(project):
    configured(project, 'role = "provider"\npreset = "eu"\n[statement]\ndetector = "https://check.example"')
    for command in ("show", "check"):
        assert "complian" not in run(command, cwd=project).stdout.lower()


def test_a_broken_configuration_is_one_plain_sentence(project):
    done = run("show", cwd=configured(project, "layer = []"))
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert "did you mean 'layers'?" in done.stderr
