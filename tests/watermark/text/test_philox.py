import numpy as np
import pytest
from scipy import stats
from streams import VOCABULARY, logits, overlap, written

from disclose.errors import IdentityError
from disclose.watermark.text import Reason, philox

# From vLLM's tests (Apache-2.0): tests/v1/watermarking, "compatibility vector", contexts (1, 2, 3, 4) and (4, 5, 6, 7).
VLLM_CONTEXTS = np.array([[1, 2, 3, 4], [1, 2, 3, 4], [4, 5, 6, 7], [4, 5, 6, 7]], np.uint32)
VLLM_TOKENS = np.array([7, 8, 7, 8])
VLLM_WORDS = [425429266, 2706218805, 2494036831, 3424185538]
VLLM_MANTISSAS = [1661833, 10571167, 9742331, 13375724]

# Random123, kat_vectors: philox4x32 10.
KNOWN_ANSWERS = [
    ((0, 0, 0, 0), (0, 0), (0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8)),
    (
        (0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344),
        (0xA4093822, 0x299F31D0),
        (0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1),
    ),
]


def marked(key: int, tokens: int, width: int = 4) -> list[int]:
    random, ids = np.random.default_rng(1), written(9, width)
    everything = np.arange(VOCABULARY)
    for _ in range(tokens):
        contexts = np.broadcast_to(np.array(ids[-width:], np.uint32), (VOCABULARY, width))
        numbers = philox.uniform(key, contexts, everything)
        ids.append(int(np.argmax(logits(random) - np.log(-np.log(numbers)))))
    return ids


@pytest.fixture(scope="module")
def answer() -> list[int]:
    return marked(42, 150)


def test_the_words_are_those_of_the_vectors_that_vllm_promises_to_keep():
    assert philox.words(42, VLLM_CONTEXTS, VLLM_TOKENS).tolist() == VLLM_WORDS
    expected = (np.array(VLLM_MANTISSAS) + 1) / (2**24 + 1)
    assert np.array_equal(philox.uniform(42, VLLM_CONTEXTS, VLLM_TOKENS), expected)


@pytest.mark.parametrize(("counter", "key", "expected"), KNOWN_ANSWERS)
def test_the_generator_is_the_published_one(counter, key, expected):
    words = [np.array([word], np.uint64) for word in (*counter, *key)]
    assert tuple(int(word[0]) for word in philox._philox(tuple(words[:4]), *words[4:])) == expected


def test_an_answer_is_found_under_its_key_and_no_other(answer):
    assert philox.detect(answer, 42).p_value < 1e-20
    assert philox.detect(answer, 43).reason is Reason.NOT_FOUND
    assert philox.detect(answer, 42, width=5).p_value > 1e-4


@pytest.mark.parametrize("width", [1, 5, 8])
def test_other_widths_are_read(width):
    assert philox.detect(marked(7, 60, width), 7, width=width).p_value < 1e-6


def test_either_key_of_a_dual_mark_is_found():
    for name in (b"key_a", b"key_b"):
        ids = marked(philox._derived(42, name), 80)
        assert philox.detect_dual(ids, 42).reason is Reason.MARKED
    assert philox.detect_dual(ids, 41).reason is Reason.NOT_FOUND


def test_a_quote_is_found_where_it_stands(answer):
    (span,) = philox.detect(written(1, 200) + answer[20:120] + written(2, 200), 42).spans
    assert overlap(span, 200, 300) > 0.6


def test_p_values_of_texts_without_the_mark_are_uniform():
    found = [philox.detect(written(seed, 60), 42, spans=False).p_value for seed in range(800)]
    assert stats.kstest(found, "uniform").pvalue > 1e-4


def test_the_basis_says_what_was_not_verified(answer):
    assert "held against vLLM" in philox.detect(answer, 42).basis


@pytest.mark.parametrize("key", [-1, 2**64, b"bytes", 1.5])
def test_a_key_that_vllm_would_not_take_is_refused(key):
    for read in (philox.detect, philox.detect_dual):
        with pytest.raises(IdentityError, match="64 bits"):
            read(written(1, 50), key)


@pytest.mark.parametrize("length", [0, 1, 4, 5])
def test_a_short_text_is_undetermined(length):
    assert philox.detect(written(1, length), 42).reason is Reason.TOO_SHORT
