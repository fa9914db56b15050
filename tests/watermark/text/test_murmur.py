"""SGLang's mark, read from token ids: its published numbers, and what a text without them cannot be made to show."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from streams import VOCABULARY, logits, overlap, written

from disclose.errors import IdentityError
from disclose.watermark.text import Reason, engines, murmur
from disclose.watermark.text.prf import engine_key

# From SGLang's tests (Apache-2.0): test_watermark_detector, the known-answer vectors shared with its CUDA selector.
SGLANG_KEYS = [0x0123456789ABCDEF, 0xFEDCBA9876543210]
SGLANG_CONTEXTS = np.array([[1, 2, 3, 4], [4, 3, 2, 1]], np.uint32)
SGLANG_CONTEXT_HASHES = [1145416960, 47748951]
SGLANG_TOKENS = np.array([0, 1, 17, 8191, 8192, 16396])
SGLANG_TOKEN_HASHES = [
    [1293512163, 858402549, 2305555132, 2450309311, 227333036, 2684237202],
    [221641642, 4015047244, 843143906, 1076944989, 3882127500, 2413234263],
]
# What the detector inside the wheel of SGLang 0.5.23 said of the ids below under its first key: (contexts, score).
SGLANG_DETECTED = {1: (112, 110.0659050515204), 4: (116, 114.06871991457511), 7: (113, 102.25890109602248)}
# And under both, by width and the probability of the first.
SGLANG_DETECTED_TWO = {
    (1, 0.5): (112, 114.89671031205427),
    (4, 0.5): (116, 129.53182434239667),
    (4, 0.2): (116, 116.29633105679403),
    (7, 0.9): (113, 103.51075698565886),
}
# Two contexts of one hash, from the same tests of SGLang.
SAME_HASH = ([55826, 167495], [62387, 187178])
KEY = SGLANG_KEYS[0]


def marked(key: int, tokens: int, width: int = 4, key_b: int | None = None) -> list[int]:
    random, ids = np.random.default_rng(1), written(9, width)
    everything = np.arange(VOCABULARY)
    for _ in range(tokens):
        (of_context,) = murmur.context_hashes(np.array([ids[-width:]], np.uint32))
        words = [word for one in (key, key_b or 0) for word in (one % 2**32, one >> 32)] + [int(of_context)]
        drawn = key if key_b is None or plainly(words) < 2**31 else key_b
        numbers = murmur.uniform(murmur.token_hashes(drawn, np.full(VOCABULARY, of_context), everything))
        ids.append(int(np.argmax(logits(random) - np.log(-np.log(numbers)))))
    return ids


@pytest.fixture(scope="module")
def answer() -> list[int]:
    return marked(KEY, 150)


def test_the_hashes_are_those_of_sglang_s_own_vectors():
    of_contexts = murmur.context_hashes(SGLANG_CONTEXTS)
    assert of_contexts.tolist() == SGLANG_CONTEXT_HASHES
    for key, one, expected in zip(SGLANG_KEYS, of_contexts, SGLANG_TOKEN_HASHES, strict=True):
        assert murmur.token_hashes(key, np.full(len(SGLANG_TOKENS), one), SGLANG_TOKENS).tolist() == expected


@pytest.mark.parametrize(("word", "expected"), [(0x87654321, 0xF55B516B), (0, 0x2362F9DE), (0xFFFFFFFF, 0x76293B50)])
def test_the_hash_is_the_published_one(word, expected):
    assert murmur.murmur3(np.array([[word]], np.uint32)).tolist() == [expected]


def plainly(words: list[int]) -> int:
    """MurmurHash3_x86_32 word by word, in whole numbers, as the recipe in SGLang's repository reads."""
    state = 0
    for word in words:
        value = word * 0xCC9E2D51 % 2**32
        value = (value << 15 | value >> 17) % 2**32 * 0x1B873593 % 2**32
        value ^= state
        state = ((value << 13 | value >> 19) % 2**32 * 5 + 0xE6546B64) % 2**32
    state ^= 4 * len(words)
    state = (state ^ state >> 16) * 0x85EBCA6B % 2**32
    state = (state ^ state >> 13) * 0xC2B2AE35 % 2**32
    return state ^ state >> 16


@given(st.lists(st.integers(0, 2**32 - 1), min_size=1, max_size=9))
def test_the_hash_reads_as_the_recipe_does(words):
    assert murmur.murmur3(np.array([words], np.uint32)).tolist() == [plainly(words)]


@pytest.mark.parametrize("width", SGLANG_DETECTED)
def test_the_score_is_that_of_sglang_s_own_detector(width):
    found = murmur.detect(written(3, 120), KEY, width=width, spans=False)
    contexts, score = SGLANG_DETECTED[width]
    assert (found.scored, found.statistic) == (contexts, pytest.approx(score, rel=1e-9))


