"""The house stands as drawn: what may import what, what importing costs, and what is public."""

import subprocess
import sys
from pathlib import Path

import pytest

import disclose

ROOT = Path(__file__).parent.parent
HEAVY = ("torch", "gradio", "scipy", "c2pa", "sqlalchemy", "numpy", "PIL", "cryptography")


def test_importing_disclose_pulls_nothing_heavy():
    code = f"import sys, disclose; print([name for name in {HEAVY!r} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_importing_disclose_takes_less_than_a_tenth_of_a_second():
    code = "import time; start = time.process_time(); import disclose; print(time.process_time() - start)"
    times = [
        float(subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout)
        for _ in range(3)
    ]
    assert min(times) < 0.1


def test_every_public_name_is_there():
    for name in disclose.__all__:
        assert getattr(disclose, name) is not None
    assert set(disclose.__all__) <= set(dir(disclose))
    with pytest.raises(AttributeError, match="nonsense"):
        _ = disclose.nonsense


def test_imports_go_down_the_storeys():
    command = [sys.executable, "-c", "from importlinter.cli import lint_imports_command; lint_imports_command()"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)
    assert done.returncode == 0, done.stdout
    assert "0 broken" in done.stdout


def test_heavy_imports_stay_with_their_one_owner():
    owners = {"import c2pa": {"layers/c2pa_engine.py"}, "import pdqhash": {"layers/fingerprint.py"}}
    for statement, expected in owners.items():
        found = {
            str(path.relative_to(ROOT / "disclose"))
            for path in (ROOT / "disclose").rglob("*.py")
            if any(line.strip() == statement for line in path.read_text().splitlines())
        }
        assert found == expected
