"""An answer of a real model, from its first token to the verdict on what became of it."""

import random
import sys
from pathlib import Path

import numpy
import pytest
from answers import answers, edited
from system_parts import need_smollm2

import disclose
from disclose import Outcome, Profile
from disclose.evidence import Binding
from disclose.watermark.text import gumbel
from disclose.watermark.text.prf import BLOCK

pytestmark = [pytest.mark.filterwarnings("ignore"), pytest.mark.timeout(400)]
EXAMPLES = Path(__file__).parent.parent.parent / "examples"
KEY, OTHER = b"a key that only the tests hold..", b"another key, which marked nothing"
QUESTION = [{"role": "user", "content": "Write a short story in which a lighthouse matters."}]
HUMAN = answers()[:4]


def code_points(text):
    """Return the tokens of some other model."""
    return [ord(character) for character in text]


@pytest.fixture(scope="module")
def smollm2():
    need_smollm2()
    sys.path.insert(0, str(EXAMPLES))
    try:
        import smollm2
    finally:
        sys.path.remove(str(EXAMPLES))
    return smollm2


def profile_in(folder, key=KEY, tokenizer="smollm2:token_ids"):
    folder.mkdir()
    (folder / "model.key").write_bytes(key)
    return Profile(folder=folder, text_key_files=[folder / "model.key"], tokenizers=[tokenizer])


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    return profile_in(tmp_path_factory.mktemp("home") / "disclose")


@pytest.fixture
def elsewhere(tmp_path):
    """Somebody who has the key, and no record of anything."""
    return profile_in(tmp_path / "elsewhere")


@pytest.fixture(scope="module")
def pieces(home, smollm2):
    """The answer as it was streamed: marked, and on record at home."""
    import torch

    from disclose.integrations.transformers import watermarked

    torch.set_num_threads(1)
    numbers = random.Random(5)  # noqa: S311
    model = watermarked(smollm2.model(), KEY)

    @disclose.marked(home, system="Chat", model="SmolLM2")
    def answer(talk):
        yield from smollm2.answered(model, talk, min_new_tokens=210, max_new_tokens=210)

    with pytest.MonkeyPatch.context() as patch:
        # The first tokens of an answer are drawn by chance; here, by the same in every run.
        patch.setattr(gumbel, "_fresh_seed", lambda: numpy.frombuffer(numbers.randbytes(BLOCK), "<u8"))
        return list(answer(QUESTION))


@pytest.fixture(scope="module")
def answer(pieces):
    return "".join(pieces)


def verified(text, profile):
    """Return the outcome for *text*, and what each layer that found something says."""
    verdict = disclose.verify(text.encode(), profile)
    return verdict.outcome, {one.layer: one for one in verdict.evidence if one.generated}


def test_the_answer_comes_in_pieces_and_its_bytes_lead_to_the_record(pieces, answer, home):
    assert len(pieces) > 50
    outcome, found = verified(answer, home)
    assert (outcome, found["ledger"].binding) == (Outcome.DISCLOSED, Binding.HARD)
    (record,) = home.ledger().find(found["ledger"].id)
    (duty,) = [mark.details for mark in record.marks if mark.layer == "duty"]
    assert (duty["watermark"], duty["clause"]) == (True, "AI Act Art. 50(2); Code 1.1.2")


def test_who_has_key_and_tokenizer_needs_no_record(answer, elsewhere):
    outcome, found = verified(answer, elsewhere)
    assert (outcome, set(found)) == (Outcome.DISCLOSED, {"text_watermark"})
    assert found["text_watermark"].p_value < 1e-9


def test_with_a_fifth_of_its_words_replaced_it_is_known_by_watermark_and_by_phrases(answer, home, elsewhere):
    text = edited(answer, rate=0.2)
    outcome, found = verified(text, home)
    assert outcome in (Outcome.DISCLOSED, Outcome.INDICATED)
    assert {"text_watermark", "text_fingerprint"} <= set(found)
    assert "ledger" not in found
    assert "text_watermark" in verified(text, elsewhere)[1]


def test_half_of_it_inside_a_person_s_words_is_pointed_at(answer, home, smollm2):
    half = answer[len(answer) // 4 : len(answer) // 4 + len(answer) // 2]
    before = HUMAN[0] + "\n\n"
    text = before + half + "\n\n" + HUMAN[1]
    outcome, found = verified(text, home)
    assert outcome is not Outcome.UNDETERMINED
    begin, end = len(before), len(before) + len(half)
    quoted = found["text_fingerprint"].details["spans"]
    assert all(begin <= first < last <= end for first, last in quoted)
    assert sum(last - first for first, last in quoted) > 0.5 * len(half)
    start = len(smollm2.token_ids(before))
    tokens = len(smollm2.token_ids(half))
    ((first, last),) = found["text_watermark"].details["token_spans"]
    assert start - 40 < first < last < start + tokens + 40
    assert last - first > 0.5 * tokens


@pytest.mark.parametrize("number", range(len(HUMAN)))
def test_a_person_s_text_stays_undetermined(answer, number, home):
    assert verified(HUMAN[number], home) == (Outcome.UNDETERMINED, {})


@pytest.mark.parametrize(
    ("key", "tokenizer"), [(OTHER, "smollm2:token_ids"), (KEY, f"{__name__}:code_points")], ids=["key", "tokenizer"]
)
def test_another_key_or_another_model_s_tokenizer_finds_nothing(key, tokenizer, answer, tmp_path):
    assert verified(answer, profile_in(tmp_path / "other", key, tokenizer)) == (Outcome.UNDETERMINED, {})
