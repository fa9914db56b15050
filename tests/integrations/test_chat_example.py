"""The example chat: its key is whole or not there, and its model falls silent when nobody reads on."""

import random
import stat
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from importlib.util import find_spec
from pathlib import Path

import numpy
import pytest
from system_parts import need_package, need_smollm2

import disclose
from disclose.watermark.text import gumbel
from disclose.watermark.text.prf import BLOCK

pytestmark = [pytest.mark.filterwarnings("ignore"), pytest.mark.timeout(400)]
EXAMPLES = Path(__file__).parent.parent.parent / "examples"
QUESTION = [{"role": "user", "content": "Write a long story in which a lighthouse matters."}]


@pytest.fixture(scope="module", autouse=True)
def in_examples():
    sys.path.insert(0, str(EXAMPLES))
    yield
    sys.path.remove(str(EXAMPLES))


@pytest.fixture
def chat():
    need_package(find_spec("gradio") is not None, "pip install 'disclose-ai[gradio]'")
    import chat

    return chat


@pytest.fixture
def smollm2(monkeypatch):
    need_smollm2()
    import smollm2
    import torch

    torch.set_num_threads(1)
    monkeypatch.setattr(smollm2, "_closing", threading.Event())
    return smollm2


def writers():
    """Return the threads in which a model may be writing."""
    return {one for one in threading.enumerate() if one.name.startswith("ThreadPoolExecutor")}


def test_the_key_is_its_owners_alone_from_the_start_and_stays(chat, tmp_path, monkeypatch):
    modes = []
    link = chat.os.link
    monkeypatch.setattr(chat.os, "link", lambda old, new: (modes.append(Path(old).stat().st_mode), link(old, new))[1])
    profile = chat.profile_in(tmp_path / "records")
    (key,) = profile.text_key_files
    written = key.read_bytes()
    assert len(written) == 32
    assert [stat.S_IMODE(mode) for mode in (*modes, key.stat().st_mode)] == [0o600, 0o600]
    assert chat.profile_in(tmp_path / "records").text_key_files[0].read_bytes() == written
    assert [one.name for one in key.parent.iterdir()] == [key.name]


def test_a_key_that_cannot_be_written_in_full_leaves_nothing_behind(chat, tmp_path, monkeypatch):
    def full(handle):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(chat.os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        chat.profile_in(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_of_two_chats_that_start_at_once_both_have_one_key(chat, tmp_path):
    def started(_):
        chat.make_key(tmp_path / "smollm2.key")
        return (tmp_path / "smollm2.key").read_bytes()

    with ThreadPoolExecutor(8) as pool:
        assert len(set(pool.map(started, range(32)))) == 1


def test_an_answer_carries_its_label_and_is_found_again_where_it_stands(chat, smollm2, tmp_path, monkeypatch):
    from gradio_pages import calling

    numbers = random.Random(5)  # noqa: S311
    monkeypatch.setattr(gumbel, "_fresh_seed", lambda: numpy.frombuffer(numbers.randbytes(BLOCK), "<u8"))
    monkeypatch.setattr(smollm2, "SETTINGS", smollm2.SETTINGS | {"max_new_tokens": 60, "min_new_tokens": 60})
    demo = chat.build(chat.profile_in(tmp_path))
    with calling(demo) as client:
        answer = client.predict("Write about a lighthouse.", api_name="/chat")
        assert answer.startswith("AI-generated text")
        said = answer.partition("\n\n")[2]
        sentence, stretches, _ = client.predict(f"👩‍👩‍👧‍👦 A person says: {said}", api_name="/check")
    assert sentence.startswith("**disclosed**")
    found = "".join(one["token"] for one in stretches if "watermark" in (one["class_or_confidence"] or ""))
    assert found.strip() in said
    assert len(found) > 0.6 * len(said)
    (check,) = [one.fn for one in demo.fns.values() if one.api_name == "check"]
    assert check("Half a pair: \ud800.")[0].startswith("**undetermined**")


def test_an_answer_that_nobody_reads_on_is_no_longer_written(smollm2, tmp_path):
    before, steps = writers(), []
    model = smollm2.model()
    plain = type(model).forward

    def counted(self, *arguments, **settings):
        steps.append(1)
        return plain(self, *arguments, **settings)

    @disclose.marked(profile := disclose.Profile(folder=tmp_path), system="Chat")
    def written(talk):
        yield from smollm2.answered(model, talk, min_new_tokens=600, max_new_tokens=600)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(type(model), "forward", counted)
        with closing(written(QUESTION)) as pieces:
            shown = [next(pieces) for _ in range(20)]
    assert len(steps) < 100
    assert not writers() - before
    (record,) = profile.ledger().records()
    assert record.mark_of("text").details["complete"] is False
    assert disclose.verify("".join(shown), profile).outcome is disclose.Outcome.DISCLOSED


def test_closing_the_program_ends_the_answers_that_are_being_written(smollm2):
    answer = smollm2.answered(smollm2.model(), QUESTION, min_new_tokens=600, max_new_tokens=600)
    shown = [next(answer)]
    began = time.monotonic()
    smollm2.close()
    shown += list(answer)
    assert len(shown) < 100
    assert time.monotonic() - began < 10
