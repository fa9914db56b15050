import hashlib
import json
from functools import reduce
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from streams import KEY, OTHER_KEY, logits, overlap, written

from disclose.errors import IdentityError, InputError
from disclose.watermark.text import Reason, synthid
from disclose.watermark.text.contexts import first_of_their_kind
from disclose.watermark.text.saddlepoint import Tail

TRANSFORMERS = json.loads((Path(__file__).parents[2] / "fixtures/text/synthid.json").read_text())
CASES = [pytest.param(case, id=str(case["settings"]["sampling_table_size"])) for case in TRANSFORMERS["cases"]]
IDS = np.array(TRANSFORMERS["ids"], np.uint32)


def theirs(case) -> synthid.Tournament:
    return synthid.Tournament(keys=tuple(TRANSFORMERS["keys"]), **case["settings"])


def ngrams(length: int) -> np.ndarray:
    return np.lib.stride_tricks.sliding_window_view(IDS, length)


@pytest.fixture(scope="module")
def answer() -> list[int]:
    random, ids = np.random.default_rng(1), written(10_001, 4)
    tournament = synthid.Tournament.from_secret(KEY)
    for _ in range(196):
        ids.append(synthid.sample(logits(random), ids, tournament, random=random.random))
    return ids


@pytest.mark.parametrize("case", CASES)
def test_the_coin_flips_are_those_of_transformers_bit_for_bit(case):
    tournament = theirs(case)
    assert hashlib.sha256(tournament.table.tobytes()).hexdigest() == case["table_sha256"]
    assert tournament.g_values(ngrams(tournament.ngram_len)).tolist() == case["g_values"]


