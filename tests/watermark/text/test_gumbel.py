from collections import Counter
from math import log

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from streams import KEY, OTHER_KEY, VOCABULARY, logits, marked, written

from disclose.errors import IdentityError, InputError
from disclose.watermark.text import REPORT_AT, Reason, gumbel


def test_a_marked_answer_is_found_from_its_token_ids_and_the_key_alone(answer):
    found = gumbel.detect(answer, KEY)
    assert found.p_value < 1e-20
    assert found.reason is Reason.MARKED
    assert (found.scored, found.total) == (196, 200)
    assert [(span.start, span.end) for span in found.spans] == [(0, 200)]


@pytest.mark.parametrize("key", [OTHER_KEY, KEY + b".", KEY[:-1]])
def test_a_mark_is_not_seen_under_another_key(answer, key):
    assert gumbel.detect(answer, key).reason is Reason.NOT_FOUND


@pytest.mark.parametrize("width", [1, 3, 5, 8, 9])
def test_a_mark_is_read_with_the_width_it_was_written_with_and_no_other(width):
    ids = marked(2, 80, width=width)
    assert gumbel.detect(ids, KEY, width=width).p_value < 1e-6
    assert gumbel.detect(ids, KEY, width=width + 1).p_value > 1e-4


def test_a_tokenizer_that_does_not_match_finds_nothing(answer):
    shuffled = np.random.default_rng(0).permutation(VOCABULARY)
    assert gumbel.detect(shuffled[list(answer)], KEY).p_value > 1e-4


def test_tokens_are_drawn_as_often_as_the_model_says():
    probabilities = np.array([0.5, 0.3, 0.15, 0.05])
    drawn = Counter(gumbel.sample(np.log(probabilities), written(seed, 6), KEY) for seed in range(4000))
    observed = [drawn[token] for token in range(4)]
    assert stats.chisquare(observed, probabilities * 4000).pvalue > 1e-4


def test_the_same_context_and_key_draw_the_same_token_and_another_key_another():
    values = np.zeros(VOCABULARY)
    context = written(3, 10)
    assert len({gumbel.sample(values, context, KEY) for _ in range(5)}) == 1
    assert gumbel.sample(values, context, KEY) != gumbel.sample(values, context, OTHER_KEY)


def test_only_the_last_tokens_of_the_context_matter():
    values = np.zeros(VOCABULARY)
    tail = [7, 8, 9, 10]
    assert gumbel.sample(values, [1, 2, *tail], KEY) == gumbel.sample(values, [5, *tail], KEY)
    assert gumbel.sample(values, [1, 2, *tail], KEY) != gumbel.sample(values, [5, *tail[:-1], 11], KEY)


def test_the_first_tokens_of_an_answer_are_drawn_freely():
    values = np.zeros(VOCABULARY)
    prompt = written(4, 20)
    assert len({gumbel.sample(values, [*prompt, 1, 2, 3], KEY, answer_from=20) for _ in range(8)}) > 1
    assert len({gumbel.sample(values, [*prompt, 1, 2, 3, 4], KEY, answer_from=20) for _ in range(8)}) == 1


@pytest.mark.parametrize("context", [[], [1], [1, 2, 3]])
def test_a_context_shorter_than_the_window_is_drawn_freely(context):
    assert len({gumbel.sample(np.zeros(VOCABULARY), context, KEY) for _ in range(8)}) > 1


def test_a_context_that_came_before_is_drawn_freely():
    again = [1, 2, 3, 4, 50, 60, 1, 2, 3, 4]
    assert len({gumbel.sample(np.zeros(VOCABULARY), again, KEY) for _ in range(8)}) > 1
    assert len({gumbel.sample(np.zeros(VOCABULARY), again[6:], KEY) for _ in range(8)}) == 1


def test_a_run_of_one_token_is_a_context_that_came_before():
    assert len({gumbel.sample(np.zeros(VOCABULARY), [5] * 5, KEY) for _ in range(8)}) > 1


def test_a_repeated_passage_is_scored_once(answer):
    once, thrice = gumbel.detect(answer, KEY), gumbel.detect(answer * 3, KEY)
    assert thrice.scored == once.scored + 4
    assert thrice.statistic < once.statistic + 50


def test_a_text_that_repeats_itself_is_undetermined_for_that_reason():
    found = gumbel.detect(written(5, 60) * 5, KEY)
    assert found.reason is Reason.TOO_PREDICTABLE
    assert "repeats itself" in found.summary


@pytest.mark.parametrize("length", [0, 1, 4, 5, 20])
def test_a_short_text_is_undetermined_for_that_reason(length):
    found = gumbel.detect(written(6, length), KEY)
    assert found.reason is Reason.TOO_SHORT
    assert found.total == length
    assert found.summary.startswith("undetermined: too short")


def test_nothing_found_is_never_called_human():
    for ids in (written(7, 300), [], [1] * 300):
        found = gumbel.detect(ids, KEY)
        assert found.summary.startswith("undetermined")
        assert "human" not in found.summary
    with pytest.raises(TypeError, match="no truth value"):
        bool(found)


def test_a_little_entropy_leaves_too_little_mark_and_the_summary_says_how_much_was_needed():
    found = gumbel.detect(marked(8, 100, spread=50), KEY)
    assert found.p_value > REPORT_AT
    assert 0.5 < found.detectable_nats < 2
    assert f"{found.detectable_nats:.1f} nats" in found.summary


def test_p_values_of_texts_without_the_mark_are_uniform():
    whole = [gumbel.detect(written(seed, 60), KEY, spans=False).p_value for seed in range(1500)]
    assert stats.kstest(whole, "uniform").pvalue > 1e-4


