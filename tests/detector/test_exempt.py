"""Whoever is to be served without limit is: a list of them that names nobody is refused before anything is served."""

import hashlib

import pytest
from click.testing import CliRunner

from disclose.cli.serve import serve
from disclose.detector import Settings
from disclose.errors import ProfileError

TOKEN = "of a newsroom"  # noqa: S105 - no secret of anybody
HASH = hashlib.sha256(TOKEN.encode()).hexdigest()


@pytest.fixture
def served(tmp_path, monkeypatch):
    """Give what runs the command with a list of those who are exempt, and the settings that it would serve with."""
    monkeypatch.setenv("DISCLOSE_HOME", str(tmp_path / "home"))
    made = []
    monkeypatch.setattr("disclose.detector.serving.serve", lambda settings, **_: made.append(settings))

    def run(content):
        (tmp_path / "exempt.txt").write_bytes(content)
        done = CliRunner().invoke(serve, ["--exempt", str(tmp_path / "exempt.txt")])
        return done, made[-1] if made else None

    return run


@pytest.mark.parametrize(
    "content",
    [
        HASH.encode(),
        f"# media\n\n  {HASH.upper()}  \n".encode(),
        f"{HASH}  -\n".encode(),
    ],
    ids=["plain", "with a comment and in capitals", "as sha256sum prints it"],
)
def test_a_list_of_hashes_is_read(served, content):
    done, settings = served(content)
    assert done.exit_code == 0, done.output
    assert settings.is_exempt(TOKEN)
    assert not settings.is_exempt("of somebody else")


@pytest.mark.parametrize("content", [TOKEN.encode(), f"{HASH}\n{HASH[:-1]}\n".encode(), b"\xff\xfe\x00"])
def test_a_list_that_holds_something_else_is_refused_and_not_repeated(served, content):
    done, settings = served(content)
    assert settings is None
    assert isinstance(done.exception, ProfileError)
    assert "SHA-256" in str(done.exception)
    assert "newsroom" not in str(done.exception)
    assert HASH[:8] not in str(done.exception)


def test_settings_take_no_token_for_its_hash():
    with pytest.raises(ProfileError, match="SHA-256"):
        Settings(exempt=(TOKEN,))
