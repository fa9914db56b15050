"""The soak of the ASGI door in miniature; twenty minutes of it are in ``benchmarks/results/asgi_soak.json``."""

import asyncio
import sys
from pathlib import Path

import pytest
from asgi_messages import ask

# The benchmarks are run from the repository and not installed.
sys.path.insert(0, str(Path(__file__).parents[2]))

from benchmarks import asgi_soak
from benchmarks.asgi_traffic import EXACT, KINDS, answer_to, disclosed


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("soaked")


@pytest.fixture(scope="module")
def app(folder):
    return disclosed(folder)


@pytest.mark.timeout(120)
def test_ten_seconds_of_mixed_traffic_lose_no_byte_and_leave_no_file_unmarked(tmp_path):
    found = asyncio.run(asgi_soak.soak(tmp_path, 10, fill=2))
    assert (found["examples of what is wrong"], found["wrong"]) == ([], 0)
    assert found["errors that the application did not send"] == 0
    assert found["responses"] > 30
    assert found["files verified"] > 5


@pytest.mark.parametrize("kind", ["png", "sound", "pictures", "page", "chat", "data", "binary"])
def test_a_body_with_a_byte_lost_or_doubled_is_found(app, folder, kind):
    path = f"{EXACT}/{kind}/1"
    checks, body = asgi_soak.Checks(folder), ask(app, path).body
    checks.body(path, body)
    middle = len(answer_to(path).body) // 2
    for damaged in (body[:middle] + body[middle + 1 :], body[:middle] + body[middle : middle + 1] + body[middle:]):
        with pytest.raises(Exception, match=r".") as caught:
            checks.body(path, damaged)
        assert isinstance(caught.value, (asgi_soak.WrongAnswerError, ValueError, EOFError, OSError))


@pytest.mark.parametrize("kind", ["png", "jpeg", "sound", "pictures", "page", "chat"])
def test_what_left_as_the_application_made_it_is_found(folder, kind):
    with pytest.raises(asgi_soak.WrongAnswerError, match=r"unmarked|notice|field"):
        asgi_soak.Checks(folder).body(f"/{kind}/1", answer_to(f"/{kind}/1").body)


def test_memory_that_grows_is_not_called_flat(tmp_path):
    asked = asgi_soak.Traffic(tmp_path, 1)
    for grown, flat in ((0.0, True), (0.1, False)):
        series = [(second, 100 + grown * second, 9, 4) for second in range(101)]
        assert asgi_soak.summary(series, asked)["memory"]["met"] is flat


def test_the_application_answers_the_same_twice():
    for kind in KINDS:
        assert answer_to(f"/{kind}/7") == answer_to(f"{EXACT}/{kind}/7")