def test_with_the_search_for_parts_a_p_value_is_as_rare_as_it_claims():
    found = np.array([gumbel.detect(written(seed, 120), KEY).p_value for seed in range(1500)])
    for claimed in (0.1, 0.03, 0.01):
        assert stats.binomtest(int((found <= claimed).sum()), len(found), claimed, "greater").pvalue > 1e-4


def test_excluded_tokens_are_never_drawn():
    random = np.random.default_rng(9)
    for seed in range(50):
        values = logits(random)
        values[random.choice(VOCABULARY, VOCABULARY - 3, replace=False)] = -np.inf
        assert np.isfinite(values[gumbel.sample(values, written(seed, 8), KEY)])


def test_excluding_tokens_does_not_change_the_numbers_of_the_others():
    values = logits(np.random.default_rng(10))
    context = written(11, 9)
    chosen = gumbel.sample(values, context, KEY)
    fewer = np.full(VOCABULARY, -np.inf)
    fewer[[chosen, 0, 500, 999]] = values[[chosen, 0, 500, 999]]
    assert gumbel.sample(fewer, context, KEY) == chosen


@given(size=st.sampled_from([1, 2, 3, 8191, 8192, 8193, 16385]), seed=st.integers(0, 50))
@settings(max_examples=30, deadline=None)
def test_a_vocabulary_of_any_size_is_drawn_from_as_one(size, seed):
    values = np.random.default_rng(seed).normal(0, 1, size)
    token = gumbel.sample(values, written(seed, 8), KEY)
    padded = np.full(3 * size + 1, -np.inf)
    padded[:size] = values
    assert 0 <= token < size
    assert gumbel.sample(padded, written(seed, 8), KEY) == token


def test_a_vocabulary_of_one_word_draws_it_and_marks_nothing():
    ids = []
    for _ in range(40):
        ids.append(gumbel.sample(np.zeros(1), ids, KEY))
    assert ids == [0] * 40
    assert gumbel.detect(ids, KEY).scored == 1


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_logits_of_any_precision_are_drawn_from(dtype):
    values = np.array([0.0, 20.0, -np.inf], dtype)
    assert gumbel.sample(values, written(1, 5), KEY) == 1


def test_logits_of_any_size_are_safe():
    values = np.array([-3e38, 3e38, 0.0], np.float32)
    assert gumbel.sample(values, written(1, 5), KEY) == 1


@pytest.mark.parametrize(
    ("values", "advice"),
    [
        ([0.0, np.nan], "NaN"),
        ([0.0, np.inf], "plus infinity"),
        ([-np.inf, np.nan], "NaN"),
        ([-np.inf, -np.inf], "excluded"),
        ([], "excluded"),
        ([[0.0, 1.0]], "one row"),
    ],
)
def test_logits_that_are_no_distribution_are_refused(values, advice):
    with pytest.raises(InputError, match=advice):
        gumbel.sample(np.array(values, float), [1, 2, 3, 4], KEY)


def test_whole_numbers_are_no_logits():
    with pytest.raises(InputError, match="one row of floats"):
        gumbel.sample(np.array([0, 1]), [1, 2, 3, 4], KEY)


@pytest.mark.parametrize("ids", [[-1, 2], [2**32], [0.5, 1.5], [[1, 2], [3, 4]], ["a", "b"]])
def test_what_is_no_row_of_token_ids_is_refused(ids):
    with pytest.raises(InputError, match="token id"):
        gumbel.detect(ids, KEY)


@pytest.mark.parametrize("key", [b"", b"short", b"fifteen bytes..", "a string of more than sixteen"])
def test_a_key_that_could_be_guessed_is_refused(key):
    with pytest.raises(IdentityError, match="16 bytes"):
        gumbel.detect([1, 2, 3], key)
    with pytest.raises(IdentityError, match="16 bytes"):
        gumbel.sample(np.zeros(4), [1, 2, 3, 4], key)


@pytest.mark.parametrize("width", [0, -1, 65])
def test_a_window_that_is_no_window_is_refused(width):
    with pytest.raises(ValueError, match="1 to 64"):
        gumbel.detect([1, 2, 3], KEY, width=width)


@pytest.mark.parametrize("start", [-1, 4])
def test_an_answer_that_begins_outside_its_context_is_refused(start):
    with pytest.raises(ValueError, match="answer"):
        gumbel.sample(np.zeros(4), [1, 2, 3], KEY, answer_from=start)


@given(ids=st.lists(st.integers(0, 2**32 - 1), max_size=200), key=st.binary(min_size=16, max_size=80))
@settings(max_examples=60, deadline=None)
def test_any_token_ids_give_a_p_value(ids, key):
    found = gumbel.detect(ids, key)
    assert 0 < found.p_value <= 1
    assert 0 <= found.scored <= max(len(ids) - 4, 0)
    assert all(0 <= span.start < span.end <= len(ids) for span in found.spans)


@given(st.lists(st.floats(0.001, 1), min_size=1, max_size=30))
def test_a_mark_scores_at_least_what_its_entropy_promises(weights):
    """E[-ln(1 - u)] of the drawn token is the sum of p H(1/p), with H the harmonic number, by Beta(1/p, 1)."""
    from scipy.special import digamma

    from disclose.watermark.text.significance import GAIN

    p = np.array(weights) / sum(weights)
    expected = float((p * (digamma(1 / p + 1) + np.euler_gamma)).sum())
    entropy = -float((p * np.log(p)).sum())
    assert expected >= 1 + GAIN * entropy - 1e-9
    assert entropy <= log(len(p)) + 1e-9