@pytest.mark.parametrize(("width", "probability"), SGLANG_DETECTED_TWO)
def test_the_score_under_two_keys_is_that_of_sglang_s_own_detector(width, probability):
    one, other = SGLANG_KEYS
    found = murmur.detect(written(3, 120), one, width=width, spans=False, key_b=other, mixing_probability=probability)
    contexts, score = SGLANG_DETECTED_TWO[width, probability]
    assert (found.scored, found.statistic) == (contexts, pytest.approx(score, rel=1e-9))


def test_an_answer_of_a_server_with_two_keys_is_found_under_both_in_their_order_surest():
    one, other = SGLANG_KEYS
    ids = marked(one, 100, key_b=other)
    both = murmur.detect(ids, one, key_b=other).p_value
    assert both < 1e-9
    assert both < 1e-6 * min(murmur.detect(ids, key).p_value for key in SGLANG_KEYS)
    assert both < 1e-6 * murmur.detect(ids, other, key_b=one).p_value


@given(st.integers(0, 2**64 - 1), st.floats(0.01, 0.99))
def test_two_keys_that_are_the_same_are_one(key, probability):
    ids = written(4, 40)
    assert murmur.detect(ids, key, key_b=key, mixing_probability=probability) == murmur.detect(ids, key)


@pytest.mark.parametrize("probability", [0, 1, -0.5, float("nan")])
def test_a_mixing_probability_that_sglang_would_not_take_is_refused(probability):
    with pytest.raises(ValueError, match="between 0 and 1"):
        murmur.detect(written(1, 50), KEY, key_b=KEY, mixing_probability=probability)


def test_an_answer_is_found_under_its_key_and_no_other(answer):
    assert murmur.detect(answer, KEY).p_value < 1e-20
    assert murmur.detect(answer, KEY + 1).reason is Reason.NOT_FOUND
    assert murmur.detect(answer, KEY, width=5).p_value > 1e-4


@pytest.mark.parametrize("width", [1, 5, 8])
def test_other_widths_are_read(width):
    assert murmur.detect(marked(7, 60, width), 7, width=width).p_value < 1e-6


def test_a_quote_is_found_where_it_stands(answer):
    (span,) = murmur.detect(written(1, 200) + answer[20:120] + written(2, 200), KEY).spans
    assert overlap(span, 200, 300) > 0.6


def test_p_values_of_texts_without_the_mark_are_uniform():
    found = [murmur.detect(written(seed, 60), KEY, spans=False).p_value for seed in range(800)]
    assert stats.kstest(found, "uniform").pvalue > 1e-4


@given(st.integers(0, 2**64 - 1), st.integers(0, 2**16))
def test_p_values_over_keys_are_valid_whatever_the_text(key, seed):
    assert murmur.detect(written(seed, 40), key).p_value > 1e-7


def test_contexts_that_share_a_hash_count_once():
    text = [*SAME_HASH[0], 17, *SAME_HASH[1], 18]
    assert len(set(murmur.context_hashes(np.array(SAME_HASH, np.uint32)).tolist())) == 1
    assert murmur.detect(text, KEY, width=2).scored == 3


def test_tokens_that_share_a_hash_after_different_contexts_count_once():
    before, after = np.random.default_rng(1).integers(0, 2**20, (2, 400_000), dtype=np.uint32)
    hashes = murmur.token_hashes(KEY, murmur.context_hashes(before[:, None]), after)
    order = np.argsort(hashes, kind="stable")
    place = int(np.flatnonzero(np.diff(hashes[order].astype(np.int64)) == 0)[0])
    one, two = order[place], order[place + 1]
    text = [before[one], after[one], before[two], after[two]]
    assert murmur.detect(text, KEY, width=1).scored == 2


def test_the_basis_says_what_was_not_verified(answer):
    assert "not yet its texts" in murmur.detect(answer, KEY).basis


@pytest.mark.parametrize("key", [-1, 2**64, b"bytes", 1.5, True])
def test_a_key_that_sglang_would_not_take_is_refused(key):
    with pytest.raises(IdentityError, match="64 bits"):
        murmur.detect(written(1, 50), key)
    with pytest.raises(IdentityError, match="64 bits"):
        murmur.detect(written(1, 50), KEY, key_b=key)


@pytest.mark.parametrize("width", [0, 65])
def test_a_width_that_sglang_would_not_take_is_refused(width):
    with pytest.raises(ValueError, match="1 to 64"):
        murmur.detect(written(1, 50), KEY, width=width)


@pytest.mark.parametrize("length", [0, 1, 4, 5])
def test_a_short_text_is_undetermined(length):
    assert murmur.detect(written(1, length), KEY).reason is Reason.TOO_SHORT


def test_the_name_of_a_key_tells_the_engine_it_was_given_to():
    secret = b"a key that only the tests hold.."
    assert [engines.engine_of(name) for name in ("answers.sglang", "vllm", "answers", "sglang.old", "")] == [
        "sglang",
        "vllm",
        None,
        None,
        None,
    ]
    ids = marked(engine_key(secret, "sglang"), 60)
    assert engines.detect("sglang", ids, secret).reason is Reason.MARKED
    assert engines.detect("vllm", ids, secret).reason is not Reason.MARKED