@pytest.mark.parametrize("case", CASES)
def test_a_tournament_changes_scores_as_transformers_does(case):
    tournament = theirs(case)
    scores = np.exp(TRANSFORMERS["scores"])
    flips = tournament.g_values_of(IDS[: tournament.ngram_len - 1], np.arange(len(scores)))
    ours = synthid.reweighted(scores / scores.sum(), flips)
    assert np.allclose(ours, case["probabilities"], rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("case", CASES)
def test_contexts_that_transformers_calls_repeated_are_not_scored(case):
    tournament = theirs(case)
    _, places = synthid.token_scores(IDS, tournament)
    new = np.flatnonzero(case["is_new_context"]) + tournament.ngram_len - 1
    assert not all(case["is_new_context"])
    assert places.tolist() == new.tolist()


def test_a_marked_answer_is_found_under_its_key_and_no_other(answer):
    found = synthid.detect(answer, KEY)
    assert found.p_value < 1e-20
    assert found.reason is Reason.MARKED
    assert [(span.start, span.end) for span in found.spans] == [(0, 200)]
    assert synthid.detect(answer, OTHER_KEY).reason is Reason.NOT_FOUND


def test_a_quote_is_found_where_it_stands(answer):
    (span,) = synthid.detect(written(1, 300) + answer[50:150] + written(2, 300), KEY).spans
    assert overlap(span, 300, 400) > 0.6


def test_a_tournament_keeps_the_distribution_on_average_over_keys():
    values = np.log([0.5, 0.3, 0.15, 0.05])
    random = np.random.default_rng(3)
    drawn = [
        synthid.sample(values, [1, 2, 3, 4], synthid.Tournament.from_secret(random.bytes(16)), random=random.random)
        for _ in range(800)
    ]
    observed = np.bincount(drawn, minlength=4)
    assert stats.chisquare(observed, np.exp(values) * 800).pvalue > 1e-4


def test_p_values_of_texts_without_the_mark_are_uniform():
    tournament = synthid.Tournament.from_secret(KEY)
    found = [synthid.detect(written(seed, 80), tournament, spans=False).p_value for seed in range(1000)]
    assert stats.kstest(found, "uniform").pvalue > 1e-4


@pytest.mark.parametrize(("draws", "within"), [(5, 0.1), (40, 0.04)])
@given(seed=st.integers(0, 1000), share=st.floats(0.3, 0.7))
@settings(max_examples=10, deadline=None)
def test_the_tail_is_that_of_the_exact_convolution(draws, within, seed, share):
    """A fair comparison with a lattice is in the middle between two of its points."""
    weights = np.random.default_rng(seed).integers(1, 40, 25)
    one = reduce(
        np.convolve,
        [np.eye(1, weight + 1, 0)[0] * (1 - share) + np.eye(1, weight + 1, weight)[0] * share for weight in weights],
    )
    exact = reduce(np.convolve, [one] * draws)
    tails = exact[::-1].cumsum()[::-1]
    points = np.flatnonzero((tails < 0.999) & (tails > 1e-12))[::7]
    between = (tails[points] + tails[np.minimum(points + 1, len(tails) - 1)]) / 2
    tail = Tail.of_coins(weights.astype(float), share)
    found = tail.p_value(points.astype(float), np.full(len(points), draws))
    assert np.allclose(found / between, 1, atol=within)


def test_a_sum_beyond_all_that_is_possible_has_a_small_p_value_and_never_zero():
    tail = Tail.of_coins(np.ones(10), 0.5)
    p = tail.p_value(np.array([10.0, 200.0, 2000.0, 0.0]), np.array([1, 20, 200, 0]))
    assert (p > 0).all()
    assert p[2] < 1e-100
    assert p[3] == 1


def test_a_score_at_the_mean_is_as_likely_as_not():
    tail = Tail.of_values(np.arange(100.0))
    assert tail.p_value(np.array([49.5 * 30]), np.array([30]))[0] == pytest.approx(0.5, abs=0.01)


def test_the_keys_derive_from_the_secret_and_are_not_shown():
    tournament = synthid.Tournament.from_secret(KEY)
    assert len(set(tournament.keys)) == 30
    assert str(tournament.keys[0]) not in repr(tournament)
    assert tournament.keys != synthid.Tournament.from_secret(OTHER_KEY).keys


@pytest.mark.parametrize("keys", [(), (2**63,), (-(2**63) - 1,)])
def test_keys_that_are_none_are_refused(keys):
    with pytest.raises(ValueError, match="keys"):
        synthid.Tournament(keys=keys)


def test_a_secret_that_could_be_guessed_is_refused():
    with pytest.raises(IdentityError, match="16 bytes"):
        synthid.detect([1, 2, 3], b"short")


@pytest.mark.parametrize("values", [[np.nan, 0.0], [-np.inf, -np.inf], [np.inf, 0.0]])
def test_logits_that_are_no_distribution_are_refused(values):
    with pytest.raises(InputError):
        synthid.sample(np.array(values), [1, 2, 3, 4], synthid.Tournament.from_secret(KEY))


def test_excluded_tokens_are_never_drawn_and_a_vocabulary_of_one_is_drawn():
    tournament = synthid.Tournament.from_secret(KEY)
    only = np.array([-np.inf, 3.0, -np.inf])
    assert {synthid.sample(only, written(seed, 6), tournament) for seed in range(20)} == {1}
    assert synthid.sample(np.zeros(1), [], tournament) == 0


@pytest.mark.parametrize("length", [0, 1, 4, 5])
def test_a_short_text_is_undetermined(length):
    assert synthid.detect(written(1, length), KEY).reason is Reason.TOO_SHORT


def test_the_first_of_each_hash_is_kept_in_order():
    assert first_of_their_kind(np.array([5, 3, 5, 1, 3], np.uint64)).tolist() == [0, 1, 3]


@pytest.mark.parametrize("secret", [b"the key of the text benchmarks: not a secret", KEY])
def test_no_two_layers_derived_from_a_secret_flip_the_same_coins(secret):
    """Of the first secret, two of the first thirty numbers leave the same remainder."""
    keys = synthid.Tournament.from_secret(secret).keys
    assert len(keys) == len({key % 2**16 for key in keys}) == 30
